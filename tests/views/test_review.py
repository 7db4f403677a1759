"""The review queue: what somebody says of a payment holds for all, and can be taken back."""

import pytest

from workbench.views.dashboards import fraud, review, trading
from workbench.views.scope import Scope


@pytest.fixture(scope="module")
def feed(standing):
    """Tape, taken through twenty minutes, and standing still."""
    return standing(trading, "20min")


def test_a_verdict_takes_a_payment_out_of_the_queue_of_all(feed):
    mine, theirs = Scope(feed), Scope(feed)
    scores = feed.closed("scores")
    doubtful = scores[scores["score"] >= fraud.REVIEW]["event_id"].astype(str).tolist()[::-1]
    assert len(doubtful) > 2
    assert review.waiting(mine)["event_id"].astype(str).tolist() == doubtful
    review.obey(mine, "fraud", doubtful[0])
    review.obey(theirs, "fine", doubtful[2])
    left = [doubtful[1], *doubtful[3:]]
    assert review.waiting(theirs)["event_id"].astype(str).tolist() == left
    assert review.queue_values(mine)["fraud0"] == left[0]
    assert review.foot_values(theirs)["said"] == f"{len(left)} waiting, 1 fraud, 1 fine"
    review.obey(mine, "undo", "")
    assert review.waiting(mine)["event_id"].astype(str).tolist() == doubtful[1:]
    review.obey(mine, "undo", "")
    assert review.foot_values(mine) == {"said": f"{len(doubtful)} waiting, 0 fraud, 0 fine", "some": False}


def test_what_is_not_in_the_queue_cannot_be_judged(feed):
    scope = Scope(feed)
    before = review.version(scope)
    for name, value in (("fraud", "nobody"), ("fine", ""), ("other", "1"), ("undo", "")):
        review.obey(scope, name, value)
    assert review.version(scope) == before


def test_buttons_of_a_page_say_it(feed):
    page, other = trading.view(feed), trading.view(feed)
    for each in (page, other):
        each.obey("tab", "payments")
    payment = str(review.waiting(page.scope)["event_id"].iloc[0])
    page.hear({"part": "card9", "name": "fraud", "value": payment})
    other.refresh()
    queue = next(card.body for card in other.cards if card.title == "Review queue")
    assert payment not in queue.data.values()
    page.hear({"part": "card9", "name": "undo", "value": ""})
    other.refresh()
    assert payment in queue.data.values()
