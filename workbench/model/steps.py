"""The steps that a pipeline is described with: frozen, inspectable, each knowing the one before it.

Steps are compared by identity, so that results which were described from one stream share its steps when they
run together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.model.aggregates import Aggregate
from workbench.model.panes import LATE_BY, REVISION, TIMING, WATERMARK, WINDOW_END, WINDOW_START
from workbench.model.watermarks import Watermark
from workbench.model.windows import Window
from workbench.schema import REASON, Schema
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

    @property
    def columns(self) -> Columns:
        """The columns of the pane table."""
        outputs = tuple(aggregate.output for aggregate in self.aggregates)
        return (WINDOW_START, WINDOW_END, *self.keys, *outputs, TIMING, REVISION)

    def describe(self) -> str:
        """Say in a line what the step does."""
        by = f" by {', '.join(self.keys)}" if self.keys else ""
        late = f", lateness {spell(self.lateness)}" if self.lateness else ""
        what = ", ".join(map(str, self.aggregates))
        return f"{what}{by} in {self.window!r}{late}"


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
    def columns(self) -> Columns:
        """The columns of the rows that came in, and what was added about them."""
        before = next(step.columns for step in self.chain() if not isinstance(step, Output | Aggregated))
        added = (LATE_BY, WATERMARK) if self.port == "late" else (REASON,)
        return None if before is None else before + added

    def describe(self) -> str:
        """Say in a line what the step does."""
        return f"the {self.port} rows"


def _spell(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)
