"""`qa-parallel import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli.fields import fields, option
from qa_parallel.cli.output import OVERWRITE, SAYING, Command, Said, out
from qa_parallel.cli.sources import SECTION
from qa_parallel.sources.settings import SourceSettings


@click.command(cls=Command)
@option(
    SECTION,
    "--parallel",
    multiple=True,
    required=True,
    metavar="LANG=FILE",
    help="A language and its file, once for each language; or one folder of files named by "
    "language (de.json).",
)
@fields(
    SECTION,
    SourceSettings,
    columns="Which column holds what, for all files; see translate --columns.",
    keep="Further columns to carry along, e.g. url,category.",
    encoding="Encoding of text files; not given, it is told from the text.",
    license="Licence of the data, recorded in every row.",
    split="Name of the split that is written.",
)
@out("Folder to write the parallel corpus to.")
@OVERWRITE
@SAYING
def command(
    parallel: tuple[str, ...], out: Path, overwrite: bool, said: Said, **settings: Any
) -> None:
    """Questions are joined by their ids.

    Example: qa-parallel import --parallel en=en.json --parallel de=de.json --out corpus
    """
    from qa_parallel import api

    said.show(api.import_parallel(_files(parallel), out=out, overwrite=overwrite, **settings))


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
