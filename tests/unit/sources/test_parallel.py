"""Human parallel files joined by id; groups of passages against a search by hand."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_parallel.errors import LanguageError, SourceError
from qa_parallel.schema import CORPUS
from qa_parallel.sources.parallel import import_parallel, join_passages


def write(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    """JSON lines of (id, question, passage)."""
    lines = [json.dumps({"id": i, "question": q, "answer": "x", "context": c}) for i, q, c in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def components(links: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Question → all questions linked with it over passages, by repeated search."""
    groups = {}
    for start, _ in links:
        seen, grown = {start}, True
        while grown:
            passages = {passage for qa_id, passage in links if qa_id in seen}
            more = {qa_id for qa_id, passage in links if passage in passages}
            grown, seen = bool(more - seen), seen | more
        groups[start] = seen
    return groups


def test_ragged_files(tmp_path: Path) -> None:
    english = write(tmp_path / "e.jsonl", [("1", "a", "P"), ("2", "b", "P"), ("3", "c", "Q")])
    german = write(tmp_path / "d.jsonl", [("3", "C", "R"), ("2", "B", "R")])
    made = import_parallel({"en": english, "de": german}, license="CC0", split="dev")
    frame = made.frame
    assert frame.schema == CORPUS
    assert frame.select("qa_id", "language").rows() == [
        ("1", "eng_Latn"), ("2", "eng_Latn"), ("3", "eng_Latn"),
        ("3", "deu_Latn"), ("2", "deu_Latn"),
    ]  # fmt: skip
    # 1 and 2 share P in English, 2 and 3 share R in German
    assert frame["passage_id"].n_unique() == 1
    assert made.complete() == 2
    assert made.pairs().rows() == [("eng_Latn", 3, 2), ("deu_Latn", 2, 2)]
    assert str(made) == "5 rows, 3 questions (2 in all 2 languages), 1 groups of passages"
    assert set(frame["license"]) == {"CC0"}
    assert set(frame["split"]) == {"dev"}
    assert frame["translated_from"].null_count() == frame["translator"].null_count() == 5
    assert made.frames()["deu_Latn"]["question"].to_list() == ["C", "B"]


LINKS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("PQRSTUVW")), min_size=1)


