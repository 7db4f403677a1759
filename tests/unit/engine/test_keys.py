"""Every way in which key columns are encoded gives the codes that a dict would, and the keys back."""

import numpy as np
import pandas as pd
import pytest

from workbench.engine.hashing import WordTable
from workbench.engine.keys import KeyDictionary

WORDS = [
    *("", "a", "a\0", "ä", "key 1", None),
    *("x" * length for length in (6, 7, 8, 14, 15, 16, 54, 55, 56, 57, 200)),
    *(f"user-{number}" for number in range(2_000)),
]
KINDS = ["object", "python", "category", "str", "arrow", "dictionary"]


def column(words, kind):
    """A column of words, in one of the layouts that pandas has for them."""
    plain = pd.Series(words, dtype=object)
    match kind:
        case "python":
            return plain.astype(pd.StringDtype("python", na_value=np.nan))
        case "arrow" | "dictionary":
            arrow = pytest.importorskip("pyarrow")
            text = arrow.string()
            return plain.astype(
                pd.ArrowDtype(text if kind == "arrow" else arrow.dictionary(arrow.int32(), text))
            )
    return plain.astype(kind)


def plain(values):
    return [None if pd.isna(value) else value for value in values.astype(object)]


@pytest.mark.parametrize("kind", KINDS)
def test_codes_are_those_of_a_dict(kind):
    random, keys, code_of = np.random.default_rng(5), KeyDictionary(["k"]), {}
    for choice in (10, 60, len(WORDS), len(WORDS)):  # some batches bring no new keys, others many
        words = [WORDS[number] for number in random.integers(0, choice, 700)]
        codes = keys.encode(pd.DataFrame({"k": column(words, kind)})).tolist()
        assert codes == [code_of.setdefault(word, len(code_of)) for word in words]
    assert len(keys) == len(code_of)
    some = random.permutation(len(keys))
    assert plain(keys.take(some)["k"]) == [list(code_of)[code] for code in some]


@pytest.mark.parametrize("kind", KINDS)
def test_keys_outlive_a_snapshot_and_what_is_forgotten(kind):
    keys = KeyDictionary(["k"])
    keys.encode(pd.DataFrame({"k": column(WORDS[:50], kind)}))
    again = KeyDictionary(["k"])
    again.restore(keys.snapshot())
    assert plain(again.take(np.arange(50))["k"]) == WORDS[:50]
    renewed = again.retain(np.array([7, 3]))
    assert renewed.tolist() == [{7: 0, 3: 1}.get(code, -1) for code in range(50)]
    assert again.encode(pd.DataFrame({"k": column([WORDS[3], "new"], kind)})).tolist() == [1, 2]


@pytest.mark.parametrize("kind", ["object", "python", "str", "arrow", "dictionary"])
@pytest.mark.parametrize("words", [WORDS, [word for word in WORDS if word is None or len(word) < 50]])
def test_ranks_are_the_order_of_the_words(words, kind):
    keys = KeyDictionary(["k"])
    keys.encode(pd.DataFrame({"k": column(words, kind)}))
    for codes in (np.arange(len(words)), np.array([5, 900, 17, 3])):
        told = [words[code] for code in codes[np.argsort(keys.ranks(codes))]]
        assert told == sorted(told, key=lambda word: (word is None, word or ""))


def test_integers_in_several_columns():
    random, keys, code_of = np.random.default_rng(6), KeyDictionary(["a", "b"]), {}
    for _ in range(3):
        a, b = (
            random.integers(-(2**62), 2**62, 3).take(random.integers(0, 3, 400)),
            random.integers(0, 40, 400),
        )
        codes = keys.encode(pd.DataFrame({"a": a, "b": b})).tolist()
        pairs = zip(a.tolist(), b.tolist(), strict=True)
        assert codes == [code_of.setdefault(pair, len(code_of)) for pair in pairs]
    table = keys.take(np.arange(len(keys)))
    assert list(zip(table["a"], table["b"], strict=True)) == list(code_of)
    order = np.argsort(keys.ranks(np.arange(len(keys))))
    assert [list(code_of)[code] for code in order] == sorted(code_of)


