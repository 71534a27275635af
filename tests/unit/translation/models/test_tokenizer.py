"""The tokenizer, token by token, against those of transformers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from qa_parallel.errors import ModelError
from qa_parallel.translation.models import inspection
from qa_parallel.translation.models.model import Model
from tests.tiny_models import SCHEMES, TEXTS, converted

HOSTILE = ["", " ", "\0", "a\0b", "🙂" * 50, "\ud800 cat", "x" * 100_000, "cat " * 25_000, "\u2028"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_encodes_like_transformers(
    scheme: str, models: dict[str, Model], oracles: dict[str, Any]
) -> None:
    tokenizer, oracle = models[scheme].tokenizer(), oracles[scheme]
    encoded = tokenizer.encode_batch(TEXTS)
    for text, tokens in zip(TEXTS, encoded, strict=True):
        ids = oracle(text).input_ids
        source, prefix = models[scheme].wrap(tokens, "eng_Latn", "fra_Latn")
        assert source == oracle.convert_ids_to_tokens(ids)
        assert prefix == [models[scheme].token("fra_Latn")]
    assert any(tokenizer.unk in tokens for tokens in encoded)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_decodes_like_transformers(
    scheme: str, models: dict[str, Model], oracles: dict[str, Any]
) -> None:
    tokenizer, oracle = models[scheme].tokenizer(), oracles[scheme]
    encoded = [tokens for tokens in tokenizer.encode_batch(TEXTS) if tokenizer.unk not in tokens]
    assert len(encoded) > 3
    french = models[scheme].token("fra_Latn")
    wrapped = [[french, *tokens, tokenizer.eos] for tokens in encoded]
    # Without the language: M2M100Tokenizer of transformers 5 would leave it in the text.
    expected = [
        oracle.decode(
            oracle.convert_tokens_to_ids(tokens[1:]),
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )
        for tokens in wrapped
    ]
    assert tokenizer.decode_batch(wrapped) == expected
    assert tokenizer.decode_batch([]) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_unknown_pieces_stay_visible(scheme: str, models: dict[str, Model]) -> None:
    tokenizer = models[scheme].tokenizer()
    (text,) = tokenizer.decode_batch([["▁The", "▁cat", "<unk>", "▁sat", "<pad>", "</s>"]])
    assert text.startswith("The cat<unk>")
    assert text.endswith("sat")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_names_of_special_tokens_in_text_are_text(scheme: str, models: dict[str, Model]) -> None:
    tokenizer = models[scheme].tokenizer()
    special = ["</s>", "<s>", "<pad>", "<mask>", "deu_Latn", "eng_Latn", "__de__", "__en__"]
    batch = [*special, *(f"The {name} cat" for name in special), "The" + "".join(special)]
    for tokens in tokenizer.encode_batch(batch):
        assert not {*special} & {*tokens}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_hostile_text_does_not_crash(scheme: str, models: dict[str, Model]) -> None:
    model = models[scheme]
    tokenizer = model.tokenizer()
    encoded = tokenizer.encode_batch(HOSTILE)
    vocabulary = set(inspection.vocabulary(model.path))
    assert len(encoded) == len(HOSTILE)
    assert all(token in vocabulary for tokens in encoded for token in tokens)
    assert encoded[0] == []
    assert len(encoded[7]) >= 25_000  # nothing cut off
    assert len(tokenizer.decode_batch(encoded)) == len(HOSTILE)
    assert tokenizer.encode_batch([]) == []


def test_limits_saved_in_the_file_do_not_cut_texts(nllb: Model, tmp_path: Path) -> None:
    folder = shutil.copytree(nllb.path, tmp_path / "model")
    saved = json.loads((folder / "tokenizer.json").read_text())
    saved["truncation"] = {
        "max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"
    }  # fmt: skip
    saved["padding"] = {
        "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>",
    }  # fmt: skip
    for token in saved["added_tokens"]:
        token["special"] = False  # as add_tokens saves them
    (folder / "tokenizer.json").write_text(json.dumps(saved))
    other = converted(folder, tmp_path).tokenizer()
    texts = [*TEXTS, "deu_Latn </s>"]
    assert other.encode_batch(texts) == nllb.tokenizer().encode_batch(texts)


def test_tokenizer_of_another_model(nllb: Model, m2m: Model, tmp_path: Path) -> None:
    folder = shutil.copytree(nllb.path, tmp_path / "model")
    shutil.copy(m2m.path / "sentencepiece.bpe.model", folder)
    (folder / "tokenizer.json").unlink()
    vocabulary = json.loads((folder / "shared_vocabulary.json").read_text())
    ordinary = [f"x{i}" if token[0] == "▁" else token for i, token in enumerate(vocabulary)]
    (folder / "shared_vocabulary.json").write_text(json.dumps(ordinary))
    with pytest.raises(ModelError, match="belongs to another model"):
        converted(folder, tmp_path)
