"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .tiny_models import build_m2m, build_nllb


@pytest.fixture(scope="session")
def tiny_nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hugging Face folder of a random NLLB model: English, French, German, Chinese."""
    return build_nllb(tmp_path_factory.mktemp("models") / "tiny-nllb-200")


@pytest.fixture(scope="session")
def tiny_m2m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hugging Face folder of a random M2M-100 model: all its 100 languages."""
    return build_m2m(tmp_path_factory.mktemp("models") / "tiny-m2m100")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of real data, named by QA_PARALLEL_DATA; the test is skipped where there is none."""
    folder = os.environ.get("QA_PARALLEL_DATA")
    if not folder:
        pytest.skip("QA_PARALLEL_DATA is not set")
    return Path(folder)
