"""Folders of sentence-transformers, key by key: the vectors of that library, or a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from qa_parallel.encoders.encoder import load_encoder
from qa_parallel.encoders.layout import Pooling
from qa_parallel.errors import ModelError
from tests.tiny_models import SENTENCES

torch: Any = pytest.importorskip("torch")
sentence_transformers: Any = pytest.importorskip("sentence_transformers")

TEXTS = [*SENTENCES, "mat", "The cat. " * 9, "THE CAT SAT"]
PROMPTS = {"query": "the cat: ", "document": "a dog: "}


def saved(body: Path, folder: Path, pooling: str, heads: tuple[Any, ...] = (), **more: Any) -> Path:
    """A folder as sentence-transformers writes it."""
    from sentence_transformers.sentence_transformer import modules

    given = {key: more.pop(key) for key in ("max_seq_length", "do_lower_case") if key in more}
    torch.manual_seed(1)
    parts = [
        modules.Transformer(str(body), **given),
        modules.Pooling(16, pooling, include_prompt=more.pop("include_prompt", True)),
        *(head() for head in heads),
    ]
    sentence_transformers.SentenceTransformer(modules=parts, device="cpu", **more).save(str(folder))
    return folder


def changed(folder: Path, name: str, **keys: Any) -> None:
    """Change keys of a file of JSON."""
    path = folder / name
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(known | keys))


def compare(folder: Path, **options: Any) -> None:
    """Queries and passages, through both libraries; and once more after ours has saved it."""
    theirs = sentence_transformers.SentenceTransformer(str(folder), device="cpu", **options)
    wanted = {
        "query": theirs.encode_query(TEXTS, normalize_embeddings=True),
        "passage": theirs.encode_document(TEXTS, normalize_embeddings=True),
    }
    load_encoder(folder).save(folder.with_name("again"))
    for encoder in (load_encoder(folder), load_encoder(folder.with_name("again"))):
        prefixes = {"query": encoder.query_prefix, "passage": encoder.passage_prefix}
        for side, expected in wanted.items():
            vectors = encoder(TEXTS, prefixes[side])
            assert vectors.shape == expected.shape
            assert (vectors * expected).sum(axis=1).min() > 0.9999, side


@pytest.mark.parametrize("prompts", [{}, PROMPTS])
@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("pooling", get_args(Pooling))
def test_every_pooling(
    tiny_bert: Path, tmp_path: Path, pooling: str, include_prompt: bool, prompts: dict[str, str]
) -> None:
    more: dict[str, Any] = {"include_prompt": include_prompt, "prompts": prompts}
    compare(saved(tiny_bert, tmp_path / "st", pooling, **more))


def dense() -> Any:
    from sentence_transformers.sentence_transformer.modules import Dense

    return Dense(16, 12, activation_function=torch.nn.GELU())


def normalize() -> Any:
    from sentence_transformers.sentence_transformer.modules import Normalize

    return Normalize()


@pytest.mark.parametrize(
    "more",
    [
        {"max_seq_length": 7},
        {"do_lower_case": True},
        {"truncate_dim": 5},
        {"heads": (dense, normalize), "truncate_dim": 5, "max_seq_length": 9},
        {"similarity_fn_name": "dot", "heads": (normalize,)},
    ],
)
def test_every_key(tiny_bert: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    kept = {key: more[key] for key in ("truncate_dim",) if key in more}
    compare(saved(tiny_bert, tmp_path / "st", "mean", **more), **kept)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("sentence_bert_config.json", {"max_seq_length": 7, "do_lower_case": True}),
        ("sentence_roberta_config.json", {"max_seq_length": 7, "do_lower_case": False}),
        ("sentence_xlm-roberta_config.json", {"max_seq_length": 7}),
        ("sentence_bert_config.json", {"tokenizer_args": {"model_max_length": 7}}),
        ("tokenizer_config.json", {"model_max_length": 7}),
    ],
)
def test_lengths_wherever_versions_keep_them(
    tiny_bert: Path, tmp_path: Path, name: str, keys: dict[str, Any]
) -> None:
    folder = saved(tiny_bert, tmp_path / "st", "mean")
    (folder / "sentence_bert_config.json").unlink()
    changed(folder, name, **keys)
    assert load_encoder(folder).max_length == 7
    compare(folder)


def test_the_tokenizer_of_a_model_alone_says_the_length(tiny_bert: Path, tmp_path: Path) -> None:
    load_encoder(tiny_bert).save(tmp_path / "alone")
    for path in tmp_path.glob("alone/*sentence*.json"):
        path.unlink()
    (tmp_path / "alone" / "modules.json").unlink()
    changed(tmp_path / "alone", "tokenizer_config.json", model_max_length=9)
    assert load_encoder(tmp_path / "alone").max_length == 9


@pytest.mark.parametrize(
    ("more", "query", "passage"),
    [
        ({"prompts": {"passage": "dog ", "query": "cat "}}, "cat ", "dog "),
        ({"prompts": {"any": "the "}, "default_prompt_name": "any"}, "the ", "the "),
        ({"prompts": {"any": "the "}}, "", ""),
    ],
)
def test_prefixes_by_whatever_name(
    tiny_bert: Path, tmp_path: Path, more: dict[str, Any], query: str, passage: str
) -> None:
    """Newer versions write an empty "document" beside; `encode` takes what is the default."""
    folder = saved(tiny_bert, tmp_path / "st", "mean", **more)
    encoder = load_encoder(folder)
    assert (encoder.query_prefix, encoder.passage_prefix) == (query, passage)
    theirs = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    name = "passage" if "passage" in more["prompts"] else None
    vectors = theirs.encode(TEXTS, prompt_name=name, normalize_embeddings=True)
    assert (vectors * encoder(TEXTS, passage)).sum(axis=1).min() > 0.9999


Change = Callable[[Path], None]


def key(name: str, **keys: Any) -> Change:
    return lambda folder: changed(folder, name, **keys)


def module(old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        path = folder / "modules.json"
        path.write_text(path.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (key("1_Pooling/config.json", pooling_mode=["mean", "cls"]), "found mean and cls"),
        (key("1_Pooling/config.json", pooling_mode="colbert"), "found colbert"),
        (key("1_Pooling/config.json", gate=True), "found gate = True"),
        (key("2_Dense/config.json", use_residual=True), "found use_residual = True"),
        (key("2_Dense/config.json", scale=2), "found scale = 2"),
        (key("2_Dense/config.json", module_input_name="token_embeddings"), "found module_input"),
        (key("config_sentence_transformers.json", model_type="SparseEncoder"), "'SparseEncoder'"),
        (key("config_sentence_transformers.json", similarity_fn_name="dot"), "found dot"),
        (key("config_sentence_transformers.json", quantize=8), "found quantize = 8"),
        (key("sentence_bert_config.json", transformer_task="fill-mask"), "'fill-mask'"),
        (key("sentence_bert_config.json", query_length=32), "found query_length = 32"),
        (key("sentence_bert_config.json", model_args={"add_pooling_layer": True}),
         r"found model_args\.add_pooling_layer = True"),
        (key("sentence_bert_config.json", tokenizer_args={"add_eos_token": True}),
         r"tokenizer_args\.add_eos_token"),
        (module("pooling.Pooling", "x.WeightedLayerPooling"), "found WeightedLayerPooling"),
        (module("sentence_transformers.sentence_transformer.modules.pooling.Pooling",
                "custom.Pooling"), r"found custom\.Pooling"),
    ],
)  # fmt: skip
def test_what_is_not_honoured_is_named(
    tiny_bert: Path, tmp_path: Path, change: Change, message: str
) -> None:
    folder = saved(tiny_bert, tmp_path / "st", "mean", heads=(dense,))
    load_encoder(folder)
    change(folder)
    with pytest.raises(ModelError, match=message):
        load_encoder(folder)


def test_a_layer_after_the_normalization(tiny_bert: Path, tmp_path: Path) -> None:
    folder = saved(tiny_bert, tmp_path / "st", "mean", heads=(normalize, dense))
    with pytest.raises(ModelError, match="found Transformer, Pooling, Normalize, Dense"):
        load_encoder(folder)


def test_vectors_of_single_texts_and_of_batches_are_the_same(
    tiny_bert: Path, tmp_path: Path
) -> None:
    """What stands beside a text in its batch, and pads it, is not pooled."""
    for pooling in get_args(Pooling):
        folder = saved(tiny_bert, tmp_path / pooling, pooling)
        encoder = load_encoder(folder)
        alone = np.concatenate([encoder([text]) for text in TEXTS])
        np.testing.assert_allclose(encoder(TEXTS), alone, atol=1e-5)
