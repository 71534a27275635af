"""The checks: what each score means, and the limit that judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


@dataclass(frozen=True)
class Check:
    """How a score is judged.

    Attributes
    ----------
    side:
        "min" if low scores are bad, "max" if high ones, "both".
    learned:
        The check whose middle and spread turn the limit, a number of spreads, into a score;
        None: the limit is a score itself.
    meaning:
        What the score is, to be read before its value.
    """

    side: str
    meaning: str
    learned: str | None = None


CHECKS = {
    "empty": Check("min", "letters and digits"),
    "unknown": Check("max", "unknown characters left over"),
    "entities": Check("max", "HTML entities that the source lacks"),
    "markup": Check("max", "markup that the source lacks"),
    "control": Check("max", "control characters that the source lacks"),
    "flags": Check("max", "faults that the translator flagged"),
    "script": Check("min", "share of letters in the script of the language"),
    "han": Check("min", "share of Han of the right kind, simplified or traditional"),
    "language": Check("min", "odds of being in its language"),
    "copied": Check("max", "share of 4-grams copied from the source"),
    "loop": Check("max", "stretch said again at once, 1 = cannot be meant"),
    "repetition": Check("max", "share of word trigrams said before"),
    "length": Check("both", "log of length over the expected length", "length"),
    "unfinished": Check("min", "log of length, final mark lost", "length"),
    "numbers": Check("max", "share of numbers changed"),
    "codes": Check("max", "share of addresses and codes changed"),
    "answer_found": Check("min", "likeness of the answer to a part of its sentences"),
    "logprob": Check("min", "log-probability per token", "logprob"),
    "shared": Check("max", "different sources of the same text"),
    "duplicate": Check("max", "likeness to an earlier row"),
    "cosine": Check("min", "cosine of both sides, above the nearest others", "cosine"),
}


class Limits(BaseModel):
    """The limit of every check; None, in a recipe "off" = measured, not judged.

    A score beyond its limit rejects the row in its language. For `length`, `unfinished`,
    `logprob` and `cosine` the limit is a number of spreads from the middle of the language's own
    scores (see `bounds`); for the others it is a score. A text that is nearer to another than to
    its own, a `cosine` below 0, is rejected from three quarters of the spreads on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    empty: float | None = 1
    unknown: float | None = 0
    entities: float | None = 0
    markup: float | None = 0
    control: float | None = 0
    flags: float | None = 0
    script: float | None = 0.5
    han: float | None = 0.5
    language: float | None = 0.25
    copied: float | None = 0.75
    loop: float | None = 0.95
    repetition: float | None = 0.35
    length: float | None = 4
    unfinished: float | None = 2
    numbers: float | None = 0.15
    codes: float | None = 0.15
    # None: a translated answer is often worded otherwise than its passage, and still right
    answer_found: float | None = None
    logprob: float | None = 5
    shared: float | None = 2
    duplicate: float | None = 0.95
    cosine: float | None = 3

    @field_validator("*", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        return None if value == "off" else value  # TOML has no null
