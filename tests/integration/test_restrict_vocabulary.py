"""`--restrict-vocabulary` from end to end: lists that prove themselves or do not, resume."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from qa_parallel.cli import main
from qa_parallel.storage import store
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.vocabulary import choice, restricted
from qa_parallel.translation.vocabulary.tokens import names
from tests.chaos.kill import digests

QUESTIONS = Path(__file__).parents[2] / "recipes" / "quickstart" / "questions.jsonl"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*options: object, out: str = "out", to: str = "de") -> Result:
        fixed: dict[str, object] = {
            **{"--source": QUESTIONS, "--to": to, "--model": "demo", "--beam": 1},
            **{"--limit": 45, "--window-rows": 15, "--cache": tmp_path / "cache"},
        }
        given = {name: value for name, value in fixed.items() if name not in options}
        pairs = [part for pair in given.items() for part in pair]
        arguments = [*options, *pairs, "--out", tmp_path / out]
        return CliRunner().invoke(main, ["translate", *map(str, arguments)])

    return call


def manifest(folder: Path) -> dict[str, Any]:
    return store.read_json(folder / "manifest.json")


def attempts(folder: Path) -> dict[str, Any]:
    """What the manifest says of German, but for the time it took."""
    report: dict[str, Any] = manifest(folder)["vocabulary"]["deu_Latn"]
    for attempt in report["attempts"]:
        del attempt["speedup"]
    return report


def rows(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "data" / "deu_Latn" / "*.parquet")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window is enough to learn from."""
    monkeypatch.setattr(choice, "_AMOUNTS", (1, 2, 3))
    monkeypatch.setattr(choice, "_LEAST_SAMPLE", 5)


def test_with_the_text_of_an_earlier_corpus(run: Run, tmp_path: Path) -> None:
    """The list holds every word that the whole model says, and what it says stays the same."""
    assert run(out="whole").exit_code == 0
    result = run("--restrict-vocabulary", tmp_path / "whole", out="narrow")
    assert result.exit_code == 0, result.output
    assert "from window 1 on: log-probability" in result.output
    report = manifest(tmp_path / "narrow")["vocabulary"]["deu_Latn"]
    assert report["restricted"]
    (attempt,) = report["attempts"]
    assert attempt["window"] == 0
    assert attempt["tokens"] < 0.5 * attempt["of"]
    assert attempt["identical"] > 0.9
    assert "vocabulary" not in manifest(tmp_path / "whole")
    one, other = rows(tmp_path / "whole"), rows(tmp_path / "narrow")
    same = (one["passage"] == other["passage"]).mean()
    assert isinstance(same, float)
    assert same > 0.6
    # not taken from the cache of whole translations: the scores are within the list
    assert not one["passage_logprob"].equals(other["passage_logprob"])
    assert manifest(tmp_path / "narrow")["languages"]["deu_Latn"]["cached"] < 100


