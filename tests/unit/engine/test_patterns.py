"""Patterns: documented examples of Flink, boundaries, outputs, and the errors of descriptions."""

import pickle

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.engine.automaton import Automaton
from workbench.engine.patterns import pattern_operator
from workbench.engine.progress import Progress
from workbench.errors import DescriptionError, SchemaError, SnapshotError
from workbench.model.expressions import as_expression, col, of
from workbench.model.patterns import Pattern, begin, recognize
from workbench.testing.pattern_oracle import run_pattern_oracle
from workbench.time import SECOND, to_nanos


def rows_of(words, times=None, **columns):
    words = words.split()
    seconds = np.array(times if times is not None else range(1, len(words) + 1), dtype=float)
    return pd.DataFrame({"t": pd.to_datetime((seconds * 1e9).astype(np.int64)), "v": words, **columns})


def played(pattern, frame, *, keys=(), bound=100 * SECOND, size=1000):
    operator, progress = pattern_operator(pattern=pattern, keys=keys), Progress(bound)
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    outputs = []
    for start in range(0, len(frame), size):
        batch = frame.iloc[start : start + size]
        outputs.append(operator.process(batch, progress.stamp(to_nanos(batch["t"]))))
    outputs.append(operator.process(frame.iloc[:0], progress.end()))
    assert operator.size == 0
    return outputs


def words_of(pattern, frame, output="matches", **how):
    values, found = dict(enumerate(frame["v"], start=1)), []
    for each in played(pattern, frame, **how):
        rows = each.rows(output)["match"]
        found += [" ".join(map(values.get, of.index)) for _, of in rows.groupby(rows)]
    answer = run_pattern_oracle(
        frame, pattern=pattern, time="t", keys=how.get("keys", ()), bound=how.get("bound", 100 * SECOND)
    )
    by_oracle = answer.matches if output == "matches" else answer.timed_out
    assert sorted(found) == sorted(" ".join(values[number] for _, number in one.rows) for one in by_oracle)
    return sorted(found)


def starts(letter):
    return ["contains", ["col", "v"], letter]


@pytest.mark.parametrize(
    ("skip", "expected"),
    [
        (("none",), ["b1 b2 b3 c", "b2 b3 c", "b3 c"]),
        (("to_next",), ["b1 b2 b3 c", "b2 b3 c", "b3 c"]),
        (("past_last",), ["b1 b2 b3 c"]),
        (("to_first", "b"), ["b1 b2 b3 c", "b2 b3 c", "b3 c"]),
        (("to_last", "b"), ["b1 b2 b3 c", "b3 c"]),
    ],
)
def test_skip_strategies_as_flink_documents_them(skip, expected):
    pattern = begin("b", starts("b"), times="one_or_more", inner="strict").next("c", starts("c"))
    assert words_of(pattern.skipping(*skip), rows_of("b1 b2 b3 c")) == expected


@pytest.mark.parametrize(
    ("skip", "expected"),
    [
        (("none",), ["a b c1 c2 c3 d", "b c1 c2 c3 d", "c1 c2 c3 d"]),
        (("to_first", "many"), ["a b c1 c2 c3 d", "c1 c2 c3 d"]),
    ],
)
def test_greedy_loops_and_skipping_as_flink_documents_them(skip, expected):
    pattern = (
        begin("one", lambda rows: rows["v"].str[0].isin(["a", "b", "c"]))
        .next("two", lambda rows: rows["v"].str[0].isin(["b", "c"]))
        .next("many", starts("c"), times=(1, None), inner="strict", greedy=True)
        .next("d", starts("d"))
        .skipping(*skip)
    )
    assert words_of(pattern, rows_of("a b c1 c2 c3 d")) == expected


def test_a_greedy_loop_leaves_no_row_out_and_one_at_the_end_gives_every_length():
    rows = rows_of("c a1 a2 a3 d")
    loop = begin("c", starts("c")).followed_by("a", starts("a"), times=(0, None), greedy=True)
    assert words_of(loop.followed_by("d", starts("d")), rows) == ["c a1 a2 a3 d"]
    assert words_of(loop, rows) == ["c", "c a1", "c a1 a2", "c a1 a2 a3"]
    pair = begin("c", starts("c")).followed_by("a", starts("a"), times=(1, 2), greedy=True)
    assert words_of(pair.followed_by("e", starts("3")), rows) == ["c a1 a2 a3"]


