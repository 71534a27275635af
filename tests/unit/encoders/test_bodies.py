"""What is in front of the pooling, against sentence-transformers: T5, tables, adapters."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from qa_parallel import extras
from qa_parallel.encoders.encoder import digest, load_encoder
from qa_parallel.encoders.settings import EncoderSettings
from qa_parallel.errors import ExtraError, ModelError
from tests.tiny_models import SENTENCES
from tests.unit.encoders.test_layout import TEXTS, changed, compare, saved

torch: Any = pytest.importorskip("torch")
sentence_transformers: Any = pytest.importorskip("sentence_transformers")


def t5(bert: Path, folder: Path, kind: str, whole: bool) -> Path:
    """A T5 or mT5 of chance, whole or its encoder half, with the tokenizer of `bert`."""
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=160, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
        decoder_start_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    name = f"{kind}ForConditionalGeneration" if whole else f"{kind}EncoderModel"
    shutil.copytree(bert, folder)
    for path in ("config.json", "model.safetensors"):
        (folder / path).unlink()
    getattr(transformers, name)(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", ["T5", "MT5"])
def test_t5(tiny_bert: Path, tmp_path: Path, kind: str, whole: bool) -> None:
    model = t5(tiny_bert, tmp_path / "t5", kind, whole)
    compare(saved(model, tmp_path / "st", "mean"))
    encoder = load_encoder(model, EncoderSettings(max_length=600))
    assert encoder.max_length == 600  # positions are relative
    assert not any("decoder" in name for name, _ in encoder.model.named_parameters())


def table(folder: Path, bert: Path) -> Path:
    """As sentence-transformers saves a table of vectors."""
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer

    torch.manual_seed(0)
    tokenizer = Tokenizer.from_file(str(bert / "tokenizer.json"))
    body = StaticEmbedding(tokenizer, embedding_dim=8)
    parts = [body, Normalize()]
    sentence_transformers.SentenceTransformer(modules=parts, device="cpu").save(str(folder))
    return folder


def test_a_table_of_vectors(tiny_bert: Path, tmp_path: Path) -> None:
    compare(table(tmp_path / "st", tiny_bert))


@pytest.mark.parametrize("quantized", [False, True])
def test_model2vec(tiny_bert: Path, tmp_path: Path, quantized: bool) -> None:
    """As that library saves it: all in one folder; where quantized, tokens share a row."""
    from safetensors.torch import load_file, save_file

    st = table(tmp_path / "first", tiny_bert)
    (inner,) = st.glob("**/model.safetensors")
    rows = load_file(inner)["embedding.weight"]
    folder = tmp_path / "m2v"
    folder.mkdir()
    weights = {"embeddings": rows}
    if quantized:
        weights = {
            "embeddings": rows[:20].half(),
            "mapping": torch.arange(len(rows)) % 20,
            "weights": torch.linspace(0.1, 1, len(rows)),
        }
    save_file(weights, folder / "model.safetensors")
    shutil.copy(inner.with_name("tokenizer.json"), folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}))
    kinds = ("StaticEmbedding", "Normalize")
    modules = [
        {"idx": n, "name": str(n), "path": "." if n == 0 else "1_Normalize",
         "type": f"sentence_transformers.models.{kind}"}
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    alone = load_encoder(folder)(TEXTS)
    (folder / "modules.json").write_text(json.dumps(modules))
    assert (load_encoder(folder)(TEXTS) == alone).all()
    compare(folder)


def test_a_text_without_a_token_is_named(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load_encoder(table(tmp_path / "st", tiny_bert))
    with pytest.raises(ModelError, match="found length 0 of ''"):
        encoder(["The cat", ""])


def test_tables_that_are_none(tiny_bert: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = table(tmp_path / "st", tiny_bert)
    with pytest.raises(ModelError, match="expected mean pooling"):
        load_encoder(folder, EncoderSettings(pooling="cls"))
    (weights,) = folder.glob("**/model.safetensors")
    save_file({"embedding.weight": torch.ones(3, 8)}, weights)
    with pytest.raises(ModelError, match="found 3"):
        load_encoder(folder)
    save_file({"other": torch.ones(3, 8)}, weights)
    with pytest.raises(ModelError, match=r"expected a table of vectors in .*, found other"):
        load_encoder(folder)
    weights.unlink()
    with pytest.raises(ModelError, match="cannot load the encoder"):
        load_encoder(folder)


def test_a_table_is_trained(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load_encoder(table(tmp_path / "st", tiny_bert))
    loss: Any = encoder.vectors(encoder.pad(encoder.tokenize(SENTENCES)))[:, 0].sum()
    loss.backward()
    gradient: Any = encoder.model.get_input_embeddings().weight.grad
    assert gradient.abs().sum() > 0


def adapter(folder: Path, base: Path) -> Path:
    """A LoRA of chance on all linear layers."""
    peft = pytest.importorskip("peft")
    from transformers import AutoModel

    torch.manual_seed(3)
    config = peft.LoraConfig(
        r=4, lora_alpha=32, target_modules="all-linear", task_type="FEATURE_EXTRACTION",
        init_lora_weights=False,
    )  # fmt: skip
    model = peft.get_peft_model(AutoModel.from_pretrained(base), config)
    model.save_pretrained(folder)
    for path in base.glob("tokenizer*"):
        shutil.copy(path, folder)
    return folder


def test_an_adapter_is_merged(tiny_bert: Path, tmp_path: Path) -> None:
    model = adapter(tmp_path / "lora", tiny_bert)
    vectors = load_encoder(model)(TEXTS)
    assert (vectors * load_encoder(tiny_bert)(TEXTS)).sum(axis=1).min() < 0.99
    load_encoder(tiny_bert).save(tmp_path / "st")
    for path in (tmp_path / "st").glob("model.safetensors"):
        path.unlink()
    for path in model.iterdir():
        shutil.copy(path, tmp_path / "st")
    (tmp_path / "st" / "config.json").unlink()
    compare(tmp_path / "st")


def test_another_base_is_another_digest(tiny_bert: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bert, tmp_path / "base")
    folder = tmp_path / "lora"
    folder.mkdir()
    changed(folder, "adapter_config.json", base_model_name_or_path=str(tmp_path / "base"))
    before = digest(folder)
    changed(tmp_path / "base", "config.json", layer_norm_eps=1e-3)
    assert digest(folder) != before


def test_an_adapter_without_its_library(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lora"
    folder.mkdir()
    changed(folder, "adapter_config.json", base_model_name_or_path=str(tiny_bert))
    find = extras.importlib.util.find_spec  # type: ignore[attr-defined]
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *more: None if name == "peft" else find(name, *more),
    )
    with pytest.raises(ExtraError, match=r"needs peft, which is not .*qa-parallel\[adapters\]"):
        load_encoder(folder)
    changed(folder, "adapter_config.json", base_model_name_or_path=None)
    with pytest.raises(ModelError, match="expected the model that the adapter in"):
        load_encoder(folder)
