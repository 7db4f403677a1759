"""The time plane of a result, as a record: its rows, watermark and panes by event and processing time.

A `Plane` is told of each batch that comes to the windows of a result, and what came of it. It keeps the
latest rows one by one, older ones as counts in bins, and every number is that of the engine: late rows are
those that it set aside, panes those that it put out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.engine.outcomes import LATE, OUT, REJECTED, Outcome
from workbench.engine.progress import Stamp
from workbench.model.panes import LATE as LATE_PANE
from workbench.model.panes import ON_TIME, TIMING, TIMINGS, WINDOW_START
from workbench.model.steps import Aggregated, Step
from workbench.model.windows import Count, Window
from workbench.runtimes.bins import Bins
from workbench.runtimes.fates import FATES, LATE_ACCEPTED, REFUSED, TOO_LATE, Codes, fates_of
from workbench.runtimes.sought import with_key
from workbench.runtimes.trace import Record
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos, to_nanos

Key = tuple[tuple[str, Any], ...]

ROW: Final = ("event_time", "arrival", "met", "fate")

FEW: Final = 8
"""Batches whose rows may stay as they came."""

_PORTS: Final = (OUT, LATE, REJECTED)
PANES: Final = 20_000
"""Panes that are kept, about."""

MOST_STEPS: Final = 500
"""Steps of the watermark kept of one batch; the last is always among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A batch as it came to the windows, and what came of it."""

    now: int
    watermark: int
    steps: Nanos
    """Shape (2, steps): when the watermark moved, and to where."""
    told: int
    """How many panes had been put out before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Came:
    """The rows of a batch, or of several, one by one; the index of the frame holds their arrival numbers."""

    frame: pd.DataFrame
    times: Nanos
    arrivals: Nanos
    met: Nanos
    fates: Codes

    def only(self, chosen: Any) -> Came:
        """Give the chosen rows."""
        each = (self.times, self.arrivals, self.met, self.fates)
        return Came(self.frame.iloc[chosen], *(values[chosen] for values in each))

    @classmethod
    def of_all(cls, some: list[Came], columns: list[str]) -> Came:
        """Put several together, with only some columns."""
        frame = pd.concat([came.frame[columns] for came in some]) if columns else _no_columns(some)
        names = ("times", "arrivals", "met", "fates")
        return cls(frame, *(np.concatenate([getattr(came, name) for came in some]) for name in names))


def _no_columns(some: list[Came]) -> pd.DataFrame:
    return pd.DataFrame(index=np.concatenate([came.frame.index for came in some]))


