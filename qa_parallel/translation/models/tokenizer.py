"""Subword tokens of a model, without transformers: text in, the model's tokens out.

Text is data: "</s>" or "deu_Latn" inside it is encoded letter by letter and never becomes the
token of that name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from qa_parallel.errors import ModelError
from qa_parallel.translation.models.families import EOS, UNK

if TYPE_CHECKING:
    from tokenizers import Tokenizer as RustTokenizer

# Tokenizer files by the names that models use, in the order in which they are preferred.
JSON_FILES = ("tokenizer.json",)
SENTENCEPIECE_FILES = (
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spm.model",
    "flores200_sacrebleu_tokenizer_spm.model",
)
# Everything that a folder may need to rebuild its tokenizer.
FILES = (
    *JSON_FILES,
    *SENTENCEPIECE_FILES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
)


class _Backend(Protocol):
    def encode(self, texts: Sequence[str]) -> list[list[str]]: ...

    def decode(self, batch: Sequence[Sequence[str]]) -> list[str]: ...


class Tokenizer:
    """Encodes and decodes for one model.

    Parameters
    ----------
    folder:
        Holds tokenizer.json or a SentencePiece model.
    vocabulary:
        Every token that the model knows; a piece outside it becomes `unk`.
    control:
        Tokens that steer the model and never come from text: languages, padding and such.
    unk, eos:
        The model's tokens for an unknown piece and for the end of a text.

    Raises
    ------
    ModelError
        There is no tokenizer in `folder`, it is broken, or it belongs to another model.
    """

    def __init__(
        self,
        folder: Path,
        vocabulary: Collection[str],
        control: Collection[str],
        unk: str = UNK,
        eos: str = EOS,
    ) -> None:
        self.unk = unk
        self.eos = eos
        self._backend = _backend(folder, frozenset(vocabulary), frozenset(control) - {unk}, unk)

    def encode_batch(self, texts: Sequence[str]) -> list[list[str]]:
        """Tokens of each text, without language and end tokens; [] for an empty text."""
        return self._backend.encode([_valid(text) for text in texts])

    def decode_batch(self, batch: Sequence[Sequence[str]]) -> list[str]:
        """Text of each list of tokens. Control tokens are left out; `unk` stays to be seen."""
        return self._backend.decode(batch)


class _Json:
    """tokenizer.json, by the Rust library, which works on a batch in parallel."""

    def __init__(
        self, path: Path, vocabulary: frozenset[str], control: frozenset[str], unk: str
    ) -> None:
        self._rust: Any = read_json_file(path)
        # A file saved during training may carry a maximum length, which would cut texts short.
        self._rust.no_truncation()
        self._rust.no_padding()
        self._ids: dict[str, int] = self._rust.get_vocab()
        self._tokens = {index: token for token, index in self._ids.items()}
        # What is not marked as special would be found in text. Known tokens keep their id.
        self._rust.add_special_tokens(sorted(control & self._ids.keys()))
        self._rust.encode_special_tokens = True
        self._hidden = control
        self._unk = unk
        _belongs(path, self._ids.keys() - control, vocabulary)

    def encode(self, texts: Sequence[str]) -> list[list[str]]:
        # The fast call keeps ids only; its `tokens` are empty strings.
        encodings = self._rust.encode_batch_fast(list(texts), add_special_tokens=False)
        return [[self._tokens[index] for index in encoding.ids] for encoding in encodings]

    def decode(self, batch: Sequence[Sequence[str]]) -> list[str]:
        ids = [
            [self._ids[token] for token in tokens if token in self._ids]
            for tokens in (self._shown(tokens) for tokens in batch)
        ]
        texts: list[str] = self._rust.decode_batch(ids, skip_special_tokens=False)
        return texts

    def _shown(self, tokens: Sequence[str]) -> list[str]:
        return [token for token in tokens if token not in self._hidden]


class _SentencePiece:
    """A SentencePiece model whose pieces are the model's tokens."""

    def __init__(
        self, path: Path, vocabulary: frozenset[str], control: frozenset[str], unk: str
    ) -> None:
        from sentencepiece import SentencePieceProcessor

        self._pieces: Any = SentencePieceProcessor()
        try:
            self._pieces.Load(str(path))
        except (OSError, RuntimeError) as error:
            raise ModelError(f"expected a SentencePiece model in {path}, found: {error}") from None
        known = {self._pieces.id_to_piece(index) for index in range(len(self._pieces))}
        self._known = (known & vocabulary) - control
        self._unk = unk
        self._hidden = control
        _belongs(path, {piece for piece in known if not piece.startswith("<")}, vocabulary)

    def encode(self, texts: Sequence[str]) -> list[list[str]]:
        known, unk = self._known, self._unk
        return [
            [piece if piece in known else unk for piece in pieces]
            for pieces in self._pieces.encode(list(texts), out_type=str)
        ]

    def decode(self, batch: Sequence[Sequence[str]]) -> list[str]:
        return [self._text(tokens) for tokens in batch]

    def _text(self, tokens: Sequence[str]) -> str:
        # Piecewise: SentencePiece would write its own sign for an unknown piece.
        parts: list[str] = []
        run: list[str] = []
        for token in (*tokens, None):
            if token in self._hidden:
                continue
            if token in self._known and token != self._unk:
                run.append(str(token))
                continue
            if run:
                parts.append(self._pieces.decode(run))
                run = []
            if token is not None:
                parts.append(self._unk)
        return "".join(parts).strip()


def read_json_file(path: Path) -> RustTokenizer:
    """The Rust library's tokenizer in `path`; ModelError where there is none."""
    from tokenizers import Tokenizer as Rust

    try:
        return Rust.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"expected a tokenizer in {path}, found: {error}") from None


def _backend(
    folder: Path, vocabulary: frozenset[str], control: frozenset[str], unk: str
) -> _Backend:
    for name in (*JSON_FILES, *SENTENCEPIECE_FILES):
        if (folder / name).is_file():
            kind = _Json if name in JSON_FILES else _SentencePiece
            return kind(folder / name, vocabulary, control, unk)
    raise ModelError(
        f"expected {JSON_FILES[0]} or {SENTENCEPIECE_FILES[0]} in {folder}, found neither",
        "copy the tokenizer's files of the original model into the folder",
    )


def _belongs(path: Path, pieces: Collection[str], vocabulary: frozenset[str]) -> None:
    missing = sum(piece not in vocabulary for piece in pieces)
    if missing > 0.01 * len(pieces) + 1:
        raise ModelError(
            f"expected the pieces of {path} in the model's vocabulary, found {missing} of "
            f"{len(pieces)} missing",
            "the tokenizer belongs to another model",
        )


def _valid(text: str) -> str:
    """`text`, its lone surrogates, which no encoder takes, as question marks."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text
