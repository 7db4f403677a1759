"""What one session chooses is its own: moment, range, filter; what it takes away is what it sees."""

import io
import json

import nbformat
import pandas as pd
import pytest

from workbench.views import export, theme
from workbench.views.dashboards import clickstream
from workbench.views.scope import Scope


@pytest.fixture(scope="module")
def feed(standing):
    """Store pulse, taken through five minutes, and standing still."""
    return standing(clickstream, "5min")


def scope_of(feed):
    return Scope(feed, filters={"country": clickstream.COUNTRIES}, choices={"truth": ("hidden", "shown")})


def test_a_filter_is_of_one_session_only(feed):
    one, other = scope_of(feed), scope_of(feed)
    assert one.toggle("country", "FR")
    assert set(one.closed("countries")["country"]) == {"FR"}
    assert len(set(other.closed("countries")["country"])) == 8
    assert set(one.events()["country"]) == {"FR"}
    assert one.toggle("country", "FR")
    assert one.only == {}


def test_an_address_says_all_and_believes_nothing(feed):
    scope = scope_of(feed)
    scope.read({"country": [b"FR"], "truth": [b"shown"], "last": [b"2min"], "at": [b"2026-01-05T09:03:00"]})
    assert scope.address() == "?country=FR&truth=shown&last=2min&at=2026-01-05T09%3A03%3A00"
    again = scope_of(feed)
    again.read({"country": [b"<script>"], "truth": [b"1"], "last": [b"9h"], "at": [b"soon"], "x": [b"\xff"]})
    assert again.address() == ""


def test_the_past_is_as_it_was(feed):
    scope = scope_of(feed)
    assert scope.set("at", "09:04:30")
    moment = pd.Timestamp("2026-01-05 09:04:30")
    panes = scope.closed("countries")
    assert panes["window_end"].max() <= scope.metrics().watermark < moment
    expected = feed.run.panes("countries", at=moment.value)
    pd.testing.assert_frame_equal(panes.reset_index(drop=True), expected.reset_index(drop=True))
    assert scope.events()["arrival_time"].max() <= moment
    assert feed.metrics().now > moment  # nothing has happened to the run of all
    assert scope.set("at", "+10")
    assert scope.metrics().now == moment + pd.Timedelta("10s")
    assert scope.set("at", "live")
    assert scope.at is None


def test_what_is_kept_of_the_past_has_a_beginning(feed):
    scope = scope_of(feed)
    scope.set("at", "-100000")
    assert scope.at == feed.run.trace.marks[0].moment


def test_a_run_that_is_behind_its_sources_says_so(feed, monkeypatch):
    page = clickstream.view(feed)
    monkeypatch.setattr(type(feed.run), "status", "running")
    for seconds, said in ((2, ""), (95, "1 min 35 s behind")):
        monkeypatch.setattr(type(feed.run), "behind", seconds * 1_000_000_000)
        page.refresh()
        assert (page.head.data["state"], page.head.data["age"]) == ("LIVE", said)


def test_buttons_of_a_page(feed):
    page = clickstream.view(feed)
    page.obey("filter", "country=FR")
    page.obey("last", "2min")
    assert page.head.data["address"] == "?country=FR&last=2min"
    assert {
        value for name, value in _table(page, "Panes by country").items() if name.startswith("country")
    } - {""} == {"FR"}
    page.obey("events", "")
    table = page.drawer.table
    assert {row[table["columns"].index("country")] for row in table["rows"]} == {"FR"}
    page.obey("close", "")
    assert page.drawer.table == {}
    page.obey("theme", "dark")
    assert page.cards[0].body.figure.yaxis[0].major_label_text_color == theme.DARK[theme.MUTED]
    page.obey("theme", "light")
    assert page.cards[0].body.figure.yaxis[0].major_label_text_color == theme.MUTED


def _table(page, title):
    return next(card.body for card in page.cards if card.title == title).data


def test_the_table_behind_a_chart_is_what_it_shows(feed):
    page = clickstream.view(feed)
    funnel = next(number for number, card in enumerate(page.cards) if card.title == "Funnel")
    page.obey("csv", str(funnel))
    file = page.drawer.file
    frame = pd.read_csv(io.StringIO(file["text"]))
    assert file["name"] == "Funnel.csv"
    shown = page.cards[funnel].body.shown.columns["main"]
    assert frame["visits"].tolist() == shown["value"].tolist()
    page.obey("data", str(funnel))
    assert [row[0] for row in page.drawer.table["rows"]] == list(frame["action"])
    page.obey("data", "999")
    page.obey("csv", "-1")


def test_alerts_are_seen_by_all_and_muted_by_one(feed):
    one, other = clickstream.view(feed), clickstream.view(feed)
    assert one.alerts.shown, "these minutes have alerts"
    first = one.alerts.shown[0]
    one.obey("acknowledge", first["id"])
    other.refresh()
    assert first["id"] not in [alert["id"] for alert in other.alerts.shown]
    kind = one.alerts.shown[0]["kind"]
    one.obey("mute", kind)
    other.refresh()
    assert kind not in {alert["kind"] for alert in one.alerts.shown}
    assert kind in {alert["kind"] for alert in other.alerts.shown}
    assert f"muted={kind}" in one.head.data["address"]
    one.obey("unmute", "")
    one.obey("jump", one.alerts.shown[0]["id"])
    moment = pd.Timestamp(one.scope.at)
    assert one.head.data["state"].startswith("PAST")
    assert moment >= one.alerts.found()["time"].max()
    feed.acknowledged.clear()


def test_a_notebook_rebuilds_the_view(feed):
    scope = scope_of(feed)
    scope.set("country", "FR")
    scope.set("at", "09:04:00")
    text = export.notebook(clickstream, scope, scope.address())
    notebook = nbformat.from_dict(json.loads(text))
    nbformat.validate(notebook)
    cells = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names = {}
    exec(cells[0], names)
    run = names["run"].wait(120)
    exec(cells[1], names)
    seen = run.seen("countries").sort_values(["window_end", "country"], ignore_index=True)
    assert set(seen["country"].astype(str)) == {"FR"}
    same, final = ["window_end", "sessions", "events", "orders"], pd.Timestamp("2026-01-05 09:03:00")
    panes = [frame[frame["window_end"] <= final][same] for frame in (scope.closed("countries"), seen)]
    assert len(panes[0]) == 3
    pd.testing.assert_frame_equal(*(frame.reset_index(drop=True) for frame in panes))


def test_pill_and_strip_change_in_one_frame(feed):
    page = clickstream.view(feed)
    feed.run.resume()
    page.refresh()
    assert (page.head.data["state"], page.strip.data["rate"] != "") == ("LIVE", True)
    page.obey("pause", "")
    assert page.head.data["state"] == "PAUSED"
    assert page.strip.data["now"].removesuffix(" UTC") == page.head.data["processing"]
    assert page.strip.data["rate"] == "0 /s"
