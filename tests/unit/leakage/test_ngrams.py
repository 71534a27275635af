"""N-grams as hashes, against sets of strings."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from qa_parallel.leakage.ngrams import Grams, Index, Neighbours, sizes, texts_of
from qa_parallel.text import comparison_forms
from tests.scripts import NAMES, orders

HASH = np.uint64((1 << 48) - 1)
WORDS = [
    "when",
    "was",
    "the",
    "old",
    "bridge",
    "over",
    "river",
    "built",
    "by",
    "whom",
    "in",
    "1902",
]


def random_texts(count: int, seed: int, longest: int = 14) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randrange(longest + 1))) for _ in range(count)]


def runs(text: str, n: int) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def characters(text: str, n: int) -> set[str]:
    text = f" {text} "
    return {text[i : i + n] for i in range(len(text) - n + 1)}


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_words_are_counted_as_sets_of_strings_are(n: int) -> None:
    texts = random_texts(200, seed=n)
    keys = Grams(pl.Series(texts)).words(n)
    assert sizes(keys, len(texts)).tolist() == [len(runs(text, n)) for text in texts]
    assert len(np.unique(keys)) == len(keys)


def test_shared_runs_are_those_of_sets_of_strings() -> None:
    known, texts = random_texts(60, seed=1), random_texts(80, seed=2)
    batches = [Grams(pl.Series(part)).words(3) for part in (known[:25], known[25:])]
    found = Index(batches, [25, 35], common=60).shared(Grams(pl.Series(texts)).words(3))
    expected = {
        (i, j): both
        for i, text in enumerate(texts)
        for j, other in enumerate(known)
        if (both := len(runs(text, 3) & runs(other, 3)))
    }
    assert {(i, j): both for i, j, both in found.iter_rows()} == expected
    assert len(expected) > 50


def test_a_common_run_points_to_nobody() -> None:
    known = pl.Series(["a b c"] * 6 + ["d e f"])
    index = Index([Grams(known).words(3)], [7], common=5)
    keys = Grams(pl.Series(["a b c d e f"])).words(3)
    assert index.shared(keys).rows() == [(0, 6, 1)]
    assert (index.holders(keys) > 0).sum() == 2


def test_nothing_known_and_nothing_asked() -> None:
    empty = Grams(pl.Series([], dtype=pl.String)).words(3)
    some = Grams(pl.Series(["a b c"])).words(3)
    assert Index([], []).shared(some).height == 0
    assert Index([empty], [0]).holders(some).tolist() == [0]
    assert Index([some], [1]).shared(empty).height == 0
    assert Neighbours([], [], 0.5).near(some, 1).height == 0


@pytest.mark.parametrize(
    ("text", "n", "expected"),
    [
        ("在 比赛的最后三分钟", 3, 4),  # nine characters, six at a time
        ("เกาะนี้อยู่ที่ไหน", 2, 10),  # seventeen characters, eight at a time
        ("한국의 수도는 어디", 2, 2),  # words, like any script with spaces
    ],
)
def test_scripts_without_spaces_run_by_characters(text: str, n: int, expected: int) -> None:
    assert len(Grams(pl.Series([text])).words(n)) == expected


def test_spaces_play_no_part_where_words_have_none() -> None:
    one, other = (
        set(Grams(pl.Series([text])).words(2)) for text in ("第 49 届超级碗", "第49届超级 碗")
    )
    assert one == other


def test_characters_of_words_and_of_syllables() -> None:
    texts = ["abcd", "ab", "서울은", "", None]
    keys = Grams(pl.Series(texts)).characters(3)
    # " ab", "abc", "bcd", "cd "; " ab", "ab "; " 서", "서울", "울은", "은 "
    assert np.bincount(texts_of(keys), minlength=5).tolist() == [4, 2, 4, 0, 0]


@pytest.mark.parametrize("script", NAMES)
def test_what_stands_beside_a_text_changes_nothing(script: str) -> None:
    """In every order of plain and other texts, a text has the n-grams that it has alone."""

    def hashes(*texts: str | None) -> list[list[list[int]]]:
        grams = Grams(comparison_forms(pl.Series(texts, dtype=pl.String)))
        lengths = [grams.words(1), grams.words(2), grams.characters(3)]
        return [
            [(keys[texts_of(keys) == number] & HASH).tolist() for keys in lengths]
            for number in range(len(texts))
        ]

    alone: dict[str | None, list[list[int]]] = {}
    for texts in orders(script):
        for text, found in zip(texts, hashes(*texts), strict=True):
            if text not in alone:
                (alone[text],) = hashes(text)
            assert found == alone[text], (texts, text)


def weighted(one: str, other: str, known: Sequence[str]) -> float:
    """The definition, by sets of strings."""
    df = Counter(gram for text in known for gram in characters(text, 3))
    weight = {
        gram: math.log((1 + len(known)) / (1 + df[gram])) + 1
        for gram in characters(one, 3) | characters(other, 3)
    }
    both = characters(one, 3) & characters(other, 3)
    return sum(map(weight.__getitem__, both)) / sum(weight.values())


def test_near_texts_have_the_similarity_of_the_definition() -> None:
    known = [text for text in random_texts(80, seed=5) if len(text) > 20]
    rng = random.Random(6)
    texts = []
    for text in known[:40]:
        words = text.split()
        words[rng.randrange(len(words))] = "x"
        texts.append(" ".join(words))
    parts = [pl.Series(known[:30]), pl.Series(known[30:])]
    near = Neighbours(
        [Grams(part).characters(3) for part in parts], [len(part) for part in parts], 0.45
    )
    found = near.near(Grams(pl.Series(texts)).characters(3), len(texts))
    for i, j, similarity in found.iter_rows():
        assert similarity == pytest.approx(weighted(texts[i], known[j], known))
    pairs = {(i, j) for i, j, _ in found.iter_rows()}
    expected = {
        (i, j)
        for i, text in enumerate(texts)
        for j, other in enumerate(known)
        if weighted(text, other, known) >= 0.45
    }
    assert pairs <= expected
    assert len(pairs) >= 0.97 * len(expected) > 20  # MinHash may miss a few near the limit


def test_a_phrase_of_many_weighs_less_than_a_name() -> None:
    known = [
        f"what is the capital of {name}" for name in ("kenya", "peru", "malta", "chad", "laos")
    ]
    near = Neighbours([Grams(pl.Series(known)).characters(3)], [5], 0.5)
    texts = ["what is the capital of qatar", "whats the capital of kenya"]
    found = near.near(Grams(pl.Series(texts)).characters(3), 2)
    assert [(i, j) for i, j, _ in found.iter_rows()] == [(1, 0)]
