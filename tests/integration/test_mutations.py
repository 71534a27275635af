"""Faults in the code, which the nearest tests must see."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations.__main__ import ROOT, copied, judge
from tests.mutations.faults import FAULTS, Fault

EACH = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.words.replace(" ", "-"))


@EACH
def test_the_line_is_there(fault: Fault) -> None:
    """Once; where the code has changed, the fault is to be put in anew."""
    assert (ROOT / "qa_parallel" / fault.file).read_text("utf-8").count(fault.old) == 1
    for part in fault.tests.split():
        assert (ROOT / "tests" / part).is_file()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("mutations"))


@pytest.mark.slow
@EACH
def test_the_nearest_tests_see_it(tree: Path, fault: Fault) -> None:
    assert judge(tree, fault) == "killed"
