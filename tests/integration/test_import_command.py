"""`qa-parallel import` on small files and on the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from qa_parallel.cli import main
from qa_parallel.storage import store
from qa_parallel.storage.corpus import read_corpus
from tests.chaos.kill import digests


def write(path: Path, ids: list[str]) -> Path:
    rows = [
        {"id": qa, "question": f"{qa}?", "answer": "a", "passage": "It rained. We slept."}
        for qa in ids
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_ragged_files_are_joined_by_id(tmp_path: Path) -> None:
    english = write(tmp_path / "en.jsonl", ["q1", "q2"])
    german = write(tmp_path / "de.jsonl", ["q2", "q3"])
    options = ["--parallel", f"en={english}", "--parallel", f"German={german}"]
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["import", *options, "--out", str(out)])
    assert result.exit_code == 0, result.output
    corpus = read_corpus(out)
    assert corpus.select("language", "qa_id").rows() == [
        ("eng_Latn", "q1"),
        ("eng_Latn", "q2"),
        ("deu_Latn", "q2"),
        ("deu_Latn", "q3"),
    ]
    assert corpus["translator"].null_count() == 4
    assert corpus["sentence_breaks"].to_list() == [[[0, 10], [11, 20]]] * 4
    assert read_corpus(out, ["deu_Latn"]).height == 2
    before = digests(out)
    again = CliRunner().invoke(main, ["import", *options, "--out", str(out)])
    assert "complete already" in again.output
    assert digests(out) == before


def test_ids_that_merely_count_are_refused_or_left_out(tmp_path: Path) -> None:
    english = write(tmp_path / "en.jsonl", ["q1", "q2"])
    swahili = tmp_path / "sw.jsonl"
    rows = [{"id": "q1", "question": "Nani?"}, {"id": "q1", "question": "Wapi?"}]
    swahili.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--parallel", f"en={english}", "--parallel", f"sw={swahili}"]
    out = ["--out", str(tmp_path / "out")]
    refused = CliRunner().invoke(main, ["import", *options, *out])
    assert refused.exit_code == 2
    assert "columns id=" in refused.output
    made = CliRunner().invoke(main, ["import", *options, "--columns", "id=", *out])
    assert made.exit_code == 0, made.output
    assert read_corpus(tmp_path / "out")["qa_id"].n_unique() == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--parallel", "en=/nowhere.json", "--parallel", "de=/nowhere2.json"], "/nowhere.json"),
        (["--parallel", "xx=/nowhere.json"], "xx"),
        (["--parallel", "/nowhere"], "/nowhere"),
        (["--parallel", "en=a", "--parallel", "b"], "expected LANGUAGE=FILE, found 'b'"),
        (["--parallel", "en=a", "--parallel", "en=b"], "'en' twice"),
    ],
)
def test_mistakes(options: list[str], says: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["import", *options, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output


@pytest.mark.realdata
def test_xquad_r(realdata: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["import", "--parallel", str(realdata / "xquad-r"), "--out", str(out)]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    manifest = store.read_json(out / "manifest.json")
    assert len(manifest["languages"]) == 11
    assert manifest["questions"] == {"all": 1190, "complete": 1190}
    assert manifest["passages"] == 240
    english = pl.read_parquet(out / "data" / "eng_Latn" / "*.parquet")
    # the sentence that holds the answer, by LAReQA's own breaks
    row = english.row(0, named=True)
    start, end = row["sentence_breaks"][row["answer_sentences"][0]]
    assert row["answer"] in row["passage"][start:end]
