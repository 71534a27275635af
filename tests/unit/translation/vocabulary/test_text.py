"""Text of languages: what a path may be, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from qa_parallel.errors import LanguageError, QAParallelError, SourceError
from qa_parallel.storage import store
from qa_parallel.translation.vocabulary.text import open_text


def test_a_folder_of_files_by_language(tmp_path: Path) -> None:
    (tmp_path / "fr.txt").write_text("Le chat.\n\n  Le chien. \n")
    (tmp_path / "deu_Latn.txt").write_text("Die Katze.\n")
    (tmp_path / "notes-on-this.txt").write_text("not a language\n")
    text = open_text(tmp_path, ["fra_Latn", "deu_Latn"])
    assert list(text.of("fra_Latn")) == ["Le chat.", "Le chien."]
    assert list(text.of("deu_Latn")) == ["Die Katze."]


def test_a_file_for_one_language(tmp_path: Path) -> None:
    path = tmp_path / "lines.text"
    path.write_text("Le chat.\n")
    assert list(open_text(path, ["fra_Latn"]).of("fra_Latn")) == ["Le chat."]
    with pytest.raises(SourceError, match="expected a folder with text of 2 languages"):
        open_text(path, ["fra_Latn", "deu_Latn"])


def test_a_corpus_of_ours(tmp_path: Path) -> None:
    name = "data/fra_Latn/train-00000-of-00001.parquet"
    frame = pl.DataFrame({"question": ["Où ?", "Où ?"], "answer": ["Ici.", None], "source": "x"})
    store.write_parquet(tmp_path / name, frame)
    store.write_json(tmp_path / "manifest.json", {"files": {name: {}}})
    assert list(open_text(tmp_path, ["fra_Latn"]).of("fra_Latn")) == ["Où ?", "Ici."]


def test_the_digest_is_the_texts(tmp_path: Path) -> None:
    path = tmp_path / "fr.txt"
    path.write_text("Le chat.\n")
    before = open_text(tmp_path, ["fra_Latn"]).digest
    (tmp_path / "de.txt").write_text("nobody asks for it")
    assert open_text(tmp_path, ["fra_Latn"]).digest == before
    path.write_text("Le chien.\n")
    assert open_text(tmp_path, ["fra_Latn"]).digest != before


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (None, LanguageError, "expected text of fra_Latn in"),
        (b" \n\n", SourceError, "expected text of fra_Latn in"),
        (b"caf\xe9\n", SourceError, "expected text in UTF-8"),
    ],
)
def test_what_is_no_text(
    tmp_path: Path, content: bytes | None, kind: type[QAParallelError], says: str
) -> None:
    if content is not None:
        (tmp_path / "fr.txt").write_bytes(content)
    with pytest.raises(kind, match=says):
        open_text(tmp_path, ["fra_Latn"])


def test_a_path_to_nowhere(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="found no file or folder"):
        open_text(tmp_path / "nowhere", ["fra_Latn"])
