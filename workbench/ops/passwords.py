"""Who may see what is served: names and hashed passwords in a small text file.

A line a person, ``name:scrypt:cost:salt:hash`` (salt and hash in base 64). Passwords are hashed with scrypt,
as Python's `hashlib` has it, at the cost that OWASP names (N = 2^14, r = 8, p = 5): 16 MB and some tenths
of a second for each guess.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import DescriptionError

COST = 14
"""The binary logarithm of scrypt's N."""
BLOCKS, LANES, LENGTH = 8, 5, 32
SHORTEST = 8
"""Characters of a password, at least."""
_COSTS = range(10, 18)


@dataclass(frozen=True)
class Hashed:
    """A password as it is kept.

    Parameters
    ----------
    cost : int
        The binary logarithm of scrypt's N.
    salt, digest : bytes
        Random, and what scrypt makes of it and of the password.
    """

    cost: int
    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        """Tell whether it is this password; takes equally long for all that are not."""
        return hmac.compare_digest(_scrypt(password, self.salt, self.cost), self.digest)

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"scrypt:{self.cost}:{salt}:{digest}"


NOBODY = Hashed(COST, b"nobody has this!", bytes(LENGTH))
"""What the password of somebody unknown is compared with, so that nobody learns which names there are."""


def hashed(password: str, *, cost: int = COST) -> Hashed:
    """Hash a password with a salt of its own.

    Raises
    ------
    DescriptionError
        If it is shorter than eight characters.

    Examples
    --------
    >>> kept = hashed("correct horse")
    >>> kept.fits("correct horse"), kept.fits("battery staple"), "horse" in str(kept)
    (True, False, False)
    """
    if len(password) < SHORTEST:
        raise DescriptionError(
            f"a password of {len(password)} characters is too short", hint=f"at least {SHORTEST}"
        )
    salt = secrets.token_bytes(16)
    return Hashed(cost, salt, _scrypt(password, salt, cost))


class People(Mapping[str, Hashed]):
    """Names and hashed passwords.

    Parameters
    ----------
    kept : mapping of str to Hashed
        By name.

    Examples
    --------
    >>> People({"ada": hashed("correct horse")}).admits("ada", "correct horse")
    True
    """

    def __init__(self, kept: Mapping[str, Hashed]) -> None:
        self._kept = dict(kept)

    def __getitem__(self, name: str) -> Hashed:
        return self._kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def admits(self, name: str, password: str) -> bool:
        """Tell whether somebody is who they say; it takes a while, so not on the thread that serves."""
        known = self._kept.get(name)
        return (known or NOBODY).fits(password) and known is not None


def read(path: str | Path) -> People:
    """Read a file of passwords.

    Raises
    ------
    DescriptionError
        If there is no such file, nobody in it, or a line is not as `write` makes them.
    """
    file = Path(path)
    if not file.is_file():
        raise DescriptionError(
            f"no such file of passwords: {path}", hint=f"workbench password NAME --file {path}"
        )
    kept = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, kept_password = _parsed(line.strip(), f"{path}, line {number}")
            kept[name] = kept_password
    if not kept:
        raise DescriptionError(f"nobody is in {path}", hint=f"workbench password NAME --file {path}")
    return People(kept)


def write(path: str | Path, name: str, password: str) -> None:
    """Add somebody to a file of passwords, or change theirs; only its owner may read the file."""
    if not name or ":" in name or name[0] == "#" or name != name.strip() or not name.isprintable():
        raise DescriptionError(f"a name cannot be {name!r}", hint="printable, without a colon, # not first")
    file, line = Path(path), f"{name}:{hashed(password)}"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [other for other in lines if not other.startswith(f"{name}:")]
    beside = file.with_name(f"{file.name}.new")
    beside.touch(mode=0o600)
    beside.chmod(0o600)  # it may have been there
    beside.write_text("\n".join([*kept, line, ""]), encoding="utf-8")
    beside.replace(file)  # at once: whoever reads it never sees half of it


def _parsed(line: str, where: str) -> tuple[str, Hashed]:
    try:
        name, kind, cost, salt, digest = line.split(":")
        kept = Hashed(
            int(cost), base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
        )
        if kind != "scrypt" or kept.cost not in _COSTS or len(kept.digest) != LENGTH:
            raise ValueError
    except ValueError:
        raise DescriptionError(
            f"not a hashed password: {where}",
            detail="a line is name:scrypt:cost:salt:hash; passwords are never kept as they are",
            hint="workbench password NAME --file FILE writes one",
        ) from None
    return name, kept


def _scrypt(password: str, salt: bytes, cost: int) -> bytes:
    size = 128 * BLOCKS * (2**cost + LANES + 2)
    return hashlib.scrypt(
        password.encode(), salt=salt, n=2**cost, r=BLOCKS, p=LANES, dklen=LENGTH, maxmem=2 * size
    )
