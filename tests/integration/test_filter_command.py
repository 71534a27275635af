"""`qa-parallel filter` end to end: what it keeps, rejects, explains, and refuses."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from datasets import load_dataset

from qa_parallel import hub
from qa_parallel.cli import main
from qa_parallel.encoders import encoder
from qa_parallel.storage import store

PLACES = ("Berlin", "Madrid", "Lisbon", "Vienna", "Prague", "Athens", "Dublin", "Warsaw")


def squad(folder: Path, code: str, question: str, passage: str, wrong: dict[int, str]) -> Path:
    """A SQuAD file of one question and passage a place; some questions are given."""
    articles = [
        {
            "title": place,
            "paragraphs": [
                {
                    "context": passage.format(place=place, number=1900 + number),
                    "qas": [
                        {
                            "id": f"q{number}",
                            "question": wrong.get(number, question.format(place=place)),
                            "answers": [{"text": str(1900 + number), "answer_start": 0}],
                        }
                    ],
                }
            ],
        }
        for number, place in enumerate(PLACES)
    ]
    path = folder / f"{code}.json"
    path.write_text(json.dumps({"version": "1.1", "data": articles}), "utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """English and German; German q2 is English, q5 has an entity, q6 says the same again."""
    english = squad(
        tmp_path,
        "en",
        "When was the old bridge over the river in {place} finished at last?",
        "In {number} the old bridge over the river in {place} was finished at last.",
        {},
    )
    german = squad(
        tmp_path,
        "de",
        "Wann wurde die alte Brücke über den Fluss in {place} endlich fertig?",
        "Im Jahr {number} wurde die alte Brücke über den Fluss in {place} endlich fertig.",
        {
            2: "When was the old bridge over the river in Lisbon finished at last?",
            5: "Wann wurde die alte Brücke &quot;über den Fluss&quot; in Athens fertig?",
            6: "Wann wurde die alte Brücke über den Fluss über den Fluss über den Fluss fertig?",
        },
    )
    out = tmp_path / "corpus"
    found = run("import", "--parallel", f"en={english}", "--parallel", f"de={german}", "--out", out)
    assert found.exit_code == 0, found.output
    return out


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_good_rows_are_kept_and_bad_ones_say_why(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean"
    found = run("filter", corpus, "--pivot", "en", "--out", out)
    assert found.exit_code == 0, found.output
    kept = load_dataset(str(out), "deu_Latn")["train"]
    assert sorted(kept["qa_id"]) == ["q0", "q1", "q3", "q4", "q7"]
    assert len(load_dataset(str(out))["train"]) == 13
    gone = load_dataset(str(out), "rejected")["train"]
    reasons = dict(zip(gone["qa_id"], gone["reasons"], strict=True))
    assert set(reasons) == {"q2", "q5", "q6"}
    assert {"question:copied", "question:language"} <= set(reasons["q2"])
    assert reasons["q5"] == ["question:entities"]
    assert "question:loop" in reasons["q6"]
    report = store.read_json(out / "report.json")
    german = report["languages"]["deu_Latn"]
    assert (german["rows"], german["kept"], german["rejected"]) == (8, 5, 3)
    example = german["reasons"]["question entities"]["examples"][0]
    assert "&quot;" in example["target"]
    assert "bridge" in example["source"]
    assert "judged by the built-in prior" in found.output
    manifest = store.read_json(out / "manifest.json")
    assert manifest["questions"] == {"all": 8, "complete": 5}


def test_other_limits_do_not_measure_again(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean"
    first = ("filter", corpus, "--pivot", "en", "--out", out)
    assert run(*first).exit_code == 0
    again = run(*first)
    assert "complete already" in again.output
    scores = sorted((out / "work" / "scores").glob("*.parquet"))
    times = [path.stat().st_mtime_ns for path in scores]
    other = (*first, "--set", "entities=off", "--min-languages", "2")
    refused = run(*other)
    assert refused.exit_code == 2
    assert "filter.limits.entities changed 0 → null" in refused.output
    done = run(*other, "--overwrite")
    assert done.exit_code == 0, done.output
    assert [path.stat().st_mtime_ns for path in scores] == times
    assert store.read_json(out / "manifest.json")["questions"] == {"all": 6, "complete": 6}
    decisions = pl.read_parquet(out / "decisions.parquet")
    left = decisions.filter(check="languages")
    assert set(left["qa_id"]) == {"q2", "q6"}
    assert set(left["language"]) == {"eng_Latn"}
    english = run("filter", corpus, "--out", out, "--pivot", "de", "--overwrite")
    assert english.exit_code == 0, english.output
    assert [path.stat().st_mtime_ns for path in scores] != times


def test_explain_shows_scores_beside_limits(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean"
    found = run("filter", corpus, "--pivot", "en", "--out", out, "--explain", "q5")
    assert found.exit_code == 0, found.output
    line = next(line for line in found.output.splitlines() if "entities" in line and "2.0" in line)
    assert line.split()[-1] == "rejected"
    assert run("filter", "--out", out, "--explain", "q1").exit_code == 0
    unknown = run("filter", "--out", out, "--explain", "q99")
    assert unknown.exit_code == 2
    assert "found 'q99'" in unknown.output


def test_a_source_that_is_no_corpus_is_read_too(tmp_path: Path) -> None:
    path = squad(tmp_path, "en", "Where is {place}, and who lives there?", "{place} {number}.", {})
    found = run("filter", path, "--out", tmp_path / "clean")
    assert found.exit_code == 0, found.output
    assert store.read_json(tmp_path / "clean" / "manifest.json")["languages"]["eng_Latn"]["rows"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "lenght=3"), "unknown key 'lenght'; did you mean 'length'?"),
        (("--set", "length=long"), "expected CHECK=LIMIT"),
        (("--detector", "lingua"), "expected a language identifier, found 'lingua'"),
        (("--pivot", "Klingonish"), "expected a language of NLLB-200"),
        (("--encoder", "nowhere"), "the folder of an encoder or a Hub id, found 'nowhere'"),
    ],
)
def test_bad_options_are_one_clear_line(
    corpus: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    found = run("filter", corpus, "--out", tmp_path / "clean", *options)
    assert found.exit_code == 2
    assert message in " ".join(found.output.split())


def test_an_encoder_by_any_name(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "demo", its folder and a Hub id are one encoder, so that all but the first are done."""
    folder, out = encoder.find_encoder("demo"), tmp_path / "clean"
    loaded = []

    def load(folder: Path) -> Callable[..., np.ndarray]:
        loaded.append(folder)
        axes: dict[str, int] = {}  # one of its own for each text
        return lambda texts, prefix: np.eye(999)[[axes.setdefault(t, len(axes)) for t in texts]]

    monkeypatch.setattr(encoder, "load_encoder", load)
    monkeypatch.setattr(hub, "locate", lambda name, _: hub.Commit(name, "c", False))
    monkeypatch.setattr(hub, "download", lambda *_: folder)
    for name in ("demo", folder, "org/name"):
        found = run("filter", corpus, "--out", out, "--encoder", name, "--pivot", "en")
        assert found.exit_code == 0, found.output
    assert store.read_json(out / "manifest.json")["filter"]["encoder"] == encoder.digest(folder)
    assert loaded == [folder]
    assert "cosine" in pl.read_parquet(out / "work" / "scores" / "*.parquet")["check"]


