"""How a translation is searched for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qa_parallel.translation.decoding import guards
from qa_parallel.translation.decoding.packing import ROOM_VERSION


class DecodingSettings(BaseModel):
    """How the model decodes and on what. Of these, `signature` names what shapes the output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beam: int = Field(default=4, ge=1, le=64)
    length_penalty: float = Field(default=1.0, ge=0, le=10)
    guards: bool = True
    device: Literal["auto", "cpu", "cuda"] = "auto"
    device_index: tuple[int, ...] = (0,)
    # None = float16 on a GPU, int8 on a CPU
    compute_type: str | None = None
    # padded source tokens in one batch; None = by device
    batch_tokens: int | None = Field(default=None, ge=16)
    # CPU threads in all; None = every core that this process may use
    threads: int | None = Field(default=None, ge=1)

    def signature(self) -> dict[str, Any]:
        """The settings that change what comes out, for the key of the cache.

        The device is not among them: half precision and batching change an output now and
        then, but never what was asked for.
        """
        return {
            "beam": self.beam,
            "length_penalty": self.length_penalty,
            "compute_type": self.compute_type,
            "room": ROOM_VERSION,
            "guards": guards.VERSION if self.guards else 0,
        }
