"""Measures by hand, and against trec_eval."""

from __future__ import annotations

import numpy as np
import pytest

from qa_parallel.errors import SourceError
from qa_parallel.evaluation.measures import MEASURES, measure, standings

ir_measures = pytest.importorskip("ir_measures")


def ranked(scores: list[list[float]], blocks: list[tuple[int, int]], depth: int = 3) -> object:
    """Ranks of every candidate, in its block and among all, and the head."""
    table = np.array(scores, dtype=np.float32)
    rows, columns = (side.ravel() for side in np.indices(table.shape))
    before, head = standings(table, blocks, rows, columns, depth)
    own = np.array([n for n, (start, end) in enumerate(blocks) for _ in range(start, end)])
    within = 1 + before[np.arange(len(rows)), own[columns]].reshape(table.shape)
    return within.tolist(), (1 + before.sum(axis=1)).reshape(table.shape).tolist(), head.tolist()


def test_ranks_by_hand() -> None:
    assert ranked([[0.1, 0.9, 0.5, 0.7]], [(0, 2), (2, 4)]) == (
        [[2, 1, 2, 1]], [[4, 1, 3, 2]], [[1, 2]],
    )  # fmt: skip


def test_ties_go_by_the_candidate() -> None:
    """Two of block 0 and one of block 1 have the same score: places 2, 3 and 4."""
    assert ranked([[0.5, 0.5, 0.9, 0.5, 0.1]], [(0, 2), (2, 5)]) == (
        [[1, 2, 1, 2, 3]], [[2, 3, 1, 4, 5]], [[2, 1]],
    )  # fmt: skip
    assert ranked([[0.0] * 5], [(0, 2), (2, 5)], depth=4) == (
        [[1, 2, 1, 2, 3]], [[1, 2, 3, 4, 5]], [[2, 2]],
    )  # fmt: skip


def test_a_head_longer_than_the_ranking() -> None:
    assert ranked([[0.5, 0.1]], [(0, 1), (1, 2)], depth=10) == ([[1, 1]], [[1, 2]], [[1, 1]])


def test_measures_by_hand() -> None:
    """Query 3: relevant at 1, 3 and 20; query 8: one of grade 2 at 2, which stands alone."""
    names, found = measure(
        np.array([8, 3, 3, 3]), np.array([2, 20, 1, 3]), np.array([2.0, 1.0, 1.0, 3.0])
    )
    assert names.tolist() == [3, 8]
    assert list(found) == [one.name for one in MEASURES]
    gain = (1 / np.log2(2) + 3 / np.log2(4)) / (3 / np.log2(2) + 1 / np.log2(3) + 1 / np.log2(4))
    expected: dict[str, list[float]] = {
        "map": [(1 / 1 + 2 / 3 + 3 / 20) / 3, 1 / 2],
        "mrr": [1, 1 / 2],
        "recall@1": [1 / 3, 0],
        "recall@10": [2 / 3, 1],
        "recall@100": [1, 1],
        "ndcg@10": [gain, 1 / np.log2(3)],
        "rank_distance": [19, np.nan],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name)


def test_no_pairs_at_all() -> None:
    none = np.array([], dtype=np.int64)
    names, found = measure(none, none, none.astype(np.float64))
    assert not len(names)
    assert all(not len(found[one.name]) for one in MEASURES)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_as_trec_eval(seed: int) -> None:
    """Random runs full of ties, grades 0 to 3, through ir_measures (trec_eval and its own code).

    trec_eval breaks ties by the id that is later in the alphabet, we by the earlier one: it is
    given ids in reverse.
    """
    random = np.random.default_rng(seed)
    queries, size = 20, 150
    scores = random.integers(0, 30, (queries, size)).astype(np.float32)
    grades = random.integers(0, 4, (queries, size)) * (random.random((queries, size)) < 0.1)
    rows, columns = np.nonzero(grades)
    cut = int(random.integers(1, size))
    before, _ = standings(scores, [(0, cut), (cut, size)], rows, columns, 10)
    names, found = measure(rows, 1 + before.sum(axis=1), grades[rows, columns].astype(np.float64))
    ids = [f"d{size - column:04d}" for column in range(size)]
    qrels = [
        ir_measures.Qrel(str(row), ids[column], int(grades[row, column]))
        for row, column in np.ndindex(queries, size)
    ]
    run = [
        ir_measures.ScoredDoc(str(row), ids[column], float(scores[row, column]))
        for row, column in np.ndindex(queries, size)
    ]
    wanted = {
        "map": ir_measures.AP, "mrr": ir_measures.RR, "recall@1": ir_measures.R @ 1,
        "recall@10": ir_measures.R @ 10, "recall@100": ir_measures.R @ 100,
        "ndcg@10": ir_measures.nDCG @ 10,
    }  # fmt: skip
    theirs = {
        (item.query_id, str(item.measure)): item.value
        for item in ir_measures.iter_calc(list(wanted.values()), qrels, run)
    }
    for name, one in wanted.items():
        expected = [theirs[str(query), str(one)] for query in names]
        np.testing.assert_allclose(found[name], expected, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("ranks", [[1, 1], [3, 2, 3], [np.nan, 2], [0, 1]])
def test_ranks_of_no_ranking(ranks: list[float]) -> None:
    """With two relevant candidates on one rank, average precision exceeds 1."""
    with pytest.raises(SourceError, match=r"expected (a rank for each|ranks from 1)"):
        measure(np.zeros(len(ranks), np.int64), np.array(ranks), np.ones(len(ranks)))
    measure(np.arange(2), np.ones(2), np.ones(2))  # of two queries


def test_what_is_not_in_the_collection_is_never_found() -> None:
    _, found = measure(
        np.array([3, 3, 3, 8]), np.array([np.inf, 2, 5, np.inf]), np.array([2.0, 1, 1, 1])
    )
    best = 2 / np.log2(2) + 1 / np.log2(3) + 1 / np.log2(4)
    expected: dict[str, list[float]] = {
        "map": [(1 / 2 + 2 / 5) / 3, 0],
        "mrr": [1 / 2, 0],
        "recall@10": [2 / 3, 0],
        "ndcg@10": [(1 / np.log2(3) + 1 / np.log2(6)) / best, 0],
        "rank_distance": [3, np.nan],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name)


def test_heads_against_sorting() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 8, (40, 30)).astype(np.float32)
    blocks = [(0, 1), (1, 12), (12, 30)]
    _, head = standings(scores, blocks, np.array([], int), np.array([], int), 10)
    first = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    expected = [[((row >= s) & (row < e)).sum() for s, e in blocks] for row in first]
    assert head.tolist() == expected
