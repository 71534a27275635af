"""All that an evaluation can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from qa_parallel.encoders.settings import EncoderSettings
from qa_parallel.sources.settings import EvalSettings, open_places

Candidates = Literal["sentence", "sentence+passage"]


class EvaluateSettings(EncoderSettings):
    """What is evaluated, and how.

    Attributes
    ----------
    embeddings:
        File of vectors with their ids, in place of an encoder.
    candidates:
        A sentence alone, or followed by the passage that it stands in.
    titles:
        Whether a candidate's title stands in front of it. None: of documents of BEIR and MIRACL
        folders, as is usual there.
    debias:
        Take from each vector the mean of its side, queries or candidates, in its language.
    cache:
        Folder in which vectors are kept; None = $QA_PARALLEL_CACHE or ~/.cache/qa-parallel.
    strategy, seed:
        How the encoder was trained, for the records; results that differ in the seed alone are
        averaged before they are compared.
    """

    embeddings: Path | None = None
    candidates: Candidates = "sentence"
    titles: bool | None = None
    debias: bool = False
    cache: Path | None = None
    strategy: str | None = None
    seed: int | None = Field(default=None, ge=0)


class EvaluationSettings(EvaluateSettings):
    """The stage that evaluates: an encoder, and evaluation sets by name."""

    # name -> path, as in --eval NAME=PATH
    sets: dict[str, str] = Field(min_length=1)

    def evalsets(self) -> list[EvalSettings]:
        """The settings of every evaluation set."""
        return open_places(self.sets)
