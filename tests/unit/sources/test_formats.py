"""Formats and encodings as people have them: what spreadsheets, archives and old machines write."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from qa_parallel.errors import SourceError
from qa_parallel.sources.account import layout_words
from qa_parallel.sources.encodings import guess
from qa_parallel.sources.evalsets import open_evalset
from qa_parallel.sources.files import split_of
from qa_parallel.sources.readers import Reading, read_records
from qa_parallel.sources.settings import EvalSettings, SourceSettings, parse_evalset
from qa_parallel.sources.source import open_source
from tests.unit.sources.test_layouts import lines, opened, rows

RECORD = {"question": "Wo?", "answer": "Hier."}
LINE = (json.dumps(RECORD) + "\n").encode()


def pairs(path: Path, **settings: Any) -> list[tuple[str | None, str | None]]:
    return [(row["question"], row["answer"]) for row in rows(opened(path, **settings))]


def zstandard(data: bytes) -> bytes:
    import pyarrow as pa

    return pa.compress(data, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


# Compression, archives, pipes


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstandard)],
)
@pytest.mark.parametrize("named", [True, False])
def test_compression_is_told_by_its_mark(
    tmp_path: Path, suffix: str, pack: Any, named: bool
) -> None:
    path = tmp_path / f"a.jsonl{suffix if named else ''}"
    path.write_bytes(pack(LINE))
    assert pairs(path) == [("Wo?", "Hier.")]


def test_an_archive_is_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    frame = io.BytesIO()
    pl.DataFrame([{"question": "Wann?", "answer": "Heute."}]).write_parquet(frame)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/README.md", "# no data")
        archive.writestr("__MACOSX/set/._a.jsonl", b"\x00")
        archive.writestr("set/a.jsonl", LINE)
        archive.writestr("set/b.parquet", frame.getvalue())
    source = opened(path)
    assert [row["source_row"] for row in rows(source)] == ["set/a.jsonl:1", "set/b.parquet:0"]
    assert source.name.startswith("a.zip@")
    path.write_bytes(b"PK no")
    with pytest.raises(SourceError, match="cannot read"):
        opened(path)


@pytest.mark.parametrize(
    "data",
    [LINE, b"[" + LINE.strip() + b"]", b"question,answer\nWo?,Hier.\n",
     b"question\tanswer\nWo?\tHier.\n", gzip.compress(LINE)],
)  # fmt: skip
def test_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    source = open_source(SourceSettings(source="-"))
    assert [(row["question"], row["answer"]) for row in rows(source)] == [("Wo?", "Hier.")]
    assert source.name.startswith("stdin.")


# Folders


def test_folders_in_folders_and_globs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("x/a.jsonl", "x/y/b.jsonl", "c.jsonl", "x/.hidden/d.jsonl")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        lines(tmp_path / name, {"question": f"q{number}?"})
    assert [row["source_row"] for row in rows(opened(tmp_path))] == [
        "c.jsonl:1", "x/a.jsonl:1", "x/y/b.jsonl:1",
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert opened(Path("x/*.jsonl")).total == 1
    assert opened(Path("**/*.jsonl")).total == 3
    with pytest.raises(SourceError, match=r"expected data files .* in nothing/\*\.csv"):
        opened(Path("nothing/*.csv"))


def test_what_datasets_saves_to_disk(tmp_path: Path) -> None:
    import datasets

    data = datasets.Dataset.from_list([RECORD, {"question": "Wann?", "answer": "Heute."}])
    data.save_to_disk(str(tmp_path / "one"))
    assert pairs(tmp_path / "one") == [("Wo?", "Hier."), ("Wann?", "Heute.")]
    both = datasets.DatasetDict({"train": data, "test": data.select([0])})
    both.save_to_disk(str(tmp_path / "both"))
    assert len(pairs(tmp_path / "both")) == 2
    assert len(pairs(tmp_path / "both", split="test")) == 1


def test_files_that_are_named_by_their_split(tmp_path: Path) -> None:
    for name in ("train.jsonl", "dev.jsonl", "test.jsonl"):
        lines(tmp_path / name, {"question": f"{name}?"})
    source = opened(tmp_path)
    assert [row["question"] for row in rows(source)] == ["train.jsonl?"]
    assert "files of other splits: dev.jsonl, test.jsonl" in layout_words(source.account)
    assert pairs(tmp_path, split="validation") == [("dev.jsonl?", None)]
    with pytest.raises(SourceError, match="split gold, found test, train, validation"):
        opened(tmp_path, split="gold")
    for name in ("dev.jsonl", "test.jsonl"):
        (tmp_path / name).unlink()
    assert pairs(tmp_path) == [("train.jsonl?", None)]


@pytest.mark.parametrize(
    ("name", "split"),
    [("train-00000-of-00002.parquet", "train"), ("squad.dev.json", "validation"),
     ("val/a.csv", "validation"), ("a_test.csv.gz", "test"), ("training.csv", "train"),
     ("latest.csv", None), ("trains.csv", None), ("values.json", None)],
)  # fmt: skip
def test_splits_in_names(name: str, split: str | None) -> None:
    assert split_of(name) == split


def test_local_files_have_no_configuration(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", RECORD)
    for name in ("config", "revision"):
        with pytest.raises(SourceError, match=f"expected {name} for a Hub data set"):
            opened(path, **{name: "x"})


# Tables


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("excel.csv", "sep=;\r\nquestion;answer\r\nWo?;Hier.\r\n", [("Wo?", "Hier.")]),
        ("excel.csv", "question,answer,,\r\nWo?,Hier.,,\r\n,,,\r\n", [("Wo?", "Hier.")]),
        ("short.csv", "question,answer,url\nWo?,Hier.,u\nWann?\n",
         [("Wo?", "Hier."), ("Wann?", None)]),
        ("title.csv", "FAQ of 2024\n\nQuestion;Answer\nWo, bitte?;Hier.\n",
         [("Wo, bitte?", "Hier.")]),
        ("title.csv", "FAQ,,\nExport of May,,\nquestion,answer,n\nWo?,Hier.,1\n",
         [("Wo?", "Hier.")]),
        ("cr.csv", "question,answer\rWo?,Hier.\rWann?,\"Heu\rte\"\r",
         [("Wo?", "Hier."), ("Wann?", "Heu\rte")]),
        ("one.csv", "question\nWo, bitte?\nWann?\n", [("Wo, bitte?", None), ("Wann?", None)]),
        ("marks.csv", "\ufeff\ufeffquestion,answer\nWo?,Hier.\n", [("Wo?", "Hier.")]),
        ("blank.csv", "question,answer\nWo?,\"Hier.\n\nDa.\"\n", [("Wo?", "Hier.\n\nDa.")]),
        ("quote.tsv", "question\tanswer\n\"Wo\" ist?\tHier.\n\"Wann?\tHeute.\nWer?\tIch.\n",
         [('"Wo" ist?', "Hier."), ('"Wann?', "Heute."), ("Wer?", "Ich.")]),
        ("quote.tsv", "question\tanswer\nWo?\t\"Hier\nWann?\tHeute.\n",
         [("Wo?", '"Hier'), ("Wann?", "Heute.")]),
        ("quoted.tsv", "question\tanswer\n\"Wo?\"\t\"Hier,\n\nda \"\"ja\"\".\"\nWer?\tIch.\n",
         [("Wo?", 'Hier,\n\nda "ja".'), ("Wer?", "Ich.")]),
        ("a.json", '{"question": {"0": "Wo?"}, "answer": {"0": "Hier."}}', [("Wo?", "Hier.")]),
        ("a.json", '{"question": ["Wo?"], "answer": ["Hier."]}', [("Wo?", "Hier.")]),
        ("a.json", '{"q1": {"question": "Wo?", "answer": "Hier."}}', [("Wo?", "Hier.")]),
        ("a.json", '{"Data": [{"Question": "Wo?", "Answer": {"Value": "Hier."}}]}',
         [("Wo?", "Hier.")]),
        ("a.jsonl", '[\n {"question": "Wo?", "answer": "Hier."}\n]', [("Wo?", "Hier.")]),
        ("a.jsonl", '[{"question": "Wo?", "answer": "Hier."}]', [("Wo?", "Hier.")]),
    ],
)  # fmt: skip
def test_tables_as_they_lie(
    tmp_path: Path, name: str, data: str, expected: list[tuple[str, str]]
) -> None:
    path = tmp_path / name
    path.write_bytes(data.encode())
    assert pairs(path) == expected


def test_what_was_mended_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("FAQ\nquestion,answer\nWo?,Hier.\nWann?\nWer?\n")
    source = opened(tmp_path / "a.csv")
    assert len(rows(source)) == 3
    assert layout_words(source.account).endswith("lines of a title left out 1 · short rows 2")


def test_a_table_without_a_line_of_names(tmp_path: Path) -> None:
    path = tmp_path / "queries.tsv"
    path.write_text('12\twho built it?\n13\t"who" burned it?\n')
    found = rows(opened(path, columns={"0": "id", "1": "question"}))
    assert [(row["qa_id"], row["question"]) for row in found] == [
        ("12", "who built it?"), ("13", '"who" burned it?'),
    ]  # fmt: skip
    settings = SourceSettings(source="a", columns={"0": "id", "1": "question"})
    assert settings.columns == {"id": "0", "question": "1"}
    path.write_text("who built it?\tThe town.\tNobody.\n")
    evalset = open_evalset(parse_evalset(f"x={path}?0=question&1=passage"))
    assert evalset.candidates["text"].to_list() == ["The town."]


def test_sheets_of_excel(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    book = openpyxl.Workbook()
    book.active.title = "About"
    book.active.append(["Made in 2024"])
    sheet = book.create_sheet("FAQ")
    for row in (["FAQ of the town"], ["Question", "Answer", None, "id"], ["Wo?", "Hier.", None, 7],
                ["Wann?", 2021, None, 8], [None, None, None, None]):  # fmt: skip
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    source = opened(tmp_path / "a.xlsx")
    assert [(row["qa_id"], row["answer"]) for row in rows(source)] == [
        ("7", "Hier."),
        ("8", "2021"),
    ]
    assert "sheet FAQ; left aside: sheets About" in layout_words(source.account)


def test_a_missing_package_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(SourceError, match=r"qa-parallel\[xlsx\]"):
        opened(tmp_path / "a.xlsx")


# Encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_unicode_by_its_marks(tmp_path: Path, encoding: str, name: str) -> None:
    text = "question,answer\r\nWo — 日本?,Hier.\r\n" * 1
    if name == "a.jsonl":
        text = json.dumps({"question": "Wo — 日本?", "answer": "Hier."}, ensure_ascii=False) + "\n"
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert pairs(tmp_path / name) == [("Wo — 日本?", "Hier.")]


FRENCH = "Où se trouve l’hôtel d’Évreux ? À côté de l’église."
TEXTS = [
    ("It’s … €5", "cp1252", "eng_Latn"), ("It’s … “five”", "mac_roman", "eng_Latn"),
    ("caf\xe9", "cp1252", "eng_Latn"), (FRENCH, "cp1252", "fra_Latn"),
    (FRENCH, "mac_roman", "fra_Latn"), ("Wo ist die Straße nach Köln?", "cp850", "deu_Latn"),
    ("Wo ist die Straße nach Köln?", "mac_roman", "deu_Latn"),
    ("¿Dónde está el señor?", "latin-1", "spa_Latn"),
    ("Gdzie jest żółw? Źle, że śpi.", "cp1250", "pol_Latn"),
    ("Gdzie jest żółw? Źle, że śpi.", "iso8859_2", "pol_Latn"),
    ("Где находится дом?", "cp1251", "rus_Cyrl"),
    ("Где находится дом?", "koi8_r", "rus_Cyrl"), ("駅はどこですか。", "shift_jis", "jpn_Jpan"),
    ("駅はどこですか。", "euc_jp", "jpn_Jpan"), ("車站在哪裡?", "big5", "zho_Hant"),
    ("车站在哪里？在城市中心。", "gb18030", "zho_Hans"),
    ("역은 어디에 있습니까?", "euc_kr", "kor_Hang"),
    ("Πού είναι το σπίτι;", "cp1253", "ell_Grek"),
    ("Şehir nerede? İstanbul'da.", "cp1254", "tur_Latn"),
    ("איפה הבית?", "cp1255", "heb_Hebr"), ("أين البيت؟", "cp1256", "arb_Arab"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoding", "language"), TEXTS)
def test_older_encodings_by_how_they_read(
    tmp_path: Path, text: str, encoding: str, language: str
) -> None:
    data = b"question,answer\nplain?,plain\n" + f'"{text}",x\n'.encode(encoding)
    (tmp_path / "a.csv").write_bytes(data)
    source = opened(tmp_path / "a.csv", source_language=language)
    assert [row["question"] for row in rows(source)] == ["plain?", text]
    assert "by the look of it (encoding settles it)" in layout_words(source.account)
    assert pairs(tmp_path / "a.csv", encoding=encoding)[1] == (text, "x")
    found = guess(data, language)
    assert found is not None
    assert data.decode(found) == data.decode(encoding)


def test_a_wrong_encoding_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected an encoding, found 'klingon'"):
        SourceSettings(source="a", encoding="klingon")
    with pytest.raises(SourceError, match="expected an encoding"):
        EvalSettings(name="x", path="a", encoding="klingon")
    (tmp_path / "a.csv").write_bytes("question\né?\n".encode("cp1252"))
    with pytest.raises(SourceError, match="expected utf-8, found bytes that are none after line"):
        opened(tmp_path / "a.csv", encoding="utf-8")


def test_notes_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,answer\nWo?\n")
    notes: Counter[str] = Counter()
    assert len(list(read_records(tmp_path / "a.csv", Reading(notes=notes)))) == 1
    assert notes == {"short rows": 1}