@pytest.mark.parametrize(
    ("detector", "module", "message"),
    [
        (
            "heliport",
            "heliport",
            'heliport, which is not installed; pip install "qa-parallel[lid]"',
        ),
        ("model.bin", "fasttext", "is not installed; pip install fasttext-wheel"),
        ("gone.bin", "", "choose auto, py3langid, heliport, langid, none, or the path"),
    ],
)
def test_a_detector_that_is_missing_says_what_to_install(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    detector: str,
    module: str,
    message: str,
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == module else real(name, *rest),
    )
    monkeypatch.chdir(tmp_path)
    Path("model.bin").write_bytes(b"a model")
    found = run("filter", corpus, "--out", tmp_path / "clean", "--detector", detector)
    assert found.exit_code == 2
    assert message in " ".join(found.output.split())


def test_a_recipe_says_before_it_starts_that_a_detector_is_unknown(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    tables = ("[source]", 'source = "rows.jsonl"', "[translate]", 'to = ["fr"]', "[filter]")
    head = ('name = "r"', f"out = {json.dumps(str(tmp_path / 'out'))}")
    recipe.write_text("\n".join([*head, *tables, 'detector = "lingua"']), "utf-8")
    found = run("run", recipe)
    assert found.exit_code == 2
    assert "expected a language identifier, found 'lingua'" in found.output
    recipe.write_text("\n".join([*head, *tables[:-1], "[filter.limits]", "lenght = 3"]), "utf-8")
    found = run("run", recipe)
    assert "[filter.limits]: unknown key 'lenght'; did you mean 'length'?" in found.output


def test_three_rows_of_a_language_are_judged_by_the_prior(tmp_path: Path) -> None:
    rows = {
        "en": "When was the old bridge over the river in {place} finished at last?",
        "de": "Wann wurde die alte Brücke über den Fluss in {place} endlich fertig?",
    }
    sides = []
    for code, question in rows.items():
        lines = [
            {"id": str(number), "question": question.format(place=place), "answer": place}
            for number, place in enumerate(PLACES[:3])
        ]
        path = tmp_path / f"{code}.jsonl"
        path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
        sides += ["--parallel", f"{code}={path}"]
    imported = run("import", *sides, "--out", tmp_path / "corpus")
    assert imported.exit_code == 0, imported.output
    found = run("filter", tmp_path / "corpus", "--pivot", "en", "--out", tmp_path / "clean")
    assert found.exit_code == 0, found.output
    said = " ".join(found.output.split())
    assert "fewer than 100 texts, judged by the built-in prior: deu_Latn" in said
    assert "deu_Latn question length" in said


def test_a_half_written_corpus_is_refused(corpus: Path, tmp_path: Path) -> None:
    (corpus / "manifest.json").unlink()
    found = run("filter", corpus, "--out", tmp_path / "clean")
    assert found.exit_code == 2
    assert "half-written" in found.output


def test_more_languages_than_there_are_cannot_be_asked_for(corpus: Path, tmp_path: Path) -> None:
    found = run("filter", corpus, "--out", tmp_path / "clean", "--min-languages", "3")
    assert found.exit_code == 2
    assert "expected min_languages of at most 2" in found.output


def test_a_corpus_is_not_overwritten_by_what_is_left_of_it(corpus: Path) -> None:
    before = {path: path.read_bytes() for path in corpus.rglob("*.parquet")}
    found = run("filter", corpus, "--out", corpus, "--overwrite")
    assert found.exit_code == 2
    assert "expected another folder than the corpus" in found.output
    assert {path: path.read_bytes() for path in corpus.rglob("*.parquet")} == before
