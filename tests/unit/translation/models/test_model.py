"""What a model says of itself, and folders that hold one."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from qa_parallel.errors import LanguageError, ModelError
from qa_parallel.translation.models import conversion, inspection
from qa_parallel.translation.models.model import Model, resolve
from qa_parallel.translation.models.settings import ModelSettings
from tests.tiny_models import TEXTS, converted

NLLB = ("deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans")


def test_nllb(nllb: Model) -> None:
    assert (nllb.family.name, nllb.languages, nllb.max_positions) == ("nllb", NLLB, 64)
    assert nllb.license == "cc-by-nc-4.0"  # by its name
    assert nllb.name == "tiny-nllb-200"
    assert nllb.revision is None
    assert not nllb.demonstration
    assert nllb.token("fra_Latn") == "fra_Latn"
    nllb.require(["deu_Latn", "zho_Hans"])
    with pytest.raises(LanguageError, match=r"found mar_Deva \(Marathi\).*choose.*fra_Latn"):
        nllb.require(["deu_Latn", "mar_Deva"])


def test_m2m(m2m: Model) -> None:
    assert m2m.family.name == "m2m100"
    assert len(m2m.languages) == 98
    assert m2m.token("zho_Hans") == "__zh__"
    with pytest.raises(LanguageError, match=r"quy_Latn \(Ayacucho Quechua\)"):
        m2m.token("quy_Latn")
    with pytest.raises(LanguageError, match="zho_Hans"):
        m2m.require(["zho_Hant"])
    with pytest.raises(LanguageError):
        m2m.require(["no_such"])


def test_demo() -> None:
    model = resolve(ModelSettings(model="demo"))
    assert model.demonstration
    assert model.name == "demo"
    assert "eng_Latn" in model.languages
    tokenizer = model.tokenizer()
    (tokens,) = tokenizer.encode_batch(["The cat sat on the mat."])
    assert tokenizer.decode_batch([tokens]) == ["The cat sat on the mat."]


def test_converted_folder_needs_neither_torch_nor_transformers(
    m2m: Model, nllb: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    for model in (m2m, nllb):
        folder = shutil.copytree(model.path, tmp_path / model.name)
        (folder / conversion.MARKER).unlink()
        other = converted(folder, tmp_path / "cache")
        assert (other.digest, other.languages) == (model.digest, model.languages)
        assert other.tokenizer().encode_batch(TEXTS) == model.tokenizer().encode_batch(TEXTS)


def test_nllb_with_sentencepiece_only(m2m: Model, tmp_path: Path) -> None:
    folder = shutil.copytree(m2m.path, tmp_path / "model")
    names = {m2m.token(code): code for code in m2m.languages}
    vocabulary = [names.get(token, token) for token in inspection.vocabulary(folder)]
    (folder / "shared_vocabulary.json").write_text(json.dumps(vocabulary))
    (folder / "vocab.json").unlink()
    model = converted(folder, tmp_path)
    assert (model.family.name, model.languages) == ("nllb", m2m.languages)
    tokenizer = model.tokenizer()
    assert tokenizer.encode_batch(TEXTS) == m2m.tokenizer().encode_batch(TEXTS)
    source, _ = model.wrap(["▁The"], "swh_Latn", "fra_Latn")
    assert source == ["swh_Latn", "▁The", "</s>"]


def test_license_of_the_model_card(tiny_m2m: Path, m2m: Model, tmp_path: Path) -> None:
    assert m2m.license == "mit"
    folder = shutil.copytree(m2m.path, tmp_path / "model")
    (folder / conversion.MARKER).unlink()
    assert converted(folder, tmp_path).license is None
    (folder / "README.md").write_text("---\nlanguage: [en]\nlicense: cc-by-4.0\n---\n# M\n")
    assert converted(folder, tmp_path).license == "cc-by-4.0"


@pytest.mark.parametrize("name", ["nllb", "./nowhere", "/no/such/folder", "a/b/c", "", "a b/c"])
def test_no_such_model(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError):
        converted(name, tmp_path)


def test_revision_of_a_folder_is_a_mistake(tiny_nllb: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="revision belongs to a Hub id"):
        converted(tiny_nllb, tmp_path, revision="main")
