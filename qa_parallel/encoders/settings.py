"""Which encoder, and how texts are put to it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from qa_parallel.encoders.layout import Pooling
from qa_parallel.settings import Named

Precision = Literal["auto", "float32", "bfloat16"]


class EncoderSettings(BaseModel):
    """Which encoder, and how texts are put to it.

    Attributes
    ----------
    encoder:
        Folder, Hub id, or "demo", the encoder half of the demonstration model. None: vectors are
        given.
    pooling:
        "mean" of the last hidden states, or that of the first token ("cls"). None: what the folder
        says, else mean.
    query_prefix, passage_prefix:
        Stand in front of questions and of candidates. None: what the folder says, else nothing.
    max_length:
        Tokens, special ones and prefix included; what is longer is cut. None: what the folder
        says, at most 512.
    precision:
        "auto" is bfloat16 on a GPU that has it, else float32.
    device:
        "auto" takes the GPU, if there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: Named | None = None
    pooling: Pooling | None = None
    query_prefix: str | None = None
    passage_prefix: str | None = None
    max_length: int | None = Field(default=None, ge=3)
    precision: Precision = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
