"""The house rules that a script can see."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_the_top_level_is_as_it_was_fixed():
    for name in (
        "pyproject.toml",
        "workbench",
        "notebooks",
        "datasets",
        "simulators",
        "tests",
        "environment.yml",
    ):
        assert (ROOT / name).exists(), name


def test_the_conda_environment_names_the_same_dependencies():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, *_ = (entry for entry in environment["dependencies"] if isinstance(entry, str))
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert sorted(set(pip) - {"-e ."}) == sorted(PROJECT["dependencies"])
    assert "-e ." in pip
    assert python == f"python{PROJECT['requires-python']}"


def test_the_lock_names_no_hosts_and_no_paths():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert not re.search(r"(^|\s|@)/\w", lock)
    assert "--hash=sha256:" in lock


def test_the_lock_has_a_version_of_every_dependency():
    lock = (ROOT / "requirements.lock").read_text()
    locked = {line.split("==")[0].lower() for line in lock.splitlines() if "==" in line}
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    for dependency in wanted:
        assert re.split(r"[>=\[<]", dependency)[0].lower() in locked


def test_the_lock_has_panel_for_old_and_new_pythons():
    lock = (ROOT / "requirements.lock").read_text()
    assert re.search(r"^panel==1\.9\.\d+ ; python_full_version < '3\.12'", lock, re.M)
    assert re.search(r"^panel==1\.(1\d)\.\d+ ; python_full_version >= '3\.12'", lock, re.M)


def test_nothing_speaks_of_this_machine():
    here = str(ROOT)
    own = re.compile(rb"(^|[^\w.])/(root|home/[a-z]+)/")
    for path in tracked():
        if path == Path(__file__):
            continue
        text = path.read_bytes()
        assert here.encode() not in text, path
        assert not own.search(text), path


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import workbench", ["panel", "holoviews", "bokeh", "streamz", "pandas", "numpy", "IPython"]),
        ("from workbench import cli; cli._parser()", ["panel", "holoviews", "bokeh", "streamz"]),
        (
            "import workbench; workbench.stream, workbench.Tumbling",
            ["panel", "holoviews", "bokeh", "streamz"],
        ),
        ("import simulators", ["workbench", "panel", "streamz"]),
        ("import workbench; workbench.start", ["panel", "holoviews", "bokeh", "distributed"]),
    ],
)
def test_importing_brings_in_only_what_is_needed(statement, absent):
    code = f"import sys; {statement}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in absent if name in loaded] == []


def test_the_layers_hold():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_public_names_are_those_promised():
    import workbench

    assert sorted(workbench.__all__) == sorted(name for name in dir(workbench) if not name.startswith("_"))
    for name in workbench.__all__:
        assert getattr(workbench, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        workbench.nothing  # noqa: B018


def test_the_example_of_the_readme_runs():
    readme = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) <= 12
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (printed,) = re.findall(r"```text\n(.*?)```", readme, re.S)
    assert done.stdout.split() == printed.split()


def test_the_readme_names_commands_that_exist():
    makefile = (ROOT / "Makefile").read_text()
    readme = (ROOT / "README.md").read_text()
    for target in set(re.findall(r"(?:^|`|PORT=\d+ )make ([a-z][a-z-]*)", readme, re.M)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_links_within_the_documents_lead_somewhere():
    for path in tracked():
        if path.suffix == ".md":
            for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
                assert (path.parent / link).exists(), f"{path.name}: {link}"
