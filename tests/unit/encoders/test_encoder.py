"""Encoders of every layout, against transformers and sentence-transformers themselves."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_parallel import hub
from qa_parallel.encoders.encoder import Encoder, digest, find_encoder, load_encoder
from qa_parallel.encoders.settings import EncoderSettings
from qa_parallel.errors import ModelError, StoreError
from tests.chaos import faults
from tests.tiny_models import SENTENCES

torch: Any = pytest.importorskip("torch")

TEXTS = [*SENTENCES, "mat", "The cat. " * 9, SENTENCES[0]]


def reference(folder: Path, texts: list[str], pooling: str, length: int = 32) -> Any:
    """Each text by itself, through transformers alone."""
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    vectors = []
    for text in texts:
        batch = tokenizer(text, return_tensors="pt", truncation=True, max_length=length)
        with torch.no_grad():
            states = model(**batch).last_hidden_state[0]
        vector = states[0] if pooling == "cls" else states.mean(0)
        vectors.append((vector / vector.norm()).numpy())
    return np.stack(vectors)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_same_as_one_text_at_a_time(tiny_bert: Path, pooling: Any) -> None:
    encoder = load_encoder(tiny_bert, EncoderSettings(pooling=pooling, max_length=12))
    vectors = encoder(TEXTS, prefix="query: ")
    wanted = reference(tiny_bert, [f"query: {text}" for text in TEXTS], pooling, 12)
    np.testing.assert_allclose(vectors, wanted, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors[0] == vectors[-1]).all()


def test_batches_hold_what_the_budget_allows(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_encoder(tiny_bert)
    whole = encoder(TEXTS)
    sizes = []
    vectors = Encoder.vectors

    def counted(self: Encoder, batch: Any, skip: int) -> Any:
        sizes.append(tuple(batch["input_ids"].shape))
        return vectors(self, batch, skip)

    monkeypatch.setattr(Encoder, "vectors", counted)
    monkeypatch.setattr("qa_parallel.encoders.encoder._BATCH_TOKENS", {"cpu": 40})
    np.testing.assert_allclose(encoder(TEXTS), whole, atol=1e-5)
    assert len(sizes) > 2
    assert all(rows == 1 or rows * width <= 40 for rows, width in sizes)
    assert [width for _, width in sizes] == sorted(width for _, width in sizes)


def test_nothing_and_lone_surrogates(tiny_bert: Path) -> None:
    encoder = load_encoder(tiny_bert)
    assert encoder([]).shape == (0, 0)
    assert np.isfinite(encoder(["", "cat \ud800"])).all()


def test_a_vector_that_is_none_is_named(tiny_bert: Path) -> None:
    """NaN in the embedding of one token: the first text with that token is named."""
    encoder = load_encoder(tiny_bert)
    (token,) = set(encoder.tokenize(["猫"])[0]) - set(encoder.tokenize(["."])[0])
    with torch.no_grad():
        encoder.model.embeddings.word_embeddings.weight[token] = float("nan")
    assert np.isfinite(encoder(["The cat."])).all()
    with pytest.raises(ModelError, match=r"length 1 from the encoder, found NaN or .* of '猫 1'"):
        encoder(["The cat.", "猫 1", "猫"])


def test_the_encoder_half_of_a_translation_model(tiny_nllb: Path) -> None:
    from transformers import AutoTokenizer, M2M100ForConditionalGeneration

    encoder = load_encoder(tiny_nllb)
    model: Any = M2M100ForConditionalGeneration.from_pretrained(tiny_nllb)
    half = model.eval().get_encoder()
    assert len(list(encoder.parameters())) == len(list(half.parameters()))
    batch = AutoTokenizer.from_pretrained(tiny_nllb)(SENTENCES[0], return_tensors="pt")
    with torch.no_grad():
        wanted = half(**batch).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(encoder(SENTENCES[:1])[0], wanted / wanted.norm(), atol=1e-5)


def test_gradients_flow(tiny_bert: Path) -> None:
    encoder = load_encoder(tiny_bert)
    loss: Any = encoder.vectors(encoder.pad(encoder.tokenize(TEXTS)))[:, 0].sum()
    loss.backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_what_is_saved_sentence_transformers_reads(
    tiny_bert: Path, tmp_path: Path, pooling: Any
) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    encoder = load_encoder(tiny_bert, EncoderSettings(pooling=pooling, max_length=12))
    encoder.query_prefix, encoder.passage_prefix = "query: ", "passage: "
    encoder.save(tmp_path / "saved", languages=["deu_Latn"])
    encoder.save(tmp_path / "saved", languages=["eng_Latn"])
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    again = load_encoder(tmp_path / "saved")
    assert (again.pooling, again.max_length, again.languages) == (pooling, 12, ("eng_Latn",))
    assert (again.query_prefix, again.passage_prefix) == ("query: ", "passage: ")
    vectors = encoder(TEXTS, prefix="query: ")
    assert (again(TEXTS, prefix="query: ") == vectors).all()
    theirs = sentence_transformers.SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    assert theirs.max_seq_length == 12
    np.testing.assert_allclose(theirs.encode(TEXTS, prompt_name="query"), vectors, atol=1e-5)


@pytest.mark.parametrize("size", [2**9, 2**14])
def test_a_disk_that_is_full_is_told_in_one_line(
    tiny_bert: Path, tmp_path: Path, size: int
) -> None:
    """Most of the files are written by libraries in Rust."""
    encoder = load_encoder(tiny_bert)
    with faults.small_files(size), pytest.raises(StoreError, match="cannot write"):
        encoder.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    encoder.save(tmp_path / "saved")
    assert (load_encoder(tmp_path / "saved")(TEXTS) == encoder(TEXTS)).all()


def test_a_saved_half_is_a_half(tiny_nllb: Path, tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    encoder = load_encoder(tiny_nllb)
    encoder.save(tmp_path / "half")
    vectors = encoder(TEXTS)
    assert (load_encoder(tmp_path / "half")(TEXTS) == vectors).all()
    # saved as a whole model, it would be loaded with weights of chance
    theirs = sentence_transformers.SentenceTransformer(str(tmp_path / "half"), device="cpu")
    np.testing.assert_allclose(theirs.encode(TEXTS), vectors, atol=1e-5)


def test_a_dense_layer_after_the_pooling(tiny_bert: Path, tmp_path: Path) -> None:
    """LaBSE's layout, as sentence-transformers itself writes it."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Normalize,
        Pooling,
        Transformer,
    )

    body = Transformer(str(tiny_bert))
    head = Dense(16, 8, activation_function=torch.nn.Tanh())
    theirs = sentence_transformers.SentenceTransformer(
        modules=[body, Pooling(16, "cls"), head, Normalize()], device="cpu"
    )
    theirs.save(str(tmp_path / "dense"))
    encoder = load_encoder(tmp_path / "dense")
    vectors = encoder(TEXTS)
    assert vectors.shape == (len(TEXTS), 8)
    np.testing.assert_allclose(vectors, theirs.encode(TEXTS), atol=1e-5)
    encoder.save(tmp_path / "again")
    assert (load_encoder(tmp_path / "again")(TEXTS) == vectors).all()
    again = sentence_transformers.SentenceTransformer(str(tmp_path / "again"), device="cpu")
    np.testing.assert_allclose(again.encode(TEXTS), vectors, atol=1e-5)


