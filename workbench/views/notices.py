"""What goes wrong in a run, said in the cell that owns it: the user's own code, and the offending rows."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from workbench.errors import StepError
from workbench.runtimes.blame import own_lines
from workbench.runtimes.run import Run
from workbench.views import theme
from workbench.views.following import follow

ROWS = 5
"""Offending rows that are shown."""


class Notices:
    """What a cell is told of its run: that it has failed, or that rows were set aside, and why.

    Parameters
    ----------
    run : Run
        Whose.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._handle: Any = None
        self._seen = (0, 0)

    def refresh(self) -> None:
        """Say what is new; nothing is displayed before there is something to say."""
        quiet = self.run.on_error != "reject"
        seen = (len(self.run.errors), 0 if quiet else self.run.trace.rejected.total)
        if seen == self._seen:
            return
        self._seen = seen
        if self._handle is None:
            from IPython import display as ipython

            self._handle = ipython.display(self.bundle(), raw=True, display_id=True)
        else:
            self._handle.update(self.bundle(), raw=True)

    def bundle(self) -> dict[str, str]:
        """Give the words, plain and as HTML."""
        parts = [failure(self.run, error) for error in self.run.errors[:1]]
        if self.run.on_error == "reject" and self.run.trace.rejected.total:
            parts.append(rejections(self.run))
        plain = "\n".join(words for words, _ in parts)
        return {"text/plain": plain, "text/html": "".join(picture for _, picture in parts)}


def watch(run: Run) -> None:
    """Tell the cell being executed what goes wrong in its run."""
    follow(Notices(run).refresh, lambda: run.over)


def failure(run: Run, error: StepError) -> tuple[str, str]:
    """Say why a run has failed: in words, and as HTML."""
    title = f"{run.name} failed: {error.what}"
    code = "\n".join(map(str, own_lines(error.cause)))
    plain = [title, *([code] if code else []), str(error).partition("\n")[2]]
    count = len(error.rows)
    note = f"{count:,} offending row{'s' * (count != 1)}" + (f", the first {ROWS}" if count > ROWS else "")
    hint = ", or ".join(filter(None, [error.hint, "on_error='skip' to leave them out" if count else ""]))
    return "\n".join(plain), box(title, code, note if count else "", error.rows.head(ROWS), hint)


def rejections(run: Run) -> tuple[str, str]:
    """Say how many rows were set aside so far, and the last reasons: in words, and as HTML."""
    reasons = run.ledger(by="reason")
    reasons = reasons[reasons.outcome == "rejected"]
    total = run.trace.rejected.total
    title = f"{run.name}: {total:,} row{'s' * (total != 1)} rejected so far"
    told = []  # messages differ from row to row; what they say of is the same kind of error
    kinds = reasons.reason.str.split(": ").str[:2].str.join(": ")
    for (step, _), alike in reasons.groupby([reasons.step, kinds], sort=False):
        first, *others = alike.reason
        more = f", and {len(others):,} messages like it" if others else ""
        told.append(f"{alike.rows.sum():,} by {step!r}: {first}{more}")
    last = run.trace.rejected.since(total - ROWS)
    rows = pd.concat(last) if last else pd.DataFrame()
    return "\n".join([title, *told]), box(title, "\n".join(told[:ROWS]), "the last of them", rows, "")


def box(title: str, code: str = "", note: str = "", rows: pd.DataFrame | None = None, hint: str = "") -> str:
    """Give a box that looks like a warning, without a script."""
    font = escape(theme.FONT, quote=True)
    parts = [f"<b>{escape(title)}</b>"]
    parts += [f"<pre style='margin:4px 0'>{escape(code)}</pre>"] * bool(code)
    if rows is not None and note and len(rows):
        parts.append(f"<div>{escape(note)}</div>{rows.to_html(index=False, max_cols=16, border=0)}")
    parts += [f"<div>Hint: {escape(hint)}</div>"] * bool(hint)
    looks = f"font:12px/1.6 {font};border-left:4px solid {theme.VERMILLION};padding:2px 0 2px 12px"
    return f'<div class="wb-notice" role="alert" style="{looks}">{"".join(parts)}</div>'
