"""Score: how good a detector is, beside those that know nothing and those that know everything."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.parameters import require

Mask = npt.NDArray[np.bool_]


def score(
    alerts: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    events: pd.DataFrame | int,
    miss: float = 10.0,
    false_alarm: float = 1.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how good some alerts are, beside a null, a random and a perfect detector.

    An episode counts as found with its first event that was alerted of; how long that took, from the
    episode's first event on, is its delay. The random detector raises as many alerts, of events at random.

    Parameters
    ----------
    alerts
        ``event_id`` of the events that were alerted of; what is twice counts once, at first. With
        ``alert_time`` (datetime), the delay is until then, and else until the event.
    truth
        As a simulator's ``truth``, of the same interval.
    events
        The events of the interval (with ``event_id``), or how many there are, numbered from 0 on.
    miss, false_alarm
        What an episode that is not found costs, and an alert of an event that nothing is wrong with.
    seed
        Seed of the random detector.

    Returns
    -------
    DataFrame
        A row a detector (the index: ``yours, null, random, perfect``). ``alerts``; ``precision``,
        ``recall`` and ``f1``, of events; ``episodes_found``, a share; ``delay`` (timedelta64), the median of
        those found; ``cost``. What is not defined is NaN, or NaT.

    Raises
    ------
    ValueError
        If there is no ``event_id``, or an alert is of no event.

    Examples
    --------
    >>> from simulators import Sensors
    >>> building = Sensors(seed=7)
    >>> readings, truth = building.events("10min"), building.truth("10min")
    >>> hot = readings[readings["temperature"] > 25]
    >>> table = score(hot, truth, events=readings)
    >>> table.loc["perfect", ["precision", "recall", "episodes_found"]].tolist()
    [1.0, 1.0, 1.0]
    """
    for name, frame in (("alerts", alerts), ("truth", truth)):
        require(
            "event_id" in frame.columns,
            f"{name} have the columns {list(frame.columns)}",
            detail="What is scored is found by event_id.",
            hint="Keep the column event_id on the way through the pipeline.",
        )
    known = np.arange(events) if isinstance(events, int | np.integer) else events["event_id"].to_numpy()
    if "alert_time" in alerts.columns:
        alerts = alerts.sort_values("alert_time", kind="stable")
    raised = alerts.drop_duplicates("event_id")
    strangers = raised["event_id"][~raised["event_id"].isin(known)].tolist()
    require(
        not strangers,
        f"{len(strangers)} alerts are of no event, such as {strangers[:3]}",
        detail="Alerts, truth and events must be of the same interval.",
        hint="Score alerts = alerts[alerts.event_id.isin(events.event_id)].",
    )
    wrong = truth.drop_duplicates("event_id")
    guessed = np.random.default_rng(seed).choice(known, len(raised), replace=False)
    detectors = {
        "yours": raised,
        "null": raised[:0],
        "random": pd.DataFrame({"event_id": guessed}),
        "perfect": wrong[["event_id"]],
    }
    rows = {name: _scored(told, wrong, miss, false_alarm) for name, told in detectors.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def _scored(raised: pd.DataFrame, wrong: pd.DataFrame, miss: float, false_alarm: float) -> dict[str, object]:
    hits = int(raised["event_id"].isin(wrong["event_id"]).sum())
    episodes = wrong["episode_id"].nunique()
    delays = _delays(raised, wrong)
    precision, recall = _share(hits, len(raised)), _share(hits, len(wrong))
    false = len(raised) - hits
    return {
        "alerts": len(raised),
        "precision": precision,
        "recall": recall,
        "f1": _share(2 * hits, len(raised) + len(wrong)),
        "episodes_found": _share(len(delays), episodes),
        "delay": delays.median() if len(delays) else pd.NaT,
        "cost": miss * (episodes - len(delays)) + false_alarm * false,
    }


def _delays(raised: pd.DataFrame, wrong: pd.DataFrame) -> pd.Series:
    """Return how long it took to find each episode that was found."""
    begins = wrong.groupby("episode_id")["true_time"].min()
    found = wrong.merge(raised, on="event_id", suffixes=("", "_raised"))
    moments = found["alert_time"] if "alert_time" in found.columns else found["true_time"]
    first = moments.groupby(found["episode_id"]).min()
    return first - begins[first.index]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