def test_the_digest_is_that_of_the_contents(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load_encoder(tiny_bert)
    for name in ("one", "two"):
        encoder.save(tmp_path / name)
    assert (
        digest(tmp_path / "one")
        == digest(tmp_path / "two")
        == load_encoder(tmp_path / "one").digest
    )
    with torch.no_grad():
        next(encoder.parameters()).add_(1)
    encoder.save(tmp_path / "two")
    assert digest(tmp_path / "one") != digest(tmp_path / "two")


def test_a_hub_id(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are asked for that sentence-transformers' layout has; offline, the last ones."""
    asked: list[Any] = []
    before: list[Path | None] = [tiny_bert, None]

    def located(name: str, revision: str | None) -> hub.Commit:
        return hub.Commit(name, "c0ffee", ctranslate2=False)

    def downloaded(name: str, **options: Any) -> str:
        asked.append((name, options["revision"]))
        names = ["1_Pooling/config.json", "sentence_bert_config.json", "model.safetensors",
                 "config_sentence_transformers.json", "pytorch_model.bin"]  # fmt: skip
        asked.append([n for n in names if any(fnmatch(n, p) for p in options["allow_patterns"])])
        return str(tiny_bert)

    def unreachable(name: str, revision: str | None) -> hub.Commit:
        raise hub.Unreachable("no connection")

    monkeypatch.setattr(hub, "locate", located)
    monkeypatch.setattr("huggingface_hub.snapshot_download", downloaded)
    assert find_encoder("org/name") == tiny_bert
    assert asked[0] == ("org/name", "c0ffee")
    assert "pytorch_model.bin" not in asked[1]
    assert len(asked[1]) == 4
    monkeypatch.setattr(hub, "locate", unreachable)
    monkeypatch.setattr(hub, "downloaded", lambda name, revision: before.pop(0))
    assert find_encoder("org/name") == tiny_bert
    with pytest.raises(hub.Unreachable):
        find_encoder("org/name")


def test_folders_that_are_no_encoder(tiny_bert: Path, tmp_path: Path) -> None:
    import shutil

    with pytest.raises(ModelError, match="or a Hub id, found 'nowhere'"):
        find_encoder("nowhere")
    with pytest.raises(ModelError, match=r"found no config\.json there"):
        load_encoder(tmp_path)
    with pytest.raises(ModelError, match=r"at most 64 tokens .* found 65"):
        load_encoder(tiny_bert, EncoderSettings(max_length=65))
    broken = tmp_path / "broken"
    shutil.copytree(tiny_bert, broken)
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 2}))
    with pytest.raises(ModelError, match=r"found \d+ missing, such as encoder\.layer\.1"):
        load_encoder(broken)
    (broken / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot load the encoder"):
        load_encoder(broken)
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot load the encoder"):
        load_encoder(broken)
