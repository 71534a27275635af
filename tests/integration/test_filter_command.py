"""`qa-parallel filter` end to end: what it keeps, rejects, explains, and refuses."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from datasets import load_dataset
from rich.console import Console

import qa_parallel as qp
from qa_parallel import hub
from qa_parallel.cli import main
from qa_parallel.encoders import encoder
from qa_parallel.errors import RecipeError, StoreError
from qa_parallel.filters import Check
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.filters.stage import explain, filter_corpus
from qa_parallel.filters.summary import describe
from qa_parallel.page.stage import write_report
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import store
from qa_parallel.storage.folders import Outcome

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
    assert "judged by built-in limits" in found.output
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
    assert "or --overwrite (scores that still hold are kept)" in refused.output
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
    assert "fewer than 100 texts, so judged by built-in limits: deu_Latn" in said
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


def own(limit: float = 1, version: str = "1") -> Check:
    """A check of one's own: words of the original that the translation kept, places aside."""
    named = pl.col("original").str.to_lowercase().str.extract_all(r"\w{4,}")
    mine = pl.col("text").str.to_lowercase().str.extract_all(r"\w{4,}")
    return Check(
        "kept_words",
        named.list.set_intersection(mine).list.len(),
        limit=limit,
        field="question",
        meaning="words of the original kept",
        version=version,
    )


def keep(corpus: Path, out: Path, *checks: Check, overwrite: bool = False) -> Outcome:
    settings = FilterSettings(detector="none", pivot="en")
    source = SourceSettings(source=str(corpus))
    return filter_corpus(source, settings, out, checks=checks, overwrite=overwrite, workers=2)


def test_a_check_of_ones_own_is_like_any_other(corpus: Path, tmp_path: Path) -> None:
    """German q2 is English: eight long words of its original are there, the place is one."""
    out = tmp_path / "run" / "clean"
    outcome = keep(corpus, out, own())
    decisions = pl.read_parquet(out / "decisions.parquet").filter(check="kept_words")
    assert decisions.select("qa_id", "language", "field", "score", "limit", "reason").rows() == [
        ("q2", "deu_Latn", "question", 7, 1,
         "question words of the original kept: 7.0, expected at most 1.0")
    ]  # fmt: skip
    gone = pl.read_parquet(out / "rejected" / "**" / "*.parquet").filter(qa_id="q2")
    assert "question:kept_words" in gone["reasons"][0].to_list()
    report = store.read_json(out / "report.json")
    told = report["languages"]["deu_Latn"]["reasons"]["question kept_words"]
    assert (told["rejected"], told["examples"][0]["qa_id"]) == (1, "q2")
    limits = pl.read_parquet(out / "limits.parquet").filter(check="kept_words")
    assert limits.select("language", "field", "high").rows() == [("deu_Latn", "question", 1)]
    assert outcome.manifest["filter"]["checks"] == {
        "kept_words": {
            "fields": ["question"], "side": "max", "limit": 1.0, "learned": None,
            "meaning": "words of the original kept", "version": "1",
        }
    }  # fmt: skip
    reasons = outcome.manifest["reasons"]["deu_Latn"]
    assert reasons["question kept_words"]["rejected"] == 1
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(*describe(report), explain(out, "q2"))
    printed = console.export_text()
    assert "question kept_words 7 (limit 1)  [q2]" in printed
    line = next(line for line in printed.splitlines() if "7.000" in line)
    assert line.split()[-4:] == ["kept_words", "7.000", "1.000", "rejected"]
    page = write_report(tmp_path / "run").read_text("utf-8")
    assert "question kept_words" in page
    assert '<td class="words">words of the original kept</td>' in page


def test_a_check_of_ones_own_is_measured_when_it_changes(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean"
    keep(corpus, out, own())
    assert keep(corpus, out, own()).complete_before
    scores = out / "work" / "scores"
    table, mine = scores / "deu_Latn.parquet", scores / "deu_Latn.kept_words.parquet"

    def times() -> tuple[int, int]:
        return table.stat().st_mtime_ns, mine.stat().st_mtime_ns

    first = times()
    with pytest.raises(StoreError, match=r"filter.checks.kept_words.limit changed 1 → 7"):
        keep(corpus, out, own(7))
    looser = keep(corpus, out, own(7), overwrite=True)
    assert "question kept_words" not in looser.manifest["reasons"]["deu_Latn"]
    assert times() == first
    with pytest.raises(StoreError, match=r'filter.checks.kept_words.version changed "1" → "2"'):
        keep(corpus, out, own(7, "2"))
    keep(corpus, out, own(7, "2"), overwrite=True)
    assert times()[0] == first[0]
    assert times()[1] != first[1]
    # what is no longer asked for is neither judged nor shown
    keep(corpus, out, overwrite=True)
    assert "kept_words" not in pl.read_parquet(out / "limits.parquet")["check"]
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(explain(out, "q2"))
    printed = console.export_text()
    assert "copied" in printed
    assert "kept_words" not in printed


def test_a_name_that_there_is_already_is_one_clear_line(corpus: Path, tmp_path: Path) -> None:
    check = Check("copied", lambda rows: rows["text"].str.len_chars(), limit=3)
    with pytest.raises(RecipeError) as caught:
        keep(corpus, tmp_path / "clean", check)
    assert str(caught.value) == (
        "expected a check by a name of its own, found 'copied', which is one of qa-parallel; give "
        "it another name"
    )
    assert not (tmp_path / "clean").exists()


def test_the_python_api_takes_checks_too(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean"
    clean = qp.filter(corpus, checks=[own()], detector="none", pivot="en", out=out)
    assert clean.decisions.filter(check="kept_words")["qa_id"].to_list() == ["q2"]
    assert clean.scores.filter(check="kept_words").height == 8
    assert clean.scores.filter(check="copied").height > 0
