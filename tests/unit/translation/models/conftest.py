"""The random models, converted once, and the tokenizers of transformers as their judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qa_parallel.translation.models.model import Model
from tests.tiny_models import converted


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def nllb(tiny_nllb: Path, cache: Path) -> Model:
    return converted(tiny_nllb, cache)


@pytest.fixture(scope="session")
def m2m(tiny_m2m: Path, cache: Path) -> Model:
    return converted(tiny_m2m, cache)


@pytest.fixture(scope="session")
def models(nllb: Model, m2m: Model) -> dict[str, Model]:
    return {"nllb": nllb, "m2m100": m2m}


@pytest.fixture(scope="session")
def oracles(tiny_nllb: Path, tiny_m2m: Path) -> dict[str, Any]:
    """transformers' tokenizers, which share no code with ours."""
    from transformers import AutoTokenizer

    folders = {"nllb": tiny_nllb, "m2m100": tiny_m2m}
    return {scheme: AutoTokenizer.from_pretrained(folder) for scheme, folder in folders.items()}
