"""Texts to vectors: a Hugging Face encoder, or the encoder half of a translation model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qa_parallel.errors import ModelError

Vectors = npt.NDArray[np.float32]

_BATCH_TOKENS = 8192
_MAX_TOKENS = 512


class Encoder:
    """A loaded encoder: mean of the last hidden states, scaled to length 1.

    Parameters
    ----------
    model, tokenizer:
        As transformers loads them.
    prefix:
        Stands in front of every text: E5 wants "query: ".
    """

    def __init__(self, model: Any, tokenizer: Any, prefix: str = "") -> None:
        self._model, self._tokenizer, self.prefix = model, tokenizer, prefix

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (texts, dimensions), in the order of the texts; equal texts once."""
        import torch

        distinct = list(dict.fromkeys(texts))
        ids = self._tokenizer(
            [self.prefix + text for text in distinct], truncation=True, max_length=_MAX_TOKENS
        )["input_ids"]
        order = sorted(range(len(distinct)), key=lambda place: len(ids[place]))
        found: Any = None
        with torch.inference_mode():
            for batch in _batches(order, [len(item) for item in ids]):
                padded = self._tokenizer.pad(
                    {"input_ids": [ids[place] for place in batch]}, return_tensors="pt"
                )
                vectors = self._pooled(padded)
                if found is None:
                    found = np.zeros((len(distinct), vectors.shape[1]), dtype=np.float32)
                found[batch] = vectors
        if found is None:
            return np.zeros((0, 0), dtype=np.float32)
        places = {text: place for place, text in enumerate(distinct)}
        return np.asarray(found[[places[text] for text in texts]])

    def _pooled(self, batch: Any) -> Vectors:
        import torch

        states = self._model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1)
        unit: Vectors = torch.nn.functional.normalize(mean, dim=-1).float().numpy()
        return unit


def _batches(order: list[int], lengths: list[int]) -> list[list[int]]:
    """Neighbours in `order`, as many as the token budget holds once they are padded."""
    batches: list[list[int]] = []
    for place in order:  # the longest of a batch comes last
        if batches and (len(batches[-1]) + 1) * lengths[place] <= _BATCH_TOKENS:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches


def load_encoder(folder: Path, prefix: str = "") -> Encoder:
    """The encoder in a Hugging Face folder; of an M2M-100 or NLLB model, its encoder half.

    Raises
    ------
    ModelError
        No such model, no safetensors in it, or torch is not installed.
    """
    try:
        import torch
        from transformers import AutoModel, AutoTokenizer
    except ImportError:
        raise ModelError(
            "an encoder needs torch, which is not installed", "pip install 'qa-parallel[train]'"
        ) from None
    config = folder / "config.json"
    if not config.is_file():
        raise ModelError(
            f"expected a Hugging Face encoder in {folder}, found no config.json there",
            "give the folder of the model",
        )
    kind = json.loads(config.read_text("utf-8")).get("model_type")
    try:
        model = AutoModel.from_pretrained(folder, use_safetensors=True, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot load the encoder in {folder}: {error}") from None
    half = model.get_encoder() if kind == "m2m_100" else model
    return Encoder(half.eval(), tokenizer, prefix)
