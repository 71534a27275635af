"""`qa-parallel check-leakage`."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from qa_parallel.cli.fields import fields, option
from qa_parallel.cli.output import OVERWRITE, SAYING, Command, Said, out
from qa_parallel.cli.sources import CORPUS_OPTIONS, EVAL_HELP
from qa_parallel.errors import LeakageError, StoreError
from qa_parallel.leakage.settings import LeakageSettings


@click.command(cls=Command)
@click.argument("corpus")
@option(
    "Check",
    "--against",
    multiple=True,
    required=True,
    metavar="[NAME=]PATH",
    help=EVAL_HELP.format(what="Evaluation set to compare with"),
)
@fields(
    "Check",
    LeakageSettings,
    action="report only; drop what leaks and write the rest to --out; or fail with exit code 3 if "
    "anything leaks or a question was compared with nothing.",
    ngrams="Lengths of the word n-grams to look for.",
    containment="Share of the shorter text's n-grams that makes a leak.",
    similarity="Weighted Jaccard similarity from which texts are near duplicates.",
    encoder="Encoder for sets that do not exist in any language of CORPUS: questions are compared "
    "by meaning.",
    prefix="Text that the encoder expects before every input, e.g. 'query: '.",
    cosine="Cosine from which questions in different languages are the same.",
)
@CORPUS_OPTIONS
@out(
    "Folder to write the report to, and with --action drop the clean corpus.  [default: nothing "
    "is written]",
    required=False,
)
@OVERWRITE
@SAYING
def command(
    corpus: str,
    against: tuple[str, ...],
    out: Path | None,
    overwrite: bool,
    said: Said,
    **settings: Any,
) -> None:
    """CORPUS is a folder that qa-parallel made, or a file, a folder or a Hub dataset.

    Example: qa-parallel check-leakage corpus --against xquad-r=data/xquad-r --action drop
    --out clean
    """
    from qa_parallel import api

    if out is None and settings["action"] == "drop":
        raise StoreError("expected a folder for the clean corpus, found none", "give --out")
    with nullcontext(out) if out else tempfile.TemporaryDirectory() as home:
        try:
            result = api.check_leakage(
                corpus,
                against,
                out=out or Path(home) / "checked",
                overwrite=overwrite,
                progress=said.progress,
                **settings,
            )
        except LeakageError as error:
            said.show(error.result, places=out is not None)
            raise
        said.show(result, places=out is not None)
