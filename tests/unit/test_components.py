"""Connected components, against a search from every row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa_parallel.components import connected

LINKS = st.tuples(st.integers(-1, 6), st.integers(-1, 6), st.integers(-1, 3))


@given(st.lists(LINKS, min_size=1, max_size=12))
def test_components_are_what_a_search_reaches(rows: list[tuple[int, ...]]) -> None:
    found = connected(*np.array(rows).T).tolist()
    for place in range(len(rows)):
        reached, before = {place}, set[int]()
        while reached != before:
            before = set(reached)
            for other, row in enumerate(rows):
                if any(
                    mine == theirs >= 0
                    for one in before
                    for mine, theirs in zip(row, rows[one], strict=True)
                ):
                    reached.add(other)
        assert {other for other in range(len(rows)) if found[other] == found[place]} == reached
    assert list(dict.fromkeys(found)) == list(range(max(found) + 1))


def test_a_long_chain_is_one() -> None:
    """Each row is linked to the one before and to the one behind it."""
    places = np.random.default_rng(1).permutation(5_000)
    assert set(connected(places // 2, (places + 1) // 2).tolist()) == {0}
