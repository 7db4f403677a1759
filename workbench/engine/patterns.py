"""PatternOperator: process(batch) -> matches, timed_out, late; patterns of each key's rows in event time.

The way of a batch through here: late rows leave; of the others the plain conditions are asked once; they
are held until the watermark has passed their event time, and then released to the runs in the order of event
time, ties in the order of arrival. So matches depend on the rows in time only, however they came in batches.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.columns import require
from workbench.engine.expressions import Tally, Value, evaluate, holds
from workbench.engine.keys import KeyDictionary
from workbench.engine.matching import Matcher, Rows
from workbench.engine.progress import Stamp
from workbench.engine.rows import Aside, RowStore, side_by_side
from workbench.engine.skipping import settle
from workbench.engine.state import VERSION, check_snapshot
from workbench.errors import DescriptionError
from workbench.model.patterns import MATCH_END, MATCH_START, RETAINED, Pattern, Stage
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos, from_nanos

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """What comes of a batch.

    Parameters
    ----------
    matches : pandas.DataFrame
        One row a match: keys, ``match_start`` and ``match_end`` (event times of its first and last row), for
        each stage the arrival numbers of its rows (not for a row pattern), measures; by ``match_end``. A
        stage of at most one row has its number (int64, Int64 if it is optional), others have a list.
    timed_out : pandas.DataFrame
        The same of runs whose time was over before they had matched; for a row pattern, of each first row
        without a match the run that was preferred. Stages that had matched nothing are null or empty.
    late : pandas.DataFrame
        The rows behind the watermark that they met, plus ``late_by`` and ``watermark``.
    """

    matches: pd.DataFrame
    timed_out: pd.DataFrame
    late: pd.DataFrame
    _traces: dict[str, tuple[Ints, Ints, Any]] = field(default_factory=dict, repr=False)

    def rows(self, output: str = "matches") -> pd.DataFrame:
        """Say which rows there are in ``matches`` or ``timed_out``; by match, then event time.

        Returns
        -------
        pandas.DataFrame
            ``match`` (int64, the row's index in that output) and ``stage`` (str); the index holds arrival
            numbers. A row that is in several matches comes several times.
        """
        arrival, owner, stage = self._traces[output]
        return pd.DataFrame({"match": owner, "stage": pd.Series(stage, arrival, dtype="str")}, arrival)


class PatternOperator:
    """Finds a pattern among the rows of each key, in the order of event time.

    Known as CEP in Flink and ``MATCH_RECOGNIZE`` in SQL and Flink SQL.

    Parameters
    ----------
    pattern : Pattern
        What a match is.
    keys : tuple of str
        Key columns (``PARTITION BY``); none for all rows together.
    time_dtype : datetime dtype
        Unit and zone of ``match_start`` and ``match_end``.

    Notes
    -----
    A batch costs some array operations, for each round that `Matcher` describes. State is the rows that the
    watermark has not released, and those of runs, with the columns that later conditions and measures read;
    it is bounded by the disorder and by ``within``, for each key, and without ``within`` by nothing. At the
    end of the stream it is empty.
    """

    def __init__(
        self, *, pattern: Pattern, keys: tuple[str, ...] = (), time_dtype: Any = "datetime64[ns]"
    ) -> None:
        self.pattern, self.keys = pattern.ready(), KeyDictionary(keys)
        self._refuse(keys)
        self.time_dtype = pd.api.types.pandas_dtype(time_dtype)
        self.matcher = Matcher(pattern)
        self.watermark = NO_WATERMARK
        self.measured = Tally(pattern.measures.values(), self.matcher.names)
        self.shown: tuple[Stage, ...] = (
            () if pattern.ordered else tuple(stage for stage in pattern.stages if not stage.negated)
        )
        self._described = repr((keys, pattern))
        self.rows = RowStore("time", "key", "bits", "released", "arrival", "order")
        self.came, self.kept = 0, pattern.kept_columns
        self._nothing: dict[str, pd.DataFrame] = {}
        self._aside = Aside(self.time_dtype)

    @property
    def size(self) -> int:
        """How many entries the state holds: rows, and nodes of runs."""
        return len(self.rows) + len(self.matcher)

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Matched:
        """Take a batch; tell the matches that the watermark after it has settled.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows of one arrival batch after row-local steps; the index holds their arrival numbers.
        stamp : Stamp
            The event times of the batch, and the watermark that each row met.
        """
        times, met = stamp.look_up(frame)
        late = times < met
        self._take(frame[~late] if late.any() else frame, times[~late])
        self._columns: dict[str, Value] = {}
        self.watermark = stamp.watermark
        self._release()
        told, timed_out = settle(self.matcher, self.matcher.expire(self.watermark))
        output = self._output(told, timed_out, self._aside.late(frame, late, met - times, met))
        self._forget()
        return output

    def snapshot(self) -> dict[str, Any]:
        """Give the state, as plain values, arrays and frames."""
        return {
            "version": VERSION,
            "described": self._described,
            "keys": self.keys.snapshot(),
            "watermark": self.watermark,
            "rows": self.rows.snapshot(),
            "came": self.came,
            "matcher": self.matcher.snapshot(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot.

        Raises
        ------
        SnapshotError
            If it was taken of another version, or of another description.
        """
        check_snapshot(snapshot, self._described)
        self.keys.restore(snapshot["keys"])
        self.watermark = snapshot["watermark"]
        self.rows.restore(snapshot["rows"])
        self.came = snapshot["came"]
        self.matcher.restore(snapshot["matcher"])

    def column(self, name: str) -> Value:
        """Give a column of the rows held, by slot, as plain arrays."""
        if name not in self._columns:
            slots = self.rows.live()
            held = Value.of(self.rows.column(name, slots))
            values = np.zeros(len(self.rows["time"]), dtype=held.values.dtype)
            valid = np.zeros(len(values), dtype=bool)
            values[slots], valid[slots] = held.values, held.valid
            self._columns[name] = Value(values, valid, held.dtype)
        return self._columns[name]

    def _refuse(self, keys: Iterable[str]) -> None:
        shown = [*(stage.name for stage in self.pattern.stages), *self.pattern.measures, *RETAINED]
        taken = next((key for key in keys if key in shown), None)
        if taken is not None:
            raise DescriptionError(
                f"the name {taken!r} is taken", hint="give the stage or measure another name than the key"
            )

    def _take(self, frame: pd.DataFrame, time: Nanos) -> None:
        """Take rows into the state, with the answers of the plain conditions."""
        if not len(frame.columns):
            return
        require(frame.columns, self.kept, "a pattern")
        bits = np.zeros(len(frame), dtype=np.int64)
        for place, stage in enumerate(self.pattern.stages if len(frame) else ()):
            if not stage.depends:
                bits |= holds(stage.where, frame).astype(np.int64) << place
        self.rows.add(
            frame[list(self.kept)],
            time=time,
            key=self.keys.encode(frame),
            bits=bits,
            arrival=frame.index.to_numpy(),
            order=np.arange(self.came, self.came + len(frame)),
        )
        self.came += len(frame)

    def _release(self) -> None:
        """Hand the rows that the watermark has passed to the runs."""
        rows = self.rows
        slots = rows.live()
        passed = (rows["time"][slots] < self.watermark) | (self.watermark == END_OF_TIME)
        slots = slots[(rows["released"][slots] == 0) & passed]
        if not len(slots):
            return
        rows["released"][slots] = 1
        slots = slots[np.lexsort((rows["order"][slots], rows["time"][slots], rows["key"][slots]))]
        new = len(self.keys) - len(self.matcher.seen)
        seen = np.append(self.matcher.seen, np.zeros(new, dtype=np.int64))
        released = Rows(slots, rows["key"][slots], rows["time"][slots], rows["bits"][slots], seen)
        self.matcher.advance(released, self.column)

    def _output(self, told: Ints, timed_out: Ints, late: pd.DataFrame) -> Matched:
        tables, traces = {}, {}
        for name, tips in (("matches", self._in_order(told)), ("timed_out", self._in_order(timed_out))):
            owner, nodes = self.matcher.trace(tips)
            arrival = self.rows["arrival"][self.matcher.nodes["row"][nodes]]
            place = self.matcher.nodes["place"][nodes]
            traces[name] = (arrival, owner, np.array(self.matcher.names, dtype=object)[place])
            tables[name] = self._table(name, tips, owner, nodes)
        return Matched(tables["matches"], tables["timed_out"], late, traces)

    def _in_order(self, tips: Ints) -> Ints:
        """Put matches in order: by the event time of the last row, then its arrival, then the first row."""
        nodes = self.matcher.nodes
        row = nodes["row"][tips]
        by = (nodes["first"][tips], self.rows["order"][row], self.rows["time"][row])
        chosen: Ints = tips[np.lexsort(by)]
        return chosen

    def _table(self, name: str, tips: Ints, owner: Ints, found: Ints) -> pd.DataFrame:
        if not len(tips) and name in self._nothing:
            return self._nothing[name]
        nodes = self.matcher.nodes
        row = nodes["row"][found]
        begin = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])[: len(owner)])
        time, arrivals = self.rows["time"], self.rows["arrival"][row]
        columns = {
            **self.keys.take(nodes["key"][tips]),
            MATCH_START: from_nanos(time[row[begin]], self.time_dtype),
            MATCH_END: from_nanos(time[nodes["row"][tips]], self.time_dtype),
        }
        for stage in self.shown:
            mine = nodes["place"][found] == self.matcher.names.index(stage.name)
            always = name == "matches" and not stage.optional
            columns[stage.name] = _numbers(stage, arrivals[mine], owner[mine], len(tips), always=always)
        if len(self.rows.names) == len(self.kept):
            columns.update(self._measures(tips, found, begin))
        else:
            columns.update({name: pd.Series([], dtype=object) for name in self.pattern.measures})
        table = side_by_side(columns)
        if not len(tips) and self.came:
            self._nothing[name] = table
        return table

    def _measures(self, tips: Ints, found: Ints, begin: Ints) -> dict[str, pd.Series]:
        """Compute the measures: the tallies of all matches grow together, a row of each a round."""
        nodes, tally = self.matcher.nodes, self.measured
        tallies = tally.start(len(tips), self.column)
        depth = nodes["depth"][tips]
        for step in range(int(depth.max(initial=0)) if tally.names else 0):
            more = np.flatnonzero(depth > step)
            node = found[begin[more] + step]
            before = {each: tallies[each][more] for each in tally.names}
            grown = tally.extend(before, nodes["place"][node], nodes["row"][node], self.column)
            for each in tally.names:
                tallies[each] = tallies[each].astype(grown[each].dtype, copy=False)
                tallies[each][more] = grown[each]
        navigate, last = tally.navigate(tallies, self.column), nodes["row"][tips]
        return {
            name: evaluate(measure, lambda of: self.column(of).take(last), navigate).column(len(tips))
            for name, measure in self.pattern.measures.items()
        }

    def _forget(self) -> None:
        """Drop rows and keys that no run leads back to."""
        self.matcher.forget()
        slots = self.rows.live()
        free = self.rows["released"] == 1
        free[self.matcher.nodes["row"]] = False
        self.rows.drop(slots[free[slots]])
        if self.keys.worth_forgetting(self.size):
            slots = self.rows.live()
            code_of = self.keys.retain(np.unique(self.rows["key"][slots]))
            self.rows["key"][slots] = code_of[self.rows["key"][slots]]
            self.matcher.renew_keys(code_of)


