"""A GPU where there is one, and a clear line where there is none."""

from __future__ import annotations

import pytest

from qa_parallel.errors import ModelError
from qa_parallel.translation.decoding.devices import (
    default_compute_type,
    distributions,
    pick_device,
)


def test_cuda_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
    assert pick_device("auto") == "cpu"
    with pytest.raises(ModelError, match="expected a CUDA device, found none"):
        pick_device("cuda")
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 2)
    assert pick_device("auto") == "cuda"


def test_the_precision_is_that_of_the_device() -> None:
    assert (default_compute_type("cpu"), default_compute_type("cuda")) == ("int8", "float16")


def test_a_gpu_holds_the_logits_of_large_batches() -> None:
    """Of NLLB's 256,206 words: a thousand texts at beam 4 on a GPU, some dozens on a CPU."""
    assert distributions("cuda", 256_206) // 4 == 1047
    assert distributions("cpu", 256_206) // 4 == 65
