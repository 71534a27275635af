"""What was read as what, through the commands: answers, kept columns, the layout that is said."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
from click.testing import CliRunner

import qa_parallel as qp
from qa_parallel.cli import main
from qa_parallel.storage import store
from qa_parallel.storage.corpus import read_corpus

ROWS = [
    {
        "id": f"q{number}",
        "question": f"Where is house number {number}?",
        "answers": ["In the city.", "In town."],
        "passage": f"House number {number} is in the city. It is old.",
        "url": f"https://x.org/{number}",
        "tags": ["a", "b"],
        "date": "2020",
    }
    for number in range(3)
]


def test_kept_columns_and_answers_through_the_stages(tmp_path: Path) -> None:
    corpus = qp.translate(
        ROWS, to="de", model="demo", keep="url,tags", out=tmp_path / "corpus", cache=tmp_path / "c"
    )
    wide = read_corpus(tmp_path / "corpus")
    assert wide["url"].to_list() == [row["url"] for row in ROWS] * 2
    assert wide["tags"].to_list() == ['["a", "b"]'] * 6
    # the original has all right answers, its translation the one that was translated
    assert wide["answers"].to_list() == [["In the city.", "In town."]] * 3 + [None] * 3
    (layout,) = store.read_json(tmp_path / "corpus/manifest.json")["layout"].values()
    assert layout["words"] == (
        "question ← question 3/3 · answer ← answers 3 (first of up to 2; 3 further answers kept "
        "beside) · passage ← passage 3 · id ← id 3 · kept: url, tags · left aside: date"
    )
    qp.filter(corpus, limits={}, detector="none", out=tmp_path / "filtered")
    kept = read_corpus(tmp_path / "filtered")
    assert set(kept["url"]) <= {row["url"] for row in ROWS}
    against = tmp_path / "set.jsonl"
    against.write_text(json.dumps({"question": "Who wrote the first book on bees?"}) + "\n")
    qp.check_leakage(corpus, {"own": against}, action="drop", out=tmp_path / "checked")
    clean = read_corpus(tmp_path / "checked")
    assert clean["url"].to_list() == wide["url"].to_list()
    manifest = store.read_json(tmp_path / "checked/manifest.json")
    assert manifest["layout"]["own"]["words"].startswith("question ← question 1/1")


def test_the_layout_is_printed(tmp_path: Path) -> None:
    pl.DataFrame([{**row, "id": f"{row['id']}-de"} for row in ROWS]).write_parquet(
        tmp_path / "de.parquet"
    )
    (tmp_path / "en.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    options = ["--parallel", f"en={tmp_path}/en.jsonl", "--parallel", f"de={tmp_path}/de.parquet"]
    result = CliRunner().invoke(main, ["import", *options, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "deu_Latn: question ← question 3/3 · answer ← answers 3 (first of up to 2;" in words
    assert "left aside: url, tags, date" in words
