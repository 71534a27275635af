"""A GPU where there is one, and a clear line where there is none."""

from __future__ import annotations

import pytest

from qa_parallel.errors import ModelError
from qa_parallel.translation.decoding.devices import pick_device


def test_cuda_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
    assert pick_device("auto") == "cpu"
    with pytest.raises(ModelError, match="expected a CUDA device, found none"):
        pick_device("cuda")
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 2)
    assert pick_device("auto") == "cuda"
