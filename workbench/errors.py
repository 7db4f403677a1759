"""Errors that teach: what happened, why, and what to do about it.

The tree::

    WorkbenchError
    ├── DescriptionError   a pipeline that cannot be built as described (also a ValueError)
    │   └── SchemaError    a column that is missing or of the wrong type
    ├── StepError          a user's function raised while the run was going: names the step, holds the rows
    ├── RunError           a run that is asked for what it cannot do in its present state
    └── SnapshotError      a snapshot that does not fit the operator it is restored into
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class WorkbenchError(Exception):
    """The root of all errors raised on purpose; its text has up to three parts.

    Parameters
    ----------
    what : str
        What happened, lower case, with the value received.
    detail : str, optional
        Why that is an error.
    hint : str, optional
        What to write instead.

    Examples
    --------
    >>> print(WorkbenchError("no such column: 'amuont'", hint="did you mean 'amount'?"))
    no such column: 'amuont'
    Hint: did you mean 'amount'?
    """

    def __init__(self, what: str, *, detail: str = "", hint: str = "") -> None:
        self.what, self.detail, self.hint = what, detail, hint
        lines = [what]
        if detail:
            lines.append(f"Detail: {detail}")
        if hint:
            lines.append(f"Hint: {hint}")
        super().__init__("\n".join(lines))


class DescriptionError(WorkbenchError, ValueError):
    """A pipeline cannot be built as described; raised before anything runs."""


class SchemaError(DescriptionError):
    """A column is missing, or is of a type that the step cannot use."""


class RunError(WorkbenchError):
    """A run is asked for something that it cannot do in its present state."""


class SnapshotError(WorkbenchError):
    """A snapshot does not fit: other version, other window, or other aggregates."""


class StepError(WorkbenchError):
    """A step raised while the run was going: mostly a function of the user's.

    Parameters
    ----------
    step : str
        The name of the step.
    rows : pandas.DataFrame
        The offending rows, as they came into the step: the fewest that still raise, where it has no state.
    cause : BaseException
        What the function raised; also ``__cause__``.
    optional : bool
        Whether a run could do without these rows.
    """

    def __init__(
        self, step: str, rows: pd.DataFrame, cause: BaseException, *, optional: bool = False
    ) -> None:
        self.step, self.rows, self.cause = step, rows, cause
        details = [f"{len(rows)} offending row(s):\n{rows.head(5).to_string()}"] if len(rows) else []
        if isinstance(cause, WorkbenchError):  # it says itself what is wrong, and mostly of no function
            what, hints = f"step {step!r}: {cause.what}", [cause.hint]
            details.insert(0, cause.detail)
        else:
            what, hints = f"step {step!r} raised {type(cause).__name__}: {cause}", ["mend the function"]
        if optional:
            hints.append("start with on_error='reject' to set such rows aside")
        detail, hint = "\n".join(filter(None, details)), ", or ".join(filter(None, hints))
        super().__init__(what, detail=detail, hint=hint)
        self.__cause__ = cause
