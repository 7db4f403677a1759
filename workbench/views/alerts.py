"""The alerts of a page: what needs somebody, newest first; seen by one is seen by all.

A dashboard says what there is as a table ``time`` (event time), ``kind``, ``what``; an alert is known by
these three, so the same one comes back after a reload, and is not told twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from workbench.time import timestamp
from workbench.views import parts, words
from workbench.views.bound import Bound, Values
from workbench.views.scope import Scope

ROWS = 8
COLUMNS = [
    ("time", "Event time (UTC)", "left event"),
    ("kind", "Kind", "tag"),
    ("what", "What", "left long"),
    ("jump", "", "button:jump:Jump"),
    ("seen", "", "button:acknowledge:Seen"),
    ("mute", "", "button:mute:Mute"),
]
NONE = pd.DataFrame({"time": pd.to_datetime([]), "kind": [], "what": []})


class Alerts:
    """The list of one session.

    Parameters
    ----------
    scope : Scope
        What the session looks at.
    find : callable
        From a scope to the table of alerts: ``time, kind, what``.
    of : sequence of str
        The results in whose closed panes they are found.
    """

    def __init__(
        self, scope: Scope, find: Callable[[Scope], pd.DataFrame], *, of: Sequence[str] = ()
    ) -> None:
        self.scope, self._find, self._of = scope, find, of
        self.muted: dict[str, None] = {}
        self.view = parts.table(COLUMNS, ROWS, empty="Nothing needs you.")
        self.foot = Bound(
            html='<div class="legend"><span data-text="count"></span>'
            '<button type="button" data-command="unmute" data-value="any" data-show="muted" hidden>'
            'Unmute <span data-text="kinds"></span></button></div>',
        )
        self.shown: list[dict[str, Any]] = []

    def found(self) -> pd.DataFrame:
        """Give all alerts, the newest first, with their ``id``."""

        def told() -> pd.DataFrame:
            found = self._find(self.scope)
            if found.empty:
                return NONE.assign(id=[])
            found = found.sort_values("time", ascending=False, kind="stable", ignore_index=True)
            ids = [f"{time:%d %H:%M:%S} {kind} {what}" for time, kind, what in _rows(found)]
            return found.assign(id=ids).drop_duplicates("id")

        table: pd.DataFrame = self.scope.once("alerts", told, every=0.9, of=self._of)
        return table

    def update(self) -> None:
        """Show what is new."""
        key = ("alerts shown", tuple(self.muted), len(self.scope.feed.acknowledged))
        self.shown, view, foot = self.scope.once(key, self._told, every=0.9)
        self.view.show(view)
        self.foot.show(foot)

    def _told(self) -> tuple[list[dict[str, Any]], Values, Values]:
        """Give what is shown, and what is said of it; the same for all who have muted the same."""
        found, seen = self.found(), self.scope.feed.acknowledged
        wanted = found[~found["kind"].isin(list(self.muted)) & ~found["id"].isin(list(seen))]
        shown = wanted.head(ROWS).to_dict("records")
        values: dict[str, Any] = parts.filled(ROWS, len(shown))
        for row, alert in enumerate(shown):
            values |= {
                f"time{row}": words.clock(alert["time"]),
                f"kind{row}": alert["kind"],
                f"kind{row}_class": "late",
                f"what{row}": alert["what"],
                f"jump{row}": alert["id"],
                f"jump{row}_label": f"Jump to {words.clock(alert['time'])}",
                f"seen{row}": alert["id"],
                f"seen{row}_label": f"Seen: {alert['what']}",
                f"mute{row}": alert["kind"],
                f"mute{row}_label": f"Mute {alert['kind']}",
            }
        more = f", {len(wanted) - ROWS} more" if len(wanted) > ROWS else ""
        foot = {
            "count": f"{len(wanted)} open{more}",
            "muted": bool(self.muted),
            "kinds": ", ".join(self.muted),
        }
        return shown, Values(values), Values(foot)

    def obey(self, name: str, value: str) -> bool:
        """Do what a button says; tells whether it is one of these."""
        if name == "acknowledge" and any(alert["id"] == value for alert in self.shown):
            self.scope.feed.acknowledge(value)
        elif name == "mute" and (self.found()["kind"] == value).any():
            self.muted[value] = None
        elif name == "unmute":
            self.muted.clear()
        elif name == "jump":
            moments = [alert["time"] for alert in self.shown if alert["id"] == value]
            return bool(moments) and self.jump(moments[0])
        else:
            return False
        return True

    def jump(self, time: pd.Timestamp) -> bool:
        """Look back to when the watermark passed an event time: when it came to be known."""
        marks = self.scope.run.trace.marks
        wanted = time.as_unit("ns").value
        place = bisect_left(marks, wanted, key=lambda mark: mark.watermark)
        moment = marks[min(place, len(marks) - 1)].moment if marks else wanted
        moment = timestamp(moment)
        return moment is not None and self.scope.set("at", moment.isoformat())


def alerts_of(rows: pd.DataFrame, kind: str, time: str, what: Sequence[str]) -> pd.DataFrame:
    """Give alerts of one kind: the column of times of some rows, and words."""
    return pd.DataFrame({"time": rows[time].to_numpy(), "kind": kind, "what": list(what)})


def _rows(frame: pd.DataFrame) -> Any:
    return zip(frame["time"], frame["kind"], frame["what"], strict=True)
