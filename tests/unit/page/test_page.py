"""What the page is told: stages found, questions chosen, figures, texts marked and escaped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qa_parallel.errors import StoreError
from qa_parallel.evaluation.pictures import language_maps
from qa_parallel.page import history, hits, retrieval
from qa_parallel.page.overlap import Part, mark
from qa_parallel.page.parts import tongue
from qa_parallel.page.render import embedded, render
from qa_parallel.page.sample import Fate, choose, embed
from qa_parallel.page.stage_folders import find
from qa_parallel.schema import DECISIONS, LEAKS
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import VERSION
from tests import translated_corpus
from tests.small_corpora import corpus_frame, parallel


def decisions(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """DECISIONS from qa_id, language, check."""
    made = [
        {"qa_id": one, "language": code, "field": "question", "check": check, "score": 1.0,
         "limit": 0.5, "reason": f"question {check}"}
        for one, code, check in rows
    ]  # fmt: skip
    return pl.DataFrame(made, schema=DECISIONS)


def leaks(*rows: dict[str, Any]) -> pl.DataFrame:
    """LEAKS; what is not given is as in a question that is known word for word."""
    usual = {
        "qa_id": "q1", "passage_id": "p1", "language": "eng_Latn", "field": "question",
        "benchmark": "set", "benchmark_id": "set/1", "benchmark_language": "eng_Latn",
        "kind": "same", "overlap": 1.0, "leaked": True, "text": "Who hid the brass key?",
        "benchmark_text": "who hid the brass key", "evidence": "who hid the brass key",
    }  # fmt: skip
    return pl.DataFrame([{**usual, **row} for row in rows], schema=LEAKS)


# Stages


def test_stages_are_found_in_their_order(tmp_path: Path) -> None:
    translated = translated_corpus.translated(tmp_path / "z")
    settings = store.read_json(translated / "settings.json")
    store.write_json(tmp_path / "a" / "settings.json", {**settings, "stage": "filter"})
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "settings.json").write_text("[]")
    first, second = find(tmp_path, VERSION)
    assert (first.stage.name, first.name, first.whole) == ("translate", "z", True)
    assert (second.stage.name, second.name, second.whole) == ("filter", "a", False)
    assert "never ended" in second.problem


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


def test_what_was_before_is_known_from_the_manifest(tmp_path: Path) -> None:
    folder = translated_corpus.translated(tmp_path / "corpus")
    before = store.read_json(folder / "manifest.json")
    counts = {"eng_Latn": {"rows": 6, "kept": 6, "rejected": 0},
              "fra_Latn": {"rows": 6, "kept": 4, "rejected": 2}}  # fmt: skip
    manifest = {**before, "stage": "filter", "source_counts": counts, "input": before,
                "reasons": {"fra_Latn": {"answer copied": {"rejected": 2}}}}  # fmt: skip
    store.write_json(folder / "manifest.json", manifest)
    found = find(folder, VERSION)
    told = history.history(found)
    assert list(told) == ["translate", "filter"]
    assert [(one.title, one.name) for one in history.entries(found, told)] == [
        ("Translate", "not in this folder"), ("Filter", ""),
    ]  # fmt: skip
    french = history.flows(told)[1]
    assert (french.rows, french.rejected, french.left, french.share) == (6, 2, 4, "67 %")
    reasons = history.reasons(told)
    assert reasons is not None
    assert reasons.totals == {"answer copied": 2}
    assert reasons.picture.summary.endswith("Highest: 2 (answer copied, fra_Latn).")
    notes = " ".join(history.notes(found, told, None))
    assert "French 33 %" in notes
    assert "never" not in notes
    assert "compared with an evaluation set" in notes


def test_a_stage_made_from_another_corpus_says_so(tmp_path: Path) -> None:
    translated_corpus.translated(tmp_path / "translated")
    filtered = translated_corpus.translated(tmp_path / "filtered")
    manifest = store.read_json(filtered / "manifest.json")
    digest = find(tmp_path, VERSION)[0].digest
    manifest |= {"stage": "filter", "source_counts": {}}
    for name in ("report.json", "decisions.parquet"):
        (filtered / name).touch()
    for known, problem in ((digest, ""), ("0" * 16, "Made from translated@0000")):
        manifest |= {"corpus": {"name": "translated@0000", "digest": known}}
        store.write_json(filtered / "manifest.json", manifest)
        found = find(tmp_path, VERSION)
        second = list(history.entries(found, history.history(found)))[1]
        assert second.problem.startswith(problem)
        assert bool(second.problem) == bool(problem)


def test_what_leaks_and_stays_is_a_warning() -> None:
    manifest: dict[str, Any] = {
        "check-leakage": {"action": "report"},
        "found": {"leaked": {"questions": 3, "rows": {"eng_Latn": 3}}},
    }
    told: dict[str, dict[str, Any]] = {
        "import": {"languages": {"eng_Latn": {"rows": 9}}},
        "check-leakage": manifest,
    }
    assert history.flows(told)[0].left == 9
    assert "still in the data: 3 questions" in " ".join(history.notes([], told, None))
    manifest["check-leakage"] = {"action": "drop"}
    assert history.flows(told)[0].left == 6
    assert not list(history.notes([], told, None))


# The sample


def keys(questions: int, codes: tuple[str, ...] = ("eng_Latn", "deu_Latn")) -> pl.DataFrame:
    return corpus_frame(parallel(questions, codes)).select("qa_id", "passage_id", "language")


def test_rare_reasons_are_among_the_sample() -> None:
    often = [(f"q{number}", "deu_Latn", "copied") for number in range(0, 200)]
    fate = Fate.of(decisions(*often, ("q7", "deu_Latn", "loop"), ("q300", "deu_Latn", "han")), None)
    sample = choose(keys(400), fate, 20, seed=0)
    assert len(sample.ids) == len(set(sample.ids)) == 20
    assert {"q7", "q300"} <= set(sample.ids)
    assert (sample.all, sample.concerned, sample.chosen_concerned) == (400, 201, 10)
    assert sample.ids == sorted(sample.ids, key=lambda one: int(one[1:]))
    assert choose(keys(400), fate, 20, seed=0) == sample
    assert choose(keys(400), fate, 20, seed=1).ids != sample.ids


def test_few_questions_are_all_there_and_many_languages_make_them_fewer() -> None:
    fate = Fate.of(None, None)
    assert len(choose(keys(5), fate, 200, seed=0).ids) == 5
    rejected = Fate.of(decisions(*((f"q{n}", "deu_Latn", "copied") for n in range(5))), None)
    assert choose(keys(5), rejected, 4, seed=0).chosen_concerned == 4
    codes = tuple(f"l{number}" for number in range(200))
    assert len(choose(keys(100, codes), fate, 200, seed=0).ids) == 60


def test_each_row_says_what_became_of_it() -> None:
    frame = corpus_frame(parallel(4, ("eng_Latn", "deu_Latn")))
    fate = Fate.of(
        decisions(("q0", "deu_Latn", "copied"), ("q0", "deu_Latn", "loop")),
        leaks(
            {"qa_id": "q1", "passage_id": "q-p1"},
            {"qa_id": "q2", "passage_id": "q-p2", "field": "passage"},
            {"qa_id": "q3", "passage_id": "q-p3", "leaked": False},
        ),
    )
    sample = choose(frame.select("qa_id", "passage_id", "language"), fate, 9, seed=0)
    told = embed(sample, [frame], fate, ["eng_Latn", "deu_Latn"])
    states = {
        question["id"]: [row["state"] for row in question["rows"].values()]
        for question in told["questions"]
    }
    assert states == {
        "q0": ["kept", "rejected"], "q1": ["leaked"] * 2, "q2": ["leaked"] * 2, "q3": ["kept"] * 2,
    }  # fmt: skip
    assert told["reasons"] == ["question copied", "question loop"]
    assert told["questions"][0]["rows"]["deu_Latn"]["why"] == [
        [0, "question copied"], [1, "question loop"],
    ]  # fmt: skip


@pytest.mark.parametrize("before", ["", "🦊 ", "x" * 9_000 + " "])
def test_the_answer_is_marked_where_a_script_counts_it(before: str) -> None:
    text = f"{before}the red fox ran {'y' * 9_000}"
    row = {**parallel(1, ("eng_Latn",))[0], "passage": text, "answer": "red fox",
           "answer_start": text.index("red")}  # fmt: skip
    frame = corpus_frame([row])
    sample = choose(frame.select("qa_id", "passage_id", "language"), Fate.of(None, None), 1, seed=0)
    told = embed(sample, [frame], Fate.of(None, None), ["eng_Latn"])
    cell = told["questions"][0]["rows"]["eng_Latn"]
    passage = told["passages"][cell["p"]]
    assert len(passage) < 1_600
    units = passage.encode("utf-16-le")
    start, end = (2 * place for place in cell["s"])
    assert units[start:end].decode("utf-16-le") == "red fox"


def test_a_passage_is_on_the_page_once() -> None:
    rows = parallel(6, ("eng_Latn",))
    frame = corpus_frame([{**row, "passage": "The same."} for row in rows])
    sample = choose(frame.select("qa_id", "passage_id", "language"), Fate.of(None, None), 6, seed=0)
    told = embed(sample, [frame], Fate.of(None, None), ["eng_Latn"])
    assert told["passages"] == ["The same."]


# Leaks


def test_one_pair_of_texts_is_shown_once() -> None:
    table = leaks(
        {"kind": "8-gram", "overlap": 0.7}, {}, {"qa_id": "q2", "kind": "title", "leaked": False,
         "field": "title", "text": "Keys", "benchmark_text": "keys!"},
        *({"qa_id": f"r{n}", "kind": "8-gram", "overlap": 0.9, "benchmark_id": f"set/{n}"}
          for n in range(30)),
    )  # fmt: skip
    pairs, number = hits.pairs(table, 10)
    assert number == 32
    assert len(pairs) == 10
    assert pairs[0].ours.id == "q1"
    assert pairs[0].kinds == ["the same text", "runs of 8 words in common, 0.70"]
    assert all(pair.leaked for pair in pairs)
    assert not hits.pairs(table, 99)[0][-1].leaked


def test_meanings_in_common_are_not_marked() -> None:
    table = leaks({"kind": "cosine", "benchmark_text": "Who hid the brass key?"})
    (pair,), _ = hits.pairs(table, 9)
    assert not any(part.shared for part in pair.ours.parts)


def shared(parts: list[Part]) -> list[str]:
    return [part.text for part in parts if part.shared]


def test_marks_stand_on_both_sides() -> None:
    one = "As we know, the stone mill above the village burned down; who knew?"
    other = "THE STONE MILL, above the village, stood. We know."
    ours, theirs = mark(one, other, ("eng_Latn", "eng_Latn"), 200)
    assert shared(ours) == ["the stone mill above the village"]
    assert shared(theirs) == ["THE STONE MILL, above the village"]
    assert "".join(part.text for part in ours) == one


def test_marks_in_scripts_without_spaces() -> None:
    ours, theirs = mark("谁藏了黄铜钥匙?", "黄铜钥匙在哪里?", ("zho_Hans", "zho_Hans"), 99)
    assert shared(ours) == shared(theirs) == ["黄铜钥匙"]


def test_a_long_text_is_cut_around_the_first_mark() -> None:
    long = f"{'a b ' * 150}the stone mill burned {'c d ' * 150}"
    ours, _ = mark(long, "The stone mill burned.", ("eng_Latn", "eng_Latn"), 100)
    assert shared(ours) == ["the stone mill burned"]
    assert (ours[0].text, ours[-1].text) == ("… ", " …")
    assert len("".join(part.text for part in ours)) < 110
    word, _ = mark("x" * 10_000, "y", ("eng_Latn", "eng_Latn"), 100)
    assert len("".join(part.text for part in word)) < 110


# Tables


def test_languages_as_html_knows_them() -> None:
    assert (tongue("arb_Arab").tag, tongue("arb_Arab").direction) == ("ar-Arab", "rtl")
    assert (tongue("zho_Hant").tag, tongue("zho_Hant").direction) == ("zh-Hant", "ltr")
    assert tongue("no such").name == "no such"


def test_differences_stand_on_one_scale_around_zero() -> None:
    row = {"dataset": "d", "setting": "monolingual", "measure": "map", "baseline": "a",
           "p": 0.5, "first": 0, "second": 0}  # fmt: skip
    report = {
        "means": [{"dataset": "d", "system": "a", "setting": "monolingual", "measure": "map",
                   "value": 0.5, "sd": None, "query_language": None,
                   "candidate_language": None}],
        "differences": [
            {**row, "system": "b", "difference": 0.0, "low": -0.1, "high": 0.1},
            {**row, "system": "c", "difference": 0.2, "low": 0.0, "high": 0.4},
        ],
    }  # fmt: skip
    (one,) = retrieval.comparisons(report)
    (scale,) = one.differences
    assert scale.zero == 50
    first, second = scale.dots
    assert (first.at, second.low) == (50, 50)
    assert 50 < second.at < second.high < 100
    assert second.text == "+0.2000 (+0.0000 … +0.4000), p 0.500"


def test_a_shade_means_the_same_number_for_every_system() -> None:
    def rows(best: float) -> list[dict[str, Any]]:
        return [
            {"measure": "map", "setting": "monolingual" if one == other else "cross-lingual",
             "query_language": one, "candidate_language": other,
             "value": best if one == other else 0.0}
            for one in ("eng_Latn", "deu_Latn")
            for other in ("eng_Latn", "deu_Latn")
        ]  # fmt: skip

    (picture,) = language_maps("set", {"start": rows(0.4), "hybrid": rows(0.8)}).values()
    assert picture.title == "set: mAP"
    assert [box.kind for box in picture.boxes[:8]] == [*("h5", "h0", "h0", "h5"),
                                                       *("h10", "h0", "h0", "h10")]  # fmt: skip


# The page


def test_data_cannot_leave_its_element() -> None:
    hostile = "</script><!-- & \u2028\u2029 ü"
    text = str(embedded({"text": hostile}))
    assert not set("<>&\u2028\u2029") & set(text)
    assert "ü" in text
    assert json.loads(text) == {"text": hostile}


def test_a_page_of_nothing_but_a_title() -> None:
    sections = ("notes", "steps", "flows", "qualities", "hits", "plans", "evaluations")
    empty: dict[str, Any] = {name: [] for name in (*sections, "experiments", "languages")}
    page = render(
        {**empty, "title": "<b>&\ud800", "version": "1", "reasons": None, "check": None,
         "source_counts": {}, "sample": None, "data": None, "all_hits": 0}
    )  # fmt: skip
    assert "<title>&lt;b&gt;&amp;? – qa-parallel report</title>" in page
    assert "<script" not in page
    assert folders.MADE_BY in page
