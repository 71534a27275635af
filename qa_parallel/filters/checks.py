"""The checks: what each scores, which limit judges it, and how one's own is handed in.

To add a check to the table, add a row to `CHECKS`. One that can be told from the rows themselves
says there how it is measured; those that share their work are measured in `measure` and what it
calls, under the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
from pydantic import ConfigDict, create_model, field_validator

from qa_parallel.errors import RecipeError
from qa_parallel.filters import rows
from qa_parallel.schema import FIELDS

Side = Literal["min", "max", "both"]
# A frame of rows (see `Check`) to a number a row: a series, an array, or a list.
Measure = Callable[[pl.DataFrame], Any]

# The field of what concerns no text of its own.
ROW = "row"
SCORED = (*FIELDS, ROW)
# A reason that is no check of rows: the question is left in too few languages.
LANGUAGES_LEFT = "languages"
# Flags of the translator that a text should not have; "cut" and "redecoded" only tell how.
FAULTS = ("empty", "truncated", "loop", "copy", "unk")


@dataclass(frozen=True)
class Prior:
    """What is known of a learned check before any text of the language is seen.

    `shift` and `stretch` bound what a corpus may teach: its middle within `shift` of the prior's,
    its spread at most `stretch` times the prior's and at least 1 / `stretch` of it.
    Below `least`, a score is bad in itself: there, part of the spreads that are allowed is enough.
    """

    middle: float
    spread: dict[str, float]
    shift: float
    stretch: float
    least: float | None = None


@dataclass(frozen=True, eq=False)
class Check:
    """Something that a row can be rejected for: how it is measured, and how a score is judged.

    Attributes
    ----------
    name:
        An identifier, such as "shouting": it stands in decisions, reports and file names.
    measure:
        A function from a frame of rows to one number a row, or a Polars expression; null or NaN:
        not checkable. The frame holds all rows of a language that have a text in the field, in
        the columns of CORPUS and

        text                  the text of the field
        original              the text that it was translated from; null where it is an original
        question_original …   likewise of each field
        logprob               of the text, as the translator gave it
        field                 its name

        without `text`, `original` and `logprob` where the field is "row". It may run in several
        threads at once; one that other processes can import (of a module, no lambda, and not of
        the script that was started) may run there. None: measured in `measure`, by its name.
    limit:
        What a score is held to; None = measured, not judged.
    side:
        "min" if scores below the limit are bad, "max" if those above it are, "both" where the
        limit is a number of spreads.
    field:
        "question", "answer", "passage", or several of them; or "row", for what concerns a row as a
        whole.
    meaning:
        What the score is, to be read before its value. Empty: the name.
    learned:
        The check whose middle and spread turn the limit, a number of spreads, into a score;
        None: the limit is a score itself.
    prior:
        What is known of these before; only the check that others learn from has one.
    version:
        Another one makes a folder anew. Raise it when the function gives other scores than before:
        nothing else tells that it changed, and known scores are not measured again.

    Raises
    ------
    RecipeError
        The name is no identifier, or a field or side is unknown.

    Examples
    --------
    >>> capitals = pl.col("text").str.count_matches(r"\\p{Lu}") / pl.col("text").str.len_chars()
    >>> check = Check("shouting", capitals, limit=0.5, field="question")
    >>> check.fields, check.meaning
    (('question',), 'shouting')
    """

    name: str
    measure: Measure | pl.Expr | None = None
    limit: float | None = None
    side: Side = "max"
    field: str | Sequence[str] = FIELDS
    meaning: str = ""
    learned: str | None = None
    prior: Prior | None = None
    version: str = "1"

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise RecipeError(
                f"expected a check's name of letters, digits and underscores, found {self.name!r}"
            )
        for field in self.fields or ("none",):
            if field not in SCORED:
                raise RecipeError(
                    f"check {self.name}: expected a field of {', '.join(SCORED)}, found {field!r}"
                )
        sides = ("min", "max") if self.learned is None else ("min", "max", "both")
        if self.side not in sides:
            raise RecipeError(
                f"check {self.name}: expected a side of {', '.join(sides)}, found {self.side!r}"
            )
        if not self.meaning:
            object.__setattr__(self, "meaning", self.name.replace("_", " "))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it looks at, one at a time."""
        return (self.field,) if isinstance(self.field, str) else tuple(self.field)

    def described(self) -> dict[str, Any]:
        """What a manifest says of it, and what makes a folder anew."""
        return {
            "fields": list(self.fields),
            "side": self.side,
            "limit": None if self.limit is None else float(self.limit),
            "learned": self.learned,
            "meaning": self.meaning,
            "version": self.version,
        }


def _faults(rows: pl.DataFrame) -> pl.Series:
    """How many faults the translator itself has flagged in a text."""
    faults = [f"{rows['field'].first()!s}:{fault}" for fault in FAULTS]
    count = pl.col("flags").list.eval(pl.element().is_in(faults)).list.sum()
    translated = pl.col("translator").is_not_null() & pl.col("text").is_not_null()
    return rows.select(pl.when(translated).then(count.fill_null(0))).to_series()


