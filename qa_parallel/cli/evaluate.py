"""`qa-parallel evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import FILE, FOLDER, OVERWRITE, pick


@click.command()
@click.argument("results", nargs=-1, type=FOLDER)
@click.option("--encoder", help="Folder or Hub id of an encoder, or 'demo'.")
@click.option(
    "--embeddings", type=FILE, help="Vectors instead: an .npz file with `ids` and `vectors`."
)
@click.option(
    "--eval",
    "sets",
    multiple=True,
    help="NAME=PATH of an evaluation set, repeatable; options as NAME=PATH?language=de&split=dev.",
)
@click.option(
    "--pooling", type=click.Choice(["mean", "cls"]), help="[default: the folder's, else mean]"
)
@click.option("--query-prefix", help="Before a question, e.g. 'query: '.  [default: the folder's]")
@click.option("--passage-prefix", help="Before a candidate.  [default: the folder's]")
@click.option("--max-length", type=int, help="Tokens of a text.  [default: the folder's, or 512]")
@click.option(
    "--candidates",
    type=click.Choice(["sentence", "sentence+passage"]),
    help="What is retrieved.  [default: sentence]",
)
@click.option(
    "--titles/--no-titles", default=None, help="Before candidates.  [default: of BEIR and MIRACL]"
)
@click.option("--debias", is_flag=True, help="Take each language's mean from its vectors.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    help="[default: bfloat16 on a GPU that has it, else float32]",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="[default: auto]")
@click.option("--strategy", help="How the encoder was trained, for the records.")
@click.option("--seed", type=int, help="Of its training, for the records.")
@click.option("--cache", type=FOLDER, help="Folder of vectors that are known.")
@click.option("--out", type=FOLDER, help="Folder of results and pictures.")
@OVERWRITE
@click.option("--texts", type=FILE, help="Only write the ids and texts of --eval to this file.")
@click.option("--compare", is_flag=True, help="RESULTS with the first of them.")
@click.option("--samples", type=click.IntRange(min=100), default=1000, help="Of the bootstrap.")
def evaluate(
    results: tuple[Path, ...],
    sets: tuple[str, ...],
    out: Path | None,
    overwrite: bool,
    texts: Path | None,
    compare: bool,
    samples: int,
    **options: Any,
) -> None:
    """Evaluate an encoder: monolingual, cross-lingual and multilingual retrieval.

    With --compare: how sure it is that RESULTS, folders that this command made, differ.

    Examples: qa-parallel evaluate --encoder e5 --eval xquad-r=data/xquad-r --out results/e5

    qa-parallel evaluate results/e5 results/ours --compare
    """
    from qa_parallel.evaluation import stage
    from qa_parallel.evaluation.settings import EvaluateSettings
    from qa_parallel.settings import parse
    from qa_parallel.sources.settings import parse_evalset

    if compare or results:
        if not compare or not results or sets:
            raise click.UsageError("expected RESULTS --compare, or --eval NAME=PATH")
        warnings: list[str] = []
        with show.console(stderr=True).status("comparing"):
            rows = list(stage.compare_results(results, samples, warn=warnings.append))
        show.differences(rows)
        for warning in warnings:
            click.echo(f"Warning: {warning}", err=True)
        return
    if not sets:
        raise click.UsageError("expected --eval NAME=PATH, found none")
    settings = parse(EvaluateSettings, pick(options, EvaluateSettings), "options")
    parsed = [parse_evalset(one) for one in sets]
    if texts is not None:
        click.echo(f"{stage.write_texts(parsed, settings, texts):,} texts are in {texts}.")
        return
    with show.console(stderr=True).status("reading") as status:
        evaluated = stage.evaluate_sets(
            parsed,
            settings,
            out,
            overwrite=overwrite,
            tell=status.update,
        )
    show.evaluation(evaluated)
