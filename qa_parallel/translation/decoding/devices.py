"""What decoding runs on: a GPU or the CPU's cores, in which precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qa_parallel.errors import ModelError

if TYPE_CHECKING:
    import ctranslate2

    from qa_parallel.translation.models.model import Model


# Bytes of logits that a worker may be asked for at once; CTranslate2 holds them about three times.
# NLLB has 256,206 for each hypothesis of each text: 1,000 short answers at beam 4 would need 4 GB.
_LOGITS = {"cpu": 256 << 20, "cuda": 4 << 30}


def pick_device(device: str) -> str:
    """ "cpu" or "cuda"; ModelError where CUDA is asked for and there is none."""
    import ctranslate2

    present = ctranslate2.get_cuda_device_count() > 0
    if device == "cuda" and not present:
        raise ModelError(
            "expected a CUDA device, found none", "use --device cpu, or check the driver"
        )
    if device == "auto":
        return "cuda" if present else "cpu"
    return device


def default_compute_type(device: str) -> str:
    """float16 beats int8_float16 on current GPUs, though CTranslate2's "auto" picks the latter."""
    return "float16" if device == "cuda" else "int8"


def distributions(device: str, words: int) -> int:
    """How many float32 distributions over `words` words a worker may hold at once.

    >>> distributions("cpu", 256_206)
    261
    """
    return max(1, _LOGITS[device] // (4 * words))


def load(
    model: Model, device: str, indices: Sequence[int], workers: int, compute_type: str
) -> ctranslate2.Translator:
    """A translator with a worker for each of the `indices` of GPUs, or `workers` on the CPU.

    Raises
    ------
    ModelError
        The model is broken, does not fit, or there is no such device or precision.
    """
    import ctranslate2

    where: dict[str, Any] = (
        {"device_index": list(indices)}
        # One thread for each of many batches: threads inside a batch wait for each other
        # (measured seven times slower on a small model).
        if device == "cuda"
        else {"inter_threads": workers, "intra_threads": 1}
    )
    try:
        return ctranslate2.Translator(
            str(model.path), device=device, compute_type=compute_type, **where
        )
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"CTranslate2 cannot load {model.name} on {device} ({compute_type}): {error}",
            "is the folder complete? For another precision use --compute-type",
        ) from None
