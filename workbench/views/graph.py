"""The graph of a pipeline as a picture: described, ``stream.graph()``, and live, ``run.graph()``.

Displaying it never blocks the cell: see `workbench.views.incell`.
"""

from __future__ import annotations

import functools
from html import escape
from typing import Any

import pandas as pd

from workbench.engine.outcomes import OUT
from workbench.errors import DescriptionError
from workbench.model.steps import Step
from workbench.model.stream import EventStream
from workbench.runtimes.attached import Attached, attached
from workbench.runtimes.run import Run
from workbench.runtimes.vitals import KEPT
from workbench.time import SECOND
from workbench.views import theme
from workbench.views.diagram import Box, Diagram, boxes, with_attached
from workbench.views.following import PERIOD
from workbench.views.graphwords import cell, say, waiting, width
from workbench.views.incell import show
from workbench.views.still import image
from workbench.views.transport import at_end
from workbench.views.words import clock, number, seconds, short


class StreamGraph:
    """The picture of a pipeline that is described: its steps, what each does, and what it sets aside.

    Parameters
    ----------
    stream : EventStream
        Whose.

    Examples
    --------
    >>> import workbench as wb
    >>> empty = pd.DataFrame({"t": pd.to_datetime([]), "v": []})
    >>> wb.stream(empty, time="t", watermark="5s").window("1min").agg(n=("v", "size")).graph()
    frame      read frame
    watermark  event time t, BoundedOutOfOrderness('5s')  -> rejected
    n          n=size(v) in Tumbling('1min')  -> late, rejected
    """

    def __init__(self, stream: EventStream) -> None:
        self.boxes = boxes(_named(stream), results=(stream.step,))
        self.diagram = Diagram(self.boxes)

    def _repr_svg_(self) -> str:
        return self.diagram.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": _still(self.diagram, self._repr_svg_())}

    def __repr__(self) -> str:
        return _told(self.boxes)


class RunGraph:
    """The picture of a run's graph; in a notebook it follows the run, and a click shows a step's last rows.

    Parameters
    ----------
    run : Run
        Whose.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1, 2, 70], unit="s"), "v": [5, 0, 7]})
    >>> run = wb.stream(rows, time="t", watermark=0).query("v > 0").start(speed="max").wait(10)
    >>> run.graph()
    frame      read frame  3 rows
    watermark  event time t, BoundedOutOfOrderness('0s')  -> rejected  3 rows in, 3 out
    query      query('v > 0')  3 rows in, 2 out
    >>> run.graph().peek("query").v.tolist()
    [5, 7]
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = _steps_of(run)
        self._others: list[Attached] = []
        self._draw()
        self.widget: Any = None
        self._seen: tuple[Any, ...] = ()

    def peek(self, step: str, port: str = OUT) -> pd.DataFrame:
        """Give the last rows that came out of a step, at most twenty, or went to another output of it."""
        known = {box.name: box for box in self.steps}
        if step not in known or port not in (OUT, *known[step].aside):
            raise DescriptionError(
                f"no step called {step!r} with an output {port!r}",
                hint=f"the steps are {', '.join(known)}",
            )
        return self.run.vitals.rows(step, port)

    def values(self) -> dict[str, Any]:
        """Give all live values in words, by their places in the picture."""
        vitals = self.run.vitals.look(self.run)
        metrics = self.run.metrics()
        said: dict[str, Any] = {"slots": {}, "tones": {}, "labels": {}, "edges": {}}
        for at, node in enumerate(vitals):
            say(said, at, node)
        for place, ((before, port), _) in enumerate(self.diagram.edges):
            known = before < len(vitals) and not port
            said["edges"][str(place)] = width(vitals[before].rate_out if known else 0.0)
        for at, other in enumerate(self._others, start=len(vitals)):
            said["slots"] |= {f"{at}.state": "" if other.queue is None else f"queue {short(other.queue)}"}
            said["slots"][f"{at}.queue"] = "attached"
        lag = "" if metrics.lag is None else f", lag {seconds(metrics.lag)}"
        return said | {
            "status": self.run.status,
            "now": f"processing time {clock(metrics.now)}",
            "watermark": f"watermark {'end of time' if at_end(self.run) else clock(metrics.watermark)}{lag}",
            "facts": f"{number(metrics.rows)} rows",
            "waits": self._waits(metrics.watermark),
        }

    def refresh(self) -> bool:
        """Send what is new to the picture; whether there was anything."""
        second = self.run.now // SECOND if self.run.status == "running" else 0
        seen = (self.run.trace.version, self.run.status, len(self.run.errors), second)
        if seen == self._seen:
            return False
        self._seen = seen
        if self._draw():
            self.widget.svg = self.diagram.svg()
        self.widget.live = self.values()
        if self.widget.chosen:
            self.widget.peek = self._peeked(self.widget.chosen)
        return True

    def __panel__(self) -> Any:
        """Give the same picture for a page served by Panel: each session has its own."""
        import panel as pn

        shown = RunGraph(self.run)
        shown.widget = _component()(svg=self.diagram.svg(), live=self.values())
        shown.widget.param.watch(shown._choose, "chosen")
        pn.state.add_periodic_callback(shown.refresh, period=int(PERIOD * 1000))
        return shown.widget

    def _ipython_display_(self) -> None:
        run, shown = self.run, RunGraph(self.run)  # each display follows by itself
        show(
            self.__repr__,
            self._repr_html_,
            shown._made,
            lambda _: shown.refresh(),
            lambda: run.over,
            lambda: run.status,
        )

    def _made(self) -> Any:
        self.widget = _widget()(svg=self.diagram.svg(), live=self.values())
        self.widget.observe(self._choose, names="chosen")
        return self.widget

    def _repr_svg_(self) -> str:
        self._draw()
        return self.diagram.svg(self.values())

    def _repr_html_(self) -> str:
        values = self.values()
        line = " · ".join(escape(values[part]) for part in ("status", "now", "watermark"))
        words = f"<div style='font:12px {escape(theme.FONT, quote=True)};margin:0 14px'>{line}</div>"
        return _still(self.diagram, self.diagram.svg(values), words)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def __repr__(self) -> str:
        counted = []
        for node in self.run.vitals.look(self.run):
            rows = f"{node.rows_in:,} rows" + ("" if node.kind == "source" else f" in, {node.rows_out:,} out")
            aside = [f"{count:,} {port}" for port, count in (node.aside or {}).items() if count]
            counted.append(", ".join([rows, *aside]) + (f"  failed: {node.error}" if node.error else ""))
        return _told(self.boxes, counted + [""] * len(self._others))

    def _draw(self) -> bool:
        """Draw the graph anew if it was changed, or something attached to it; whether that was so."""
        before = self.steps, [each.name for each in self._others]
        self.steps, self._others = _steps_of(self.run), attached(self.run.graph)
        if hasattr(self, "boxes") and before == (self.steps, [each.name for each in self._others]):
            return False
        self.boxes = with_attached(self.steps, self._others)
        self.diagram = Diagram(self.boxes, live=True)
        return True

    def _choose(self, change: Any) -> None:
        chosen = change["new"] if isinstance(change, dict) else change.new
        self.widget.peek = self._peeked(chosen) if chosen else {}

    def _peeked(self, chosen: str) -> dict[str, Any]:
        """Give the last rows of a box or tab as text, with the types of their columns; the latest first."""
        from workbench.views.tables import lasting

        at, _, port = chosen.partition(".")
        if not at.isdigit() or int(at) >= len(self.steps) or port not in ("", *self.boxes[int(at)].aside):
            return {}
        name = self.boxes[int(at)].name
        failed = next((error for error in self.run.errors if error.step == name and not port), None)
        rows = self.peek(name, port or OUT) if failed is None else failed.rows.head(KEPT)
        length = lasting(rows)
        note = f"the last {len(rows)} rows, the latest first" if len(rows) else "no rows yet"
        if failed is not None:
            note = f"the rows for which it raised {type(failed.cause).__name__}: {failed.cause}"
        return {
            "title": f"{name}.{port}" if port else name,
            "note": note,
            "columns": [
                {"name": str(column), "dtype": str(kind), "number": pd.api.types.is_numeric_dtype(kind)}
                for column, kind in rows.dtypes.items()
            ],
            "rows": list(
                zip(*([cell(value, length) for value in rows[column][::-1]] for column in rows), strict=True)
            ),
        }

    def _waits(self, watermark: pd.Timestamp | None) -> list[str]:
        """Say what the watermark waits for, and what for it."""
        if self.run.over:
            return []
        if watermark is None:
            return ["no row has come yet: there is no watermark"]
        return [waiting(wait) for wait in self.run.vitals.waits(self.run)]


def _steps_of(run: Run) -> list[Box]:
    """Give the boxes of a run's steps, as they are described now."""
    refuses = any(getattr(operator, "reject", False) for _, operator in run.graph.operators())
    results = tuple(stream.step for stream in run.streams.values())
    return boxes(run.vitals.names(), results=results, reject=refuses)


