"""All that `qa-parallel filter` can be told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from qa_parallel import language_codes
from qa_parallel.filters.checks import Limits
from qa_parallel.filters.language import AUTO, NONE, require
from qa_parallel.settings import Named


class MeasureSettings(BaseModel):
    """What is measured, and with what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # "auto", py3langid, langid, heliport, or the path of a fastText model; "none": no detector
    detector: Named = AUTO
    # language that rows are compared with which do not say what they were translated from;
    # None = such rows are originals and are judged by themselves
    pivot: str | None = None
    # "demo", a Hub id or a folder of an encoder, M2M-100 and NLLB models among them;
    # None = no cosine
    encoder: Named | None = None
    # what the encoder wants in front of every text, "query: " for E5
    prefix: str = ""

    @field_validator("detector")
    @classmethod
    def _is_there(cls, value: str) -> str:
        if value not in (AUTO, NONE):
            require(value)
        return value

    @field_validator("pivot")
    @classmethod
    def _parse(cls, value: str | None) -> str | None:
        return value and language_codes.parse(value)


class FilterSettings(MeasureSettings):
    """What is measured, and which scores are too bad."""

    limits: Limits = Limits()
    # a question that survives in fewer languages is rejected in all of them
    min_languages: int = Field(default=1, ge=1)
