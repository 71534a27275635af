"""The stages that are found in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_parallel.errors import StoreError
from qa_parallel.page.stage_folders import find
from qa_parallel.storage import store
from qa_parallel.storage.folders import VERSION
from tests import translated_corpus


def test_stages_are_found_in_their_order(tmp_path: Path) -> None:
    translated = translated_corpus.translated(tmp_path / "z")
    settings = store.read_json(translated / "settings.json")
    store.write_json(tmp_path / "a" / "settings.json", {**settings, "stage": "filter"})
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "settings.json").write_text("[]")
    first, second = find(tmp_path, VERSION)
    assert (first.stage.name, first.name, first.whole) == ("translate", "z", True)
    assert (second.stage.name, second.name, second.whole) == ("filter", "a", False)
    assert "not finished" in second.problem


def test_a_stage_that_lost_a_file_is_not_whole(tmp_path: Path) -> None:
    folder = translated_corpus.translated(tmp_path / "corpus")
    (alone,) = find(folder, VERSION)
    assert (alone.name, alone.whole) == ("", True)
    next((folder / "data").rglob("*.parquet")).unlink()
    with pytest.raises(StoreError, match="missing or cut short"):
        find(folder, VERSION)


def test_a_stage_of_another_version_or_without_its_tables_is_not_whole(tmp_path: Path) -> None:
    translated_corpus.translated(tmp_path / "translated")
    folder = translated_corpus.translated(tmp_path / "filtered")
    manifest = store.read_json(folder / "manifest.json")
    manifest["stage"] = "filter"
    store.write_json(folder / "manifest.json", manifest)
    assert "missing" in find(tmp_path, VERSION)[1].problem
    assert find(folder, VERSION)[0].whole  # copied for its rows
    store.write_json(folder / "manifest.json", manifest | {"version": 99})
    assert "another version" in find(tmp_path, VERSION)[1].problem
