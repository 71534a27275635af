"""What is printed of a finished corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_parallel.storage import store, summary
from qa_parallel.storage.folders import MANIFEST
from tests import invented
from tests.golden import golden, printed
from tests.translated_corpus import translated

GOLDEN = Path(__file__).parent / "golden"


def test_what_is_printed_of_a_translation() -> None:
    golden(GOLDEN / "translated.txt", printed(summary.counts(invented.translated())))


def test_nothing_is_said_of_repeated_segments_where_there_are_none() -> None:
    manifest = invented.translated()
    assert "repeat others" in printed(summary.counts(manifest))
    for one in manifest["languages"].values():
        one["unique"] = one["segments"]
    assert "repeat others" not in printed(summary.counts(manifest))


def test_what_is_printed_of_an_import() -> None:
    nothing = dict.fromkeys(("segments", "unique", "cached", "translated", "tokens", "spans"), 0)
    empty = {**nothing, "seconds": 0.0, "placed": {}, "flags": {}}
    manifest = {
        "languages": {"eng_Latn": {**empty, "rows": 1_190}, "deu_Latn": {**empty, "rows": 1_101}},
        "questions": {"all": 1_201, "complete": 1_090},
        "passages": 241,
        "source_counts": {"eng_Latn": {"read": 1_203, "blank": 13}, "deu_Latn": {"read": 1_105}},
    }
    golden(GOLDEN / "imported.txt", printed(summary.counts(manifest)))


def test_rows_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = translated(Path("corpus"))
    manifest = store.read_json(folder / MANIFEST)
    golden(GOLDEN / "rows.txt", printed(summary.rows(folder, manifest)))
