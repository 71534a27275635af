"""Families of translation models: how each is told from others, steered, and licensed.

A family more is one `Family` more in `FAMILIES`: nothing else knows one by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_parallel.errors import ModelError
from qa_parallel.language_codes import LANGUAGES
from qa_parallel.translation.models.settings import Quantization

UNK, EOS = "<unk>", "</s>"

Wrap = Callable[[Sequence[str], str, str], tuple[list[str], list[str]]]


@dataclass(frozen=True)
class Family:
    """A kind of translation model.

    Attributes
    ----------
    name, label:
        "nllb"; for people "NLLB-200".
    model_type:
        Of its config.json; several families may share one.
    token:
        The token of an NLLB code; None where the family has no name for the language.
    wrap:
        Given the tokens of a text, the token of its language and that of the target: what the
        encoder reads, and what the decoder is forced to begin with.
    control:
        What the tokens look like that steer the model and never come from text: languages, padding
        and such.
    licenses:
        Part of a model's name → licence of its weights, which they keep in every conversion.
    max_sentence:
        Tokens from which quality falls, though the models take more.
    on_cpu, on_cuda:
        Precision of the weights where none is asked for.
    """

    name: str
    label: str
    model_type: str
    token: Callable[[str], str | None]
    wrap: Wrap
    control: re.Pattern[str]
    licenses: tuple[tuple[str, str], ...]
    max_sentence: int = 200
    on_cpu: Quantization = "int8"
    on_cuda: Quantization = "float16"

    def recognise(self, config: Mapping[str, Any]) -> bool:
        """Whether a model with this config.json of transformers may be of the family."""
        return config.get("model_type") == self.model_type

    def languages(self, vocabulary: Collection[str]) -> dict[str, str]:
        """NLLB code → token, of the languages that have one in a vocabulary.

        >>> FAMILIES[1].languages({"__de__", "__zh__", "▁Haus"})
        {'deu_Latn': '__de__', 'zho_Hans': '__zh__'}
        """
        tokens = ((code, self.token(code)) for code in LANGUAGES)
        return {code: token for code, token in tokens if token in vocabulary and token is not None}

    def controls(self, vocabulary: Collection[str]) -> set[str]:
        """The tokens of a vocabulary that never come from text."""
        return {token for token in vocabulary if self.control.fullmatch(token)}

    def license(self, name: str) -> str | None:
        """Licence of the weights by the name of the model, as the Hub writes it; None = unknown.

        >>> FAMILIES[0].license("facebook/nllb-200-distilled-600M")
        'cc-by-nc-4.0'
        """
        return next((known for part, known in self.licenses if part in name.lower()), None)

    def precision(self, device: str) -> Quantization:
        """Of the weights on "cpu" or "cuda" where none is asked for."""
        return self.on_cuda if device == "cuda" else self.on_cpu


def _m2m_token(code: str) -> str | None:
    name = LANGUAGES[code].m2m
    return f"__{name}__" if name else None


def _language_first(tokens: Sequence[str], source: str, target: str) -> tuple[list[str], list[str]]:
    """Both sides begin with the token of their language."""
    return [source, *tokens, EOS], [target]


def _control(language: str) -> re.Pattern[str]:
    return re.compile(rf"<s>|</s>|<pad>|<mask>|madeupword\d+|{language}")


NLLB = Family(
    name="nllb",
    label="NLLB-200",
    model_type="m2m_100",
    token=str,
    wrap=_language_first,
    control=_control("[a-z]{3}_[A-Z][a-z]{3}"),
    licenses=(("nllb-200", "cc-by-nc-4.0"), ("nllb-moe", "cc-by-nc-4.0")),
)
M2M100 = Family(
    name="m2m100",
    label="M2M-100",
    model_type="m2m_100",
    token=_m2m_token,
    wrap=_language_first,
    control=_control("__[a-z]{2,3}__"),
    licenses=(("m2m100", "mit"),),
)
FAMILIES = (NLLB, M2M100)


def labels(word: str) -> str:
    """The families for a message: "NLLB-200 and M2M-100"."""
    *most, last = (one.label for one in FAMILIES)
    return f"{', '.join(most)} {word} {last}" if most else last


def of_config(config: Mapping[str, Any], where: str) -> Family:
    """The first family that may have this config.json of transformers; ModelError for none.

    Which one of several it is the vocabulary will tell, once it is there.
    """
    found = next((one for one in FAMILIES if one.recognise(config)), None)
    if found is None:
        types = " or ".join(dict.fromkeys(one.model_type for one in FAMILIES))
        raise ModelError(
            f"expected a model of type {types} ({labels('or')}), found "
            f"{config.get('model_type') or 'no type'} in {where}"
        )
    return found


def of_vocabulary(vocabulary: Collection[str], where: str) -> Family:
    """The family that has tokens in a vocabulary for most languages; ModelError for none."""
    known = {one: len(one.languages(vocabulary)) for one in FAMILIES}
    found = max(known, key=lambda one: known[one])
    if known[found] < 2:
        raise ModelError(
            f"expected language tokens such as deu_Latn or __de__ in the vocabulary of {where}, "
            f"found {known[found]}",
            f"{labels('and')} are supported",
        )
    return found
