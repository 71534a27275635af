"""A corpus as a folder: shards, README, what is read back."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from qa_parallel.errors import StoreError
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import read_corpus, side_by_side, write_readme, write_shards


def corpus(folder: Path, ids: dict[str, list[str]]) -> None:
    files: dict[str, dict[str, object]] = {}
    for code, names in ids.items():
        parts = []
        for number, name in enumerate(names):
            parts.append(folder / "work" / f"{code}-{number}.parquet")
            store.write_parquet(parts[-1], pl.DataFrame({"qa_id": [name], "language": [code]}))
        files |= write_shards(folder, code, "test", parts, 2)
    store.write_json(folder / folders.MANIFEST, {"files": files})


def test_shards_hold_the_parts_in_order(tmp_path: Path) -> None:
    corpus(tmp_path, {"deu_Latn": ["c", "a", "b"]})
    files = store.read_json(tmp_path / folders.MANIFEST)["files"]
    assert {name: item["rows"] for name, item in files.items()} == {
        "data/deu_Latn/test-00000-of-00002.parquet": 2,
        "data/deu_Latn/test-00001-of-00002.parquet": 1,
    }
    assert read_corpus(tmp_path)["qa_id"].to_list() == ["c", "a", "b"]


def test_rows_side_by_side_are_those_that_most_languages_have(tmp_path: Path) -> None:
    corpus(tmp_path, {"eng_Latn": ["a", "b"], "deu_Latn": ["b"], "fra_Latn": ["c", "b"]})
    found = side_by_side(tmp_path, ["eng_Latn", "deu_Latn", "fra_Latn"], 3)
    assert [qa_id for qa_id, _ in found] == ["b"]
    assert list(found[0][1]) == ["eng_Latn", "deu_Latn", "fra_Latn"]


def test_a_folder_that_was_never_finished(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"manifest\.json"):
        read_corpus(tmp_path)


def test_readme_names_a_configuration_for_each_language(tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    write_readme(tmp_path, "Title", ["eng_Latn", "deu_Latn"], "test", "Body.")
    configs = DatasetCard.load(tmp_path / "README.md").data.to_dict()["configs"]
    assert [item["config_name"] for item in configs] == ["all", "eng_Latn", "deu_Latn"]
    assert [item.get("default", False) for item in configs] == [True, False, False]
    assert configs[2]["data_files"] == [{"split": "test", "path": "data/deu_Latn/test-*.parquet"}]
