"""`qa-parallel train-eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.strategies import COMPARED
from qa_parallel.cli.build_batches import WORDS
from qa_parallel.cli.encoders import encoder_options
from qa_parallel.cli.fields import FOLDER, fields, option
from qa_parallel.cli.output import OVERWRITE, SAYING, Command, Said, out
from qa_parallel.cli.sources import EVAL_HELP
from qa_parallel.training.settings import ExperimentSettings


@click.command(cls=Command)
@click.argument("plans", nargs=-1, type=FOLDER, metavar="PLAN...")
@encoder_options(
    ExperimentSettings,
    "Encoder to start from: a folder, a Hub id, or demo.",
    required=True,
)
@fields(
    "Training",
    ExperimentSettings,
    steps="Number of training steps.  [default: those of the plan]",
    seeds="How many times each plan or strategy is trained, with different seeds.",
    seed="First of the seeds.",
    rate="Learning rate at its highest.",
    warmup="Share of the steps in which the learning rate rises.",
    schedule="What the learning rate does after the warm-up: fall to zero, or stay.",
    weight_decay="Weight decay of AdamW.",
    clip="Norm to which gradients are clipped.",
    temperature="Temperature of the contrastive loss.",
    direction="Train questions to find their passages, or passages to find their questions as well "
    "(both).",
    cached="Texts in memory at a time (cached gradients), for batches that do not fit.",
    freeze_embeddings="Do not train the token embeddings; saves memory.",
    dropout="Train with the encoder's own dropout, or without any.",
    validate_every="Steps between validations.  [default: ten validations in all]",
    measure="Validation measure; the encoder with the best value is kept.",
    validation_questions="Questions to validate on, at most.",
    patience="Stop after this many validations without improvement.  [default: never]",
)
@option(
    "Plan",
    "--corpus",
    "corpora",
    multiple=True,
    help="Make the plans from this corpus, instead of giving PLAN; repeatable. The options below "
    "are those of build-batches.",
)
@option(
    "Plan",
    "--strategies",
    metavar="STRATEGY,…",
    help=f"Strategies to make plans for, with --corpus.  [default: {','.join(COMPARED)}]",
)
@fields("Plan", BatchSettings, **WORDS)
@option(
    "Evaluation",
    "--eval",
    "sets",
    multiple=True,
    required=True,
    metavar="[NAME=]PATH",
    help=EVAL_HELP.format(what="Evaluation set"),
)
@fields(
    "Evaluation",
    ExperimentSettings,
    candidates="What is retrieved in the evaluation: a sentence alone, or followed by its passage.",
    titles="Put the title before each candidate.  [default: for BEIR and MIRACL sets]",
    samples="Samples of the paired bootstrap.",
    cache="Folder for vectors that were computed before.",
)
@out("Folder to write encoders and results to.")
@OVERWRITE
@SAYING
def command(
    plans: tuple[Path, ...],
    corpora: tuple[str, ...],
    strategies: str | None,
    sets: tuple[str, ...],
    out: Path,
    overwrite: bool,
    said: Said,
    **settings: Any,
) -> None:
    """PLAN is a folder that build-batches made. If it is interrupted, start the same command
    again: it continues where it stopped.

    Examples: qa-parallel train-eval plan --encoder e5 --eval xquad-r=data/xquad-r --out trained

    qa-parallel train-eval --corpus clean --seeds 3 --steps 500 --encoder e5 --eval x=xquad-r
    --out trained
    """
    from qa_parallel import api

    if bool(plans) == bool(corpora):
        raise click.UsageError(
            "expected PLAN... or --corpus, found " + ("both" if plans else "neither")
        )
    if plans:
        planning = [settings.pop(name) for name in WORDS]
        if strategies or any(one is not None for one in planning):
            raise click.UsageError(
                "expected options of planning with --corpus only, found them with PLAN"
            )
    chosen = {} if strategies is None else {"strategies": strategies}
    said.show(
        api.train_eval(
            plans,
            corpus=corpora,
            eval=sets,
            out=out,
            overwrite=overwrite,
            progress=said.progress,
            **chosen,
            **settings,
        )
    )
