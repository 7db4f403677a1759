"""Where the boxes of a pipeline stand: in layers from left to right, so that few edges cross.

After Sugiyama, Tagawa and Toda (1981): layers by the longest way, places for edges that pass a layer, order
by the mean of the neighbours, heights by the mean of the neighbours again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SWEEPS: Final = 6
PASSING: Final = 8.0
"""The height that an edge needs where it passes a layer."""

Place = tuple[int, int]
"""A box by its number, or the place where an edge passes: number of the box it comes from, and layer."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """What stands where.

    Parameters
    ----------
    layer : list of int
        Of each box, from 0.
    top : list of float
        Of each box, from 0.
    passing : dict of (int, int) to float
        Where an edge passes a layer on its way: its height, by the box that it comes from and the layer.
    height : float
        Of all.
    """

    layer: list[int]
    top: list[float]
    passing: dict[Place, float]
    height: float


def arrange(
    heights: list[float],
    edges: list[tuple[int, int]],
    *,
    gap: float = 24.0,
    low: frozenset[tuple[int, int]] = frozenset(),
) -> Arranged:
    """Find a place for each box; every edge goes from a lower layer to a higher one.

    Parameters
    ----------
    heights : list of float
        Of the boxes; those that come before others come first.
    edges : list of (int, int)
        From which box to which.
    gap : float
        The least distance between two in a layer.
    low : set of (int, int)
        The edges that leave their box at the bottom: what they lead to stands below its siblings.

    Examples
    --------
    >>> placed = arrange([10, 10, 10, 10], [(0, 2), (1, 2), (2, 3), (0, 3)])
    >>> placed.layer, placed.top[0] < placed.top[1]
    ([0, 0, 1, 2], True)
    """
    layer = _layers(len(heights), edges)
    columns, links = _columns(layer, edges)
    tall = {(number, layer[number]): height for number, height in enumerate(heights)}
    for sweep in range(SWEEPS):
        _order(columns, links, low, forward=sweep % 2 == 0)
    middle = _stack(columns, tall, gap)
    for sweep in range(SWEEPS):
        _settle(columns, links, tall, middle, gap, forward=sweep % 2 == 0)
    first = min(middle[each] - tall.get(each, PASSING) / 2 for column in columns for each in column)
    last = max(middle[each] + tall.get(each, PASSING) / 2 for column in columns for each in column)
    top = [middle[number, layer[number]] - height / 2 - first for number, height in enumerate(heights)]
    passing = {each: at - first for each, at in middle.items() if each not in tall}
    return Arranged(layer, top, passing, last - first)


def _layers(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """Give the layers: the longest way from a source; a source stands right before who reads it."""
    layer = [0] * count
    for before, after in sorted(edges, key=lambda edge: edge[1]):
        layer[after] = max(layer[after], layer[before] + 1)
    for number in range(count):
        readers = [layer[after] for before, after in edges if before == number]
        if readers and all(after != number for _, after in edges):
            layer[number] = min(readers) - 1
    return layer


def _columns(
    layer: list[int], edges: list[tuple[int, int]]
) -> tuple[list[list[Place]], list[tuple[Place, Place]]]:
    """Give what stands in each layer, edges that pass among it, and who is next to whom."""
    columns: list[list[Place]] = [[] for _ in range(max(layer, default=0) + 1)]
    for number, at in enumerate(layer):
        columns[at].append((number, at))
    links: list[tuple[Place, Place]] = []
    for before, after in edges:
        last = before, layer[before]
        for at in range(layer[before] + 1, layer[after]):
            if (before, at) not in columns[at]:
                columns[at].append((before, at))
            links.append((last, (before, at)))
            last = before, at
        links.append((last, (after, layer[after])))
    return columns, links


def _neighbours(links: list[tuple[Place, Place]], forward: bool) -> dict[Place, list[Place]]:
    found: dict[Place, list[Place]] = {}
    for before, after in links:
        if forward:
            found.setdefault(after, []).append(before)
        else:
            found.setdefault(before, []).append(after)
    return found


def _order(
    columns: list[list[Place]],
    links: list[tuple[Place, Place]],
    low: frozenset[tuple[int, int]],
    *,
    forward: bool,
) -> None:
    """Put each layer in the order of the mean of its neighbours' places."""
    near = _neighbours(links, forward)
    place = {each: number for column in columns for number, each in enumerate(column)}

    def mean(each: Place) -> float:
        beside = near.get(each, [])
        places = [place[other] + 0.4 * ((other[0], each[0]) in low) for other in beside]
        return sum(places) / len(places) if places else place[each]

    for column in columns if forward else reversed(columns):
        means = {each: mean(each) for each in column}
        column.sort(key=lambda each: (means[each], place[each]))
        place |= {each: number for number, each in enumerate(column)}


def _stack(columns: list[list[Place]], tall: Mapping[Place, float], gap: float) -> dict[Place, float]:
    """Put each layer together around one line."""
    middle: dict[Place, float] = {}
    for column in columns:
        total = sum(tall.get(each, PASSING) for each in column) + gap * (len(column) - 1)
        at = -total / 2
        for each in column:
            middle[each] = at + tall.get(each, PASSING) / 2
            at += tall.get(each, PASSING) + gap
    return middle


def _settle(
    columns: list[list[Place]],
    links: list[tuple[Place, Place]],
    tall: Mapping[Place, float],
    middle: dict[Place, float],
    gap: float,
    *,
    forward: bool,
) -> None:
    """Move each towards its neighbours, as far as those beside it let it."""
    near = _neighbours(links, forward)
    for column in columns if forward else reversed(columns):
        wanted = [
            sum(middle[other] for other in near[each]) / len(near[each]) if each in near else middle[each]
            for each in column
        ]
        room = [tall.get(each, PASSING) for each in column]
        least = list(wanted)
        for number in range(1, len(column)):
            apart = (room[number - 1] + room[number]) / 2 + gap
            least[number] = max(least[number], least[number - 1] + apart)
        shift = sum(want - got for want, got in zip(wanted, least, strict=True)) / len(column)
        for each, got in zip(column, least, strict=True):
            middle[each] = got + shift