def test_skip_to_next_keeps_the_first_of_what_one_row_begins():
    pattern = begin("a", starts("a")).followed_by("b", starts("b"), times=(1, None))
    assert words_of(pattern, rows_of("a b1 b2")) == ["a b1", "a b1 b2"]
    assert words_of(pattern.skipping("to_next"), rows_of("a b1 b2")) == ["a b1"]


def test_of_matches_settled_at_once_the_longest_is_told():
    pattern = (
        begin("a", starts("a"))
        .followed_by_any("b", starts("b"), times=(1, None))
        .followed_by("c", starts("c"))
    )
    assert words_of(pattern.skipping("past_last"), rows_of("a b1 b2 c")) == ["a b1 b2 c"]


def test_within_is_less_than_not_up_to():
    pattern = begin("a", "v == 'a'").followed_by("b", "v == 'b'").within("10s")
    assert words_of(pattern, rows_of("a b", [0, 9.999])) == ["a b"]
    assert words_of(pattern, rows_of("a b", [0, 10])) == []
    assert words_of(pattern, rows_of("a b", [0, 10]), "timed_out") == ["a"]


def test_a_run_times_out_when_the_watermark_has_gone_as_far():
    pattern = begin("a", "v == 'a'").followed_by("b", "v == 'b'").within("10s")
    operator, progress = pattern_operator(pattern=pattern), Progress(0)
    for number, (moment, timed_out) in enumerate([(0, []), (9.9, []), (10, [1])], start=1):
        frame = rows_of("a" if number == 1 else "x", [moment]).set_axis([number])
        matched = operator.process(frame, progress.stamp(to_nanos(frame["t"])))
        assert matched.timed_out["a"].tolist() == timed_out
        assert matched.timed_out["b"].isna().all()
    assert matched.timed_out.columns.tolist() == ["match_start", "match_end", "a", "b"]


def test_without_within_nothing_times_out():
    assert words_of(begin("a", "v == 'a'").next("b"), rows_of("a"), "timed_out") == []


def test_rows_behind_the_watermark_are_late_and_ties_go_by_arrival():
    pattern = begin("a", "v == 'a'").next("b", "v == 'b'")
    rows = rows_of("a b a b c x", [1, 1, 5, 2, 3, 9])
    one, *more = played(pattern, rows, bound=2 * SECOND)
    assert one.late.index.tolist() == [4]  # a row at the watermark is none
    assert one.late["late_by"].tolist() == [pd.Timedelta("1s")]
    assert one.late["watermark"].dt.second.tolist() == [3]
    assert one.matches[["a", "b"]].to_numpy().tolist() == [[1, 2]]
    assert all(each.matches.empty for each in more)


def test_rows_of_equal_time_meet_however_they_come():
    pattern = begin("a", "v == 'a'").next("b", "v == 'b'")
    for size in (1, 2, 10):
        outputs = played(pattern, rows_of("a b x", [1, 1, 2]), bound=0, size=size)
        assert [len(each.late) for each in outputs] == [0] * len(outputs)
        assert sum(len(each.matches) for each in outputs) == 1


def test_negations():
    rows = rows_of("a b c")
    assert (
        words_of(begin("a", "v == 'a'").not_followed_by("n", "v == 'b'").followed_by("c", "v == 'c'"), rows)
        == []
    )
    either = begin("a", "v == 'a'").not_followed_by("n", "v == 'c'").followed_by("c", "v in ['b', 'c']")
    assert words_of(either, rows) == ["a b"]
    same_row = begin("a", "v == 'a'").not_followed_by("n", "v == 'b'").followed_by("b", "v == 'b'")
    assert words_of(same_row, rows) == []


def test_a_negation_at_the_end_is_settled_by_the_time():
    quiet = begin("a", "v == 'a'").not_followed_by("b", "v == 'b'").within("10s")
    assert words_of(quiet, rows_of("a b", [0, 9])) == []
    assert words_of(quiet, rows_of("a b", [0, 10])) == ["a"]
    assert words_of(quiet, rows_of("a")) == ["a"]
    lonely = begin("a", "v == 'a'").not_next("b", "v == 'b'")
    assert words_of(lonely, rows_of("a")) == ["a"]
    assert words_of(lonely, rows_of("a x b")) == ["a"]
    assert words_of(lonely, rows_of("a b")) == []


