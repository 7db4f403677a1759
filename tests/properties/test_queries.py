"""Query strings give what they give in pandas, whatever they are; the plain ones without its reading them."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.queries import plain, query
from workbench.errors import DescriptionError

ROWS = pd.DataFrame(
    {
        "whole": [3, -1, 2, 0, 2],
        "part": [0.5, np.nan, 2.0, -0.0, 3.0],
        "flag": [True, False, True, True, False],
        "word": pd.Series(["a", "b", None, "b", ""], dtype="str"),
        "kept": pd.Series(["a", None, "b", np.nan, "c"], dtype=object),
        "kind": pd.Categorical(["b", "a", None, "b", "b"], categories=["a", "b", "c"]),
        "rank": pd.Categorical(["low", "top", "mid", None, "low"], ["low", "mid", "top"], ordered=True),
        "small": np.array([1, 2, 3, 4, 5], dtype="int8"),
        "some": pd.array([1, None, 3, 4, 5], dtype="Int64"),
        "sure": pd.array([True, None, False, True, None], dtype="boolean"),
        "text": pd.array(["a", None, "b", "c", "a"], dtype=pd.StringDtype(na_value=pd.NA)),
        "when": pd.to_datetime(["2026-01-01", None, "2026-01-02", "2026-01-03", "2026-01-03"]),
        "long": pd.to_timedelta([1, 2, None, 4, 5], unit="s"),
        "index": [5, 4, 3, 2, 1],
    }
).set_axis([3, 4, 6, 7, 9])
NUMBERS = st.sampled_from(
    [
        "0",
        "2",
        "-1",
        "0.5",
        "1e3",
        "whole",
        "part",
        "small",
        "some",
        "index",
        "whole + 1",
        "whole % 2",
        "part // small",
    ]
)
WORDS = st.sampled_from(
    ["'a'", "'b'", '"low"', "'&'", "'2026-01-02'", "word", "kept", "kind", "rank", "text", "when", "long"]
)
VALUES = (
    NUMBERS
    | WORDS
    | st.sampled_from(["flag", "True", "None", "whole * part", "(part - 2) / whole", "whole & small"])
)
LISTS = st.sampled_from(
    ["['a', 'c']", "[2, -1, 0.5]", "('b',)", "[]", "[None, 'a']", "[whole]", "word", "'ab'"]
)
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
COMPARED = (
    st.tuples(NUMBERS, SIGNS, NUMBERS)
    | st.tuples(WORDS, SIGNS, WORDS)
    | st.tuples(VALUES, SIGNS, VALUES)
    | st.tuples(VALUES, st.sampled_from(["in", "not in", "==", "!="]), LISTS)
    | st.tuples(NUMBERS, SIGNS, NUMBERS, SIGNS, NUMBERS)
).map(" ".join)
STRANGE = st.sampled_from(
    ["flag", "sure", "whole", "`whole` > 1", "word.str.len() > 0", "missing > 1", "whole =", "whole = 2",
     "flag if flag else flag", "when > '2026-01-01'", "whole > 1\nflag", "whole > 1 # so", "part == part"]
)  # fmt: skip


def both(conditions):
    joined = st.tuples(conditions, st.sampled_from(["and", "or", "&", "|"]), conditions)
    return joined.map(" ".join) | conditions.map("not {}".format) | conditions.map("~({})".format)


CONDITIONS = st.recursive(COMPARED | STRANGE, both, max_leaves=4)


def outcome(function, *arguments):
    """What a function gives, or the kind of error that it raises."""
    try:
        return function(*arguments), None
    except Exception as error:
        return None, type(error)


@given(CONDITIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::FutureWarning")  # pandas', of strange ones
def test_a_query_is_what_pandas_makes_of_it(condition):
    found, error = outcome(query, ROWS, condition)
    said, raised = outcome(pd.DataFrame.eval, ROWS, condition)
    if raised is None and not (isinstance(said, pd.Series) and said.dtype in (bool, "boolean")):
        assert error is DescriptionError or said in (True, False)  # pandas would look for labels
        return
    assert error == raised
    if raised is None:
        pd.testing.assert_frame_equal(found, ROWS.query(condition))
    if (ours := plain(ROWS, condition)) is not None:
        pd.testing.assert_series_equal(ours, said, check_names=False)


@pytest.mark.parametrize(
    "condition",
    [
        "kind == 'b'",
        "word != 'a' and whole > 1",
        "flag",
        "not flag | part < 2.5",
        "0 < whole <= 2",
        "rank >= 'mid'",
        "kept in ['a', 'b']",
        "whole == [2, 3]",
        "part / whole > -1.5",
        "whole % 2 == 0",
    ],
)
def test_plain_conditions_are_not_read_by_pandas(condition):
    with mock.patch.object(pd.DataFrame, "eval", side_effect=AssertionError):
        assert len(query(ROWS, condition))


@pytest.mark.parametrize(
    "condition", ["when > '2026-01-01'", "some > 1", "text != 'a'", "word.str.len() > 0"]
)
def test_others_are_left_to_pandas(condition):
    assert plain(ROWS, condition) is None
