"""How near a text is to its own source, and how near to others."""

from __future__ import annotations

import numpy as np

from qa_parallel.filters.meaning import margins


def unit(*rows: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    vectors = np.array(rows, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def test_the_translation_of_a_source_that_says_the_same_is_no_rival() -> None:
    """Two sources mean one thing: each target fits both. The third is far from them."""
    source = unit([1, 0, 0], [1, 0.01, 0], [0, 0, 1])
    assert margins(source, source).min() > 0.9
    # as soon as two sources differ, so must their targets
    source = unit([1, 0, 0], [1, 0.5, 0], [0, 0, 1])
    target = unit([1, 0.25, 0], [1, 0.25, 0], [0, 0, 1])
    found = margins(target, source)
    assert found[:2].max() < 0.1
    assert found[2] > 0.9


def test_a_neighbours_translation_is_nearer_to_its_own_source() -> None:
    dice = np.random.default_rng(0)
    source = dice.normal(size=(300, 50)).astype(np.float32)
    source /= np.linalg.norm(source, axis=1, keepdims=True)
    target = source + 0.05 * dice.normal(size=source.shape).astype(np.float32)
    target /= np.linalg.norm(target, axis=1, keepdims=True)
    target[:30] = target[1:31]
    found = margins(target, source)
    assert found[:30].max() < 0 < found[31:].min()
