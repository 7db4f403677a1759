"""Several time planes next to each other, on the same scales: arrival orders, policies, stages of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.views.planescene import NARROW, WIDTH, Extent
from workbench.views.sceneview import SceneView


class Planes(SceneView):
    """Time planes side by side; where there is little room, below each other.

    Made by ``one.timeplane() | other.timeplane()``, and by ``run.timeplanes()``.

    Parameters
    ----------
    planes : sequence of TimePlane
        One or more.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([5, 50, 65, 8, 90], unit="s"), "v": [1, 2, 3, 4, 5]})
    >>> def panes(rows):
    ...     return wb.stream(rows, time="t", watermark=0).window("1min").agg(total=("v", "sum"))
    >>> both = panes(rows).timeplane() | panes(rows.sort_values("t")).timeplane()
    >>> [plane["caption"] for plane in both.scene()["planes"]]
    ['Every window has fired. Of 5 rows, 4 came on time and 1 was too late.',
     'Every window has fired. All 5 rows came on time.']
    """

    def __init__(self, planes: Sequence[Any]) -> None:
        live = next((plane.run for plane in planes if plane.live), None)
        super().__init__(live)
        self.planes = list(planes)

    def __or__(self, other: Any) -> Planes:
        """Put one more, or several, next to these."""
        return Planes([*self.planes, *(other.planes if isinstance(other, Planes) else [other])])

    @property
    def live(self) -> bool:
        """Whether any of them goes on."""
        return any(plane.live for plane in self.planes)

    @property
    def version(self) -> Any:
        """What changes when there is something new to be seen."""
        return tuple(plane.version for plane in self.planes)

    def scene(self) -> dict[str, Any]:
        """Draw them as they are now: ``planes`` holds a scene for each."""
        spans = [plane.span for plane in self.planes]
        last = None if None in spans else max(spans)
        extents = [plane.extent(last) for plane in self.planes if plane.plane.version]
        extent = _all_of(extents) if extents else None
        width = WIDTH if len(self.planes) == 1 else NARROW
        drawn = [plane.scene(last=last, extent=extent, width=width) for plane in self.planes]
        return {"planes": drawn, "label": " ".join(each["label"] for each in drawn)}


def _all_of(extents: list[Extent]) -> Extent:
    """Give the least extent that shows all."""
    left, right, bottom, top = zip(*extents, strict=True)
    return min(left), max(right), min(bottom), max(top)
