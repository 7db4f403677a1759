"""The steps that a pipeline is described with: frozen, inspectable, each knowing the one before it.

Steps are compared by identity, so that results which were described from one stream share its steps when they
run together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.errors import DescriptionError
from workbench.model.aggregates import Aggregate
from workbench.model.instead import Instead
from workbench.model.panes import (
    LATE_BY,
    RETRACTION,
    REVISION,
    TIMING,
    WATERMARK,
    WINDOW_END,
    WINDOW_START,
)
from workbench.model.triggers import ACCUMULATING, DEFAULT, RETRACTING, AfterWatermark, AtExpiry, Trigger
from workbench.model.watermarks import Watermark
from workbench.model.windows import Count, Global, Window
from workbench.schema import REASON, Schema, beside
from workbench.time import spell

Columns = tuple[str, ...] | None
"""The names of the columns that a step puts out; None where a user's function decides."""


class Source(Protocol):
    """Where a stream's rows come from; `workbench.sources` has the readers that go with it."""

    @property
    def name(self) -> str:
        """A short name, such as ``"clickstream"``."""
        ...

    @property
    def schema(self) -> Schema:
        """The columns of the rows."""
        ...

    def reader(self) -> Any:
        """Start reading at the beginning; `workbench.sources.Reader` says what comes."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Step(ABC):
    """One step of a pipeline: a node of the graph when it runs."""

    name: str
    upstreams: tuple[Step, ...] = ()

    @property
    @abstractmethod
    def columns(self) -> Columns:
        """The columns that come out."""

    @property
    def dated(self) -> bool:
        """Whether the rows that come out have an event time, and a watermark that each met."""
        return all(upstream.dated for upstream in self.upstreams)

    @property
    def ports(self) -> tuple[str, ...]:
        """The further outputs: ``late``, ``rejected`` and the like."""
        return ()

    @abstractmethod
    def describe(self) -> str:
        """Say in a line what the step does."""

    def chain(self) -> Iterator[Step]:
        """Give this step and all before it, each once, no step before one that leans on it."""
        found: list[Step] = []

        def visit(step: Step) -> None:
            if step not in found:
                for upstream in step.upstreams:
                    visit(upstream)
                found.append(step)

        visit(self)
        return reversed(found)


@dataclass(frozen=True, eq=False, kw_only=True)
class Read(Step):
    """Rows from a source, in arrival order."""

    source: Source

    @property
    def columns(self) -> Columns:
        """The columns of the source."""
        return tuple(self.source.schema.dtypes)

    def describe(self) -> str:
        """Say in a line what the step does."""
        return f"read {self.source.name}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Date(Step):
    """Admits rows at the door and gives each the watermark that it met; rows that do not fit are rejected."""

    schema: Schema
    watermark: Watermark

    @property
    def columns(self) -> Columns:
        """The columns of the schema."""
        return tuple(self.schema.dtypes)

    @property
    def ports(self) -> tuple[str, ...]:
        """Rows that do not fit."""
        return ("rejected",)

    def describe(self) -> str:
        """Say in a line what the step does."""
        return f"event time {self.schema.time}, {self.watermark!r}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Apply(Step):
    """A stateless step: a pandas method, or a function from frame to frame, pure and row-local.

    The function and its arguments are kept as they are, so that other runtimes can translate them.
    """

    method: str
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    after: Columns = None

    @property
    def columns(self) -> Columns:
        """The columns that come out, where they are known."""
        return self.after

    def describe(self) -> str:
        """Say in a line what the step does."""
        words = [_spell(value) for value in self.arguments]
        words += [f"{name}={_spell(value)}" for name, value in self.keywords.items()]
        return f"{self.method}({', '.join(words)})"


@dataclass(frozen=True, eq=False, kw_only=True)
class Aggregated(Step):
    """Windows of rows by key, aggregated into panes; what comes too late goes to its ``late`` output."""

    keys: tuple[str, ...]
    window: Window
    lateness: int
    aggregates: tuple[Aggregate, ...]
    trigger: Trigger = DEFAULT
    accumulation: str = ACCUMULATING

    @property
    def columns(self) -> Columns:
        """The columns of the pane table."""
        outputs = tuple(aggregate.output for aggregate in self.aggregates)
        added = (RETRACTION,) if self.accumulation == RETRACTING else ()
        return (WINDOW_START, WINDOW_END, *self.keys, *outputs, TIMING, REVISION, *added)

    @property
    def once(self) -> bool:
        """Whether each window of a key puts out one pane at most."""
        if isinstance(self.window, Count) or self.trigger == AtExpiry():
            return True
        return not self.lateness and self.trigger in (DEFAULT, AfterWatermark(late=None))

    @property
    def dated(self) -> bool:
        """Whether there is one pane a window and key, dated at its last moment; several would count twice.

        A count window is filled when its rows come, however old they are: no watermark holds for its panes.
        """
        return self.once and not isinstance(self.window, Global | Count) and super().dated

    @property
    def ports(self) -> tuple[str, ...]:
        """Rows that came too late, and rows in no window."""
        return ("late", "rejected")

    def describe(self) -> str:
        """Say in a line what the step does."""
        by = f" by {', '.join(self.keys)}" if self.keys else ""
        late = f", lateness {spell(self.lateness)}" if self.lateness else ""
        what = ", ".join(map(str, self.aggregates))
        trigger = "" if self.trigger == DEFAULT else f", {self.trigger!r}"
        held = "" if self.accumulation == ACCUMULATING else f", {self.accumulation}"
        return f"{what}{by} in {self.window!r}{late}{trigger}{held}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation(Step):
    """A step that the engine has an operator for by name: a join, a ranking, a pattern, and the like.

    Parameters
    ----------
    kind : str
        Which: a key of `workbench.engine.operations.OPERATORS`, where its options are described.
    options : mapping
        The arguments of that operator; durations in nanoseconds.
    after : tuple of str or None
        The columns that come out, where they are known.
    ports : tuple of str
        The further outputs.
    dated : bool
        Whether what comes out has event time and watermark.
    """

    kind: str
    options: Mapping[str, Any]
    after: Columns = None
    ports: tuple[str, ...] = ("late",)
    dated: bool = True

    @property
    def columns(self) -> Columns:
        """The columns that come out, where they are known."""
        return self.after

    def describe(self) -> str:
        """Say in a line what the step does."""
        told = {name: value for name, value in self.options.items() if not _goes_without_saying(name, value)}
        words = [f"{name}={_spell_option(name, value)}" for name, value in told.items()]
        others = [f"with {step.name}" for step in self.upstreams[1:]]
        return " ".join([self.kind.replace("_", " "), *others, *words])


@dataclass(frozen=True, eq=False, kw_only=True)
class Union(Step):
    """The rows of several streams in one; its watermark is the least of those that are not idle."""

    idle: int | None = None

    @property
    def columns(self) -> Columns:
        """The columns of the first stream, which the others have too."""
        return self.upstreams[0].columns

    def describe(self) -> str:
        """Say in a line what the step does."""
        idle = "" if self.idle is None else f", idle after {spell(self.idle)}"
        return f"the rows of {', '.join(step.name for step in self.upstreams)}{idle}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Output(Step):
    """A further output of the step before: ``late`` or ``rejected`` rows."""

    port: str

    @property
    def dated(self) -> bool:
        """They have left the way of the watermark."""
        return False

    @property
    def columns(self) -> Columns:
        """The columns of the rows that came in, and what was added about them."""
        (step,) = self.upstreams
        before = step.columns if isinstance(step, Date) else step.upstreams[0].columns
        if before is None or len(step.upstreams) > 1 or self.port == "timed_out":
            return None
        told = {"late": (LATE_BY, WATERMARK), "rejected": (REASON,)}.get(self.port, ())
        return (*beside(before, told), *told)

    def describe(self) -> str:
        """Say in a line what the step does."""
        return f"the {self.port.removesuffix('s').replace('_', ' ')} rows"


def _spell(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)


def _goes_without_saying(name: str, value: Any) -> bool:
    usual = {"suffixes": ("", "_right"), "null_keys": "unmatched", "lateness": 0, "closed": "right"}
    return value is None or value == () or value is False or (name in usual and value == usual[name])


_DURATIONS = ("lower", "upper", "lateness", "tolerance", "within", "ttl")


def _spell_option(name: str, value: Any) -> str:
    if name in _DURATIONS and isinstance(value, int):
        return spell(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "a table" if name == "table" else _spell(value)


def step_of(stream: Any, what: str) -> Step:
    """Give the last step of what is to be a stream.

    Raises
    ------
    DescriptionError
        If it is none.
    """
    step = getattr(stream, "step", None)
    if not isinstance(step, Step):
        hint = "make a stream of a table with wb.stream(table, time=...); "
        hint += "a table without times is for .lookup_join(table, on=...)"
        if isinstance(stream, Instead):
            hint = "say first what is asked of it, as with .window('1min').agg(total=('amount', 'sum'))"
        raise DescriptionError(f"{what} is of streams, but got {type(stream).__name__}", hint=hint)
    return step


def require_dated(step: Step, what: str) -> None:
    """See that the rows of a step have dates: an event time, and the watermark that each met.

    Raises
    ------
    DescriptionError
        If they have none, or panes replace each other.
    """
    if step.dated:
        return
    if isinstance(step, Aggregated) and isinstance(step.window, Global):
        raise DescriptionError(
            f"{what} cannot follow {step.name!r}",
            detail="the global window has no end before that of time",
            hint="choose a window that ends",
        )
    if isinstance(step, Aggregated) and isinstance(step.window, Count):
        raise DescriptionError(
            f"{what} cannot follow {step.name!r}",
            detail="count windows are filled by rows however old: no watermark holds for their panes",
            hint="take windows of time, or look back over rows in order: .lag(...), .rolling(...)",
        )
    if isinstance(step, Aggregated):
        raise DescriptionError(
            f"{what} cannot follow {step.name!r}",
            detail="its windows may put out several panes, each replacing the one before",
            hint="take one row a window: .final()",
        )
    raise DescriptionError(
        f"{what} cannot follow {step.name!r}",
        detail="its rows have no watermark of their own",
        hint="describe both from the stream before",
    )


def require_alike(steps: Sequence[Step]) -> None:
    """See that all event times have a time zone, or none, as far as no step may have changed them.

    Raises
    ------
    DescriptionError
        If some have one and others have none.
    """
    zones: dict[bool, str] = {}
    for step in steps:
        if any(_may_change_times(each) for each in step.chain()):
            continue
        for dated in (each for each in step.chain() if isinstance(each, Date)):
            dtype = dated.schema.dtypes[dated.schema.time]
            zones[hasattr(dtype, "tz")] = f"{dated.schema.time!r} of {dated.upstreams[0].name} is {dtype}"
    if len(zones) > 1:
        raise DescriptionError(
            "the streams of a union have event times with and without a time zone",
            detail=f"{zones[True]}, {zones[False]}",
            hint="give all of them one, as with frame['t'].dt.tz_localize('UTC')",
        )


def _may_change_times(step: Step) -> bool:
    if isinstance(step, Operation):
        return step.kind == "process"
    return isinstance(step, Apply) and step.method not in ("query", "select", "explode")


def idle_after(step: Step) -> int | None:
    """Give how long a stream may be without rows before it is idle, as its sources have it; None for ever."""
    said = [dated.watermark.idle for dated in step.chain() if isinstance(dated, Date)]
    return None if None in said else max((idle for idle in said if idle is not None), default=None)
