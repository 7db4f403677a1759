"""What can be turned on a run: what each dial stands at, what it can be turned to, and what that does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from simulators.switched import present
from workbench.model.rewriting import bound_of
from workbench.model.steps import Aggregated, Date
from workbench.model.windows import Count, Global, Session, Sliding, Tumbling, Window
from workbench.runtimes.run import Run
from workbench.sources.turned import can_be_turned, deliveries, dials_of, rate_of
from workbench.time import SECOND, spell
from workbench.views.dial import CHOICE, SEVERAL, SLIDER, SWITCH, Dial, Several
from workbench.views.transport import speeds
from workbench.views.words import NOTHING, percent, short

LENGTHS: Final = tuple(
    int(seconds * SECOND)
    for seconds in (
        *(0, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 45),
        *(60, 90, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400),
    )
)
"""Lengths of time to choose from, in nanoseconds."""
SHARES: Final = (
    *(0.0, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08),
    *(0.1, 0.12, 0.15, 0.2, 0.3, 0.5),
)
RATES: Final = 10 ** np.linspace(-1, 1, 41)
"""Rates to choose from, as multiples of the one that there is at first."""
MOST: Final = 40
"""Values of a key to choose from; more would not be looked through."""

FAULTS: Final = {
    "outage": "a third of the keys is cut off for 30 s in every 2 min, and catches up",
    "idle": "a third of the keys is silent for 30 s in every 2 min",
    "burst": "a gateway holds back 10 s of every minute, and hands them over in one heap",
    "loss": "5 % of the events never arrive",
    "duplicates": "5 % of the events arrive twice",
    "clock_skew": "a tenth of the keys has a clock that is wrong by up to 5 s",
    "future": "one event in a thousand is dated up to an hour ahead",
    "hot_key": "30 % of the events are of one key",
    "corrupt": "one field of 1 % of the events is spoilt",
}
"""What each fault does that can be switched on."""


def dials(run: Run) -> dict[str, Dial]:
    """Give the dials of a run by name; what it has not has none.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1], unit="s"), "v": [1]})
    >>> run = wb.stream(rows, time="t", watermark="5s").window("10s").agg(n=("v", "size")).start(paused=True)
    >>> {name: dial.words(dial.read()) for name, dial in dials(run).items()}
    {'speed': '1x', 'bound': '5 s', 'window': '10 s', 'lateness': '0 s'}
    >>> _ = run.stop()
    """
    made = [_speed(run), *_source(run), *_bounds(run), *_windows(run), *_filters(run)]
    return {dial.name: dial for dial in made}


def _speed(run: Run) -> Dial:
    return Dial(
        name="speed",
        group="time",
        label="speed",
        hint="seconds of processing time a second",
        kind=CHOICE,
        steps=list(speeds(run).items()),
        read=lambda: run.speed,
        turn=partial(setattr, run, "speed"),
        words=lambda speed: speed if speed == "max" else f"{speed:g}x",
    )


def _source(run: Run) -> Iterator[Dial]:
    """Give the dials of the simulator, if there is one."""
    named = [name for name, (read, _) in run.graph.sources.items() if can_be_turned(read.source)]
    if len(named) != 1:
        return

    def now() -> Any:
        return run.graph.sources[named[0]][0].source

    def change(what: str) -> Callable[[Any], Any]:
        return lambda value: run.change(**{what: value})

    rate = _Rate(run, now)
    if (first := rate()) is not None:
        yield Dial(
            name="rate",
            group="source",
            label="rate",
            hint="events that happen a second, at this time of the simulator's day",
            kind=SLIDER,
            steps=_rates(first),
            read=rate,
            turn=change("rate"),
            words=events,
        )
    yield Dial(
        name="delivery",
        group="source",
        label="delivery",
        hint="how events get here: their delays and losses, and all faults",
        kind=CHOICE,
        steps=[(name, name) for name in deliveries()],
        read=lambda: dials_of(now()).delivery,
        turn=change("delivery"),
        words=lambda name: name or "of its own",
    )
    yield Dial(
        name="disorder",
        group="source",
        label="disorder",
        hint="by how much events are held back at most, beyond what the delivery does",
        kind=SLIDER,
        steps=_lengths(most=600),
        read=lambda: dials_of(now()).disorder.value,
        turn=lambda nanos: run.change(disorder=spell(nanos)),
        words=length,
    )
    yield Dial(
        name="late",
        group="source",
        label="late share",
        hint="share of the events with a long delay",
        kind=SLIDER,
        steps=[(percent(share), share) for share in SHARES],
        read=lambda: dials_of(now()).late,
        turn=change("late"),
        words=percent,
    )
    for fault, hint in FAULTS.items():
        yield _fault(run, now, fault, hint)


def _fault(run: Run, now: Callable[[], Any], fault: str, hint: str) -> Dial:
    return Dial(
        name=fault,
        group="faults",
        label=fault.replace("_", " "),
        hint=hint,
        kind=SWITCH,
        steps=[("off", False), ("on", True)],
        read=lambda: bool(dials_of(now()).faults.get(fault)),
        turn=lambda on: run.change(faults={fault: on}),
        words=lambda on: "on" if on else "off",
    )


class _Rate:
    """The rate of a source; measured once for each simulator, since that takes a moment."""

    def __init__(self, run: Run, now: Callable[[], Any]) -> None:
        self._run, self._now = run, now
        self._of: Any = None
        self._rate: float | None = None

    def __call__(self) -> float | None:
        source = self._now()
        simulator = present(source.simulator)
        if simulator is not self._of:
            self._of, self._rate = simulator, rate_of(source, self._run.now)
        return self._rate or None


def _bounds(run: Run) -> Iterator[Dial]:
    hint = "how far rows may be out of order without being late"
    yield from _of_steps(run, Date, "bound", "watermark", "bound", hint, bound_of)


def _windows(run: Run) -> Iterator[Dial]:
    hint = "of windows; another one makes the run begin again, and catch up"
    yield from _of_steps(run, Aggregated, "window", "windows", "size", hint, _size, _resized, least=1)
    hint = "for how long closed windows accept rows"
    yield from _of_steps(run, Aggregated, "lateness", "windows", "lateness", hint, _lateness)


def _of_steps(
    run: Run,
    kind: type[Any],
    what: str,
    group: str,
    label: str,
    hint: str,
    read: Callable[[Any], int | None],
    made: Callable[[Any, int], Any] = lambda step, nanos: spell(nanos),
    least: int = 0,
) -> Iterator[Dial]:
    """Give a dial for each step of a kind that has a value; by its name if there are several."""
    named = [name for name, step in run.named(kind).items() if read(step) is not None]

    def turn(name: str, nanos: int) -> Any:
        return run.change(**{what: {name: made(run.named(kind)[name], nanos)}})

    def present(name: str) -> int | None:
        return read(run.named(kind)[name])

    for name in named:
        yield Dial(
            name=f"{what} {name}" if len(named) > 1 else what,
            group=group,
            label=f"{label} of {name}" if len(named) > 1 else label,
            hint=hint,
            kind=SLIDER,
            steps=_lengths(least=least),
            read=partial(present, name),
            turn=partial(turn, name),
            words=length,
        )


def _filters(run: Run) -> Iterator[Dial]:
    """Give a dial for each key: which values of it are shown."""

    def look(name: str, values: list[Any]) -> None:
        others = {column: some for column, some in run.lens.only.items() if column != name}
        run.look(at=run.lens.at, only=others | ({name: values} if values else {}))

    def present(name: str) -> Sequence[Any]:
        return run.lens.only.get(name, ())

    def known(name: str) -> set[Any]:
        return {*_values(run, rows=None)[name], *present(name)}

    for name, values in keys_seen(run).items():
        yield Several(
            name=f"key {name}",
            group="show only",
            label=name,
            hint=f"which {name} the views of this run show; none chosen shows all",
            kind=SEVERAL,
            steps=[(_named(value), value) for value in values],
            read=partial(present, name),
            turn=partial(look, name),
            words=lambda chosen: ", ".join(map(_named, chosen)) if 0 < len(chosen) < 3 else _counted(chosen),
            known=partial(known, name),
        )


def _rates(first: float) -> list[tuple[str, float]]:
    """Give rates to choose from around the one that there is at first."""
    rates = (float(f"{first * factor:.2g}") for factor in RATES)
    return [(events(rate), rate) for rate in rates]


def _counted(chosen: Sequence[Any]) -> str:
    return f"{len(chosen)} chosen" if chosen else "all"


def keys_seen(run: Run) -> dict[str, list[Any]]:
    """Give the values of the keys of results that have come out lately, in order; at most `MOST` of each.

    Besides these all that are chosen: whoever chooses another does not let go of them unseen.
    """
    several = {key: values for key, values in _values(run).items() if len(values) > 1}
    found = {key: {*sorted(values, key=_place)[:MOST]} for key, values in several.items()}
    return {
        key: sorted(values.union(run.lens.only.get(key, ())), key=_place) for key, values in found.items()
    }


def _place(value: Any) -> tuple[Any, ...]:
    """Give where a value is on a list: null, numbers, and then the others by their words."""
    number = isinstance(value, int | float)
    return value is not None, not number, value if number else 0, str(value)


def _named(value: Any) -> str:
    return NOTHING if value is None else str(value)


def _values(run: Run, rows: int | None = 2_000) -> dict[str, set[Any]]:
    """Give the values of the keys of results, in so many rows that came out last, or in all that are kept."""
    found: dict[str, set[Any]] = {}
    for name, record in run.trace.results.items():
        step = run.streams[name].step
        for key in step.keys if isinstance(step, Aggregated) else ():
            latest = record.until(record.total, rows)
            for column in (frame[key] for frame in latest):
                known = column.dropna().unique().tolist()
                found.setdefault(key, set()).update(known, [None] * bool(column.hasnans))
    return found


def _lengths(*, least: int = 0, most: int = 86_400) -> list[tuple[str, int]]:
    """Give lengths to choose from, between so many seconds."""
    return [(length(nanos), nanos) for nanos in LENGTHS if least * SECOND <= nanos <= most * SECOND]


def length(nanos: int) -> str:
    """Write a length of time with its units.

    Examples
    --------
    >>> length(90_000_000_000), length(0)
    ('1 min 30 s', '0 s')
    """
    return re.sub(r"(\d)([a-z])", r"\1 \2", spell(nanos))


def events(rate: float) -> str:
    """Write a rate.

    Examples
    --------
    >>> events(157.3), events(0.25)
    ('157 events/s', '0.25 events/s')
    """
    return f"{short(rate) if rate >= 10 else f'{rate:.2g}'} events/s"


def _size(step: Aggregated) -> int | None:
    """Give the length of windows whose length can be chosen."""
    window = step.window
    return window.size if isinstance(window, Sliding) else window.gap if isinstance(window, Session) else None


def _lateness(step: Aggregated) -> int | None:
    return None if isinstance(step.window, Count | Global) else step.lateness


def _resized(step: Aggregated, nanos: int) -> Window:
    """Give windows of the same kind and offset and another size; sliding ones overlap as many times."""
    window, size = step.window, spell(nanos)
    if isinstance(window, Session):
        longest = None if window.max_size is None else spell(max(window.max_size, nanos))
        return Session(size, merge_touching=window.merge_touching, max_size=longest)
    if isinstance(window, Sliding) and not isinstance(window, Tumbling):
        slide = spell(max(1, nanos * window.slide // window.size))
        return Sliding(size, slide, offset=spell(window.offset))
    assert isinstance(window, Tumbling)
    return Tumbling(size, offset=spell(window.offset))
