"""All that `qa-parallel build-batches` can be told."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from qa_parallel import language_codes
from qa_parallel.batches.strategies import STRATEGIES
from qa_parallel.errors import LanguageError, RecipeError

Positive = Literal["sentence", "passage", "answer"]


class BatchSettings(BaseModel):
    """Which rows meet in a batch, and how often each language is drawn.

    Attributes
    ----------
    strategy:
        One of `strategies.STRATEGIES`. "monolingual": one language a batch. "cross-lingual": every
        row's question and passage are in different languages, all pairs in one batch. "hybrid":
        batches of both kinds. "mixed": question and passage in one language, all languages in one
        batch (LAReQA's X-X).
    alpha:
        The share of monolingual batches in a hybrid plan.
    steps, epochs:
        How many batches; at most one of the two. An epoch draws as many rows as there are questions
        to train on, in all languages together, whatever the strategy: ceil(questions / batch_size)
        steps. Strategies then differ in how rows meet, not in how many. None for both: one epoch.
    language_weights:
        "uniform", "size" or "size:EXPONENT": the share of a language (in cross-lingual batches, of
        a pair) goes with its number of rows to the power of EXPONENT; uniform is size:0.
    source_weights:
        Likewise the shares of several corpora within each language or pair.
    languages, pairs:
        Only these. Pairs are of a question's and a passage's language. None: all there are.
    seed:
        Another seed gives another plan, of the same rows.
    validation:
        The share of passages that is reserved before anything else. It depends on the passage ids
        alone, so that it is the same for every strategy and seed.
    positive:
        The text that a question is to find: the sentence that holds the answer (several, where the
        answer crosses them), the whole passage, or the answer.
    negatives:
        "bm25": `negatives_per_row` more texts to find, of the passage's language, which are wrong
        but share words with the question. "sentences": as many other sentences of the passage that
        the positive stands in, in its language or the question's, other ones each time that it is
        drawn.
    export:
        "sentence-transformers": the texts once more, as its trainer reads them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str = "hybrid"
    alpha: float = Field(default=0.5, ge=0, le=1)
    batch_size: int = Field(default=100, ge=2)
    steps: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0)
    language_weights: str = "uniform"
    source_weights: str = "size"
    languages: tuple[str, ...] | None = None
    pairs: tuple[tuple[str, str], ...] | None = None
    seed: int = Field(default=0, ge=0)
    validation: float = Field(default=0.05, ge=0, lt=1)
    positive: Positive = "sentence"
    negatives: Literal["none", "bm25", "sentences"] = "none"
    negatives_per_row: int = Field(default=1, ge=1)
    export: Literal["none", "sentence-transformers"] = "none"

    @field_validator("strategy")
    @classmethod
    def _strategy(cls, value: str) -> str:
        if value not in STRATEGIES:
            raise RecipeError(f"expected a strategy of {', '.join(STRATEGIES)}, found {value!r}")
        return value

    @field_validator("language_weights", "source_weights")
    @classmethod
    def _weights(cls, value: str) -> str:
        exponent(value)
        return value

    @field_validator("languages", mode="before")
    @classmethod
    def _languages(cls, value: Any) -> Any:
        return None if value is None else tuple(language_codes.parse_many(value))

    @field_validator("pairs", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        if value is None:
            return None
        texts = value.split(",") if isinstance(value, str) else value
        return tuple(dict.fromkeys(_pair(one) for one in texts))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.steps is not None and self.epochs is not None:
            raise RecipeError("expected steps or epochs, found both", "leave one of them out")
        kinds = STRATEGIES[self.strategy].kinds
        if self.pairs is not None and not any(
            kind.pairs(*pair) for kind in kinds for pair in self.pairs
        ):
            raise RecipeError(
                f"expected no pairs with the strategy {self.strategy}, which has one language in "
                "each row, found some",
                "give --languages instead, or another --strategy",
            )
        if self.negatives == "sentences" and self.positive != "sentence":
            raise RecipeError(
                f"expected --negatives sentences with --positive sentence, found {self.positive}",
                "choose --negatives bm25, or --positive sentence",
            )
        return self


def exponent(weights: str) -> float:
    """The exponent that a size is raised to for a share.

    >>> exponent("uniform"), exponent("size"), exponent("size:0.5")
    (0.0, 1.0, 0.5)

    Raises
    ------
    RecipeError
        Something else.
    """
    found = re.fullmatch(r"(uniform)|size(?::(\d+(?:\.\d*)?|\.\d+))?", weights.strip())
    if found is None:
        raise RecipeError(
            f"expected weights as uniform, size or size:EXPONENT, found {weights!r}",
            "for example size:0.5",
        )
    return 0.0 if found[1] else float(found[2] or 1)


def _pair(value: Any) -> tuple[str, str]:
    """ "en:de" as two codes; "en-de" too, where it can be read in one way only."""
    text = (value if isinstance(value, str) else ":".join(map(str, value))).strip()
    mark = ":" if ":" in text else "-"
    cuts = [place for place, char in enumerate(text) if char == mark]
    found = [pair for cut in cuts if (pair := _codes(text[:cut], text[cut + 1 :]))]
    if len(found) != 1:
        raise LanguageError(
            f"expected a pair QUESTION:PASSAGE of languages, found {text!r}", "for example en:de"
        )
    if found[0][0] == found[0][1]:
        raise RecipeError(
            f"expected a pair of two languages, found {text!r}",
            "pairs are those of cross-lingual batches",
        )
    return found[0]


def _codes(question: str, passage: str) -> tuple[str, str] | None:
    try:
        return language_codes.parse(question), language_codes.parse(passage)
    except LanguageError:
        return None
