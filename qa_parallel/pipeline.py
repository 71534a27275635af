"""The stages in their order."""

from __future__ import annotations

from qa_parallel.recipe import Recipe
from qa_parallel.stages.filter import explain, filter_corpus
from qa_parallel.stages.folders import Outcome
from qa_parallel.stages.imports import import_parallel
from qa_parallel.stages.leakage import Checked, check_leakage
from qa_parallel.stages.translate import translate
from qa_parallel.stages.windows import Reporter

__all__ = [
    "Checked",
    "Outcome",
    "Reporter",
    "check_leakage",
    "explain",
    "filter_corpus",
    "import_parallel",
    "run",
    "translate",
]


def run(recipe: Recipe, reporter: Reporter, overwrite: bool = False) -> Outcome:
    """Run every stage of `recipe`."""
    return translate(
        recipe.source,
        recipe.model,
        recipe.translate,
        recipe.out,
        reporter,
        overwrite=overwrite,
        title=recipe.name,
    )