class Plane:
    """What there is to be seen of one result, or of rows that have no windows yet, bounded.

    Parameters
    ----------
    step : Aggregated or Step
        The windows of the result; or a step that dates rows, or puts streams together.
    keep : int
        How many rows to keep one by one, about; older ones become counts in bins. Of late rows, which are
        few, so many more are kept.
    moments : int
        How many batches to keep the watermark and the panes of.
    panes : int
        How many panes to keep, about.

    Attributes
    ----------
    now, watermark : int
        Of the last batch, in nanoseconds.
    version : int
        Goes up with each batch that is noted, and with each change.
    mark : (int, int)
        How many batches have been noted, and the arrival number that comes next: enough to go `back_to` here.
    bounds : list of (int, int, int)
        If the bound of the watermark was changed: since when, to which, and where the watermark was then.
    """

    def __init__(self, step: Step, *, keep: int = 5_000, moments: int = 2_000, panes: int = PANES) -> None:
        self.step, self.keep = step, keep
        windowed = step if isinstance(step, Aggregated) else None
        self.window: Window | None = None if windowed is None else windowed.window
        self.lateness, self.keys = (0, ()) if windowed is None else (windowed.lateness, windowed.keys)
        self.now = self.watermark = NO_WATERMARK
        self.version, self.mark = 0, (0, 0)
        self.bounds: list[tuple[int, int, int]] = []
        self._bins: dict[Key, Bins] = {(): Bins(self.window)}
        self._moments: deque[Moment] = deque(maxlen=moments)
        self._panes = Record(panes)  # their index says when they were due
        self._rows: deque[Came] = deque()
        self._late: deque[Came] = deque()
        self._held = self._held_late = 0
        self._read: dict[str, Any] = {}  # what has been asked for since the last batch

    def take(self, frame: pd.DataFrame, stamp: Stamp, outcome: Outcome) -> None:
        """Note a batch that came to the windows, and what came of it."""
        panes = outcome.frames[OUT]
        if not (len(stamp.times) or len(panes) or stamp.watermark != self.watermark):
            return  # time has passed, and nothing happened
        self._read = {}
        self.now = max(self.now, stamp.now)
        arrivals = np.full(len(stamp.times), self.now) if stamp.arrivals is None else stamp.arrivals
        after = np.append(stamp.met[1:], stamp.watermark)[: len(stamp.met)]
        places = stamp.places(frame)
        fates = fates_of(self.window, stamp.times[places], stamp.met[places])
        for port, fate in ((LATE, TOO_LATE), (REJECTED, REFUSED)):
            if len(aside := outcome.frames[port]):
                fates[frame.index.isin(aside.index)] = fate
        came = Came(frame, stamp.times[places], arrivals[places], stamp.met[places], fates)
        fired = self._fired(panes, outcome.stamp, came, arrivals, after)
        steps = self._steps(stamp, arrivals, after)
        self._moments.append(Moment(self.now, stamp.watermark, steps, self._panes.total))
        self.mark = self.mark[0] + 1, stamp.first + len(stamp.times)
        self._panes.append(panes.set_axis(fired))
        self._hold(came)
        self.watermark = stamp.watermark
        self.version += 1

    def note(self, outcome: Outcome) -> None:
        """Note rows as they came out of a step, dated, where there are no windows."""
        if outcome.stamp is not None:
            none = outcome.frames[OUT].iloc[:0]
            self.take(outcome.frames[OUT], outcome.stamp, Outcome(dict.fromkeys(_PORTS, none), None))

    def bounded(self, bound: int, before: int) -> None:
        """Note that rows from now on meet a watermark with another bound than before."""
        if self.bounds and self.bounds[-1][1] == bound:
            return
        self.bounds = self.bounds or [(NO_WATERMARK, before, NO_WATERMARK)]
        self.bounds.append((self.now, bound, self.watermark))
        self.version, self._read = self.version + 1, {}

    def back_to(self, mark: tuple[int, int]) -> None:
        """Forget what came after a mark: the run has been rewound. Old rows that are counts stay counted.

        Counts are as exact as the bins are narrow, if the way back is longer than the rows kept one by one.
        """
        for _ in range(min(self.mark[0] - mark[0], len(self._moments))):
            self._panes.cut(self._moments.pop().told)
        last = self._moments[-1] if self._moments else None
        self.now = NO_WATERMARK if last is None else last.now
        self.watermark = NO_WATERMARK if last is None else last.watermark
        self._rows, self._late = (_before(rows, mark[1]) for rows in (self._rows, self._late))
        self._held, self._held_late = (
            sum(len(each.times) for each in rows) for rows in (self._rows, self._late)
        )
        if not self._rows:
            for bins in self._bins.values():
                bins.forget_after(self.now)
        bound = self.bounds[-1:]
        self.bounds = [each for each in self.bounds if each[0] <= self.now]
        if self.bounds and self.bounds[-1:] != bound:  # what has been changed since is as it is now
            self.bounds.append((self.now, bound[0][1], self.watermark))
        self.mark, self._read, self.version = mark, {}, self.version + 1

    def restart(self, step: Step) -> None:
        """Begin anew with other windows; those who look at it see that, and what they watch stays watched."""
        version, watched = self.version, [dict(key) for key in self._bins if key]
        Plane.__init__(self, step, keep=self.keep, moments=self._moments.maxlen or 0, panes=self._panes.keep)
        self.version = version + 1
        for key in watched:
            self.watch(key)

    @property
    def marks(self) -> list[tuple[int, int]]:
        """Processing time and watermark after each batch, as in ``run.trace.watermarks``."""
        known = (each for each in self._moments if each.watermark != NO_WATERMARK)
        return [(each.now, each.watermark) for each in known]

    def watch(self, key: dict[str, Any]) -> None:
        """Count the rows of a key in bins of its own, from now on."""
        self._bins.setdefault(tuple(key.items()), Bins(self.window))

    def binned(self, key: dict[str, Any] | None = None) -> pd.DataFrame:
        """Give older rows as counts: see `Bins.table`; those of a key since it is watched."""
        bins = self._bins.get(tuple((key or {}).items()))
        return self._bins[()].table()[:0] if bins is None else bins.table()

    @property
    def grid(self) -> tuple[int, int]:
        """How wide the bins of event time are, and where one begins, in nanoseconds."""
        bins = self._bins[()]
        return bins.width, bins.offset

    def steps(self) -> Nanos:
        """Give the watermark as it moved: when, and to where; shape (2, steps), in nanoseconds."""
        if "steps" not in self._read:
            steps = [each.steps for each in self._moments]
            self._read["steps"] = np.concatenate([np.empty((2, 0), dtype=np.int64), *steps], axis=1)
        steps_read: Nanos = self._read["steps"]
        return steps_read

    def counts(self) -> dict[str, int]:
        """Give how many rows met each fate."""
        counts = self._bins[()].counts()
        for came in (*self._late, *self._rows):
            counts += np.bincount(came.fates, minlength=len(FATES))
        return dict(zip(FATES, counts.tolist(), strict=True))

    def rows(self, key: dict[str, Any] | None = None, *, latest: bool = False) -> pd.DataFrame:
        """Give the rows kept one by one, without their keys: see `keyed`.

        Parameters
        ----------
        key : dict, optional
            The values of the key columns; None for all rows.
        latest : bool
            Only those from a moment on, without exception; else there are late ones from before, and no
            others.

        Returns
        -------
        pandas.DataFrame
            ``event_time, arrival``, ``met`` (the watermark that it met; all int64 nanoseconds) and ``fate``
            (int8, a position in `FATES`), in order of arrival; the index holds the arrival numbers.
        """
        rows = self._kept(0, latest)
        return rows.iloc[self.places(key, latest=latest)] if key else rows

    def keyed(self, *, latest: bool = False) -> pd.DataFrame:
        """Give the key columns of the rows kept one by one; apart, since they may have any names."""
        return self._kept(1, latest)

    def places(self, key: dict[str, Any], *, latest: bool = False) -> Nanos:
        """Say which of the rows kept one by one are of a key, by position."""
        return _places(self._kept(1, latest), key)

    def panes(self, key: dict[str, Any] | None = None, *, since: int = NO_WATERMARK) -> pd.DataFrame:
        """Give the panes as they were put out; their index, ``fired``, says when (int64 nanoseconds).

        An on-time pane fires when the row arrives that takes the watermark past the end of its window, a late
        pane with the last row that came late for it in its batch; others with their batch.
        """
        before = next((each.told for each in self._moments if each.now >= since), self._panes.total)
        some = self._panes.since(before)
        if not some:
            return pd.DataFrame(index=pd.Index(np.zeros(0, dtype=np.int64), name="fired"))
        panes = pd.concat(some).rename_axis("fired")
        return with_key(panes, key) if key else panes

    def _steps(self, stamp: Stamp, arrivals: Nanos, after: Nanos) -> Nanos:
        """Give when the watermark moved in a batch; of very many steps some."""
        before = self.watermark
        moved = np.flatnonzero(after > np.append(np.array([before]), after)[:-1])
        if len(moved) > MOST_STEPS:
            moved = moved[np.linspace(0, len(moved) - 1, MOST_STEPS).astype(np.int64)]
        steps = np.stack([arrivals[moved], after[moved]])
        if not len(after) and stamp.watermark > before:
            steps = np.array([[self.now], [stamp.watermark]])
        return steps

    def _fired(
        self, panes: pd.DataFrame, dates: Stamp | None, came: Came, arrivals: Nanos, after: Nanos
    ) -> Nanos:
        """Give when each pane of a batch was due."""
        fired = np.full(len(panes), self.now)
        if not len(panes) or not len(after) or dates is None:
            return fired
        ends, timing = dates.times + 1, panes[TIMING].array.codes
        reached = np.searchsorted(after, ends)
        on_time = (timing == TIMINGS.index(ON_TIME)) & (reached < len(after))
        fired[on_time] = arrivals[reached[on_time]]
        late = np.flatnonzero(timing == TIMINGS.index(LATE_PANE))
        if len(late) and not isinstance(self.window, Count):
            starts = to_nanos(panes[WINDOW_START])
            fired[late] = _last_within(came, starts[late], ends[late], self.now)
        return fired

    def _hold(self, came: Came) -> None:
        """Keep the rows of a batch, and put older ones into bins."""
        if len(came.times):
            self._rows.append(came)
            self._held += len(came.times)
        while self._held - len(self._rows[0].times if self._rows else ()) >= self.keep and self._rows:
            oldest = self._rows.popleft()
            self._held -= len(oldest.times)
            late = np.flatnonzero(oldest.fates)  # all but rows on time
            self._put_away(oldest, slice(None) if not len(late) else np.flatnonzero(oldest.fates == 0))
            if len(late):
                self._late.append(oldest.only(late))
                self._held_late += len(late)
        while self._late and self._held_late - len(self._late[0].times) >= self.keep:
            oldest = self._late.popleft()
            self._held_late -= len(oldest.times)
            self._put_away(oldest)

    def _put_away(self, came: Came, chosen: Any = slice(None)) -> None:
        """Put rows into bins: those of all keys, and those of each key that is looked at."""
        for key, bins in self._bins.items():
            mine = chosen
            if key:
                mine = np.arange(len(came.times))[chosen]
                mine = mine[_places(came.frame[list(self.keys)].iloc[chosen], dict(key))]
            bins.add(came.times[mine], came.arrivals[mine], came.fates[mine])

    def _kept(self, which: int, latest: bool) -> pd.DataFrame:
        """Give what is known of the rows kept, or their keys; of all or of the latest."""
        if "rows" not in self._read:
            self._read["rows"] = self._all_rows()
        rows: pd.DataFrame = self._read["rows"][which]
        return rows.iloc[len(rows) - self._held :] if latest else rows

    def _all_rows(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Put the rows kept together, and their keys, and keep them so: many small tables are slow."""
        if len(self._rows) > FEW:
            self._rows = deque([Came.of_all(list(self._rows), list(self.keys))])
        if len(self._late) > FEW:
            self._late = deque([Came.of_all(list(self._late), list(self.keys))])
        if not self._rows and not self._late:
            none = np.zeros(0, dtype=np.int64)
            return pd.DataFrame(dict.fromkeys(ROW, none)), pd.DataFrame(dict.fromkeys(self.keys, none))
        came = Came.of_all([*self._late, *self._rows], list(self.keys))
        told = dict(zip(ROW, (came.times, came.arrivals, came.met, came.fates), strict=True))
        return pd.DataFrame(told, index=came.frame.index), came.frame


def _places(keys: pd.DataFrame, key: dict[str, Any]) -> Nanos:
    """Give the positions of the rows of a key."""
    places: Nanos = with_key(keys.set_axis(np.arange(len(keys))), key).index.to_numpy()
    return places


def _before(some: deque[Came], number: int) -> deque[Came]:
    """Give the rows that came before one with a number."""
    return deque(
        came if came.frame.index[-1] < number else came.only(np.flatnonzero(came.frame.index < number))
        for came in some
        if came.frame.index[0] < number
    )


def _last_within(came: Came, starts: Nanos, ends: Nanos, otherwise: int) -> Nanos:
    """Give when the last row that was late but accepted came to each of some windows."""
    chosen = np.flatnonzero(came.fates == LATE_ACCEPTED)
    chosen = chosen[np.argsort(came.times[chosen], kind="stable")]
    times = came.times[chosen]
    low, high = np.searchsorted(times, starts), np.searchsorted(times, np.minimum(ends, END_OF_TIME))
    arrivals = np.append(came.arrivals[chosen], otherwise)
    last = np.maximum.reduceat(arrivals, np.stack([low, high], axis=1).ravel())[::2]
    found: Nanos = np.where(low < high, last, otherwise)
    return found
