"""The cache of translations."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_parallel.errors import StoreError
from qa_parallel.translation.cache import Translation, TranslationCache


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.sqlite"
    items = {
        "a": Translation("b\x00 \U0001f600", -1.25, 3, ("loop", "redecoded")),
        "": Translation("", 0.0, 1),
        "c" * 10_000: Translation("d", -0.5, 2),
    }
    cache = TranslationCache(path)
    cache.store(items)
    cache.close()
    again = TranslationCache(path)
    assert again.known([*items, "unknown"]) == items


def test_more_texts_than_one_statement_takes(tmp_path: Path) -> None:
    cache = TranslationCache(tmp_path / "x.sqlite")
    items = {f"text {number}": Translation(str(number), 0.0, 1) for number in range(1234)}
    cache.store(items)
    assert cache.known(list(items)) == items


def test_a_store_that_fails_leaves_nothing(tmp_path: Path) -> None:
    cache = TranslationCache(tmp_path / "x.sqlite")
    bad = Translation("x", object(), 1)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="cache"):
        cache.store({"a": Translation("b", 0.0, 1), "c": bad})
    assert cache.known(["a", "c"]) == {}


def test_a_file_that_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_text("this is not a database, not at all, not even nearly one")
    with pytest.raises(StoreError, match="cannot use the translation cache"):
        TranslationCache(tmp_path / "x.sqlite")
