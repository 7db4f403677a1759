"""An environment for each peer, made by uv from the file of its requirements, under `.bench/`.

    python -m benchmarks.environments quick benchmarks.quick

makes one if need be, and runs a module in it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".bench"
REQUIREMENTS = ROOT / "benchmarks" / "peers" / "requirements"

ONE_THREAD = dict.fromkeys(
    ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "PATHWAY_THREADS"),
    "1",
)


def python_of(name: str) -> Path:
    """Give the interpreter of an environment, which is made first if its requirements have changed."""
    wanted = (REQUIREMENTS / f"{name}.txt").read_text()
    project = str(ROOT) + (ROOT / "pyproject.toml").read_text() if "--editable" in wanted else ""
    mark = hashlib.sha256((wanted + project).encode()).hexdigest()
    place, stamp = HOME / name, HOME / name / "made-for"
    python = place / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != mark:
        print(f"setting up the environment of {name}", file=sys.stderr, flush=True)
        version = wanted.splitlines()[0].removeprefix("# python ").replace("here", sys.executable)
        _uv("venv", "--quiet", "--allow-existing", "--no-python-downloads", "--python", version, str(place))
        requirements = str(REQUIREMENTS / f"{name}.txt")
        install = ("pip", "install", "--quiet", "--compile-bytecode", "--python", str(python))
        _uv(*install, "--requirement", requirements)
        stamp.write_text(mark)
    return python


def run(name: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run Python in an environment, from the root of the repository, with one thread for whoever heeds it."""
    command = [str(python_of(name)), *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, text=True, **options)


def _uv(*arguments: str) -> None:
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    uv = shutil.which("uv", path=places)
    if uv is None:
        sys.exit("uv is needed to make the peers' environments: pip install uv")
    subprocess.run([uv, *arguments], cwd=ROOT, env=os.environ | _pyenv(places), check=True)


def _pyenv(places: str) -> dict[str, str]:
    """Let pyenv, where there is one, show all its versions: it hides all but one from who looks for them."""
    pyenv = shutil.which("pyenv", path=places)
    if pyenv is None or "PYENV_VERSION" in os.environ:
        return {}
    listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=True)
    return {"PYENV_VERSION": ":".join(reversed(listed.stdout.split()))}


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], "-m", *sys.argv[2:]).returncode)
