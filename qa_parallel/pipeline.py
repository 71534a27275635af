"""The stages in their order."""

from __future__ import annotations

from collections.abc import Iterator

from qa_parallel.experiment import plan_strategies, read_sets, train_eval
from qa_parallel.recipe import Recipe
from qa_parallel.sources import SourceSettings
from qa_parallel.stages.batches import build_batches
from qa_parallel.stages.evaluate import Evaluated, compare_results, evaluate_sets, write_texts
from qa_parallel.stages.filter import explain, filter_corpus
from qa_parallel.stages.folders import Outcome
from qa_parallel.stages.imports import import_parallel
from qa_parallel.stages.leakage import Checked, check_leakage, refuse_leaks
from qa_parallel.stages.publish import Publication, prepare, publish
from qa_parallel.stages.report import write_report
from qa_parallel.stages.translate import translate
from qa_parallel.stages.windows import Reporter

__all__ = [
    "Checked",
    "Evaluated",
    "Outcome",
    "Publication",
    "Reporter",
    "build_batches",
    "check_leakage",
    "compare_results",
    "evaluate_sets",
    "explain",
    "filter_corpus",
    "import_parallel",
    "plan_strategies",
    "prepare",
    "publish",
    "read_sets",
    "refuse_leaks",
    "run",
    "train_eval",
    "translate",
    "write_report",
    "write_texts",
]

# Folders of the stages of a recipe.
TRANSLATED, FILTERED, CHECKED = "translated", "filtered", "checked"
PLANNED, EVALUATED, TRAINED = "batches", "evaluated", "trained"


def run(
    recipe: Recipe, reporter: Reporter, *, overwrite: bool = False, workers: int = 1
) -> Iterator[tuple[str, Outcome | Checked | Evaluated]]:
    """Run the stages of `recipe` in their order; each outcome is yielded as it is there.

    Every stage has a folder of its own in `recipe.out`, and reads that of the stage before.

    Raises
    ------
    LeakageError
        Something leaks, and that is to be an error.
    """
    made = translate(
        recipe.source,
        recipe.model,
        recipe.translate,
        recipe.out / TRANSLATED,
        reporter,
        overwrite=overwrite,
        title=recipe.name,
    )
    yield "translate", made
    if recipe.filter is not None:
        made = filter_corpus(
            SourceSettings(source=str(made.folder)),
            recipe.filter,
            recipe.out / FILTERED,
            overwrite=overwrite,
            workers=workers,
        )
        yield "filter", made
    if recipe.check_leakage is not None:
        checked = check_leakage(
            SourceSettings(source=str(made.folder)),
            recipe.check_leakage.evalsets(),
            recipe.check_leakage,
            recipe.out / CHECKED,
            overwrite=overwrite,
        )
        yield "check-leakage", checked
        refuse_leaks(checked)
        if checked.outcome is not None and checked.holds_corpus():
            made = checked.outcome
    if recipe.build_batches is not None:
        yield (
            "build-batches",
            build_batches(
                [SourceSettings(source=str(made.folder))],
                recipe.build_batches,
                recipe.out / PLANNED,
                overwrite=overwrite,
            ),
        )
    if recipe.evaluate is not None:
        yield (
            "evaluate",
            evaluate_sets(
                recipe.evaluate.evalsets(),
                recipe.evaluate,
                recipe.out / EVALUATED,
                overwrite=overwrite,
            ),
        )
    if recipe.train_eval is not None:
        yield (
            "train-eval",
            train_eval(
                [recipe.out / PLANNED],
                recipe.train_eval.evalsets(),
                recipe.train_eval.experiment(),
                recipe.out / TRAINED,
                overwrite=overwrite,
            ),
        )
