"""`qa-parallel train-eval` end to end, and what others load of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from qa_parallel.cli import main
from qa_parallel.encoders.encoder import load_encoder
from qa_parallel.storage import store
from tests.lareqa import mill
from tests.small_corpora import corpus_folder, corpus_frame, parallel

pytest.importorskip("torch")
pytest.importorskip("accelerate")

CODES = ("eng_Latn", "deu_Latn", "fra_Latn")
TEXTS = ["query: The cat sat on the mat.", "Ein Hund lief im Park."]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return corpus_folder(tmp_path / "corpus", corpus_frame(parallel(60, CODES, per_passage=2)))


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    return mill(tmp_path / "lareqa")


def run(tmp_path: Path, *arguments: object) -> Result:
    return CliRunner().invoke(
        main,
        ["train-eval", *map(str, arguments)],
        env={"QA_PARALLEL_CACHE": str(tmp_path / "cache")},
    )


def plan(corpus: Path, out: Path, *options: object) -> Path:
    given = (corpus, "--out", out, "--batch-size", 6, "--positive", "answer", *options)
    result = CliRunner().invoke(main, ["build-batches", *map(str, given)])
    assert result.exit_code == 0, result.output
    return out


def test_strategies_compared(tiny_bert: Path, corpus: Path, sets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = (
        "--corpus", corpus, "--seeds", 2, "--steps", 4, "--batch-size", 6, "--positive", "answer",
        "--encoder", tiny_bert, "--query-prefix", "query: ", "--rate", "1e-3",
        "--validate-every", 2, "--eval", f"mill={sets}", "--samples", 100, "--out", out,
    )  # fmt: skip
    done = run(tmp_path, *options)
    assert done.exit_code == 0, done.output
    report = store.read_json(out / "trained" / "report.json")
    names = [f"{one}-{n}" for one in ("monolingual", "cross-lingual", "hybrid") for n in (0, 1)]
    assert [one["name"] for one in report["runs"]] == names
    assert {one["steps"] for one in report["runs"]} == {4}
    assert {one["negatives"] for one in report["runs"]} == {5.0}
    assert len({one["validation"]["start"] for one in report["runs"]}) == 1
    assert len({one["plan"]["digest"] for one in report["runs"]}) == 6
    pairs = {(one["baseline"], one["system"]) for one in report["differences"]}
    assert len(pairs) == 4 * 3 / 2
    assert ("monolingual", "hybrid") in pairs
    by_hand: list[float] = []
    for seed in (0, 1):
        table = pl.read_parquet(out / f"trained/results/hybrid-{seed}/results.parquet")
        mine = table.filter(
            pl.col("query_language").is_null(), setting="multilingual", measure="map"
        )
        by_hand += mine["value"].to_list()
        assert set(mine["strategy"]) == {"hybrid"}
    (mean,) = [
        row
        for row in report["means"]
        if (row["system"], row["setting"], row["measure"], row["query_language"])
        == ("hybrid", "multilingual", "map", None)
    ]
    assert mean["value"] == pytest.approx(np.mean(by_hand))
    assert mean["sd"] == pytest.approx(np.std(by_hand, ddof=1))
    assert mean["seeds"] == 2
    for text in ("hybrid-1", "multilingual mAP", "±", "hybrid against monolingual", "negatives"):
        assert text in done.output, text
    picture = (out / "trained/pictures/mill-map.svg").read_bytes()
    assert all(one in picture for one in (b">deu_Latn<", b">start<", b">hybrid<"))
    curves = (out / "trained/pictures/training.svg").read_bytes()
    assert all(one in curves for one in (b">hybrid-1<", b">monolingual-0<", b">loss"))
    again = run(tmp_path, *options)
    assert again.exit_code == 0, again.output
    assert "complete already" in again.output
    # what is trained is not trained again for the sake of another table
    weights = sorted((out / "trained" / "runs").glob("*/encoder/model.safetensors"))
    before = [path.stat().st_mtime_ns for path in weights]
    assert len(before) == 6
    refused = run(tmp_path, *options, "--samples", 200)
    assert refused.exit_code == 2
    assert "(trainings and evaluations with unchanged settings are kept)" in refused.output
    more = run(tmp_path, *options, "--samples", 200, "--overwrite")
    assert more.exit_code == 0, more.output
    assert [path.stat().st_mtime_ns for path in weights] == before


@pytest.fixture
def trained(tiny_bert: Path, corpus: Path, sets: Path, tmp_path: Path) -> Path:
    """The folder of an encoder that was trained and evaluated."""
    home = plan(corpus, tmp_path / "plan", "--steps", 3)
    options = ("--encoder", tiny_bert, "--eval", f"mill={sets}", "--samples", 100)
    prefixes = ("--query-prefix", "query: ", "--passage-prefix", "passage: ", "--max-length", 20)
    done = run(tmp_path, home, *options, *prefixes, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    return tmp_path / "out/runs/hybrid-0/encoder"


def test_others_load_the_encoder(trained: Path) -> None:
    from sentence_transformers import SentenceTransformer

    ours = load_encoder(trained)
    assert (ours.query_prefix, ours.max_length) == ("query: ", 20)
    assert ours.languages == tuple(sorted(CODES))
    wanted = ours(TEXTS)
    theirs = SentenceTransformer(str(trained), device="cpu")
    assert theirs.max_seq_length == 20
    np.testing.assert_allclose(theirs.encode(TEXTS), wanted, atol=1e-5)
    asked = theirs.encode_query([TEXTS[0].removeprefix("query: ")])
    np.testing.assert_allclose(asked[0], wanted[0], atol=1e-5)
    card = (trained / "README.md").read_text()
    head = card.split("---\n")[1]
    assert 'language: ["de", "en", "fr"]' in head
    for text in ("mean | 5.0", "## Results", "lareqa@", '"temperature": 0.05', "hybrid batches"):
        assert text in card, text
    record = store.read_json(trained.parent / "training.json")
    for digest in (record["plan"]["digest"], record["corpora"][0]["digest"]):
        assert digest in card


def test_mteb_loads_the_encoder(trained: Path) -> None:
    mteb: Any = pytest.importorskip("mteb")
    from mteb.models import SentenceTransformerEncoderWrapper

    model = SentenceTransformerEncoderWrapper(str(trained), device="cpu")
    assert model.model_prompts == {"query": "query: ", "document": "passage: "}
    assert isinstance(model, mteb.EncoderProtocol)
    found = model.model.encode(TEXTS)
    np.testing.assert_allclose(found, load_encoder(trained)(TEXTS), atol=1e-5)


@pytest.mark.slow
def test_killed_and_started_again(
    tiny_bert: Path, corpus: Path, sets: Path, tmp_path: Path
) -> None:
    """SIGKILL in the middle of training; the losses are those of a run that was left alone."""
    home = plan(corpus, tmp_path / "plan", "--steps", 60)
    options = [
        "train-eval", home, "--encoder", tiny_bert, "--eval", f"mill={sets}", "--samples", 100,
        "--validate-every", 5,
    ]  # fmt: skip
    command = [sys.executable, "-m", "qa_parallel.cli", *map(str, options)]
    environment = {**os.environ, "QA_PARALLEL_CACHE": str(tmp_path / "cache")}
    file = tmp_path / "killed/runs/hybrid-0/.work/checkpoint.safetensors"
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "killed")], env=environment, stderr=subprocess.DEVNULL
    )
    for _ in range(3000):
        if file.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert file.exists()
    losses = []
    for out in ("killed", "whole"):
        done = run(tmp_path, *options[1:], "--out", tmp_path / out)
        assert done.exit_code == 0, done.output
        report = json.loads((tmp_path / out / "runs/hybrid-0/training.json").read_text())
        losses.append((report["losses"], report["validations"]))
    assert len(losses[0][0]) == 60
    assert losses[0] == losses[1]


def refuse(tmp_path: Path, *arguments: object) -> str:
    """The one line of a command that ends with exit code 2, before anything is trained."""
    done = run(tmp_path, *arguments)
    assert done.exit_code == 2, done.output
    assert not (tmp_path / "out/runs").exists()
    return done.output.strip().splitlines()[-1]


def test_mistakes_are_found_before_training(
    tiny_bert: Path, corpus: Path, sets: Path, tmp_path: Path
) -> None:
    one = plan(corpus, tmp_path / "one", "--steps", 3)
    two = plan(corpus, tmp_path / "two", "--steps", 4, "--strategy", "monolingual")
    rest = ("--encoder", tiny_bert, "--out", tmp_path / "out")
    good = ("--eval", f"mill={sets}")
    assert "nowhere" in refuse(tmp_path, one, *rest, "--eval", f"x={tmp_path / 'nowhere'}")
    line = refuse(tmp_path, one, two, *rest, *good)
    assert "equally many steps, found hybrid-0: 3, monolingual-0: 4; --steps 3" in line
    assert "at least 9 steps, found 3" in refuse(tmp_path, one, *rest, *good, "--steps", 9)
    assert "found corpus of version" in refuse(tmp_path, corpus, *rest, *good)
    assert "PLAN... or --corpus, found neither" in refuse(tmp_path, *rest, *good)
    line = refuse(tmp_path, one, *rest, *good, "--batch-size", 5)
    assert "with --corpus only" in line
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        (bare / name).symlink_to(tiny_bert / name)
    line = refuse(tmp_path, one, "--encoder", bare, "--out", tmp_path / "out", *good)
    assert "tokenizer" in line
    corpus_folder(corpus, corpus_frame(parallel(61, CODES, per_passage=2)))
    assert "expected the corpus that the plan in" in refuse(tmp_path, one, *rest, *good)


def test_a_language_that_the_tokenizer_does_not_know(
    tiny_bert: Path, sets: Path, tmp_path: Path
) -> None:
    rows = corpus_frame(parallel(60, CODES, per_passage=2)).with_columns(
        answer=pl.when(pl.col("language") == "fra_Latn")
        .then(pl.format("ገመድ {}", pl.col("qa_id").hash() % 1000))
        .otherwise("answer")
    )
    home = plan(corpus_folder(tmp_path / "corpus", rows), tmp_path / "plan", "--steps", 2)
    done = run(
        tmp_path, home, "--encoder", tiny_bert, "--eval", f"m={sets}", "--out", tmp_path / "out",
        "--samples", 100,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Warning: fra_Latn: the tokenizer does not know" in done.output
