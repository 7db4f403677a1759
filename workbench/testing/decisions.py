"""Choices of ours on which engines differ, so that cases of the other side are different by decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from workbench.engine.progress import Stamp
from workbench.testing.drivers import Setting
from workbench.testing.replay import Operator


@dataclass(frozen=True)
class Decision:
    """A choice of ours on which engines differ.

    Parameters
    ----------
    name : str
        The question that it answers, as the decisions about time call it.
    page : str
        Where the documents tell of it, seen from ``docs/``.
    differs : str
        What a case of the other side asks for.
    elsewhere, here : str
        What other engines do, and what we do.
    applies : callable
        Whether a case's ``op`` may take the other side.
    undo : callable
        The setting in which the other side is taken.
    """

    name: str
    page: str
    differs: str
    elsewhere: str
    here: str
    applies: Callable[[Mapping[str, Any]], bool]
    undo: Callable[[Setting], Setting]

    @property
    def reason(self) -> str:
        """Why a case that takes the other side does not pass."""
        return f"{self.differs}: {self.here} (decisions about time: {self.name})"


@dataclass(frozen=True, eq=False)
class _NullKeysRejected:
    """A window operator that rejects rows with a null key, as engines do that have no such key."""

    operator: Operator
    keys: Sequence[str]

    @property
    def size(self) -> int:
        return self.operator.size

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Any:
        null = frame[[*self.keys]].isna().any(axis=1)
        out: Any = self.operator.process(frame[~null], stamp)
        rejected = [each for each in (out.rejected, frame[null]) if len(each)]
        return replace(out, rejected=pd.concat(rejected)) if rejected else out

    def snapshot(self) -> dict[str, Any]:
        return self.operator.snapshot()

    def restore(self, snapshot: dict[str, Any]) -> None:
        self.operator.restore(snapshot)


def _reject_null_keys(setting: Setting) -> Setting:
    def make(*, keys: Sequence[str], **described: Any) -> Operator:
        return _NullKeysRejected(setting.make(keys=keys, **described), keys)

    return replace(setting, make=make)


SETTLED: Mapping[str, Sequence[str]] = {"aggregate": ("null_key",)}
"""Options, by the kind of operator, that a decision has settled: cases are run as if they had none."""

DECISIONS: Sequence[Decision] = (
    Decision(
        name="watermark",
        page="decisions/0001-row-by-row-watermark.md",
        differs="watermark per_batch",
        elsewhere="the watermark of a batch is held for the whole of the next one (Spark)",
        here="ours moves row by row, so that late rows do not depend on the batches",
        applies=lambda op: (op.get("watermark") or {}).get("emit") == "per_batch",
        undo=lambda setting: replace(setting, freeze=True, row_by_row=False),
    ),
    Decision(
        name="nulls",
        page="glossary.md",
        differs="rows without a key are dropped",
        elsewhere="rows with a null key are dropped (Kafka Streams, and pandas unless `dropna=False`)",
        here="null is a key of its own, so that no row disappears",
        applies=lambda op: op["kind"] == "aggregate" and "null_key" in op,
        undo=_reject_null_keys,
    ),
)
