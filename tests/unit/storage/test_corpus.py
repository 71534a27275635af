"""A corpus as a folder: shards, README, what is read back."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from qa_parallel.errors import StoreError
from qa_parallel.schema import CORPUS
from qa_parallel.storage import corpus as corpus_module
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import CorpusWriter, Stats, read_corpus, side_by_side
from tests.small_corpora import corpus_folder, corpus_frame


def rows(code: str, *ids: str, passage: str = "p") -> pl.DataFrame:
    return corpus_frame([{"qa_id": one, "passage_id": passage, "language": code} for one in ids])


def test_parts_that_were_written_before_are_put_together_in_order(tmp_path: Path) -> None:
    parts = []
    for number, name in enumerate("cab"):
        parts.append(tmp_path / "work" / f"{number}.parquet")
        store.write_parquet(parts[-1], rows("deu_Latn", name))
    writer = CorpusWriter(tmp_path, ["deu_Latn"], "test")
    writer.take("deu_Latn", parts, 2, Stats(rows=3, tokens=7))
    manifest = writer.finish({}, "Title", "Body.")
    assert {name: item["rows"] for name, item in manifest["files"].items()} == {
        "data/deu_Latn/test-00000-of-00002.parquet": 2,
        "data/deu_Latn/test-00001-of-00002.parquet": 1,
    }
    assert manifest["languages"] == {"deu_Latn": Stats(rows=3, tokens=7).to_json()}
    store.write_json(tmp_path / folders.MANIFEST, manifest)
    assert read_corpus(tmp_path)["qa_id"].to_list() == ["c", "a", "b"]


def test_a_shard_for_each_frame_and_what_there_is_of_it(tmp_path: Path) -> None:
    """Frames of no rows are files too; what was there before is gone."""
    store.write_bytes(tmp_path / "data" / "eng_Latn" / "test-00000-of-00009.parquet", b"old")
    writer = CorpusWriter(tmp_path, ["eng_Latn", "deu_Latn"], "test")
    writer.add("deu_Latn", rows("deu_Latn", "b", passage="q"))
    writer.add("eng_Latn", rows("eng_Latn", "a", "b"))
    writer.add("eng_Latn", rows("eng_Latn").cast(CORPUS))
    manifest = writer.finish({"a": 1}, "Title", "Body.")
    assert list(manifest["languages"]) == ["eng_Latn", "deu_Latn"]
    assert {name: one["rows"] for name, one in manifest["files"].items()} == {
        "data/eng_Latn/test-00000-of-00002.parquet": 2,
        "data/eng_Latn/test-00001-of-00002.parquet": 0,
        "data/deu_Latn/test-00000-of-00001.parquet": 1,
    }
    assert manifest["questions"] == {"all": 2, "complete": 1}
    assert manifest["passages"] == 2
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("data/*/*")}
    assert there == set(manifest["files"])
    for name, one in manifest["files"].items():
        assert one["sha256"] == store.digest(tmp_path / name)


def test_rows_beside_the_corpus_are_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_module, "_SHARD_ROWS", 3)
    writer = CorpusWriter(tmp_path, ["eng_Latn", "deu_Latn"], beside=["rejected"])
    for code in ("eng_Latn", "deu_Latn"):
        writer.add(code, rows(code, "a"))
    for ids in ("bc", "d", "e"):
        writer.add("deu_Latn", rows("deu_Latn", *ids), "rejected")
    manifest = writer.finish({}, "Title", "Body.")
    assert manifest["questions"] == {"all": 1, "complete": 1}
    assert {name: one["rows"] for name, one in manifest["rejected"].items()} == {
        "rejected/deu_Latn/train-00000-of-00002.parquet": 3,
        "rejected/deu_Latn/train-00001-of-00002.parquet": 1,
    }
    assert manifest["languages"]["deu_Latn"]["rows"] == 1
    assert "- config_name: rejected" in (tmp_path / "README.md").read_text()
    nothing = CorpusWriter(tmp_path, ["eng_Latn"], beside=["rejected"]).finish({}, "Title", "")
    assert (nothing["files"], nothing["rejected"]) == ({}, {})
    assert "rejected" not in (tmp_path / "README.md").read_text()


def test_rows_side_by_side_are_those_that_most_languages_have(tmp_path: Path) -> None:
    ids = {"eng_Latn": "ab", "deu_Latn": "b", "fra_Latn": "cb"}
    corpus_folder(tmp_path / "corpus", pl.concat(rows(code, *some) for code, some in ids.items()))
    found = side_by_side(tmp_path / "corpus", ["eng_Latn", "deu_Latn", "fra_Latn"], 3)
    assert [qa_id for qa_id, _ in found] == ["b"]
    assert list(found[0][1]) == ["eng_Latn", "deu_Latn", "fra_Latn"]


def test_a_folder_that_was_never_finished(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"manifest\.json"):
        read_corpus(tmp_path)


def test_readme_names_a_configuration_for_each_language(tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    CorpusWriter(tmp_path, ["eng_Latn", "deu_Latn"], "test").finish({}, "Title", "Body.")
    configs = DatasetCard.load(tmp_path / "README.md").data.to_dict()["configs"]
    assert [item["config_name"] for item in configs] == ["all", "eng_Latn", "deu_Latn"]
    assert [item.get("default", False) for item in configs] == [True, False, False]
    assert configs[2]["data_files"] == [{"split": "test", "path": "data/deu_Latn/test-*.parquet"}]


# A row without a null, as a user of `datasets` would type it.
_ROW = {
    "qa_id": "mine", "passage_id": "mine", "language": "deu_Latn", "title": "Eins",
    "question": "Wann?", "answer": "heute", "answers": ["heute"],
    "passage": "Es war heute. Ja.",
    "sentence_breaks": [[0, 13], [14, 17]], "answer_sentences": [0], "answer_start": 7,
    "answer_method": "exact", "split": "train", "source": "me", "source_row": "1",
    "license": "mit", "translated_from": "eng_Latn", "translator": "m@1",
    "question_logprob": -0.25, "answer_logprob": -0.5, "passage_logprob": -1.0,
    "flags": ["passage:loop"],
}  # fmt: skip


@pytest.mark.parametrize("columns", [list(_ROW), ["qa_id", "question", "answer", "flags"]])
def test_it_joins_what_datasets_makes(columns: list[str], tmp_path: Path) -> None:
    from datasets import Dataset, concatenate_datasets, load_dataset

    frame = corpus_frame([{**_ROW, "qa_id": "ours"}, {"qa_id": "bare", "language": "deu_Latn"}])
    folder = corpus_folder(tmp_path / "corpus", frame)
    ours = load_dataset(str(folder), "deu_Latn", cache_dir=str(tmp_path / "cache"))["train"]
    theirs = Dataset.from_list([{name: _ROW[name] for name in columns}])
    joined = concatenate_datasets([ours, theirs])
    assert joined["qa_id"] == ["ours", "bare", "mine"]
    assert joined.features == ours.features
    assert joined[0] == {**_ROW, "qa_id": "ours"}
    assert joined[2] == {name: _ROW[name] if name in columns else None for name in _ROW}
    assert joined[1]["passage_id"] == "bare"


def test_pandas_and_polars_read_it_alike(tmp_path: Path) -> None:
    import pandas as pd

    frame = corpus_frame([_ROW, {"qa_id": "bare", "language": "deu_Latn"}])
    folder = corpus_folder(tmp_path / "corpus", frame)
    (path,) = folder.glob("data/deu_Latn/*.parquet")
    assert_frame_equal(pl.read_parquet(path), frame)
    assert pl.read_parquet(path).schema == CORPUS
    assert_frame_equal(pl.from_pandas(pd.read_parquet(path, dtype_backend="pyarrow")), frame)
    plain = pd.read_parquet(path)
    assert plain["question"].isna().tolist() == [False, True]
    assert [one.tolist() for one in plain["sentence_breaks"][0]] == _ROW["sentence_breaks"]
