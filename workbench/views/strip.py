"""How a run is doing, on every page: what comes, how far the watermark is, what was lost on the way."""

from __future__ import annotations

from typing import Any

from workbench.runtimes.run import Run
from workbench.runtimes.trace import Counters
from workbench.time import SECOND
from workbench.views import words
from workbench.views.bound import Values

MARKUP = """<dl class="strip" style="margin:0" aria-label="How the run is doing">
<div><dt>Arriving</dt><dd data-text="rate"></dd></div>
<div><dt>Processed</dt><dd data-text="processed"></dd></div>
<div><dt>Rows</dt><dd data-text="rows"></dd></div>
<div class="event"><dt>Watermark</dt><dd data-text="watermark"></dd></div>
<div class="processing"><dt>Processing time</dt><dd data-text="now"></dd></div>
<div><dt>Lag</dt><dd data-text="lag"></dd></div>
<div><dt>Late</dt><dd data-text="late"></dd></div>
<div><dt>Rejected</dt><dd data-text="rejected"></dd></div>
<div title="From windows: a row may be too late for one, and in time for another">
<dt>Dropped</dt><dd data-text="dropped"></dd></div>
<div><dt>Queue</dt><dd data-text="queue"></dd></div>
<div><dt>Errors</dt><dd data-text="errors"></dd></div>
<div><dt>State</dt><dd data-text="state"></dd></div>
<div class="trouble" data-show="trouble" data-text="trouble" role="alert" hidden></div>
</dl>"""


def strip_values(scope: Any) -> Values:
    """Give what the health strip shows, in words; once for all who look at the same.

    Parameters
    ----------
    scope : Feed or Scope
        Whose run; a scope that looks back tells how it was then.
    """
    values: Values = scope.said("strip", lambda: _values(scope))
    return values


def _values(scope: Any) -> dict[str, Any]:
    metrics, run = scope.metrics(), scope.run
    errors, at = run.errors, getattr(scope, "at", None)
    now = {
        "rate": f"{words.short(metrics.rows_per_second)} /s",
        "processed": f"{words.short(scope.once('processed', lambda: processed(run), every=0.5))} /s",
        "queue": words.seconds(run.behind / SECOND),
    }
    then = run.trace.counters if at is None else getattr(run.trace.at(at), "counters", Counters())
    return (now if at is None else dict.fromkeys(now, words.NOTHING)) | {
        "rows": words.number(metrics.rows),
        "watermark": f"{words.clock(metrics.watermark)} UTC",
        "now": f"{words.clock(metrics.now)} UTC",
        "lag": words.seconds(metrics.lag),
        "late": f"{words.number(metrics.late)} ({words.percent(metrics.late / max(metrics.rows, 1), 2)})",
        "rejected": words.number(metrics.rejected),
        "dropped": words.number(then.dropped),
        "errors": words.number(len(errors)),
        "state": f"{words.number(metrics.state)} entries",
        "trouble": str(errors[0]) if errors else "",
    }


def processed(run: Run) -> float:
    """Give the rows a second that have gone through the doors of a run; 0 while it does not go."""
    if run.status != "running":
        return 0.0
    kinds = {node.name: node for node in run.vitals.look(run)}
    return float(sum(node.rate_in for node in kinds.values() if node.kind == "source"))
