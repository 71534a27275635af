"""`qa-parallel import`."""

from __future__ import annotations

from pathlib import Path

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import FOLDER, OVERWRITE, pairs


@click.command("import")
@click.option(
    "--parallel",
    multiple=True,
    required=True,
    help="LANGUAGE=FILE, once for each language; or one folder of <code>.json files.",
)
@click.option("--columns", callback=pairs, help="As in `translate`, for all files.")
@click.option("--license", help="Licence of the data, for the records.")
@click.option("--split", default="train", show_default=True, help="Split of the outcome.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the parallel corpus.")
@OVERWRITE
def import_(
    parallel: tuple[str, ...],
    columns: dict[str, str],
    license: str | None,
    split: str,
    out: Path,
    overwrite: bool,
) -> None:
    """Make a corpus of human-made parallel files, joined by id.

    Example: qa-parallel import --parallel en=en.json --parallel de=de.json --out corpus
    """
    from qa_parallel.sources import stage

    outcome = stage.import_parallel(
        _files(parallel),
        out,
        columns=columns,
        split=split,
        license=license,
        overwrite=overwrite,
    )
    show.corpus(outcome)


def _files(parallel: tuple[str, ...]) -> dict[str, Path] | Path:
    """LANGUAGE=FILE options as a mapping; a single folder as it is."""
    if len(parallel) == 1 and "=" not in parallel[0]:
        return Path(parallel[0])
    files = {}
    for part in parallel:
        language, found, path = part.partition("=")
        if not found:
            raise click.BadParameter(f"expected LANGUAGE=FILE, found {part!r}")
        if language in files:
            raise click.BadParameter(f"expected each language once, found {language!r} twice")
        files[language] = Path(path)
    return files