@given(LINKS)
def test_groups_are_the_components(links: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(links, schema=["qa_id", "passage_id"], orient="row")
    made = dict(zip(frame["qa_id"], join_passages(frame)["passage_id"], strict=True))
    expected = components(links)
    for one in expected:
        for other in expected:
            assert (made[one] == made[other]) == (other in expected[one])
    shuffled = frame.sample(fraction=1, shuffle=True, seed=len(links))
    for table in (shuffled, frame.reverse()):
        again = dict(zip(table["qa_id"], join_passages(table)["passage_id"], strict=True))
        assert again == made


def test_a_long_chain_of_passages() -> None:
    links = [(str(i), f"p{i + j:06}") for i in range(20_000) for j in (0, 1)]
    frame = pl.DataFrame(links, schema=["qa_id", "passage_id"], orient="row")
    for table in (frame, frame.reverse()):
        assert set(join_passages(table)["passage_id"]) == {"p000000"}


def test_questions_without_passages_stay_alone(tmp_path: Path) -> None:
    rows = [("1", "a", ""), ("2", "b", "")]
    files = {code: write(tmp_path / f"{code}.jsonl", rows) for code in ("en", "fr")}
    frame = import_parallel(files).frame
    assert frame["passage_id"].to_list() == frame["qa_id"].to_list() == ["1", "2"] * 2


def test_a_folder_named_by_language(tmp_path: Path) -> None:
    write(tmp_path / "zho_Hant.dev.jsonl", [("1", "a", "P")])
    write(tmp_path / "en.jsonl", [("1", "b", "Q")])
    (tmp_path / "README.md").write_text("about", encoding="utf-8")
    assert list(import_parallel(tmp_path).counts) == ["eng_Latn", "zho_Hant"]
    write(tmp_path / "eng_Latn.jsonl", [("1", "b", "Q")])
    with pytest.raises(SourceError, match="one file for eng_Latn"):
        import_parallel(tmp_path)
    write(tmp_path / "notes.jsonl", [("1", "b", "Q")])
    with pytest.raises((LanguageError, SourceError)):
        import_parallel(tmp_path)


def test_ids_must_tell_questions_apart(tmp_path: Path) -> None:
    good = write(tmp_path / "a.jsonl", [("1", "a", "P")])
    twice = write(tmp_path / "b.jsonl", [("0", "z", "P"), ("1", "a", "P"), ("1", "b", "P")])
    with pytest.raises(SourceError, match=r"several for '1' in .*b\.jsonl"):
        import_parallel({"en": good, "de": twice})
    none = write(tmp_path / "c.jsonl", [("", "a", "P")])
    with pytest.raises(SourceError, match="expected an id on every row, found 1"):
        import_parallel({"en": good, "de": none})
    same = write(tmp_path / "d.jsonl", [("1", "a", "P"), ("1", "a", "P")])
    assert import_parallel({"en": good, "de": same}).counts["deu_Latn"].duplicates == 1


def test_files_that_are_not_parallel_are_read_without_their_ids(tmp_path: Path) -> None:
    english = write(tmp_path / "a.jsonl", [("1", "a", "P"), ("1", "b", "P"), ("2", "c", "Q")])
    swahili = write(tmp_path / "b.jsonl", [("1", "d", "R"), ("", "e", "R")])
    made = import_parallel({"en": english, "sw": swahili}, columns={"id": ""})
    assert (made.frame.height, made.frame["qa_id"].n_unique(), made.complete()) == (5, 5, 0)
    assert made.frame["passage_id"].n_unique() == 3


def test_native_questions_beside_english_passages(tmp_path: Path) -> None:
    record = {
        "id": "7", "context": "It is in Bern.", "question_lang": "Ina?", "answer_lang": "a Bern",
        "question_translated": "Where?", "answer_pivot": {"text": ["Bern"], "answer_start": [9]},
    }  # fmt: skip
    path = tmp_path / "hau.json"
    path.write_text(json.dumps(record))
    frame = import_parallel({"en": path, "ha": path}).frame
    assert frame.select("qa_id", "question", "answer", "passage", "answer_start").rows() == [
        ("7", "Where?", "Bern", "It is in Bern.", 9),
        ("7", "Ina?", "a Bern", None, None),
    ]


def test_columns_are_carried_along(tmp_path: Path) -> None:
    files = {}
    for code in ("en", "de"):
        files[code] = tmp_path / f"{code}.jsonl"
        files[code].write_text(json.dumps({"id": "1", "question": f"{code}?", "url": code}))
    frame = import_parallel(files, keep=["url"]).frame
    assert frame["url"].to_list() == ["en", "de"]


def test_wrong_calls(tmp_path: Path) -> None:
    good = write(tmp_path / "a.jsonl", [("1", "a", "P")])
    with pytest.raises(SourceError, match="two languages"):
        import_parallel({"en": good})
    with pytest.raises(SourceError, match="found none at"):
        import_parallel({"en": good, "de": tmp_path / "missing.json"})
    with pytest.raises(SourceError, match="expected a folder"):
        import_parallel(tmp_path / "missing")


@pytest.mark.realdata
def test_xquad_r_is_parallel(realdata: Path) -> None:
    made = import_parallel(realdata / "xquad-r")
    assert made.frame.height == 11 * 1190
    assert made.complete() == 1190
    assert made.frame["passage_id"].n_unique() == 240
    assert (
        made.frame.group_by("qa_id").agg(pl.col("passage_id").n_unique())["passage_id"] == 1
    ).all()


@pytest.mark.realdata
def test_mlqa_is_ragged(realdata: Path) -> None:
    made = import_parallel(realdata / "mlqa-dev")
    heights = {code: frame.height for code, frame in made.frames().items()}
    assert heights == {
        "arb_Arab": 517, "deu_Latn": 512, "eng_Latn": 1148, "spa_Latn": 500, "hin_Deva": 507,
        "vie_Latn": 511, "zho_Hans": 504,
    }  # fmt: skip
    assert made.frame["qa_id"].n_unique() == 1148
    assert made.frame["passage_id"].n_unique() == 933
    pairs = made.pairs().filter(pl.col("language") != "eng_Latn").drop("eng_Latn", "language")
    shared = [row[j] for i, row in enumerate(pairs.rows()) for j in range(len(row)) if i != j]
    assert (min(shared), max(shared)) == (161, 207)
