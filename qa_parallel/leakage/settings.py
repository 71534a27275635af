"""What counts as a leak, and what follows from one."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from qa_parallel.settings import Named
from qa_parallel.sources.settings import EvalSettings, open_places


class LeakageSettings(BaseModel):
    """What counts as a leak, and what follows from one.

    Attributes
    ----------
    action:
        "report"; "drop" what leaks, with its group; "fail" (exit code 3) where anything leaks, or a
        question was compared with nothing.
    ngrams:
        Lengths of the runs of words that are looked for. A text that is shorter is compared whole.
    containment:
        Of the shorter text's n-grams, the share that makes a leak; below it they are reported.
    similarity:
        Weighted Jaccard similarity of near duplicates: three characters at a time of questions,
        three words of passages.
    cosine:
        Of the vectors of two questions in different languages, at least. Encoders differ: 0.86 is
        for multilingual-e5-small, where two unrelated questions in a thousand come as near at most.
    encoder:
        "demo", a Hub id or a folder of an encoder, M2M-100 and NLLB models among them, for
        evaluation sets that have no side in the language of the corpus. None: these are not
        compared by meaning.
    prefix:
        What the encoder wants in front of every text, "query: " for E5. None: what the folder
        says of queries, else nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["report", "drop", "fail"] = "report"
    ngrams: tuple[int, ...] = Field(default=(8, 13), min_length=1)
    containment: float = Field(default=0.5, gt=0, le=1)
    similarity: float = Field(default=0.5, gt=0, le=1)
    cosine: float = Field(default=0.86, gt=0, le=1)
    encoder: Named | None = None
    prefix: str | None = None


class CheckSettings(LeakageSettings):
    """The stage that checks for leakage: what counts as a leak, and evaluation sets by name."""

    action: Literal["report", "drop", "fail"] = "drop"
    # name -> path, as in --against NAME=PATH
    against: dict[str, str] = Field(min_length=1)

    def evalsets(self) -> list[EvalSettings]:
        """The settings of every evaluation set."""
        return open_places(self.against)
