"""Reading a converted folder: its vocabulary, its digest, and what is wrong with it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from qa_parallel.errors import ModelError
from qa_parallel.translation.models import inspection
from qa_parallel.translation.models.model import Model
from tests.tiny_models import SCHEMES, converted

NLLB = ("deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_vocabulary_has_the_ids_of_the_source(
    scheme: str, models: dict[str, Model], oracles: dict[str, Any]
) -> None:
    vocabulary = inspection.vocabulary(models[scheme].path)
    oracle = oracles[scheme]
    for code in models[scheme].languages:
        token = models[scheme].token(code)
        assert vocabulary.index(token) == oracle.convert_tokens_to_ids(token)
    for token in ("<s>", "</s>", "<unk>", "▁The", "."):
        assert vocabulary.index(token) == oracle.convert_tokens_to_ids(token)


def test_old_vocabulary_in_text(nllb: Model, tmp_path: Path) -> None:
    folder = shutil.copytree(nllb.path, tmp_path / "old")
    tokens = (*inspection.vocabulary(folder)[:-1], "a\u2028b\x85")  # no ends of lines
    (folder / "shared_vocabulary.json").unlink()
    (folder / "shared_vocabulary.txt").write_text("\n".join(tokens) + "\n", "utf-8")
    assert inspection.vocabulary(folder) == tokens
    assert converted(folder, tmp_path).languages == NLLB


def test_large_digest_is_remembered_until_a_file_changes(
    nllb: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_LARGE", 1)
    folder = shutil.copytree(nllb.path, tmp_path / "model")
    first = inspection.digest(folder, tmp_path)
    assert first == nllb.digest
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
        assert inspection.digest(folder, tmp_path) == first
    with (folder / "model.bin").open("ab") as file:
        file.write(b"!")
    assert inspection.digest(folder, tmp_path) != first


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.bin", b"PK\x03\x04 a pickle in a zip", "translation model of CTranslate2"),
        ("model.bin", b"\x06\0\0\0\x10\0TransformerSpec\0\x07\0\0\0\xff\0\0\0", "complete model"),
        ("model.bin", b"\x06\0\0\0\x0c\0WhisperSpec\0", "found 'WhisperSpec'"),
        ("model.bin", b"", "complete model"),
        ("shared_vocabulary.json", b"[", "expected a vocabulary"),
        ("shared_vocabulary.json", b'["<unk>", "a"]', "language tokens"),
        ("shared_vocabulary.json", None, "expected shared_vocabulary.json"),
        ("tokenizer.json", None, "expected tokenizer.json"),
        ("tokenizer.json", b"{", "expected a tokenizer"),
    ],
)
def test_broken_conversion(
    nllb: Model, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    folder = shutil.copytree(nllb.path, tmp_path / "model")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        converted(folder, tmp_path)