def _numbers(stage: Stage, arrivals: Ints, owner: Ints, count: int, *, always: bool) -> Any:
    """Give the arrival numbers that a stage has in each match."""
    if stage.most != 1:
        lists = arrivals.tolist()
        edges = np.searchsorted(owner, np.arange(count + 1)).tolist()
        pieces = (lists[low:high] for low, high in itertools.pairwise(edges))
        return np.fromiter(pieces, dtype=object, count=count)
    numbers, missing = np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
    numbers[owner], missing[owner] = arrivals, False
    return numbers if always else pd.arrays.IntegerArray(numbers, missing)


def pattern_operator(
    *, pattern: Pattern, keys: tuple[str, ...] = (), time_dtype: Any = "datetime64[ns]"
) -> PatternOperator:
    """Make a `PatternOperator`.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> from workbench.model.patterns import begin
    >>> carts = begin("cart", "v == 'cart'").not_followed_by("buy", "v == 'buy'").within("10s")
    >>> operator = pattern_operator(pattern=carts, keys=("user",))
    >>> frame = pd.DataFrame(
    ...     {"user": ["ann", "bob", "bob", "ann"], "v": ["cart", "cart", "buy", "look"]}, index=range(1, 5)
    ... )
    >>> stamp = Progress(bound=0).stamp(np.array([1, 2, 8, 15]) * 1_000_000_000)
    >>> matched = operator.process(frame, stamp)
    >>> matched.matches
      user         match_start           match_end  cart
    0  ann 1970-01-01 00:00:01 1970-01-01 00:00:01     1
    >>> matched.rows()
       match stage
    1      0  cart
    """
    return PatternOperator(pattern=pattern, keys=keys, time_dtype=time_dtype)
