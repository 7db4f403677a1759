"""Passwords are kept hashed, in a file that only its owner reads."""

import base64
import hashlib

import pytest

from workbench.errors import DescriptionError
from workbench.ops import passwords


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "passwords"
    passwords.write(path, "ada", "correct horse")
    return path


def test_what_is_written_lets_in_who_knows_it_and_nobody_else(file):
    passwords.write(file, "grace", "battery staple")
    people = passwords.read(file)
    assert set(people) == {"ada", "grace"}
    assert people.admits("ada", "correct horse")
    assert not people.admits("ada", "battery staple")
    assert not people.admits("nobody", "correct horse")
    assert not people.admits("", "")


def test_the_file_tells_no_password_and_is_for_its_owner(file):
    assert "correct" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in file.parent.iterdir()] == ["passwords"]


def test_the_hash_is_that_of_hashlib_at_the_cost_it_names(file):
    name, kind, cost, salt, digest = file.read_text().strip().split(":")
    assert (name, kind, cost) == ("ada", "scrypt", "14")
    again = hashlib.scrypt(
        b"correct horse", salt=base64.b64decode(salt), n=2**14, r=8, p=5, maxmem=2**26, dklen=32
    )
    assert base64.b64decode(digest) == again


def test_equal_passwords_have_different_hashes(file):
    passwords.write(file, "grace", "correct horse")
    ada, grace = passwords.read(file).values()
    assert ada.digest != grace.digest


def test_a_password_is_changed_in_its_place(file):
    passwords.write(file, "ada", "another one")
    people = passwords.read(file)
    assert len(people) == 1
    assert people.admits("ada", "another one")
    assert not people.admits("ada", "correct horse")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "nobody is in"),
        ("# nobody\n", "nobody is in"),
        ("ada:secret\n", "not a hashed password"),
        ('{"ada": "secret"}\n', "not a hashed password"),
        ("ada:scrypt:40:AAAA:AAAA\n", "not a hashed password"),
        ("ada:md5:14:AAAA:AAAA\n", "not a hashed password"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, text, what):
    (tmp_path / "passwords").write_text(text)
    with pytest.raises(DescriptionError, match=what) as refused:
        passwords.read(tmp_path / "passwords")
    assert "secret" not in str(refused.value)
    assert "workbench password" in str(refused.value)


def test_there_must_be_a_file(tmp_path):
    with pytest.raises(DescriptionError, match="no such file of passwords"):
        passwords.read(tmp_path / "none")


@pytest.mark.parametrize("name", ["", "a:b", " ada", "a\nb", "#ada"])
def test_a_name_stands_in_a_line(tmp_path, name):
    with pytest.raises(DescriptionError, match="a name cannot be"):
        passwords.write(tmp_path / "passwords", name, "correct horse")


def test_a_short_password_is_refused():
    with pytest.raises(DescriptionError, match="of 7 characters is too short"):
        passwords.hashed("seven 7")
