"""A picture that follows a run: in a notebook cell, on a served page, and at last as a static picture."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any
from weakref import WeakKeyDictionary

from workbench.runtimes.registry import cell_in_execution
from workbench.runtimes.run import Run, running_loop
from workbench.views.following import PERIOD, SHARE, follow
from workbench.views.planesvg import static
from workbench.views.stage import slot


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
        from IPython import display as ipython

        if cell_in_execution() is None or running_loop() is None:  # nobody could move its slider
            ipython.display(self._repr_mimebundle_(), raw=True)
            return
        view = self._widget(self.scene())
        handle = ipython.display(self._bundle(view), raw=True, display_id=True)
        follow(
            lambda: self._tell(view),
            lambda: not self.live,
            done=lambda: handle.update(self._bundle(view), raw=True) if self.run is not None else None,
            widgets=(view,),
        )

    def _bundle(self, view: Any) -> dict[str, str]:
        """Give words, and the static picture whose place the view takes."""
        drawn = view.scene
        return {"text/plain": drawn["label"], "text/html": slot(view, self._static(drawn))}

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
