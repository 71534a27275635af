"""All that a translation can be told."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from qa_parallel import language_codes
from qa_parallel.errors import LanguageError
from qa_parallel.settings import Named
from qa_parallel.translation.decoding.settings import DecodingSettings

# Setting of `restrict_vocabulary`: learn from the run itself.
AUTO = "auto"
# In place of languages: every one that the model knows.
ALL = "all"


class TranslateSettings(DecodingSettings):
    """What to translate into, and how the work is divided."""

    # NLLB codes, or "all" alone; the source language, if among them, is dropped: it is a member
    # anyhow
    to: tuple[str, ...]
    # rows that are translated and committed together: the most work that a kill can cost
    window_rows: int = Field(default=1000, ge=1)
    # rows in one parquet file, rounded up to whole windows
    shard_rows: int = Field(default=50_000, ge=1)

    # limit each language to the tokens that it uses; they come from text of it in this file or
    # folder, or, with "auto", from the first windows; None = the whole vocabulary
    restrict_vocabulary: Named | None = Field(default=None, min_length=1)

    # "ray": on the machines of a Ray cluster; the corpus is the same
    engine: Literal["local", "ray"] = "local"
    # None = the cluster that this machine belongs to, else one of this machine alone
    ray_address: str | None = None
    # processes that hold a model each; None = one for each GPU, else one for each machine
    ray_actors: int | None = Field(default=None, ge=1)

    @field_validator("to", mode="before")
    @classmethod
    def _parse(cls, value: Any) -> tuple[str, ...]:
        texts = value.split(",") if isinstance(value, str) else value
        if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
            raise ValueError("expected language codes or names")
        if not any(text.strip() for text in texts):
            raise LanguageError(
                "expected a language to translate into, found none", "for example de,sw,zh-TW"
            )
        if [text.strip().casefold() for text in texts if text.strip()] == [ALL]:
            return (ALL,)
        return tuple(dict.fromkeys(language_codes.parse(text) for text in texts if text.strip()))

    def into(self, known: tuple[str, ...]) -> TranslateSettings:
        """These settings for a model that knows these languages: "all" is all of them."""
        return self.model_copy(update={"to": known}) if self.to == (ALL,) else self
