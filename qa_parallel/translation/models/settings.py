"""Which model translates, and where it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qa_parallel.settings import Named

Quantization = Literal[
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
]


class ModelSettings(BaseModel):
    """Which model translates, and where it is kept.

    Attributes
    ----------
    model:
        "demo", a folder (CTranslate2 or Hugging Face), or a Hub id.
    revision:
        Branch, tag or commit on the Hub; None = main.
    quantization:
        Of the weights when a model is converted; None = float16 for a GPU, int8 for a CPU. A
        model that is converted already is taken as it is.
    cache:
        Folder of converted models; None = $QA_PARALLEL_CACHE or ~/.cache/qa-parallel.
    device:
        Where it will run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Named = "facebook/nllb-200-distilled-600M"
    revision: str | None = None
    quantization: Quantization | None = None
    cache: Path | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
