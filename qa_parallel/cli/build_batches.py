"""`qa-parallel build-batches`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.strategies import STRATEGIES
from qa_parallel.cli.fields import field, fields
from qa_parallel.cli.output import OVERWRITE, SAYING, Command, Said, out

# Words that train-eval has as well.
WORDS = {
    "alpha": "Share of monolingual batches in a hybrid plan.",
    "batch_size": "Rows in a batch.",
    "epochs": "Length of the plan in epochs, instead of --steps. An epoch draws as many rows as "
    "there are questions in all languages together.  [default: 1]",
    "language_weights": "How batches are shared among languages, or pairs of languages: uniform, "
    "size, or size:EXPONENT.",
    "source_weights": "The same for several corpora.",
    "languages": "Use only these languages, e.g. de,sw,zh-TW.",
    "positive": "Text that a question has to find: the positive.",
    "negatives": "Hard negatives: passages with words of the question (bm25), or other sentences "
    "of the same passage.",
    "negatives_per_row": "Hard negatives for each row.",
    "validation": "Share of the passages reserved for validation: the same ones for every strategy "
    "and seed.",
}


def _words(*names: str) -> dict[str, str]:
    return {name: WORDS[name] for name in names}


@click.command(cls=Command)
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@field(
    "Batches",
    BatchSettings,
    "strategy",
    "; ".join(f"{name}: {one.meaning}" for name, one in STRATEGIES.items()) + ".",
    type=click.Choice(list(STRATEGIES)),
)
@fields(
    "Batches",
    BatchSettings,
    **_words("alpha", "batch_size"),
    steps="Number of batches in the plan.",
    **_words("epochs"),
    seed="Seed of the random choices; another seed gives another plan.",
)
@fields(
    "Languages",
    BatchSettings,
    **_words("languages"),
    pairs="Use only these pairs of question and passage language, e.g. en:de,de:en.",
    **_words("language_weights", "source_weights"),
)
@fields(
    "Texts",
    BatchSettings,
    **_words("positive", "negatives", "negatives_per_row", "validation"),
)
@out("Folder to write the plan to.")
@fields(
    "Output",
    BatchSettings,
    export="Also write the texts in the layout that this library's trainer reads.",
)
@OVERWRITE
@SAYING
def command(
    corpora: tuple[str, ...], out: Path, overwrite: bool, said: Said, **settings: Any
) -> None:
    """CORPUS is a folder that qa-parallel made, or a file or folder of QA data; several may be
    given.

    Example: qa-parallel build-batches clean --out plan --strategy hybrid --epochs 3
    """
    from qa_parallel import api

    said.show(
        api.build_batches(corpora, out=out, overwrite=overwrite, progress=said.progress, **settings)
    )
