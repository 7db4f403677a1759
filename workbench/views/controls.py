"""Controls of a run: its dials as sliders, lists and boxes, and a line that says what turning one did.

Each control stands where its run is, whoever changed that, and is applied when it is let go.
"""

from __future__ import annotations

from html import escape
from typing import Any

import anywidget
import traitlets

from workbench.runtimes.changes import AT_ONCE, Change
from workbench.runtimes.loops import running_loop
from workbench.runtimes.run import Run
from workbench.views import theme
from workbench.views.dial import Dial
from workbench.views.dials import dials, keys_seen
from workbench.views.following import follow
from workbench.views.stage import slot
from workbench.views.transport import wrong


class Controls(anywidget.AnyWidget):
    """The controls of one run, a widget like any other; where a loop runs they follow it by themselves.

    Parameters
    ----------
    run : Run
        Whose.

    Examples
    --------
    >>> import workbench as wb
    >>> from simulators import Sensors
    >>> readings = wb.stream(Sensors(seed=7), watermark="5s", duration="1min")
    >>> run = readings.groupby("zone").window("10s").agg(n=("event_id", "size")).start(paused=True)
    >>> controls = run.controls()
    >>> controls.turn("bound", 11)
    >>> controls.state["status"], run.streams["n"].step.upstreams[0].watermark
    ('bound 20 s: at once', BoundedOutOfOrderness('20s'))
    >>> _ = run.stop()
    """

    _esm = theme.script("controls.js")
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Run) -> None:
        self._run = run
        self._status, self._wrong = "nothing has been changed yet", False
        self._heard_last = 0
        self._made_for: tuple[Any, ...] = ()
        self._dials: dict[str, Dial] = {}
        super().__init__(state=self._told())
        self.on_msg(self._heard)
        if running_loop() is not None and not run.over:
            follow(self.tell, lambda: run.over, widgets=(self,))

    def tell(self) -> None:
        """Let the controls stand where the run is."""
        self.state = self._told()

    def turn(self, name: str, at: Any) -> None:
        """Turn a dial to one of its steps, by its place; a list of several, to those with some ids."""
        dial = self._dials.get(name)
        if dial is None or self._run.over:
            return self.tell()  # or the browser would wait for an answer
        try:
            value = dial.value(at)
            self._status, self._wrong = _said(dial, value, dial.turn(value)), False
        except Exception as error:  # shown where it was caused
            self._status, self._wrong = wrong(error), True
        self.tell()

    def _ipython_display_(self) -> None:
        from IPython import display as ipython

        ipython.display({"text/plain": self.words(), "text/html": slot(self, self.still())}, raw=True)

    def words(self) -> str:
        """Say where the controls stand."""
        return "\n".join(f"{dial['label']}: {dial['words']}" for dial in self.state["dials"])

    def still(self) -> str:
        """Give where they stand as HTML without a script, for those who have no kernel."""
        return f"<pre>{escape(self.words())}</pre>"

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        self._heard_last = max(self._heard_last, int(content.get("number", 0)))
        self.turn(str(content.get("name")), content.get("at"))

    def _told(self) -> dict[str, Any]:
        keys = {name: tuple(values) for name, values in keys_seen(self._run).items()}
        made_for = (self._run.graph, keys)
        if made_for != self._made_for:
            self._dials, self._made_for = dials(self._run), made_for
        return {
            "dials": [dial.told() for dial in self._dials.values()],
            "status": f"the run is {self._run.status}" if self._run.over else self._status,
            "wrong": self._wrong and not self._run.over,
            "over": self._run.over,
            "heard": self._heard_last,
        }


def _said(dial: Dial, value: Any, done: Change | None) -> str:
    """Say what turning a dial did."""
    how, lost = (done.how, ", ".join(done.lost)) if isinstance(done, Change) else (AT_ONCE, "")
    return f"{dial.label} {dial.words(value)}: {how}" + (
        f", without what was attached: {lost}" if lost else ""
    )
