"""All that `qa-parallel filter` can be told."""

from __future__ import annotations

from pydantic import Field

from qa_parallel.filters.limits import Limits
from qa_parallel.filters.measure import MeasureSettings


class FilterSettings(MeasureSettings):
    """What is measured, and which scores are too bad."""

    limits: Limits = Limits()
    # a question that survives in fewer languages is rejected in all of them
    min_languages: int = Field(default=1, ge=1)