def test_a_run_that_has_matched_does_not_time_out():
    pattern = begin("a", times=(1, 2), inner="relaxed_any").not_next("b", "v == 'b'").within("5s")
    assert words_of(pattern, rows_of("a c")) == ["a", "a c", "c"]
    assert words_of(pattern, rows_of("a c"), "timed_out") == []


def test_a_row_pattern_prefers_what_its_quantifiers_say():
    rows = rows_of("a a a")
    assert words_of(recognize("A+ B"), rows) == ["a a a"]
    assert words_of(recognize("A+? B"), rows) == ["a a"]
    assert words_of(recognize("A{2}"), rows) == ["a a"]
    assert words_of(recognize("A?? B"), rows) == ["a", "a", "a"]
    assert words_of(recognize("A{1,2}? B*"), rows) == ["a a a"]
    assert words_of(recognize("A B").skipping("to_next"), rows) == ["a a", "a a"]
    assert words_of(recognize("A B").skipping("to_last", "B"), rows) == ["a a", "a a"]


def test_a_row_pattern_gives_a_row_with_measures_per_match():
    pattern = recognize(
        "A+ B?",
        define={"A": of("sum", "A", "n") < 4, "B": col("n") > of("max", "A", "n")},
        measures={
            "total": of("sum", "A", "n"), "peak": of("last", "B", "n"), "last_v": col("v"),
            "begun": of("first", "A", "t"), "lasted": of("last", "A", "t") - of("first", "A", "t"),
            "average": ["avg", "A", "n"], "counted": ["count", "A", "n"], "second": ["first", "A", "v", 1],
        },
    )  # fmt: skip
    rows = rows_of("p q r s", n=[1, 2, 3, 3], k=["x"] * 4)
    matches = pd.concat([each.matches for each in played(pattern, rows, keys=("k",))], ignore_index=True)
    assert matches.columns.tolist()[:4] == ["k", "match_start", "match_end", "total"]
    assert matches["total"].tolist() == [3, 3]
    assert matches["peak"].tolist()[0] == 3
    assert pd.isna(matches["peak"].tolist()[1])
    assert matches["last_v"].tolist() == ["r", "s"]
    assert matches["begun"].tolist() == matches["match_start"].tolist()
    assert matches["lasted"].tolist() == [pd.Timedelta("1s"), pd.Timedelta(0)]
    assert matches["average"].tolist() == [1.5, 3]
    assert matches["counted"].tolist() == [2, 1]
    assert matches["second"].tolist()[0] == "q"


def test_conditions_in_every_form():
    rows = rows_of("a b a", n=[1.0, None, 3.0])
    forms = ["n > 0", lambda rows: rows["n"] > 0, lambda rows: (rows["n"] > 0).to_numpy(), col("n") > 0]
    for where in forms:
        assert words_of(begin("a", where), rows) == ["a", "a"]
    assert words_of(
        begin("a", ["and", [">", ["col", "t"], pd.Timestamp(1, unit="s")], ["=", ["col", "v"], "a"]]), rows
    ) == ["a"]
    assert words_of(begin("a", ~(col("n") / 2 < 1) & (col("v") != "b")), rows) == ["a"]


def test_stages_give_arrival_numbers():
    pattern = (
        begin("a", starts("a"))
        .followed_by("b", starts("b"), times=(1, None))
        .next("c", starts("c"), optional=True)
    )
    matches = pd.concat([each.matches for each in played(pattern, rows_of("a b1 b2 c"))], ignore_index=True)
    assert matches["a"].tolist() == [1, 1, 1]
    assert matches["b"].tolist() == [[2], [2, 3], [2, 3]]
    assert matches["c"].tolist() == [pd.NA, pd.NA, 4]
    assert matches.dtypes.astype(str).tolist()[2:] == ["int64", "object", "Int64"]


def test_matches_keep_unit_and_zone():
    dtype = pd.DatetimeTZDtype("ms", "Europe/Berlin")
    operator = pattern_operator(pattern=begin("a"), time_dtype=dtype)
    frame = rows_of("a").set_axis([1])
    matched = operator.process(frame, Progress(0).stamp(to_nanos(frame["t"])))
    assert matched.matches["match_start"].dtype == dtype


def test_nothing_at_all_is_no_matter():
    operator, progress = pattern_operator(pattern=begin("a").measuring(n=col("n")), keys=("k",)), Progress(0)
    matched = operator.process(pd.DataFrame(), progress.end())
    assert matched.matches.columns.tolist() == ["k", "match_start", "match_end", "a", "n"]
    assert matched.rows().empty
    assert matched.late.empty


