"""`qa-parallel evaluate`."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from qa_parallel.cli.encoders import encoder_options
from qa_parallel.cli.fields import FILE, FOLDER, fields, option
from qa_parallel.cli.output import OVERWRITE, SAYING, Command, Said, out
from qa_parallel.cli.sources import EVAL_HELP
from qa_parallel.evaluation.settings import EvaluateSettings
from qa_parallel.training.settings import ExperimentSettings

_SETS = option(
    "Evaluation",
    "--eval",
    "sets",
    multiple=True,
    metavar="[NAME=]PATH",
    help=EVAL_HELP.format(what="Evaluation set"),
)


@click.command(cls=Command)
@click.argument("results", nargs=-1, type=FOLDER)
@_SETS
@fields(
    "Evaluation",
    EvaluateSettings,
    candidates="What is retrieved: a sentence alone, or followed by its passage.",
    titles="Put the title before each candidate.  [default: for BEIR and MIRACL sets]",
    debias="Subtract each language's mean vector, to reduce language bias.",
)
@option(
    "Evaluation",
    "--texts",
    type=FILE,
    metavar="FILE",
    help="Write the ids and texts of the sets to this file, and do nothing else.",
)
@encoder_options(EvaluateSettings, "Encoder to measure: a folder, a Hub id, or demo.")
@fields(
    "Encoder",
    EvaluateSettings,
    embeddings="Score these vectors instead of an encoder's: an .npz file with `ids` and "
    "`vectors`.",
    strategy="Training strategy of the encoder, recorded with the results.",
    seed="Seed of the encoder's training, recorded with the results.",
    cache="Folder for vectors that were computed before.",
)
@option("Comparison", "--compare", is_flag=True, help="Compare RESULTS with the first of them.")
@fields("Comparison", ExperimentSettings, samples="Samples of the paired bootstrap.")
@out("Folder to write results and pictures to.  [default: nothing is written]", required=False)
@OVERWRITE
@SAYING
def command(
    results: tuple[Path, ...],
    sets: tuple[str, ...],
    texts: Path | None,
    compare: bool,
    samples: int | None,
    out: Path | None,
    overwrite: bool,
    said: Said,
    **settings: Any,
) -> None:
    """Within each language, across two, and among candidates of all languages at once. With
    --compare, test whether RESULTS, folders that this command made, differ significantly.

    Examples: qa-parallel evaluate --encoder e5 --eval xquad-r=data/xquad-r --out results/e5

    qa-parallel evaluate results/e5 results/ours --compare
    """
    from qa_parallel import api

    if compare or results:
        if not compare or not results or sets:
            raise click.UsageError("expected RESULTS --compare, or --eval NAME=PATH")
        said.show(api.compare(*results, **({} if samples is None else {"samples": samples})))
        return
    if not sets:
        raise click.UsageError("expected --eval NAME=PATH, found none")
    if texts is not None:
        chosen = {name: settings[name] for name in ("candidates", "titles")}
        count = api.write_texts(sets, texts, **chosen)
        said.record({"file": str(texts), "texts": count}, f"{count:,} texts are in {texts}.")
        return
    with nullcontext(out) if out else tempfile.TemporaryDirectory() as home:
        result = api.evaluate(
            settings.pop("encoder"),
            sets,
            out=out or Path(home) / "evaluated",
            overwrite=overwrite,
            progress=said.progress,
            **settings,
        )
        said.show(result, places=out is not None)
