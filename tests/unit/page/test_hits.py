"""Leaks as pairs of texts."""

from __future__ import annotations

from qa_parallel.page import hits
from tests.small_corpora import leaks


def test_one_pair_of_texts_is_shown_once() -> None:
    table = leaks(
        {"kind": "8-gram", "overlap": 0.7}, {}, {"qa_id": "q2", "kind": "title", "leaked": False,
         "field": "title", "text": "Keys", "benchmark_text": "keys!"},
        *({"qa_id": f"r{n}", "kind": "8-gram", "overlap": 0.9, "benchmark_id": f"set/{n}"}
          for n in range(30)),
    )  # fmt: skip
    pairs, number = hits.pairs(table, 10)
    assert number == 32
    assert len(pairs) == 10
    assert pairs[0].ours.id == "q1"
    assert pairs[0].kinds == ["the same text", "shared runs of 8 words, 0.70"]
    assert all(pair.leaked for pair in pairs)
    assert not hits.pairs(table, 99)[0][-1].leaked


def test_meanings_in_common_are_not_marked() -> None:
    table = leaks({"kind": "cosine", "benchmark_text": "Who hid the brass key?"})
    (pair,), _ = hits.pairs(table, 9)
    assert not any(part.shared for part in pair.ours.parts)
