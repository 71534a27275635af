"""What is in front of the pooling: a transformer or a part of one, an adapter on one, or a table
of vectors (model2vec).

Each comes as a model, whose call gives `last_hidden_state`, and its tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from qa_parallel import extras
from qa_parallel.encoders.layout import Layout, read_adapter
from qa_parallel.errors import ModelError
from qa_parallel.storage import store

if TYPE_CHECKING:
    import torch

_WEIGHTS = "model.safetensors"
# Encoder-decoders whose encoder half has a class of its own, by the type in config.json.
_HALVES = {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel", "umt5": "UMT5EncoderModel",
           "longt5": "LongT5EncoderModel"}  # fmt: skip


def load_body(
    folder: Path, layout: Layout, dtype: torch.dtype, base: Path | None
) -> tuple[Any, Any]:
    """Model and tokenizer, without what vectors have no use for: pooler and decoder.

    Parameters
    ----------
    base:
        Folder of the model that the adapter in `folder` changes. None: there is no adapter.

    Raises
    ------
    ModelError
        No such model, no safetensors in it, weights or a tokenizer missing.
    ExtraError
        peft is not installed, and the folder holds an adapter.
    """
    if layout.static:
        return _load_table(folder, dtype)
    if base is None:
        model, tokenizer = _load(folder, dtype)
    else:
        model, tokenizer = _adapted(folder, base, dtype)
    if layout.lower_case:
        _lower_case(tokenizer)
    return model, tokenizer


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars and reports of transformers."""
    from transformers import utils

    logging: Any = utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _load(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    import torch
    import transformers
    from safetensors import SafetensorError
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
            half: Any = None
            if config.model_type in _HALVES:
                half = getattr(transformers, _HALVES[config.model_type])
            elif config.architectures == [M2M100Encoder.__name__]:
                half = M2M100Encoder
            elif config.is_encoder_decoder:
                if config.model_type != "m2m_100":
                    known = ", ".join(("m2m_100", *_HALVES))
                    raise ValueError(f"of encoder-decoders only {known}, not {config.model_type}")
                config.decoder_layers = 0
            model, found = (half or transformers.AutoModel).from_pretrained(
                folder,
                config=config,
                use_safetensors=True,
                dtype=dtype,
                output_loading_info=True,
                trust_remote_code=False,
            )
            tokenizer = _tokenizer(folder)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"cannot load the encoder in {folder}: {error}") from None
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    missing = sorted(key for key in found["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise ModelError(
            f"expected all weights of {config.model_type} in {folder}, found {len(missing)} "
            f"missing, such as {missing[0]}",
            "the folder is incomplete, or its config.json belongs to another model",
        )
    return model.get_encoder() if config.is_encoder_decoder and not half else model, tokenizer


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    # where the files are missing, transformers makes one that knows no word
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(
            f"expected a tokenizer in {folder}, found none, or an empty one",
            "copy tokenizer.json and tokenizer_config.json of the model there",
        )
    return tokenizer


def _adapted(folder: Path, base: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """The model in `base` with the adapter in `folder` merged into its weights."""
    extras.require("adapters", "an adapter (PEFT)", "peft")
    import peft
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise ModelError(f"expected adapter_model.safetensors in {folder}, found none")
    said = read_adapter(folder)
    model, tokenizer = _load(base, dtype)
    try:
        with quiet():
            config = peft.PeftConfig.from_peft_type(**{**said, "inference_mode": True})
            adapted = peft.get_peft_model(model, config)
            loaded = peft.set_peft_model_state_dict(adapted, load_file(weights))
            left = [key for key in loaded.missing_keys if config.peft_type.lower() in key]
            if left or loaded.unexpected_keys:
                raise ValueError(f"weights of another model: {[*left, *loaded.unexpected_keys][0]}")
            merged = adapted.merge_and_unload()
            has_own = (folder / "tokenizer_config.json").is_file()
            return merged, _tokenizer(folder) if has_own else tokenizer
    except (
        *(OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError),
        SafetensorError,
    ) as error:
        kind = said.get("peft_type")
        raise ModelError(f"cannot merge the adapter ({kind}) in {folder}: {error}") from None


def _lower_case(tokenizer: Any) -> None:
    """As sentence-transformers does where a folder says do_lower_case."""
    from tokenizers.normalizers import Lowercase, Sequence

    backend: Any = tokenizer.backend_tokenizer
    rest = [] if backend.normalizer is None else [backend.normalizer]
    backend.normalizer = Sequence([Lowercase(), *rest])


def _load_table(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """A table of vectors, one a token, as sentence-transformers or model2vec saves it."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    try:
        weights = load_file(folder / _WEIGHTS)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers has no class of errors of its own
        if not isinstance(error, OSError | SafetensorError | ValueError) and "file" not in str(
            error
        ):
            raise
        raise ModelError(f"cannot load the encoder in {folder}: {error}") from None
    unknown = set(weights) - {"embedding.weight", "embeddings", "mapping", "weights"}
    table = weights.get("embedding.weight", weights.get("embeddings"))
    if table is None or unknown:
        raise ModelError(
            f"expected a table of vectors in {folder}, found {', '.join(weights) or 'nothing'}"
        )
    if "mapping" in weights:  # tokens that share a row
        table = table[weights["mapping"].long()]
    table = table.float()
    if "weights" in weights:
        table = table * weights["weights"].float().unsqueeze(1)
    if tokenizer.get_vocab_size() > len(table):
        raise ModelError(
            f"expected a vector for each of {tokenizer.get_vocab_size():,} tokens in {folder}, "
            f"found {len(table):,}"
        )
    return _table(table.to(dtype).to(torch.get_default_device())), TableTokenizer(tokenizer)


class TableTokenizer:
    """The tokenizer of a table: nothing is added to a text, and nothing cut."""

    pad_token_id = 0

    def __init__(self, tokenizer: Any) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer

    @property
    def unk_token_id(self) -> int | None:
        """The token of what is not known."""
        found: int | None = self._tokenizer.token_to_id("[UNK]")
        return self._tokenizer.token_to_id("<unk>") if found is None else found

    @property
    def all_special_ids(self) -> list[int]:
        """Tokens that no text has."""
        added = self._tokenizer.get_added_tokens_decoder()
        return [number for number, token in added.items() if token.special]

    def __call__(self, texts: Sequence[str], **_: Any) -> dict[str, list[list[int]]]:
        """Ids of the tokens of each text; none of an empty one."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return {"input_ids": [one.ids for one in found]}

    def save_pretrained(self, folder: Path) -> None:
        """As sentence-transformers reads it."""
        self._tokenizer.save(str(folder / "tokenizer.json"))


def _table(weights: torch.Tensor) -> Any:
    """A model whose hidden states are rows of a table."""
    import torch

    class Table(torch.nn.Module):
        """A vector a token, whatever stands around it."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding: Any = torch.nn.Embedding(
                len(weights), weights.shape[1], _weight=weights
            )
            self.config = SimpleNamespace(hidden_size=weights.shape[1])

        @property
        def dtype(self) -> Any:
            return self.embedding.weight.dtype

        def get_input_embeddings(self) -> Any:
            return self.embedding

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            del attention_mask  # the pooling has it
            return SimpleNamespace(last_hidden_state=self.embedding(input_ids))

        def save_pretrained(self, folder: Path) -> None:
            from safetensors.torch import save

            folder.mkdir(parents=True, exist_ok=True)
            state = {"embedding.weight": self.embedding.weight.detach().cpu().contiguous()}
            store.write_bytes(folder / _WEIGHTS, save(state))

    return Table()
