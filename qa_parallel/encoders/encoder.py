"""Texts to vectors of length 1: a Hugging Face encoder, a sentence-transformers folder, or the
encoder half of an M2M-100 or NLLB model.

    encoder = load_encoder(Path("multilingual-e5-small"))
    vectors = encoder(["Where did the mill stand?"], prefix="query: ")
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qa_parallel import extras, hub
from qa_parallel.encoders.bodies import TableTokenizer, load_body, quiet
from qa_parallel.encoders.layout import (
    ADAPTER,
    RECORD,
    Layout,
    Pooling,
    load_head,
    read_adapter,
    read_layout,
    write_layout,
)
from qa_parallel.encoders.settings import EncoderSettings
from qa_parallel.encoders.sound import refuse_unsound
from qa_parallel.errors import ModelError
from qa_parallel.places import DEMO, Place
from qa_parallel.storage import store

if TYPE_CHECKING:
    import torch

Vectors = npt.NDArray[np.float32]

# Tokenizers, and the parts of sentence-transformers' layout.
_HUB_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spm.model",
    "vocab.json",
    "modules.json",
    "*sentence*.json",
    "adapter_config.json",
    "adapter_model.safetensors",
    "added_tokens.json",
    "vocab.txt",
    "merges.txt",
    "[0-9]_*/*.json",
    "[0-9]_*/*.model",
    "[0-9]_*/model.safetensors",
)
_BROKEN = "the weights are broken or overflow, or the tokenizer knows nothing of the text"
# Longest text, in tokens, where neither the model nor the user says less.
_MAX_TOKENS = 512
# A table of vectors has no positions.
_ENDLESS = 10**6
# Padded tokens of a batch: on a CPU more of them fall out of its cache.
_BATCH_TOKENS = {"cpu": 2048, "cuda": 65_536}


@dataclass
class Encoder:
    """A loaded encoder.

    Attributes
    ----------
    model, tokenizer:
        As transformers loads them; of a translation model, its encoder half.
    pooling, max_length:
        As in `EncoderSettings`.
    heads:
        Layers after the pooling (LaBSE has one), with their configuration.
    query_prefix, passage_prefix:
        What the folder says that the encoder wants; not applied by itself.
    languages:
        NLLB codes of the languages that it was trained on. None: nobody knows.
    digest:
        SHA-256 of weights, tokenizer and configuration. Empty for one that comes from no folder.
    include_prompt:
        Whether the tokens of the prefix are pooled.
    truncate_dim:
        How many of the first numbers of a vector are kept. None: all.
    """

    model: Any
    tokenizer: Any
    pooling: Pooling = "mean"
    max_length: int = _MAX_TOKENS
    heads: list[tuple[torch.nn.Module, dict[str, Any]]] = field(default_factory=list)
    query_prefix: str = ""
    passage_prefix: str = ""
    languages: tuple[str, ...] | None = None
    digest: str = ""
    include_prompt: bool = True
    truncate_dim: int | None = None

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """All that a trainer trains."""
        yield from self.model.parameters()
        for head, _ in self.heads:
            yield from head.parameters()

    def tokenize(self, texts: Sequence[str], prefix: str = "") -> list[list[int]]:
        """Ids of each text behind the prefix, special tokens included, cut at `max_length`."""
        # lone surrogates, which JSON can hold, have no bytes
        whole = [(prefix + text).encode("utf-8", "replace").decode() for text in texts]
        found: list[list[int]] = self.tokenizer(whole, truncation=True, max_length=self.max_length)[
            "input_ids"
        ]
        return found

    def pad(self, ids: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """Input of the model: ids and mask of shape (texts, longest), on the model's device."""
        import torch

        width = max(1, *map(len, ids))
        pad = self.tokenizer.pad_token_id or 0
        tokens = torch.tensor([[*row, *[pad] * (width - len(row))] for row in ids])
        lengths = torch.tensor([len(row) for row in ids])
        mask = (torch.arange(width) < lengths.unsqueeze(1)).long()
        device = next(self.model.parameters()).device
        return {"input_ids": tokens.to(device), "attention_mask": mask.to(device)}

    def vectors(self, batch: dict[str, torch.Tensor], skip: int = 0) -> torch.Tensor:
        """Vectors of length 1, float32, of shape (texts, dimensions); gradients flow.

        The first `skip` tokens of each text are read, and not pooled.
        """
        import torch

        states = self.model(**batch).last_hidden_state
        pooled = pool(states, batch["attention_mask"], self.pooling, skip)
        for head, _ in self.heads:
            pooled = head(pooled)
        return torch.nn.functional.normalize(pooled.float()[:, : self.truncate_dim], dim=-1)

    def _skipped(self, prefix: str) -> int:
        """How many tokens of the prefix are not pooled, as sentence-transformers counts them."""
        if self.include_prompt or not prefix:
            return 0
        (ids,) = self.tokenize([prefix])
        return len(ids) - (ids[-1] in self.tokenizer.all_special_ids)

    def __call__(self, texts: Sequence[str], prefix: str = "") -> Vectors:
        """Vectors of shape (texts, dimensions), in the order of the texts; equal texts once.

        Raises
        ------
        ModelError
            A vector is not finite or not of length 1; the first such text is named.
        """
        import torch

        distinct = list(dict.fromkeys(texts))
        if not distinct:
            return np.zeros((0, 0), dtype=np.float32)
        ids = self.tokenize(distinct, prefix)
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        skip = self._skipped(prefix)
        parts, device = [], next(self.model.parameters()).device
        with torch.inference_mode():
            for batch in _batches(order, [len(row) for row in ids], _BATCH_TOKENS[device.type]):
                parts.append(self.vectors(self.pad([ids[place] for place in batch]), skip))
            found = torch.cat(parts).cpu().numpy()
        places = {distinct[place]: row for row, place in enumerate(order)}
        vectors = np.asarray(found[[places[text] for text in texts]])
        refuse_unsound(vectors, texts, "from the encoder", _BROKEN)
        return vectors

    def save(self, folder: Path, languages: Sequence[str] | None = None) -> None:
        """Write a folder that sentence-transformers and `load_encoder` read.

        Parameters
        ----------
        folder:
            Appears whole or not at all; one that is there is replaced.
        languages:
            NLLB codes of the languages that it was trained on. None: as before.

        Raises
        ------
        StoreError
            The disk is full, or the folder cannot be written.
        """
        aside = folder.with_name(f".{folder.name}.part")
        store.remove(aside)
        try:
            with quiet():
                self.model.save_pretrained(aside)
                self.tokenizer.save_pretrained(aside)
        except Exception as error:  # what is written by Rust has errors of its own
            if not isinstance(error, OSError) and "os error" not in str(error):
                raise
            raise store.explain(error, folder) from None
        write_layout(
            aside,
            dimensions=self.model.config.hidden_size,
            static=isinstance(self.tokenizer, TableTokenizer),
            pooling=self.pooling,
            include_prompt=self.include_prompt,
            max_length=self.max_length,
            truncate_dim=self.truncate_dim,
            heads=self.heads,
            # the names that sentence-transformers and mteb look for
            prompts={"query": self.query_prefix, "document": self.passage_prefix},
            languages=self.languages if languages is None else languages,
        )
        store.remove(folder)
        store.rename(aside, folder)


