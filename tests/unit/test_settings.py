"""Every class of settings has a test that feels each of its fields."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

from pydantic import BaseModel

import qa_parallel
from qa_parallel.pipeline.recipe import Recipe

HERE = Path(__file__).parent
# The recipe's names for what a command takes as arguments, and the recipe itself: their tests are
# those of recipes.
IN_RECIPES = {"sets", "against"}


def settings_of_ours() -> set[type[BaseModel]]:
    """Every class of settings in the package."""
    found: set[type[BaseModel]] = set()
    for module in pkgutil.walk_packages(qa_parallel.__path__, "qa_parallel."):
        if module.name.endswith((".settings", ".checks")):
            for one in vars(importlib.import_module(module.name)).values():
                if isinstance(one, type) and issubclass(one, BaseModel):
                    found.add(one)
    return found - {BaseModel, Recipe}


def test_no_class_of_settings_is_left_out() -> None:
    tests = "".join(path.read_text() for path in HERE.rglob("test_settings.py"))
    judged = set(re.findall(r'parametrize\(\s*"field", (\w+)\.model_fields\)', tests))
    judged.add("ExperimentSettings")  # its own fields
    classes = settings_of_ours()
    for one in classes:
        kin = [
            other
            for other in classes
            if other.__name__ in judged and (issubclass(one, other) or issubclass(other, one))
        ]
        left = set(one.model_fields) - IN_RECIPES - {n for other in kin for n in other.model_fields}
        assert not left, f"{one.__name__}: settings that nobody can feel: {sorted(left)}"
    assert judged <= {one.__name__ for one in classes}
