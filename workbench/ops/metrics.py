"""Numbers of what is served, as Prometheus reads them; the text is written by its own client library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from workbench.ops.health import Runs
from workbench.runtimes.trace import Metrics

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""What the text is, as HTTP says it."""
STATES = ("running", "paused", "finished", "failed", "stopped")


@dataclass
class Timing:
    """How often something was done, and how long it took altogether."""

    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Note that it was done once more."""
        self.count += 1
        self.seconds += seconds


COUNTERS: Mapping[str, tuple[str, Callable[[Metrics], float]]] = {
    "workbench_rows": ("Rows that have arrived.", lambda metrics: metrics.rows),
    "workbench_late_rows": ("Rows too late for a result, each once.", lambda metrics: metrics.late),
    "workbench_rejected_rows": ("Rows that were not taken.", lambda metrics: metrics.rejected),
}

GAUGES: Mapping[str, tuple[str, Callable[[Metrics], float | None]]] = {
    "workbench_rows_per_second": (
        "Rows that arrive a second of wall time.",
        lambda metrics: metrics.rows_per_second,
    ),
    "workbench_watermark_seconds": (
        "The watermark, as event time in seconds since 1970-01-01 UTC.",
        lambda metrics: None if metrics.watermark is None else metrics.watermark.timestamp(),
    ),
    "workbench_processing_time_seconds": (
        "Processing time, in seconds since 1970-01-01 UTC.",
        lambda metrics: None if metrics.now is None else metrics.now.timestamp(),
    ),
    "workbench_lag_seconds": (
        "Processing time minus watermark.",
        lambda metrics: None if metrics.lag is None else metrics.lag.total_seconds(),
    ),
    "workbench_state_entries": ("Entries held by all operators.", lambda metrics: metrics.state),
}


class Pipelines(Collector):
    """What Prometheus is told of pipelines and of the sessions that look at them.

    Parameters
    ----------
    runs : callable
        Gives the runs by name.
    sessions : callable
        Gives the number of browser sessions by page.
    pushes : callable
        Gives, by name, how often pages were brought up to date, and how long that took.
    """

    def __init__(
        self,
        runs: Runs,
        sessions: Callable[[], Mapping[str, int]],
        pushes: Callable[[], Mapping[str, Timing]],
    ) -> None:
        self._runs, self._sessions, self._pushes = runs, sessions, pushes

    def collect(self) -> Iterable[Metric]:
        """Give all there is at this moment."""
        told = {name: run.metrics() for name, run in self._runs().items() if run is not None}
        for name, (words, counted) in COUNTERS.items():
            counter = CounterMetricFamily(name, words, labels=["pipeline"])
            for pipeline, metrics in told.items():
                counter.add_metric([pipeline], counted(metrics))
            yield counter
        for name, (words, read) in GAUGES.items():
            gauge = GaugeMetricFamily(name, words, labels=["pipeline"])
            for pipeline, metrics in told.items():
                if (value := read(metrics)) is not None:
                    gauge.add_metric([pipeline], value)
            yield gauge
        yield _states(told)
        yield self._open_sessions()
        yield self._pushed()

    def _open_sessions(self) -> Metric:
        gauge = GaugeMetricFamily("workbench_sessions", "Browser sessions that are open.", labels=["page"])
        for page, number in self._sessions().items():
            gauge.add_metric([page], number)
        return gauge

    def _pushed(self) -> Metric:
        summary = SummaryMetricFamily(
            "workbench_push_seconds", "Time taken to bring a page up to date.", labels=["pipeline"]
        )
        for pipeline, timing in self._pushes().items():
            summary.add_metric([pipeline], timing.count, timing.seconds)
        return summary


def _states(told: Mapping[str, Metrics]) -> Metric:
    gauge = GaugeMetricFamily(
        "workbench_run_status",
        "1 for the status that a run has, 0 for others.",
        labels=["pipeline", "status"],
    )
    for pipeline, metrics in told.items():
        for state in STATES:
            gauge.add_metric([pipeline, state], float(metrics.status == state))
    return gauge


class Exposition:
    """The text that Prometheus scrapes: of the pipelines, and of this process (on Linux).

    Parameters
    ----------
    pipelines : Pipelines
        What is told of them.

    Examples
    --------
    >>> lines = Exposition(Pipelines(dict, lambda: {"/": 3}, dict)).text().decode().splitlines()
    >>> [line for line in lines if line.startswith("workbench_sessions")]
    ['workbench_sessions{page="/"} 3.0']
    """

    def __init__(self, pipelines: Pipelines) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(pipelines)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Give it as it is now."""
        return generate_latest(self._registry)
