"""What the scripts of this recipe share: settings, text normalisation, NLLB's sequence format."""

import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

ENGLISH = "eng_Latn"
SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
PAD, EOS = 1, 2


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Table):
    """Held-out sets and what is left for training."""

    candidates: int
    heldout: int
    development: int
    overlap: float
    overlap_words: int
    ntrex_heldout: int
    per_sentence: int
    max_tokens: int


class TokenizerSettings(_Table):
    """Size of the joint vocabulary."""

    vocabulary: int
    alphabet: int
    marathi_repeat: int


class ModelSettings(_Table):
    """Shape of the M2M100 model."""

    d_model: int
    encoder_layers: int
    decoder_layers: int
    ffn: int
    heads: int
    positions: int


class TrainingSettings(_Table):
    """Mix of the data, optimiser and schedule."""

    into_english: float
    weights: dict[str, float]
    ntrex_weight: float
    glued: float
    batch_tokens: int
    window: int
    optimizer: Literal["muon", "adamw"]
    muon_lr: float
    muon_momentum: float
    adamw_lr: float
    adamw_betas: tuple[float, float]
    weight_decay: float
    label_smoothing: float
    clip: float
    warmup: float
    decay: float


class ContinuedSettings(_Table):
    """What a second stretch of training does otherwise than the first."""

    into_english: float
    weights: dict[str, float]
    decay: float


class Settings(_Table):
    """The whole of `settings.toml`."""

    languages: tuple[str, ...]
    seed: int
    data: DataSettings
    tokenizer: TokenizerSettings
    model: ModelSettings
    training: TrainingSettings
    continued: ContinuedSettings

    @property
    def codes(self) -> tuple[str, ...]:
        """English first, then the other languages, as they stand in the vocabulary."""
        return (ENGLISH, *self.languages)


def load_settings(path: Path) -> Settings:
    """Parse the settings once; an unknown key is an error."""
    return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


@cache
def _moses() -> Any:
    from sacremoses import MosesPunctNormalizer

    return MosesPunctNormalizer(lang="en")


def source_text(text: str) -> str:
    """Normalise as at translation: Moses' punctuation rules in one setting for every language.

    >>> source_text("Est-ce « vrai » ?")
    'Est-ce " vrai " ?'
    """
    return " ".join(_moses().normalize(unicodedata.normalize("NFC", text)).split())


def target_text(text: str) -> str:
    """Normalise mildly, so that the model writes guillemets and quotation marks as people do.

    Only what has two spellings without a difference is unified: spaces, apostrophes, dots.

    >>> target_text("L’a-t-il dit… « oui »\u202f?")
    "L'a-t-il dit... « oui » ?"
    """
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("…", "...")
    return " ".join(text.split())


def token_id(tokenizer: Any, token: str) -> int:
    """Id of a token that must be known: a language code would else become `<unk>` in silence."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ValueError(f"{token} is not in the vocabulary; run prepare with these settings")
    return int(number)


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """English and its translation from a TSV file without a header."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(english, other) for english, other in (line.split("\t") for line in lines)]


def write_pairs(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """The inverse of `read_pairs`."""
    text = "".join(f"{english}\t{other}\n" for english, other in pairs)
    path.write_text(text, encoding="utf-8")
