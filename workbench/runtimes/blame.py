"""Where in the user's own code an error came from: not in ours, pandas' or Python's."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OTHERS = tuple(
    {
        str(Path(__file__).parents[1]),
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the user's code.

    Parameters
    ----------
    where : str
        The file, or the notebook's cell.
    number : int
        Of the line, from 1.
    code : str
        The line; empty if it cannot be read.
    """

    where: str
    number: int
    code: str

    def __str__(self) -> str:
        return f"{self.where}, line {self.number}: {self.code}"


def own_lines(error: BaseException) -> list[Line]:
    """Give the lines of the user's code that led to an error, the outermost first.

    Examples
    --------
    >>> import pandas as pd
    >>> def double(frame):
    ...     return frame.nothing
    >>> try:
    ...     double(pd.DataFrame())
    ... except AttributeError as error:
    ...     [(line.number, line.code) for line in own_lines(error)]
    [(2, 'double(pd.DataFrame())'), (2, 'return frame.nothing')]
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename) and frame.lineno is not None]
    lines = [Line(_place(frame.filename), frame.lineno or 0, frame.line or "") for frame in own]
    return list(dict.fromkeys(lines))  # one that is gone through twice is said once


def _is_own(filename: str) -> bool:
    return (Path(filename).is_absolute() and not filename.startswith(_OTHERS)) or filename.startswith(
        "<doctest"
    )


def _place(filename: str) -> str:
    """Name a file, or the cell of a notebook."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and (name := shell.compile.format_code_name(filename)) is not None:
        return " ".join(name)
    return Path(filename).name
