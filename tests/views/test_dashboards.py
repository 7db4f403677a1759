"""What the dashboards compute from panes, and how they put it in words."""

import pandas as pd
import pytest

from workbench.views import words
from workbench.views.dashboards import clickstream, sensors


def reading(**changes):
    calm = {"low": 20.9, "high": 21.2, "std": 0.06, "values": 96, "distinct": 25, "rows": 96}
    return pd.DataFrame([calm | changes])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"high": 35.4, "std": 1.47}, {"spike"}),
        ({"low": 16.0, "high": 26.0, "std": 2.0}, {"noise"}),
        ({"low": 20.1, "high": 20.1, "std": 0.0, "distinct": 1}, {"stuck"}),
        ({"values": 11}, {"dropout"}),
        ({"low": None, "high": None, "std": None, "values": 0, "distinct": 0}, {"dropout"}),
    ],
)
def test_rules(changes, expected):
    broken = sensors.faults(reading(**changes)).iloc[0]
    assert set(broken.index[broken]) == expected


def test_the_board_tells_now_from_before():
    end = pd.Timestamp("2026-01-05 09:10")
    rows = []
    for device in sensors.DEVICES[1:]:
        for ago in (30, 0):
            spike = (device, ago) in ((sensors.DEVICES[1], 30), (sensors.DEVICES[2], 0))
            rows.append(
                {"device": device, "window_end": end - pd.Timedelta(seconds=ago)}
                | reading(**({"high": 35.4, "std": 1.4} if spike else {})).iloc[0].to_dict()
            )
    board = sensors.board_values(pd.DataFrame(rows))
    assert (board["spike1"], board["spike1_class"]) == ("30 s ago", "recent")
    assert (board["spike2"], board["spike2_class"]) == ("▲ spike", "now")
    assert (board["spike3"], board["spike3_class"]) == ("ok", "")
    assert board["dropout0"] == "○ silent"
    assert board["stuck0_class"] == "unknown"


def test_table_of_panes():
    pane = {
        "window_start": pd.Timestamp("2026-01-05 09:00"), "window_end": pd.Timestamp("2026-01-05 09:01"),
        "country": "FR", "sessions": 1000, "events": 2000, "orders": 25, "revenue": 1234.5,
        "timing": "late", "revision": 2,
    }  # fmt: skip
    values = clickstream.table_values(pd.DataFrame([pane]))
    assert values["window0"] == "09:00:00 – 09:01:00"
    assert values["conversion0"] == "2.50 %"
    assert values["revenue0"] == "1,234.50"
    assert values["state0"] == "revised, 2×"
    assert values["row0"]
    assert not values["row1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (9_994, "9,994"), (10_000, "10.0k"), (123_456, "123k"), (2_500_000, "2.50M"),
     (None, "–"), (float("nan"), "–"), (float("inf"), "–")],
)  # fmt: skip
def test_short_numbers(value, text):
    assert words.short(value) == text


def test_changes_have_arrows():
    assert words.signed(None) == "–"
    assert words.signed(-12.34, 1, " %") == "▼ −12.3 %"
