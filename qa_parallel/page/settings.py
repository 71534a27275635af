"""What the page can be told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PageSettings(BaseModel):
    """Which rows are shown.

    Attributes
    ----------
    rows:
        Questions that are shown in all their languages.
    seed:
        Of the draw that chooses them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = Field(default=200, ge=0)
    seed: int = Field(default=0, ge=0)
