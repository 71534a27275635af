"""`qa-parallel translate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import (
    DECODING_OPTIONS,
    FOLDER,
    MODEL_OPTIONS,
    OVERWRITE,
    SOURCE_OPTIONS,
    pick,
)


@click.command()
@SOURCE_OPTIONS
@click.option("--to", required=True, help="Target languages, e.g. de,fr,zh-TW,Swahili.")
@MODEL_OPTIONS
@DECODING_OPTIONS
@click.option("--out", type=FOLDER, required=True, help="Folder of the parallel corpus.")
@OVERWRITE
def translate(to: str, out: Path, overwrite: bool, **options: Any) -> None:
    """Translate QA data into a parallel corpus.

    Start the same command again to go on where it was stopped.

    Example: qa-parallel translate --source rajpurkar/squad --to de,sw,zh-TW --out corpus
    """
    from qa_parallel.settings import parse
    from qa_parallel.sources.settings import SourceSettings
    from qa_parallel.translation import stage
    from qa_parallel.translation.models.settings import ModelSettings
    from qa_parallel.translation.settings import TranslateSettings

    if options["device_index"] is not None:
        options["device_index"] = [part.strip() for part in options["device_index"].split(",")]
    source = parse(SourceSettings, pick(options, SourceSettings), "options")
    model = pick(options, ModelSettings)
    model.pop("revision", None)
    if options["model_revision"] is not None:
        model["revision"] = options["model_revision"]
    settings = {**pick(options, TranslateSettings), "to": to}
    with show.Live() as progress:
        outcome = stage.translate(
            source,
            parse(ModelSettings, model, "options"),
            parse(TranslateSettings, settings, "options"),
            out,
            progress,
            overwrite=overwrite,
        )
    show.corpus(outcome)