def pool(states: torch.Tensor, mask: torch.Tensor, how: Pooling, skip: int = 0) -> torch.Tensor:
    """One vector a text, (texts, dimensions), from hidden states (texts, tokens, dimensions).

    `mask` of shape (texts, tokens) is 1 where there is a token, which is at the left; the first
    `skip` are left out. Sums are made in float32. As in sentence-transformers' Pooling.
    """
    import torch

    rows = torch.arange(len(states), device=states.device)
    if how == "lasttoken":
        return states[rows, (mask.sum(1) - 1).clamp(min=0)]
    if how == "cls":
        return states[rows, (mask.sum(1) - 1).clamp(min=0, max=skip)]
    weights = mask.unsqueeze(-1).float()
    weights[:, :skip] = 0
    if how == "max":
        return states.masked_fill(weights == 0, -torch.inf).amax(1)
    if how == "weightedmean":
        places = torch.arange(1, states.shape[1] + 1, device=states.device)
        weights = weights * places.view(1, -1, 1)
    count = weights.sum(1).clamp(min=1e-9)
    if how == "mean_sqrt_len_tokens":
        count = count.sqrt()
    return ((states.float() * weights).sum(1) / count).to(states.dtype)


def _batches(order: list[int], lengths: list[int], budget: int) -> list[list[int]]:
    """Neighbours in `order`, as many as the budget of tokens holds once they are padded."""
    batches: list[list[int]] = []
    for place in order:  # the longest of a batch comes last
        if batches and (len(batches[-1]) + 1) * lengths[place] <= budget:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches


