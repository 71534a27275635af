"""Fixtures that several test files share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from .tiny_models import build_bert, build_m2m, build_nllb


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[object]) -> None:
    """Processes side by side (-n) share the cores; libraries read this when they are imported."""
    share = (os.cpu_count() or 1) // len(specs)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))


@pytest.fixture(autouse=True)
def no_width_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are as wide as ours are where nobody says: pytest's workers have a $COLUMNS."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def tiny_nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hugging Face folder of a random NLLB model: English, French, German, Chinese."""
    return build_nllb(tmp_path_factory.mktemp("models") / "tiny-nllb-200")


@pytest.fixture(scope="session")
def tiny_m2m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hugging Face folder of a random M2M-100 model: all its 100 languages."""
    return build_m2m(tmp_path_factory.mktemp("models") / "tiny-m2m100")


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hugging Face folder of a random BERT encoder with 64 positions. To be read only."""
    return build_bert(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of real data, named by QA_PARALLEL_DATA; the test is skipped where there is none."""
    folder = os.environ.get("QA_PARALLEL_DATA")
    if not folder:
        pytest.skip("QA_PARALLEL_DATA is not set")
    return Path(folder)