_ALIKE = dict.fromkeys(FIELDS, 0.3)

# In the order in which they are reported.
CHECKS = {
    check.name: check
    for check in (
        Check("empty", side="min", limit=1, meaning="letters and digits"),
        Check("unknown", limit=0, meaning="unknown characters left over"),
        Check("entities", limit=0, meaning="HTML entities that the source lacks"),
        Check("markup", limit=0, meaning="markup that the source lacks"),
        Check("control", limit=0, meaning="control characters that the source lacks"),
        Check("flags", _faults, limit=0, meaning="faults that the translator flagged"),
        Check(
            "script", side="min", limit=0.5,
            meaning="share of letters in the script of the language",
        ),
        Check(
            "han", side="min", limit=0.5,
            meaning="share of Han of the right kind, simplified or traditional",
        ),
        Check("language", side="min", limit=0.25, meaning="odds of being in its language"),
        Check("copied", limit=0.75, meaning="share of 4-grams copied from the source"),
        Check("loop", limit=0.95, meaning="stretch said again at once, 1 = cannot be meant"),
        Check("repetition", limit=0.35, meaning="share of word trigrams said before"),
        Check(
            "length", side="both", limit=4, learned="length",
            prior=Prior(0.0, {"question": 0.15, "answer": 0.3, "passage": 0.13}, 0.35, 1.5),
            meaning="log of length over the expected length",
        ),
        Check(
            "unfinished", side="min", limit=2, learned="length",
            meaning="log of length, final mark lost",
        ),
        Check("numbers", limit=0.15, meaning="share of numbers changed"),
        Check("codes", limit=0.15, meaning="share of addresses and codes changed"),
        Check(
            "logprob", pl.col("logprob"), side="min", limit=5, learned="logprob",
            prior=Prior(-0.7, _ALIKE, 0.6, 2.0), meaning="log-probability per token",
        ),
        # no limit: a translated answer is often worded otherwise than its passage, and still right
        Check(
            "answer_found", rows.answers, side="min", field="answer",
            meaning="likeness of the answer to a part of its sentences",
        ),
        Check("shared", limit=2, meaning="different sources of the same text"),
        Check(
            "duplicate", limit=0.95, field=("question", "passage"),
            meaning="likeness to an earlier row",
        ),
        # below 0 another text is nearer than its own
        Check(
            "cosine", side="min", limit=3, learned="cosine",
            prior=Prior(0.06, dict.fromkeys(FIELDS, 0.025), 0.1, 2.0, 0.0),
            meaning="cosine of both sides, above the nearest others",
        ),
    )
}  # fmt: skip


def together(own: Sequence[Check]) -> dict[str, Check]:
    """All checks in force by their names: the table, then one's own.

    Raises
    ------
    RecipeError
        A name that there is already, or a check of one's own that cannot be measured.
    """
    every = dict(CHECKS)
    for check in own:
        if check.name in every or check.name == LANGUAGES_LEFT:
            whose = "one of your own" if check.name not in CHECKS else "one of qa-parallel"
            raise RecipeError(
                f"expected a check by a name of its own, found {check.name!r}, which is {whose}",
                "give it another name",
            )
        if check.measure is None:
            raise RecipeError(
                f"check {check.name}: expected a function or an expression that measures, found "
                "none"
            )
        every[check.name] = check
    for check in own:
        if check.learned is not None and getattr(every.get(check.learned), "prior", None) is None:
            raise RecipeError(
                f"check {check.name}: expected to learn from a check with a prior, found "
                f"{check.learned!r}"
            )
    return every


def scores_schema(own: Sequence[Check] = ()) -> pl.Schema:
    """What the filters measured: one number per row, field and check.

    There is no row where a check does not apply. The names are numbers to Polars, since there are
    some thirty such rows to one of CORPUS.
    """
    return pl.Schema(
        {
            "qa_id": pl.String(),
            "language": pl.String(),
            "field": pl.Enum(SCORED),
            "check": pl.Enum([*CHECKS, *(check.name for check in own)]),
            "score": pl.Float32(),
        }
    )


SCORES = scores_schema()

_Limits = create_model(
    "_Limits", **{check.name: (float | None, check.limit) for check in CHECKS.values()}
)  # type: ignore[call-overload]


class Limits(_Limits):  # type: ignore[misc,valid-type]
    """The limit of every check in the table; None, in a recipe "off" = measured, not judged.

    A score beyond its limit rejects the row in its language. For `length`, `unfinished`,
    `logprob` and `cosine` the limit is a number of spreads from the middle of the language's own
    scores (see `bounds`); for the others it is a score. A text that is nearer to another than to
    its own, a `cosine` below 0, is rejected from three quarters of the spreads on. Checks of one's
    own bring their limits along.

    >>> Limits(length=5).copied
    0.75
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        return None if value == "off" else value  # TOML has no null
