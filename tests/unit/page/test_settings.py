"""Every setting of the page gives another page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qa_parallel.api import report
from qa_parallel.page.settings import PageSettings
from tests.small_run import small_run

BASE: dict[str, Any] = {"rows": 3, "seed": 0}
OTHER = {"rows": 4, "seed": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("page") / "run")


@pytest.mark.parametrize("field", PageSettings.model_fields)
def test_another_setting_is_another_page(field: str, made: Path) -> None:
    before = report(made, **BASE).read_text("utf-8")
    assert report(made, **BASE).read_text("utf-8") == before
    assert report(made, **{**BASE, field: OTHER[field]}).read_text("utf-8") != before
