"""`qa-parallel check-leakage` end to end."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from qa_parallel import hub
from qa_parallel.cli import main
from qa_parallel.schema import CORPUS, LEAKS
from qa_parallel.storage import store
from qa_parallel.storage.corpus import read_corpus
from tests.chaos.kill import digests
from tests.small_corpora import corpus_folder, corpus_frame

LEAKED = "Where did the keeper of the lighthouse hide his brass key?"
MILL = (
    "The stone mill above the village burned down in one night of the dry summer of 1902, "
    "and the miller moved to the coast with his three daughters."
)
# qa_id, passage_id, English, German
ROWS = [
    ("a", "p1", LEAKED, "Wo war das Ding?"),
    ("b", "p1", "When do the ferries leave the harbour?", "Wann fahren die Schiffe?"),
    ("c", "p2", "How many daughters were there?", "Wie viele Töchter waren es?"),
    ("d", "p2", "Why did they leave?", "Warum gingen sie fort?"),
    ("e", "p3", "Whose dog barked at the postman?", "Wer hat den Schlüssel versteckt?"),
]
PASSAGES = {"p1": "Ferries cross at noon.", "p2": MILL, "p3": "A dog lay in the sun."}


def corpus(folder: Path) -> Path:
    """A corpus in English and German, as if it had been translated."""
    rows = [
        {
            "qa_id": row[0],
            "passage_id": row[1],
            "language": code,
            "question": row[place],
            "passage": PASSAGES[row[1]] if place == 2 else f"Text {row[1]}",
            "translated_from": None if place == 2 else "eng_Latn",
        }
        for code, place in (("eng_Latn", 2), ("deu_Latn", 3))
        for row in ROWS
    ]
    return corpus_folder(
        folder, corpus_frame(rows), described={"stage": "translate", "model": {"name": "demo"}}
    )


def evaluation(folder: Path) -> Path:
    """English and German questions; one is in the corpus, and so is the passage of another."""
    folder.mkdir()
    texts = {
        "en": [(LEAKED.upper(), "A key."), ("What burned?", MILL), ("Who hid it?", "A thief.")],
        "de": [
            ("Wo war das Ding?", "Ein Schlüssel."),
            ("Was brannte?", "Die Mühle."),
            ("Wer hat den Schlüssel versteckt?", "Ein Dieb."),
        ],
    }
    for code, questions in texts.items():
        records = [
            {"id": str(n), "question": q, "context": p} for n, (q, p) in enumerate(questions)
        ]
        text = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{code}.jsonl").write_text(text)
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check-leakage", *map(str, arguments)])


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    return corpus(tmp_path / "corpus"), evaluation(tmp_path / "eval")


def test_a_clean_corpus(sides: tuple[Path, Path], tmp_path: Path) -> None:
    given, known = sides
    out = tmp_path / "out"
    result = run(given, "--against", f"small={known}", "--action", "drop", "--out", out)
    assert result.exit_code == 0, result.output
    clean = read_corpus(out)
    assert clean.select("qa_id", "language").rows() == [("b", "eng_Latn"), ("b", "deu_Latn")]
    assert clean.schema == CORPUS
    leaks = store.read_parquet(out / "leaks.parquet")
    assert leaks.schema == LEAKS
    real = leaks.filter("leaked")
    # the German of "a" is known too, but is not looked at any more
    assert set(real.select("qa_id", "language", "field").iter_rows()) == {
        ("a", "eng_Latn", "question"),
        ("c", "eng_Latn", "passage"),
        ("d", "eng_Latn", "passage"),
        ("e", "deu_Latn", "question"),
    }
    manifest = store.read_json(out / "manifest.json")
    (checked,) = manifest["checked"]
    assert checked["name"] == "small"
    assert checked["source"].startswith("eval@")
    assert checked["queries"] == {"deu_Latn": 3, "eng_Latn": 3}
    assert checked["passages"] == 6
    assert manifest["found"]["leaked"] == {
        "questions": 4, "by_text": 2, "by_passage": 2, "by_original": 3, "by_translation": 1,
        "rows": {"deu_Latn": 4, "eng_Latn": 4},
    }  # fmt: skip
    assert manifest["input"]["model"] == {"name": "demo"}
    assert str(tmp_path) not in json.dumps(manifest)
    assert store.read_json(out / "report.json")["examples"]
    for text in ("4 questions", LEAKED, "13 words shared"):
        assert text in result.output.replace("\n", " ")


def test_the_clean_corpus_is_one_that_others_read(sides: tuple[Path, Path], tmp_path: Path) -> None:
    import datasets

    given, known = sides
    out = tmp_path / "out"
    run(given, "--against", f"small={known}", "--action", "drop", "--out", out)
    loaded = datasets.load_dataset(str(out), "deu_Latn", cache_dir=str(tmp_path / "cache"))
    assert loaded["train"]["qa_id"] == ["b"]
    again = run(out, "--against", f"small={known}", "--action", "fail")
    assert again.exit_code == 0, again.output
    assert "Nothing leaks." in again.output


def test_nothing_is_written_for_a_report_alone(sides: tuple[Path, Path], tmp_path: Path) -> None:
    given, known = sides
    before = sorted(path.name for path in tmp_path.iterdir())
    result = run(given, "--against", f"small={known}")
    assert result.exit_code == 0, result.output
    assert "4 questions" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_failing_is_exit_code_3(sides: tuple[Path, Path], tmp_path: Path) -> None:
    given, known = sides
    out = tmp_path / "out"
    result = run(given, "--against", f"small={known}", "--action", "fail", "--out", out)
    assert result.exit_code == 3, result.output
    assert "expected no question of small, found 4 that leak" in result.output
    assert store.read_json(out / "manifest.json")["kind"] == "leakage"


def test_the_same_command_again_does_nothing(sides: tuple[Path, Path], tmp_path: Path) -> None:
    given, known = sides
    arguments = [
        given,
        "--against",
        f"small={known}",
        "--action",
        "drop",
        "--out",
        tmp_path / "out",
    ]
    run(*arguments)
    before = digests(tmp_path / "out")
    again = run(*arguments)
    assert "complete already" in again.output
    assert digests(tmp_path / "out") == before
    (known / "de.jsonl").write_text('{"id": "1", "question": "Wann?"}\n')
    changed = run(*arguments)
    assert changed.exit_code == 2
    assert "was made with other settings (checked" in changed.output
    assert changed.output.endswith("or --overwrite\n")
    assert run(*arguments, "--overwrite").exit_code == 0
    assert {"e", "b"} == set(read_corpus(tmp_path / "out")["qa_id"])


def test_a_source_is_a_corpus_too(sides: tuple[Path, Path], tmp_path: Path) -> None:
    _, known = sides
    (tmp_path / "faq.csv").write_text(f"Frage,a\n{LEAKED},x\nWarum denn?,y\n")
    result = run(
        tmp_path / "faq.csv", "--columns", "question=Frage", "--against", f"small={known}",
        "--action", "drop", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert read_corpus(tmp_path / "out")["question"].to_list() == ["Warum denn?"]


def test_a_plain_answer_before_chinese_ones(tmp_path: Path) -> None:
    """What is not plain is looked at apart, which leaves polars an empty chunk."""
    rows = [("怎么付款？", "PayPal"), ("多久到货？", "三天之内到货。"), ("能退吗？", "可以退款。")]
    faq = tmp_path / "faq.csv"
    faq.write_text("question,answer\n" + "".join(f"{q},{a}\n" for q, a in rows))
    known = tmp_path / "known.jsonl"
    known.write_text(json.dumps({"question": "能退吗", "context": "可以退款"}) + "\n")
    result = run(
        faq, "--source-language", "zh", "--against", f"known={known}?language=zh",
        "--action", "drop", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert read_corpus(tmp_path / "out")["answer"].to_list() == ["PayPal", "三天之内到货。"]


def test_what_was_not_compared_is_said_and_does_not_pass(
    sides: tuple[Path, Path], tmp_path: Path
) -> None:
    """German questions that English ones were translated from, without ids: all of them leak."""
    _, known = sides
    german, out = tmp_path / "german.csv", tmp_path / "out"
    german.write_text("question\nWer versteckte den Schlüssel?\nWas brannte?\n")
    arguments = (german, "--source-language", "de", "--against", f"small={known / 'en.jsonl'}")
    result = run(*arguments, "--action", "fail", "--out", out)
    assert result.exit_code == 3, result.output
    assert "not compared: deu_Latn questions with small (English only): --encoder" in result.output
    assert "Nothing leaks" not in result.output
    assert "expected all questions compared with small, found 2 that were not" in result.output
    for name in ("report.json", "manifest.json"):
        record = store.read_json(out / name)
        found = record.get("found", record)["coverage"]
        assert found["questions"] == 2
        assert found["texts"]["question"] == {"deu_Latn": 2}
    assert run(*arguments).exit_code == 0


def test_all_of_it_leaks(sides: tuple[Path, Path], tmp_path: Path) -> None:
    _, known = sides
    (tmp_path / "faq.csv").write_text(f"question,a\n{LEAKED},x\n")
    result = run(
        tmp_path / "faq.csv", "--against", f"small={known}", "--action", "drop",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert read_corpus(tmp_path / "out").height == 0


def test_a_set_that_cannot_be_read_is_not_checked(sides: tuple[Path, Path], tmp_path: Path) -> None:
    given, known = sides
    (tmp_path / "odd.jsonl").write_text('{"foo": 1}\n')
    out = tmp_path / "out"
    result = run(
        given, "--against", f"small={known}", "--against", f"odd={tmp_path / 'odd.jsonl'}",
        "--action", "drop", "--out", out,
    )  # fmt: skip
    assert result.exit_code == 2
    assert "odd: expected an evaluation set, found keys foo" in result.output
    assert not out.exists()


def test_half_written_and_foreign_folders(sides: tuple[Path, Path], tmp_path: Path) -> None:
    given, known = sides
    against = ["--against", f"small={known}"]
    for change, message in (
        ({"version": 99}, "expected a corpus of version 2"),
        ({"kind": "leakage"}, "found leakage of version 2"),
    ):
        manifest = store.read_json(given / "manifest.json")
        store.write_json(given / "manifest.json", manifest | change)
        result = run(given, *against)
        assert (result.exit_code, message in result.output) == (2, True), result.output
        store.write_json(given / "manifest.json", manifest)
    next(given.glob("data/deu_Latn/*")).write_bytes(b"cut")
    assert "one missing or cut short" in run(given, *against).output
    (given / "manifest.json").unlink()
    half = run(given, *against)
    assert half.exit_code == 2
    assert "half-written" in half.output


def test_an_encoder_looks_across_languages(
    sides: tuple[Path, Path], tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, _ = sides
    french = tmp_path / "fr.jsonl"
    french.write_text(json.dumps({"question": ROWS[1][2]}) + "\n")
    out = tmp_path / "out"
    monkeypatch.setattr(hub, "locate", lambda name, _: hub.Commit(name, "c0ffee", False))
    monkeypatch.setattr(hub, "download", lambda *_: tiny_nllb)
    for encoder in (tiny_nllb, "org/name"):
        options = ("--encoder", encoder, "--cosine", "0.9999", "--out", out)
        result = run(given, "--against", f"french={french}", *options)
        assert result.exit_code == 0, result.output
    found = pl.read_parquet(out / "leaks.parquet").filter(kind="cosine")
    assert found.select("qa_id", "language", "benchmark_language").rows() == [
        ("b", "eng_Latn", "fra_Latn")
    ]
    assert len(store.read_json(out / "manifest.json")["check-leakage"]["encoder"]) == 64
    assert "same meaning" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--encoder", "nowhere"], "nowhere"),
        (["--action", "drop"], "expected a folder for the clean corpus, found none; give --out"),
        (["--against", "=small"], "expected PATH or NAME=PATH, found '=small'"),
        (["--against", "small=b.json"], "found small, small"),
        (["--containment", "2"], "containment = 2.0"),
        (["--ngrams", "8,x"], "ngrams"),
    ],
)
def test_mistakes(sides: tuple[Path, Path], options: list[str], message: str) -> None:
    given, known = sides
    result = run(given, "--against", f"small={known}", *options)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