@pytest.mark.parametrize("restart", [False, True])
def test_keys_that_come_and_go_by_the_thousand(restart):
    count = 12_000
    frame = pd.DataFrame(
        {
            "t": pd.to_datetime(np.arange(count) * 10, unit="ms").astype("datetime64[ns]"),
            "k": (np.arange(count) // 40) * 17 + np.arange(count) % 17,
            "v": np.where(np.arange(count) % 3, "a", "b"),
        },
        index=pd.RangeIndex(1, count + 1),
    )
    pattern = begin("a", "v == 'a'").next("b", "v == 'b'").within("1s").skipping("past_last")
    operator, progress, found = pattern_operator(pattern=pattern, keys=("k",)), Progress(0), []
    for start in range(0, count, 500):
        batch = frame.iloc[start : start + 500]
        matched = operator.process(batch, progress.stamp(to_nanos(batch["t"])))
        found += matched.matches.to_dict("records")
        assert operator.size < 1500
        assert len(operator.keys) <= 6000
        if restart:
            state = pickle.loads(pickle.dumps(operator.snapshot()))
            operator = pattern_operator(pattern=pattern, keys=("k",))
            operator.restore(state)
    found += operator.process(frame.iloc[:0], progress.end()).matches.to_dict("records")
    answer = run_pattern_oracle(frame, pattern=pattern, time="t", keys=("k",), bound=0)
    assert sorted((each["k"], each["a"], each["b"]) for each in found) == sorted(
        (*each.key, *(number for _, number in each.rows)) for each in answer.matches
    )
    assert len(found) > 1000
    assert operator.size == 0


def test_a_snapshot_fits_its_own_pattern_only():
    one, other = (pattern_operator(pattern=begin("a").next("b").within(each)) for each in ("1s", "2s"))
    with pytest.raises(
        SnapshotError, match=r"the snapshot is of another operator\nDetail: it is of .* within 1s"
    ):
        other.restore(one.snapshot())


def test_options_of_a_loop_with_a_way_around():
    automaton = Automaton(begin("a", times=(2, None)).followed_by("b", optional=True).next("c"))
    assert automaton.target.tolist() == [0, 0, 0, 1, 2, 2]
    assert automaton.accepts.tolist() == [False, False, False, False, True]


BAD = {
    "at least one row": (lambda: begin("a", times=(0, None)), "the pattern matches no row at all"),
    "begins with not": (
        lambda: Pattern(begin("a").not_next("b").stages[1:] + begin("c").stages),
        "the pattern begins with what must not come: 'b'",
    ),
    "not after optional": (
        lambda: begin("a").next("b", optional=True).not_next("c").next("d"),
        "not_next 'c' follows the optional stage 'b'\nDetail: it would not be said after which row",
    ),
    "endless not": (
        lambda: begin("a").not_followed_by("b"),
        "the pattern ends with not_followed_by 'b', and has no time to end in\nDetail: only when that time "
        "is over is it known that the row has not come\nHint: say how long to wait, as in .within('10min')",
    ),
    "twice": (lambda: begin("a").next("a"), "the name 'a' is taken"),
    "retained": (lambda: begin("match_start"), "the name 'match_start' is taken"),
    "skip": (lambda: begin("a").skipping("somewhere"), "no such skip strategy: 'somewhere'"),
    "skip needs a stage": (lambda: begin("a").skipping("to_first"), "no such skip strategy: 'to_first'"),
    "skip to nothing": (lambda: begin("a").skipping("to_last", "b"), "no stage to skip to: 'b'"),
    "skip in circles": (
        lambda: recognize("A B").skipping("to_first", "A"), "a row pattern cannot skip to_first A"
    ),
    "no skip": (lambda: recognize("A B").skipping("none"), "a row pattern cannot skip none"),
    "greedy one": (lambda: begin("a", greedy=True), "stage 'a' takes one row, and cannot be greedy"),
    "greedy any": (
        lambda: begin("a", times=2, inner="relaxed_any", greedy=True),
        "stage 'a' cannot be greedy and take any rows",
    ),
    "no variable": (
        lambda: recognize("A", define={"A": ["<", ["sum", "B", "n"], 3]}),
        "no variable 'B' to be asked for its sum",
    ),
    "too many": (
        lambda: recognize(" ".join(f"A{number}" for number in range(61))),
        "a pattern has at most 60 stages, not 61",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "text"), BAD.values(), ids=BAD)
def test_what_cannot_be_matched_is_refused_when_it_is_described(make, text):
    with pytest.raises(DescriptionError) as error:
        make().ready()
    assert text in str(error.value)


BAD_WORDS = {
    "within": (lambda: begin("a").within(0), "the time within which a pattern matches must be more"),
    "times": (lambda: begin("a", times=0), "stage 'a' cannot take 0 rows"),
    "times down": (lambda: begin("a", times=(3, 2)), "stage 'a' cannot take (3, 2) rows"),
    "inner": (lambda: begin("a", inner="loose"), "no such inner contiguity: 'loose'"),
    "condition": (lambda: begin("a", 5), "stage 'a' has no condition, but 5"),
    "operator": (lambda: as_expression(["~", 1]), "no such operator in an expression: '~'"),
    "operands": (lambda: as_expression(["<", 1]), "'<' takes 2 operand(s), but has [1]"),
    "navigation": (lambda: as_expression(["sum", "A", "n", 1]), "'sum' cannot take ['A', 'n', 1]"),
    "truth": (lambda: bool(col("n") > 1), "an expression is neither true nor false until there are rows"),
    "token": (lambda: recognize("A**"), "not a variable with a quantifier: 'A**'"),
    "undefined": (lambda: recognize("A", define={"B": True}), "a variable is defined that the pattern"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "text"), BAD_WORDS.values(), ids=BAD_WORDS)
def test_words_that_say_nothing_are_refused(make, text):
    with pytest.raises(DescriptionError) as error:
        make()
    assert text in str(error.value)


def test_names_of_keys_are_taken():
    with pytest.raises(DescriptionError, match="the name 'k' is taken"):
        pattern_operator(pattern=begin("k"), keys=("k",))


def test_conditions_that_give_no_answer_are_noticed():
    with pytest.raises(DescriptionError, match="gave int64, not booleans"):
        played(begin("a", lambda rows: rows["n"]), rows_of("a b", n=[1, 2]))
    with pytest.raises(SchemaError, match="the sum of a column of str is not defined"):
        played(recognize("A", define={"A": of("sum", "A", "v") > 1}), rows_of("a b"))


def test_rows_are_held_with_what_is_read_of_them_later():
    pattern = begin("a", "v == 'a'").next("b", col("n") > of("last", "a", "n")).measuring(m=col("w") + 1)
    operator = pattern_operator(pattern=pattern, keys=("k",))
    frame = rows_of("a x", k=1, n=[1, 2], w=[5, 6]).set_axis([1, 2])
    operator.process(frame, Progress(100 * SECOND).stamp(to_nanos(frame["t"])))
    assert (operator.rows.names, len(operator.rows)) == (["n", "w"], 2)


def test_a_column_that_a_pattern_lacks_is_told_when_it_is_described():
    stream = wb.stream(rows_of("a b"), time="t", watermark=0).groupby("v")
    for pattern in (begin("a", col("price") > 1), begin("a").measuring(m=of("sum", "a", "price"))):
        with pytest.raises(SchemaError, match=r"no such column: 'price' \(for a pattern\)"):
            stream.match(pattern)


@pytest.mark.parametrize(
    ("pattern", "words", "expected"),
    [  # as in Flink 1.20: NotPatternITCase
        (
            begin("a", "v == 'a'").followed_by_any("b", "v == 'b'", times=2)
            .not_followed_by("c", "v == 'c'").followed_by("d", "v == 'd'"),
            "a b c b d", [],
        ),
        (
            begin("a", "v == 'a'").followed_by_any("b", "v == 'b'", times=2)
            .not_followed_by("c", "v == 'c'").followed_by("d", "v == 'd'"),
            "a c b b d", ["a b b d"],
        ),
        (
            begin("a", "v == 'a'").not_followed_by("b", "v == 'b'")
            .followed_by_any("c", "v == 'c'", optional=True),
            "a c b c", ["a", "a c"],
        ),
        (
            begin("a", "v == 'a'").not_followed_by("b", "v == 'b'")
            .followed_by("c", "v == 'c'", optional=True),
            "a b", ["a"],
        ),
    ],
)  # fmt: skip
def test_what_must_not_follow_is_said_of_the_way_to_the_next_stage(pattern, words, expected):
    assert words_of(pattern, rows_of(words)) == expected
