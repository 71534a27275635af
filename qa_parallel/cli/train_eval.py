"""`qa-parallel train-eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.batches.strategies import COMPARED
from qa_parallel.cli import show
from qa_parallel.cli.options import FOLDER, OVERWRITE, options, pick

_PLANNING = (
    "alpha", "batch_size", "language_weights", "source_weights", "languages", "positive",
    "negatives", "negatives_per_row", "validation",
)  # fmt: skip
PLAN_OPTIONS = options(
    click.option("--alpha", type=float, help="Monolingual share of hybrid plans.  [default: 0.5]"),
    click.option("--batch-size", type=int, help="Rows of a batch.  [default: 100]"),
    click.option("--language-weights", help="As in build-batches.  [default: uniform]"),
    click.option("--source-weights", help="Likewise of several corpora.  [default: size]"),
    click.option("--languages", help="Only these, e.g. de,sw,zh-TW."),
    click.option(
        "--positive",
        type=click.Choice(["sentence", "passage", "answer"]),
        help="What a question is to find.  [default: sentence]",
    ),
    click.option(
        "--negatives",
        type=click.Choice(["none", "bm25", "sentences"]),
        help="Hard ones.  [default: none]",
    ),
    click.option("--negatives-per-row", type=int, help="How many of them.  [default: 1]"),
    click.option(
        "--validation", type=float, help="Share of the passages reserved.  [default: 0.05]"
    ),
)
TRAIN_OPTIONS = options(
    click.option("--steps", type=int, help="Exactly so many.  [default: those of the plan]"),
    click.option("--seeds", type=int, help="Trainings of each plan or strategy.  [default: 1]"),
    click.option("--seed", type=int, help="The first of the seeds.  [default: 0]"),
    click.option("--rate", type=float, help="Learning rate.  [default: 3e-5]"),
    click.option("--weight-decay", type=float, help="[default: 0.01]"),
    click.option("--warmup", type=float, help="Share of the steps.  [default: 0.1]"),
    click.option("--schedule", type=click.Choice(["linear", "constant"]), help="[default: linear]"),
    click.option("--clip", type=float, help="Largest norm of the gradients.  [default: 1]"),
    click.option("--temperature", type=float, help="[default: 0.05]"),
    click.option(
        "--direction",
        type=click.Choice(["question", "both"]),
        help="Whether passages are to find their questions too.  [default: question]",
    ),
    click.option(
        "--cached",
        type=int,
        help="Texts in memory at a time, for batches that do not fit: cached gradients.",
    ),
    click.option(
        "--freeze-embeddings", is_flag=True, default=None, help="Of the vocabulary; saves memory."
    ),
    click.option(
        "--dropout/--no-dropout", default=None, help="The encoder's own.  [default: --dropout]"
    ),
    click.option("--validate-every", type=int, help="Steps.  [default: ten times in all]"),
    click.option(
        "--measure",
        type=click.Choice(["mrr", "map"]),
        help="Of the validation; the best encoder by it is kept.  [default: mrr]",
    ),
    click.option("--validation-questions", type=int, help="At most.  [default: 200]"),
    click.option("--patience", type=int, help="Validations without a better one before it stops."),
)
ENCODER_OPTIONS = options(
    click.option("--encoder", required=True, help="Folder of the encoder to start from, or demo."),
    click.option(
        "--pooling", type=click.Choice(["mean", "cls"]), help="[default: the folder's, else mean]"
    ),
    click.option("--query-prefix", help="Before a question.  [default: the folder's]"),
    click.option("--passage-prefix", help="Before what is to find.  [default: the folder's]"),
    click.option("--max-length", type=int, help="Tokens.  [default: the folder's, or 512]"),
    click.option(
        "--precision",
        type=click.Choice(["auto", "float32", "bfloat16"]),
        help="Of the arithmetic.  [default: bfloat16 on a GPU that has it, else float32]",
    ),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="[default: auto]"),
)


@click.command("train-eval")
@click.argument("plans", nargs=-1, type=FOLDER, metavar="PLAN...")
@click.option("--corpus", "corpora", multiple=True, help="Plan on this corpus instead; repeatable.")
@click.option("--strategies", help=f"Plans to make of --corpus.  [default: {','.join(COMPARED)}]")
@click.option(
    "--eval", "sets", multiple=True, required=True, help="NAME=PATH of an evaluation set."
)
@ENCODER_OPTIONS
@TRAIN_OPTIONS
@PLAN_OPTIONS
@click.option(
    "--candidates",
    type=click.Choice(["sentence", "sentence+passage"]),
    help="What is retrieved in the evaluation.  [default: sentence]",
)
@click.option("--samples", type=click.IntRange(min=100), help="Of the bootstrap.  [default: 1000]")
@click.option("--cache", type=FOLDER, help="Folder of vectors that are known.")
@click.option("--out", type=FOLDER, required=True, help="Folder of encoders and results.")
@OVERWRITE
def train_eval(
    plans: tuple[Path, ...],
    corpora: tuple[str, ...],
    strategies: str | None,
    sets: tuple[str, ...],
    out: Path,
    overwrite: bool,
    **given: Any,
) -> None:
    """Train an encoder by each PLAN from the same start, evaluate and compare all.

    A PLAN is a folder of build-batches. Started again, the command goes on where it was stopped.

    Examples: qa-parallel train-eval plan --encoder e5 --eval xquad-r=data/xquad-r --out trained

    qa-parallel train-eval --corpus clean --seeds 3 --steps 500 --encoder e5 --eval x=xquad-r
    --out trained
    """
    from qa_parallel.settings import parse
    from qa_parallel.sources.settings import parse_evalset
    from qa_parallel.training import experiment
    from qa_parallel.training.settings import ExperimentSettings

    if bool(plans) == bool(corpora):
        raise click.UsageError(
            "expected PLAN... or --corpus, found " + ("both" if plans else "neither")
        )
    if plans and (strategies or any(given[name] is not None for name in _PLANNING)):
        raise click.UsageError(
            "expected options of planning with --corpus only, found them with PLAN"
        )
    settings = parse(ExperimentSettings, pick(given, ExperimentSettings), "options")
    parsed = [parse_evalset(one) for one in sets]
    with show.Telling() as telling:
        folders = list(plans)
        if corpora:
            experiment.read_sets(parsed, telling.tell)
            folders = _planned(corpora, strategies, given, settings, out, overwrite, telling)
            settings = settings.model_copy(update={"seeds": 1})
        outcome = experiment.train_eval(
            folders,
            parsed,
            settings,
            out / "trained" if corpora else out,
            overwrite=overwrite,
            tell=telling.tell,
            warn=telling.warn,
        )
    show.summary(experiment.STAGE, outcome)


def _planned(
    corpora: tuple[str, ...],
    strategies: str | None,
    given: dict[str, Any],
    settings: Any,
    out: Path,
    overwrite: bool,
    telling: show.Telling,
) -> list[Path]:
    """The plans of --corpus, one a strategy and seed."""
    from qa_parallel.batches.settings import BatchSettings
    from qa_parallel.settings import parse
    from qa_parallel.sources.settings import SourceSettings
    from qa_parallel.training import experiment

    options = pick(given, BatchSettings)
    named = [
        parse(BatchSettings, {**options, "strategy": name.strip()}, "options").strategy
        for name in (strategies.split(",") if strategies else COMPARED)
    ]
    return experiment.plan_strategies(
        [parse(SourceSettings, {"source": one}, "options") for one in corpora],
        named,
        parse(BatchSettings, options, "options"),
        settings.seeds,
        out / "plans",
        overwrite=overwrite,
        tell=telling.tell,
    )
