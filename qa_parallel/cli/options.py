"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from qa_parallel.places import home


class _Path(click.Path):
    """A path with the home of the user in place of `~`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = home(value)
        if "\0" in str(path):  # which click would end in a traceback for
            self.fail(f"expected a path, found {str(path)!r}", param, ctx)
        return super().convert(path, param, ctx)


FOLDER = _Path(file_okay=False, path_type=Path)
FILE = _Path(path_type=Path)


def options(*chosen: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in this order in the help."""

    def add(command: Any) -> Any:
        for option in reversed(chosen):
            command = option(command)
        return command

    return add


def pairs(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str]:
    """The callback of an option whose value is name=column,…; "name=" leaves the field out."""
    columns = {}
    for part in (value or "").split(","):
        name, found, column = part.partition("=")
        if part and not (found and name.strip()):
            raise click.BadParameter(f"expected name=column,…, found {part!r}")
        if part:
            columns[name.strip()] = column.strip()
    return columns


SOURCE_OPTIONS = options(
    click.option("--source", required=True, help="File, folder or Hub id of the QA data."),
    click.option(
        "--columns",
        callback=pairs,
        help="Where to find what, e.g. question=q,answer=answers.text.0,passage=context.",
    ),
    click.option("--source-language", help="Language of the data.  [default: eng_Latn]"),
    click.option("--split", help="Split of a Hub dataset, and of the outcome.  [default: train]"),
    click.option("--config", help="Configuration of a Hub dataset."),
    click.option("--revision", help="Revision of a Hub dataset."),
    click.option("--license", help="Licence of the data, for the records."),
    click.option("--limit", type=click.IntRange(min=1), help="Only the first N rows."),
)
MODEL_OPTIONS = options(
    click.option(
        "--model",
        help="Hub id, Hugging Face folder, CTranslate2 folder, or 'demo'.  "
        "[default: facebook/nllb-200-distilled-600M]",
    ),
    click.option("--model-revision", help="Revision of a Hub model."),
    click.option("--quantization", help="Weights of a converted model, e.g. int8, float16."),
    click.option("--cache", type=FOLDER, help="Folder of converted models and translations."),
)
DECODING_OPTIONS = options(
    click.option("--beam", type=int, help="Beam size; 1 is greedy.  [default: 4]"),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="[default: auto]"),
    click.option("--device-index", help="GPUs to use, e.g. 0,1.  [default: 0]"),
    click.option(
        "--compute-type", help="CTranslate2 precision.  [default: float16 on GPU, int8 on CPU]"
    ),
    click.option(
        "--batch-tokens", type=int, help="Padded source tokens in a batch; halved if out of memory."
    ),
    click.option("--threads", type=int, help="CPU threads.  [default: all cores]"),
    click.option("--guards/--no-guards", default=None, help="Decode flagged sentences once more."),
    click.option(
        "--restrict-vocabulary",
        metavar="auto|PATH",
        help="Limit each language to the tokens that it uses, where that proves to do no harm. "
        "They are learned from the run's first rows (auto), or from text: a folder of fr.txt, "
        "de.txt …, or a corpus folder.",
    ),
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        help="This process, or the machines of a Ray cluster.  [default: local]",
    ),
    click.option("--ray-address", help="The cluster's address.  [default: this machine's, or new]"),
    click.option(
        "--ray-actors", type=int, help="Processes with a model.  [default: one a GPU or machine]"
    ),
    click.option("--window-rows", type=int, help="Rows committed together.  [default: 1000]"),
    click.option("--shard-rows", type=int, help="Rows in a parquet file.  [default: 50000]"),
)
OVERWRITE = click.option(
    "--overwrite", is_flag=True, help="Replace a folder that was made with other settings."
)


def pick(options: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """Those of `options` that were given and are keys of the settings `kind`."""
    found = {name: options[name] for name in kind.model_fields if name in options}
    return {name: value for name, value in found.items() if value not in (None, {})}
