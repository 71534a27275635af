"""Readers: every format gives the same records, every broken file one clear line."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_parallel.errors import SourceError
from qa_parallel.sources.readers import file_format, read_records

ROWS = [
    {"question": 'Who said "hi"?', "answer": "Ann,\nthe first"},
    {"question": "Wo? — Hier; 日本", "answer": ""},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    match path.suffix:
        case ".json":
            path.write_text(json.dumps(rows), encoding="utf-8")
        case ".jsonl" | ".ndjson":
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n\n" for row in rows)
            path.write_text(text, encoding="utf-8")
        case ".csv" | ".tsv":
            with path.open("w", encoding="utf-8", newline="") as file:
                table = csv.DictWriter(
                    file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ","
                )
                table.writeheader()
                table.writerows(rows)
        case ".parquet":
            pl.DataFrame(rows).write_parquet(path)
    return path


@pytest.mark.parametrize("suffix", ["json", "jsonl", "ndjson", "csv", "tsv", "parquet"])
def test_formats_agree(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"a.{suffix}", ROWS)
    assert [record for _, record in read_records(path)] == ROWS


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "tsv"])
def test_gzip_and_byte_order_mark(tmp_path: Path, suffix: str) -> None:
    plain = write(tmp_path / f"a.{suffix}", ROWS)
    zipped = tmp_path / f"B.{suffix.upper()}.gz"
    zipped.write_bytes(gzip.compress(b"\xef\xbb\xbf" + plain.read_bytes()))
    assert list(read_records(zipped)) == list(read_records(plain))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_separator_is_told_from_the_header(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"question{separator}answer\nWho?{separator}Me\n", encoding="utf-8")
    assert list(read_records(path)) == [("2", {"question": "Who?", "answer": "Me"})]


def test_places_are_lines_and_paths(tmp_path: Path) -> None:
    assert [place for place, _ in read_records(write(tmp_path / "a.jsonl", ROWS))] == ["1", "3"]
    assert [place for place, _ in read_records(write(tmp_path / "a.csv", ROWS))] == ["2", "4"]
    squad = {
        "version": "v2.0",
        "data": [
            {"title": "T", "paragraphs": []},
            {"title": "U", "paragraphs": [{"context": "C", "qas": [{"id": "1"}, {"id": "2"}]}]},
        ],
    }
    path = tmp_path / "squad.json"
    for indent in (None, 2):
        path.write_text(json.dumps(squad, indent=indent), encoding="utf-8")
        assert list(read_records(path)) == [
            (f"data.1.paragraphs.0.qas.{k}", {"title": "U", "context": "C", "id": str(k + 1)})
            for k in range(2)
        ]


def test_json_lines_under_the_name_json(tmp_path: Path) -> None:
    lines = write(tmp_path / "a.jsonl", ROWS)
    assert list(read_records(lines.rename(tmp_path / "a.json")))[1] == ("3", ROWS[1])


def test_flat_data_and_a_single_object(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": ROWS}), encoding="utf-8")
    assert [record for _, record in read_records(path)] == ROWS
    path.write_text(json.dumps(ROWS[0], indent=1), encoding="utf-8")
    assert [record for _, record in read_records(path)] == ROWS[:1]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jsonl", b'{"question": "a"}\n{"question": \n', "a.jsonl:2"),
        ("a.jsonl", b'{"question": "a"}\n["b"]\n', "expected an object, found list"),
        ("a.json", b'{"question": "a"}\n{"question": \n', "a.json:2"),
        ("a.json", b'{\n "data": [\n 1 2]}', "a.json:3"),
        ("a.json", b'{"question": ["a", "b"], "answer": ["c"]}', "one object for each"),
        ("a.json", b'{"data": [{"paragraphs": {}}]}', "expected an array, found dict"),
        ("a.json", b"[" * 100_000, "a.json:1"),
        (
            "a.jsonl",
            '{"question": "é"}\n{"question": "caf'.encode() + b'\xe9"}\n',
            "byte 0xe9 at byte 36",
        ),
        ("a.jsonl", b'\xef\xbb\xbf{"question": "a"}\n\xff', "byte 0xff at byte 21"),
        ("a.csv", "question\nWer?".encode("utf-16")[:-1], "expected utf-16"),
        ("a.csv", b"question,answer\na,b\n\nc,d,e\n", "expected 2 columns (question, answer)"),
        ("a.csv", b"question,answer\na,b\n\nc,d,e\n", "a.csv:4"),
        ("a.csv", b'question,answer\na,b\n"c,d\ne,f\n', "a.csv:3"),
        ("a.csv", b'question\na\n"b\nc\n', "syntax error in the record at"),
        ("a.csv", b"question,question\na,b\n", "different column names"),
        ("a.jsonl.gz", b"no gzip", "cannot read"),
        ("a.jsonl.gz", gzip.compress(b'{"question": "a"}\n' * 99, mtime=0)[:-20], "cannot read"),
        ("a.parquet", b"PAR1 no", "expected a parquet file"),
        ("a.xml", b"<a/>", "expected one of .json, "),
        ("a.parquet.gz", b"", "expected one of .json, "),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        list(read_records(path))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.tsv"])
def test_an_empty_file_has_no_records(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert list(read_records(tmp_path / name)) == []


def test_json_lines_are_streamed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"question": "a"}\n{broken\n')
    assert next(read_records(path)) == ("1", {"question": "a"})


def test_the_format_is_the_suffix() -> None:
    assert file_format(Path("x/A.JSON.gz")) == ".json"
    assert file_format(Path("a.gz")) == ""


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2).filter(
            any
        )
    )
)
def test_any_text_survives_csv(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["question", "answer"], *rows])
    assert [list(record.values()) for _, record in read_records(path)] == rows