def test_another_dtype_keeps_the_codes():
    keys = KeyDictionary(["k"])
    codes = [
        keys.encode(pd.DataFrame({"k": pd.Series(values, dtype=dtype)})).tolist()
        for values, dtype in (([1, 2], "int64"), ([2.0, 1.0, 0.5], "float64"), (["x", 2], object))
    ]
    assert codes == [[0, 1], [1, 0, 2], [3, 1]]


def test_keys_are_remembered_between_two_windows():
    keys = KeyDictionary(["k"])
    keys.encode(pd.DataFrame({"k": np.arange(2_000)}))
    assert not keys.worth_forgetting(2_000)
    keys.encode(pd.DataFrame({"k": np.arange(2_000)}))
    assert not keys.worth_forgetting(0)
    for _ in range(40):
        keys.encode(pd.DataFrame({"k": np.arange(2_000)}))
    assert keys.worth_forgetting(0)


@pytest.mark.parametrize("size", [10, 40_000])
def test_words_that_collide_are_told_apart(size):
    """All words that hash to a few slots of a small table, and very many."""
    table, random = WordTable(), np.random.default_rng(7)
    words = random.integers(0, 2**64, size, dtype=np.uint64)
    wide = np.tile(words, 3)
    codes, new = table.encode([wide, wide ^ np.uint64(1)])
    assert codes.tolist() == list(range(size)) * 3
    assert new.tolist() == list(range(size))
    narrow, none = table.encode([words])
    assert (narrow >= size).all() and len(none) == size  # a word less is another key


@pytest.mark.parametrize("names", [["k"], ["k", "k2"]])
def test_numbers_with_nulls_outlive_a_snapshot(names):
    random, keys, code_of = np.random.default_rng(8), KeyDictionary(names), {}
    for _ in range(20):
        count = int(random.integers(0, 6))
        k2 = pd.Series(random.choice(np.array(["x", None], dtype=object), count), dtype="str")
        frame = pd.DataFrame({"k": random.choice([1.0, 2.0, 3.0, np.nan], count), "k2": k2})[names]
        rows = [tuple(plain(pd.Series(row, dtype=object))) for row in frame.itertuples(index=False)]
        assert keys.encode(frame).tolist() == [code_of.setdefault(row, len(code_of)) for row in rows]
        held, keys = keys.snapshot(), KeyDictionary(names)
        keys.restore(held)
        assert len(keys) == len(code_of)


UNLIKE = {
    "int64": [1, 2], "int32": [2, 3], "float64": [2.0, 4.0], "Int64": [3, None], "bool": [True, False],
    "str": ["a", "2"], "object": ["a", None], "category": ["b", "a"], "string": [None, "c"],
    "datetime64[s]": ["2026-01-01", None], "boolean": [None, False], "uint64": [2, 2**63],
}  # fmt: skip


@pytest.mark.parametrize("one", UNLIKE)
@pytest.mark.parametrize("other", UNLIKE)
def test_columns_of_unlike_types_have_one_dictionary(one, other):
    keys, told = KeyDictionary(["k"]), {}
    for dtype in (one, other, one):
        column = pd.Series(UNLIKE[dtype], dtype=dtype)
        for value, code in zip(column.tolist(), keys.encode(pd.DataFrame({"k": column})), strict=True):
            assert told.setdefault(None if pd.isna(value) else value, code) == code
    found = keys.take(np.arange(len(keys)))["k"].tolist()
    assert [None if pd.isna(value) else value for value in found] == list(told)


def test_large_integers_stay_apart_beside_fractions():
    keys = KeyDictionary(["k"])
    assert keys.encode(pd.DataFrame({"k": [2**60, 2**60 + 1]})).tolist() == [0, 1]
    assert keys.encode(pd.DataFrame({"k": [0.5, 1.5]})).tolist() == [2, 3]
    assert keys.encode(pd.DataFrame({"k": [2**60 + 1, 2**60]})).tolist() == [1, 0]
