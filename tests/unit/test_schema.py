"""Tables and ids."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_parallel import schema
from qa_parallel.errors import SourceError

SPANS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=4)


@given(st.lists(st.none() | SPANS, max_size=12))
def test_breaks_are_what_polars_makes_of_nested_lists(
    values: list[list[tuple[int, int]] | None],
) -> None:
    plain = pl.Series("sentence_breaks", values, dtype=schema.CORPUS["sentence_breaks"])
    built = schema.breaks(values)
    assert built.dtype == plain.dtype
    assert built.name == plain.name
    assert built.equals(plain, null_equal=True)


def test_ids_tell_texts_apart() -> None:
    assert schema.text_id("p", "a", "b") != schema.text_id("p", "ab")
    assert schema.text_id("p", None) != schema.text_id("p", "")
    assert schema.text_id("p", "\ud800").startswith("p")
    assert len(schema.text_id("q", "x")) == 17


def test_check_orders_and_refuses() -> None:
    wanted = pl.Schema({"a": pl.Int32(), "b": pl.String()})
    frame = pl.DataFrame({"b": ["x"], "c": [1], "a": [1]}, schema_overrides={"a": pl.Int32})
    assert schema.check(frame, wanted).columns == ["a", "b"]
    with pytest.raises(SourceError, match="expected a column 'b', found a"):
        schema.check(frame.select("a"), wanted)
    with pytest.raises(SourceError, match="expected 'a' as Int32, found Int64"):
        schema.check(frame.with_columns(pl.col("a").cast(pl.Int64)), wanted)
