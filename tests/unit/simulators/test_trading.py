"""The tape shows the stylised facts of Cont (2001), within wide bands."""

import numpy as np
import pandas as pd
import pytest

from simulators import Trading


def autocorrelation(values: np.ndarray, lag: int) -> float:
    values = values - values.mean()
    return float((values[lag:] * values[:-lag]).mean() / (values**2).mean())


def bars(tape: pd.DataFrame, size: str) -> pd.DataFrame:
    grouped = tape.groupby(tape["event_time"].dt.floor(size))
    result = grouped.agg(price=("price", "last"), volume=("size", "sum"))
    return result.assign(change=np.log(result["price"]).diff()).dropna()


@pytest.fixture(scope="module")
def tape() -> pd.DataFrame:
    """Return a working day of three symbols, without anomalies."""
    sim = Trading(symbols=("A", "B", "C"), trades_per_second=30, anomalies=0, seed=7)
    return sim.events("9h")


@pytest.fixture(scope="module")
def minutes(tape: pd.DataFrame) -> list[pd.DataFrame]:
    return [bars(rows, "1min") for _, rows in tape.groupby("symbol", observed=True)]


def test_prices_are_in_ticks_and_sizes_positive(tape: pd.DataFrame) -> None:
    cents = tape["price"] * 100
    assert np.allclose(cents, cents.round(), atol=1e-6)
    assert (tape["price"] > 0).all()
    assert (tape["size"] >= 1).all()
    assert 0.45 <= (tape["side"] == "buy").mean() <= 0.55


def test_tails_are_heavy_and_lighter_for_longer(minutes: list[pd.DataFrame]) -> None:
    short = np.median([minute["change"].kurt() for minute in minutes])
    assert 2 <= short <= 40
    long = [minute["change"].rolling(5).sum()[4::5].kurt() for minute in minutes]
    assert np.median(long) < short


def test_returns_are_uncorrelated_and_volatility_is_not(minutes: list[pd.DataFrame]) -> None:
    changes = [minute["change"].to_numpy() for minute in minutes]
    assert abs(np.mean([autocorrelation(change, 1) for change in changes])) < 0.12
    clustered = [[autocorrelation(np.abs(c), lag) for c in changes] for lag in (1, 5, 20)]
    assert np.mean(clustered[0]) > 0.1
    assert np.mean(clustered[1]) > 0.05


def test_volume_goes_with_volatility(minutes: list[pd.DataFrame]) -> None:
    both = [np.corrcoef(minute["volume"], minute["change"].abs())[0, 1] for minute in minutes]
    assert 0.2 <= np.mean(both) <= 0.8


def test_trades_come_in_bursts_and_orders_in_runs(tape: pd.DataFrame) -> None:
    busy = tape[tape["symbol"] == "A"]
    gaps = busy["event_time"].diff().dt.total_seconds().dropna()
    assert gaps.std() / gaps.mean() > 1.3
    signs = np.where(busy["side"] == "buy", 1.0, -1.0)
    assert autocorrelation(signs, 1) > autocorrelation(signs, 10) > 0.05
    assert autocorrelation(signs, 200) > 0


def test_prices_are_continuous_over_blocks() -> None:
    sim = Trading(seed=7, anomalies=0, trades_per_second=600)
    for i in range(4):
        before, after = sim.block_events(i), sim.block_events(i + 1)
        last = before.groupby("symbol", observed=True)["price"].last()
        first = after.groupby("symbol", observed=True)["price"].first()
        assert (np.abs(np.log(first / last)) < 0.003).all()


def test_rate_is_the_one_asked_for_on_the_average_of_a_day(tape: pd.DataFrame) -> None:
    sim = Trading(seed=7, trades_per_second=10, anomalies=0)
    sample = [len(sim.block_events(i)) for i in range(0, 8640, 24)]
    assert np.mean(sample) / 10 == pytest.approx(10, rel=0.25)


def test_anomalies_stand_out_and_are_labelled() -> None:
    sim = Trading(seed=7, anomalies=20)
    tape = sim.events("10min").merge(sim.truth("10min"), on="event_id", how="left")
    usual = tape[tape["kind"].isna()].groupby("symbol", observed=True)
    size, price = usual["size"].median(), usual["price"].median()
    tape["times"] = tape["size"] / tape["symbol"].map(size).astype(float)
    tape["off"] = (tape["price"] / tape["symbol"].map(price).astype(float) - 1).abs()
    kinds = tape.groupby("kind", observed=True)
    assert set(kinds.groups) == set(sim.kinds)
    assert kinds["times"].median()["fat finger"] > 40
    assert kinds["off"].median()["fat finger"] > 0.03
    assert kinds["times"].median()["volume burst"] > 5
    assert kinds["off"].median()["price spike"] > 0.005
    fingers = tape[tape["kind"] == "fat finger"].groupby("episode_id").size()
    assert (fingers == 1).all()
    assert tape.groupby("episode_id")["symbol"].nunique().max() == 1
