"""Batches hold everything once, within their budget, whatever the order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa_parallel.translation.decoding.packing import Item, batches


def item(index: int, size: int) -> Item:
    return Item(index, f"text {index}", ["x"] * size)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(16, 200), st.integers(1, 9))
def test_batches_hold_everything_once_within_the_budget(
    sizes: list[int], budget: int, most: int
) -> None:
    items = [item(index, size) for index, size in enumerate(sizes)]
    found = list(batches(items, budget, most))
    assert sorted(one.index for batch in found for one in batch) == list(range(len(sizes)))
    for batch in found:
        longest = max(len(one.tokens) for one in batch)
        assert len(batch) <= most
        assert len(batch) == 1 or (longest + 2) * len(batch) <= budget
        assert longest <= 2 * min(len(one.tokens) for one in batch) + 8
    lengths = [len(one.tokens) for batch in found for one in batch]
    assert lengths == sorted(lengths, reverse=True)


def test_batches_do_not_depend_on_the_order_of_the_rows() -> None:
    items = [item(index, index % 5) for index in range(20)]
    assert list(batches(items, 16, 99)) == list(batches(items[::-1], 16, 99))
