"""A picture that follows a run: in a notebook cell, on a served page, and at last as a static picture."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any
from weakref import WeakKeyDictionary

from workbench.runtimes.run import Run
from workbench.views.following import PERIOD, SHARE
from workbench.views.incell import show
from workbench.views.planesvg import static


class SceneView(ABC):
    """A picture of what a run does, or has done.

    It is drawn as a *scene*, plain JSON: a widget in a notebook and a part of a page show it live, and it
    stands as a static picture for those who have neither.

    Parameters
    ----------
    run : Run, optional
        That is followed; without one nothing changes any more.
    """

    def __init__(self, run: Run | None = None) -> None:
        self.run = run
        self._seen: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # what each view shows

    @abstractmethod
    def scene(self) -> dict[str, Any]:
        """Draw it as it is now; ``label`` says in words all that is to be seen."""

    @property
    @abstractmethod
    def version(self) -> Any:
        """What changes when there is something new to be seen."""

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.run is not None and not self.run.over

    def _static(self, drawn: dict[str, Any]) -> str:
        """Give a scene as HTML without scripts."""
        return static(drawn)

    def _widget(self, drawn: dict[str, Any]) -> Any:
        """Give the view for a notebook."""
        from workbench.views.planewidget import PlaneWidget

        return PlaneWidget(scene=drawn)

    def _part(self, drawn: dict[str, Any]) -> Any:
        """Give the view for a served page."""
        from workbench.views.planewidget import PlaneComponent

        return PlaneComponent(scene=drawn, sizing_mode="stretch_width")

    def _tell(self, view: Any) -> None:
        """Show what is new, if anything is."""
        seen = (self.version, self.live)
        if seen != self._seen.get(view):
            self._seen[view], view.scene = seen, self.scene()

    def _repr_html_(self) -> str:
        return self._static(self.scene())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        drawn = self.scene()
        return {"text/plain": drawn["label"], "text/html": self._static(drawn)}

    def _ipython_display_(self) -> None:
        drawn = self.scene()  # once, however it is shown

        def make() -> Any:
            view = self._widget(drawn)
            self._seen[view] = self.version, self.live
            return view

        def tell(view: Any) -> None:
            nonlocal drawn
            self._tell(view)
            drawn = view.scene

        status = lambda: self.run and self.run.status  # noqa: E731
        show(lambda: drawn["label"], lambda: self._static(drawn), make, tell, lambda: not self.live, status)

    def __panel__(self) -> Any:
        """Give it as a part of a served page."""
        import panel as pn

        part = self._part(self.scene())
        rest = 0.0

        def look() -> None:
            nonlocal rest
            clock = asyncio.get_running_loop().time
            begun = clock()
            if begun >= rest:
                self._tell(part)
                rest = begun + (clock() - begun) / SHARE

        if self.live:
            pn.state.add_periodic_callback(look, period=int(PERIOD * 1_000))
        return part

    def __repr__(self) -> str:
        label: str = self.scene()["label"]
        return label