def test_a_list_that_fails_the_proof_is_widened_then_given_up(
    run: Run, tmp_path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sizes = restricted.prove, list[int]()

    def bad(*arguments: Any) -> restricted.Proof:
        sizes.append(len(arguments[2].tokens))
        proof = real(*arguments)
        return replace(proof, logprob_restricted=proof.logprob_whole - 0.0201)

    monkeypatch.setattr(restricted, "prove", bad)
    assert run(out="whole").exit_code == 0
    options = ("--restrict-vocabulary", "auto", "--window-rows", 9)
    result = run(*options, out="failed")
    assert result.exit_code == 0, result.output
    assert "tokens failed the test: log-probability" in result.output
    assert len(sizes) == 3
    assert sizes == sorted(set(sizes))  # each wider than the one before
    report = manifest(tmp_path / "failed")["vocabulary"]["deu_Latn"]
    assert not report["restricted"]
    assert report["digest"] is None
    assert [attempt["passed"] for attempt in report["attempts"]] == [False] * 3
    assert [attempt["window"] for attempt in report["attempts"]] == [1, 2, 3]
    assert rows(tmp_path / "failed").equals(rows(tmp_path / "whole"))


def test_learned_from_the_run_and_interrupted_at_every_write(
    run: Run, tmp_path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process dies at its first or second write; the last has the same files and lists.

    The first list fails, so that a process may die between a failure and the next attempt.
    """
    first: list[int] = []

    def passes(proof: restricted.Proof) -> bool:
        first[:] = first or [proof.tokens]
        return proof.tokens != first[0]

    monkeypatch.setattr(restricted.Proof, "passes", passes)
    options = ("--restrict-vocabulary", "auto", "--limit", 24, "--window-rows", 8)
    assert run(*options, "--cache", tmp_path / "c1", out="whole").exit_code == 0
    report = attempts(tmp_path / "whole")
    assert report["restricted"]
    assert [attempt["passed"] for attempt in report["attempts"]] == [False, True]
    replaced = Path.replace
    for deaths in range(50):
        writes = 0

        def dying(self: Path, target: Path, most: int = 1 + deaths % 2) -> Any:
            nonlocal writes
            writes += 1
            if writes > most:
                raise OSError(28, "No space left on device")
            return replaced(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying)
            result = run(*options, "--cache", tmp_path / "c2", out="torn")
        if (tmp_path / "torn" / "data").exists():
            break
        assert result.exit_code == 2, result.output
    assert deaths >= 5
    assert run(*options, "--cache", tmp_path / "c2", out="torn").exit_code == 0
    assert digests(tmp_path / "torn") == digests(tmp_path / "whole")
    assert attempts(tmp_path / "torn") == report


def test_a_short_run_is_translated_whole(run: Run, tmp_path: Path) -> None:
    assert run("--limit", 5).exit_code == 0
    result = run("--limit", 5, "--restrict-vocabulary", "auto", out="short")
    assert result.exit_code == 0, result.output
    assert "deu_Latn: whole vocabulary: too few rows" in result.output
    report = manifest(tmp_path / "short")["vocabulary"]
    assert report == {"deu_Latn": {"restricted": False, "digest": None, "attempts": []}}
    assert digests(tmp_path / "short") == digests(tmp_path / "out")


def test_a_list_of_nearly_everything_is_not_tried(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_MOST", 0.001)
    text = tmp_path / "de.txt"
    text.write_text("Die Katze.\n")
    result = run("--limit", 12, "--restrict-vocabulary", text)
    assert result.exit_code == 0, result.output
    assert "would save too little" in result.output
    report = manifest(tmp_path / "out")["vocabulary"]["deu_Latn"]
    assert not report["restricted"]
    assert set(report["attempts"][0]) == {"window", "tokens", "of", "passed"}


def test_another_text_is_another_setting(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "de.txt"
    text.write_text("Die Katze.\n")
    assert run("--limit", 3, "--restrict-vocabulary", text).exit_code == 0
    assert "complete already" in run("--limit", 3, "--restrict-vocabulary", text).output
    text.write_text("Der Hund.\n")
    refused = run("--limit", 3, "--restrict-vocabulary", text)
    assert refused.exit_code == 2
    assert "translate.restrict_vocabulary changed " in refused.output


def test_in_a_recipe_the_path_is_looked_for_beside_it(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "de.txt").write_text("Die Katze.\n")
    (tmp_path / "qa.jsonl").write_text(json.dumps({"question": "Where is the cat?"}) + "\n")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'name = "x"\nout = {json.dumps(str(tmp_path / "out"))}\n[source]\nsource = "qa.jsonl"\n'
        '[model]\nmodel = "demo"\n[translate]\nto = ["de"]\nrestrict_vocabulary = "texts"\n'
    )
    cache = {"QA_PARALLEL_CACHE": str(tmp_path / "cache")}
    result = CliRunner().invoke(main, ["run", str(recipe)], env=cache)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("given", "to", "says"),
    [
        ("nowhere", "de", "found no file or folder 'nowhere'"),
        ("empty.txt", "de", "expected text of deu_Latn in"),
        ("latin1.txt", "de", "expected text in UTF-8"),
        ("folder", "fr", "expected text of fra_Latn in"),
        ("empty.txt", "de,fr", "expected a folder with text of 2 languages"),
        ("", "de", "restrict_vocabulary"),
    ],
)
def test_bad_text_is_one_clear_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, to: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("\n")
    Path("latin1.txt").write_bytes(b"caf\xe9\n")
    Path("folder").mkdir()
    Path("folder", "de.txt").write_text("Die Katze.\n")
    result = run("--restrict-vocabulary", given, to=to)
    assert result.exit_code == 2, result.output
    errors = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert says in errors[0]
    assert not (tmp_path / "out").exists()


def test_names_of_rows_to_come_are_in_the_list(run: Run, tmp_path: Path) -> None:
    """The source is read ahead: a window later than the proof's finds its names in the list."""
    assert run(out="whole").exit_code == 0
    assert run("--restrict-vocabulary", tmp_path / "whole", out="narrow").exit_code == 0
    (path,) = (tmp_path / "cache" / "restricted").glob("*/vmap.txt")
    listed = set(path.read_text().split())
    model = resolve(ModelSettings(model="demo"))
    last = pl.read_ndjson(QUESTIONS)[44]
    (tokens,) = model.tokenizer().encode_batch(last["question"].to_list())
    assert set(names(tokens)) <= listed