def find_encoder(name: str) -> Path:
    """The folder of an encoder; "demo" is that of the demonstration model.

    A Hub id is downloaded; without a connection, what was downloaded before is taken.

    Raises
    ------
    ModelError
        There is no such folder, and no such model on the Hub.
    """
    if name == DEMO:
        return Path(str(files("qa_parallel").joinpath("demo", "hf")))
    place = Place.of(name)
    if place.is_folder:
        return place.path
    if not place.is_hub_id:
        raise ModelError(
            f"expected {DEMO!r}, the folder of an encoder or a Hub id, found {place}",
            "check the path; a Hub id looks like intfloat/multilingual-e5-small",
        )
    try:
        return hub.download(hub.locate(name, None), _HUB_FILES)
    except hub.Unreachable:
        before = hub.downloaded(name, None)
        if before is None:
            raise
        return before


def load_encoder(folder: Path, settings: EncoderSettings | None = None) -> Encoder:
    """The encoder in `folder`; of an M2M-100 or NLLB model, its encoder half.

    What `settings` leave open, the folder says, if it has the layout of sentence-transformers.

    Raises
    ------
    ModelError
        No such model, no safetensors in it, weights missing, a module or a pooling that is not
        known, a length that the model has no positions for.
    ExtraError
        torch is not installed.
    """
    extras.require("train", "an encoder", *extras.LOADING)
    import torch

    settings = settings or EncoderSettings()
    layout = read_layout(folder)
    device = _device(settings)
    precision = _precision(settings, device)
    home = folder / layout.transformer
    model, tokenizer = load_body(home, layout, getattr(torch, precision), _base(home))
    pooling = settings.pooling or layout.pooling or "mean"
    if layout.static and pooling != "mean":
        raise ModelError(f"expected mean pooling of the table in {folder}, found {pooling}")
    heads = [
        (head.to(device, model.dtype).eval(), config)
        for head, config in map(load_head, layout.heads)
    ]
    return Encoder(
        model.to(device).eval(),
        tokenizer,
        pooling,
        _max_length(settings, layout, model, folder),
        heads,
        layout.query_prefix,
        layout.passage_prefix,
        layout.languages,
        digest(folder),
        layout.include_prompt,
        layout.truncate_dim,
    )


def digest(folder: Path) -> str:
    """SHA-256 of all that a folder's vectors depend on: weights, tokenizer, configuration."""
    names = sorted(
        path
        for pattern in (
            "*.safetensors",
            "*.json",
            "*.model",
            "*.txt",
            "*/*.safetensors",
            "*/*.json",
        )
        for path in folder.glob(pattern)
        if path.name != RECORD
    )
    listing = "".join(f"{store.digest(path)}  {path.relative_to(folder)}\n" for path in names)
    for path in names:
        if path.name == ADAPTER:
            base = Place.of(str(read_adapter(path.parent)["base_model_name_or_path"]))
            listing += f"{digest(base.path)}  base\n" if base.is_folder else ""
    return hashlib.sha256(listing.encode()).hexdigest()


def _base(home: Path) -> Path | None:
    """The model that an adapter changes; None where there is no adapter."""
    if not (home / ADAPTER).is_file():
        return None
    return find_encoder(str(read_adapter(home)["base_model_name_or_path"]))


def _max_length(settings: EncoderSettings, layout: Layout, model: Any, folder: Path) -> int:
    """Most tokens of a text; ModelError where the model has no positions for them."""
    if layout.static:  # never cut, as by sentence-transformers
        return settings.max_length or _ENDLESS
    positions = _positions(model)
    asked = settings.max_length or layout.max_length
    if asked is None:
        bounds = [layout.tokenizer_length, positions, None if layout.modules else _MAX_TOKENS]
        return min((one for one in bounds if one is not None), default=_MAX_TOKENS)
    if positions is not None and asked > positions:
        raise ModelError(
            f"expected a length of at most {positions} tokens for {folder}, found {asked}",
            "that is as many as the model has positions for",
        )
    return asked


def _positions(model: Any) -> int | None:
    """Most tokens that the model has positions for; None where they are relative (T5)."""
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    if table is not None and hasattr(table, "num_embeddings"):
        offset = 0 if table.padding_idx is None else table.padding_idx + 1
        return int(table.num_embeddings - offset)
    most = getattr(model.config, "max_position_embeddings", None)
    return int(most) if most and most > 0 else None


def _device(settings: EncoderSettings) -> str:
    import torch

    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ModelError("expected a GPU that torch can use, found none", "choose the device cpu")
    if settings.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return settings.device


def _precision(settings: EncoderSettings, device: str) -> str:
    import torch

    if settings.precision != "auto":
        return settings.precision
    helps = device == "cuda" and torch.cuda.is_bf16_supported()
    return "bfloat16" if helps else "float32"