def _named(stream: EventStream) -> dict[Step, str]:
    """Name the steps of a stream as its run would, those before others first."""
    names: dict[Step, str] = {}
    taken = {stream.name}

    def visit(step: Step, name: str | None = None) -> None:
        if step in names:
            return
        if hasattr(step, "port"):
            visit(step.upstreams[0])
            return
        free, count = name or step.name, 1
        while name is None and free in taken:
            count += 1
            free = f"{step.name}_{count}"
        taken.add(free)
        names[step] = free
        for before in step.upstreams:
            visit(before)

    visit(stream.step, stream.name)
    return {step: names[step] for step in reversed(list(stream.step.chain())) if step in names}


def _told(shown: list[Box], counted: list[str] | None = None) -> str:
    """Give the boxes as text, one a line."""
    width = max(len(box.name) for box in shown)
    lines = []
    for at, box in enumerate(shown):
        aside = f"  -> {', '.join(box.aside)}" if box.aside else ""
        rows = f"  {counted[at]}" if counted and counted[at] else ""
        lines.append(f"{box.name:<{width}}  {box.text}{aside}{rows}")
    return "\n".join(lines)


def _still(diagram: Diagram, picture: str, words: str = "") -> str:
    """Give a picture as HTML that stands in a notebook nobody has trusted: there SVG itself is taken out."""
    picture = image(picture, diagram.label, f"width:{diagram.width:.0f}px;max-width:none")
    return f'{words}<div style="overflow-x:auto">{picture}</div>'


@functools.cache
def _widget() -> Any:
    """Give the anywidget; it is imported only where one is shown."""
    import anywidget
    import traitlets

    class GraphWidget(anywidget.AnyWidget):
        """The picture in a notebook."""

        _esm = theme.script("graph.js")
        svg = traitlets.Unicode("").tag(sync=True)
        live = traitlets.Dict().tag(sync=True)
        peek = traitlets.Dict().tag(sync=True)
        chosen = traitlets.Unicode("").tag(sync=True)

    return GraphWidget


@functools.cache
def _component() -> Any:
    """Give Panel's component of the same module."""
    import param
    from panel.custom import AnyWidgetComponent

    class GraphComponent(AnyWidgetComponent):
        """The picture on a page."""

        _esm = theme.ASSETS / "graph.js"
        svg = param.String("")
        live = param.Dict({})
        peek = param.Dict({})
        chosen = param.String("")

    return GraphComponent
