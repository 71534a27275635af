"""`qa-parallel translate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel import language_codes
from qa_parallel.cli.fields import field, fields, option
from qa_parallel.cli.output import OVERWRITE, SAYING, Command, Said, out
from qa_parallel.cli.sources import SECTION, source_options
from qa_parallel.errors import LanguageError
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import TranslateSettings


@click.command(cls=Command)
@click.argument("sources", nargs=-1, metavar="SOURCE")
@fields(
    SECTION,
    TranslateSettings,
    to="Languages to translate into, as codes or names, e.g. de,fr,zh-TW,Swahili; or all.",
)
@option(SECTION, "--source", metavar="SOURCE", help="The same as the argument SOURCE.")
@source_options()
@fields(
    "Model",
    ModelSettings,
    model="Hub id, Hugging Face folder, CTranslate2 folder, or demo.",
)
@field("Model", ModelSettings, "revision", "Revision of a Hub model.", called="model_revision")
@fields(
    "Model",
    ModelSettings,
    quantization="Precision in which a converted model is stored.  [default: float16 for a GPU, "
    "int8 for a CPU]",
    cache="Folder for converted models and known translations.  [default: $QA_PARALLEL_CACHE, or "
    "~/.cache/qa-parallel]",
)
@fields(
    "Decoding",
    TranslateSettings,
    beam="Beam size; 1 is greedy.",
    length_penalty="Exponent of the length by which a hypothesis's log-probability is divided: "
    "more than 1 favours long translations.",
    guards="Decode sentences a second time if the first hypothesis looks broken.",
    restrict_vocabulary="Restrict each language's output to the tokens that it uses, where that is "
    "shown to do no harm. The tokens are learned from the first rows of the run (auto) or from "
    "text: a folder with fr.txt, de.txt …, or a corpus.",
    device="Where to translate; auto takes a GPU if there is one.",
    device_index="GPUs to use, e.g. 0,1.",
    compute_type="Precision of the computation, as CTranslate2 names it.  [default: float16 on a "
    "GPU, int8 on a CPU]",
    batch_tokens="Source tokens in a batch, padding included; halved when memory runs out.",
    threads="CPU threads to use.  [default: all cores]",
)
@fields(
    "Cluster",
    TranslateSettings,
    engine="Translate in this process, or on the machines of a Ray cluster.",
    ray_address="Address of the Ray cluster.  [default: this machine's, or a new one]",
    ray_actors="Number of processes that hold a model.  [default: one for each GPU, else for each "
    "machine]",
)
@out("Folder to write the parallel corpus to.")
@OVERWRITE
@fields(
    "Output",
    TranslateSettings,
    window_rows="Rows that are committed together.",
    shard_rows="Rows in one parquet file.",
)
@SAYING
def command(
    sources: tuple[str, ...],
    source: str | None,
    to: list[str],
    out: Path,
    overwrite: bool,
    said: Said,
    **settings: Any,
) -> None:
    """SOURCE is a file, a folder or a Hub dataset. If it is interrupted, start the same command
    again: it continues where it stopped.

    Example: qa-parallel translate rajpurkar/squad --to de,sw,zh-TW --out corpus
    """
    from qa_parallel import api

    result = api.translate(
        _one(sources, source, to),
        to=to,
        out=out,
        overwrite=overwrite,
        progress=said.progress,
        **settings,
    )
    said.show(result)


def _one(sources: tuple[str, ...], source: str | None, to: list[str]) -> str:
    """The one source; languages after a space are told from it."""
    given = [*sources, *([] if source is None else [source])]
    if len(given) == 1:
        return given[0]
    if not given:
        raise click.UsageError("expected SOURCE, a file, a folder or a Hub dataset; found none")
    named = [one for one in sources if _is_language(one)]
    hint = f"; write --to {','.join([*to, *named])}" if named else ""
    raise click.UsageError(f"expected one SOURCE, found {', '.join(given)}{hint}")


def _is_language(text: str) -> bool:
    try:
        language_codes.parse(text)
    except LanguageError:
        return False
    return not Path(text).exists()
