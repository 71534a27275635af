"""The command line: parse, call, print. Heavy modules load inside the commands that need them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa_parallel import __version__
from qa_parallel.errors import QAParallelError

if TYPE_CHECKING:
    from rich.console import Console

    from qa_parallel.pipeline import Checked, Outcome

# Columns of tables that go to a file or a pipe.
_WIDTH = 120

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(path_type=Path)


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends in the same order as Ctrl-C, locks released, what is done kept."""


def _terminate(*_: object) -> None:
    raise _Terminated


class _Group(click.Group):
    """Turns errors that a user can mend into one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        signal.signal(signal.SIGTERM, _terminate)
        try:
            return super().invoke(ctx)
        except QAParallelError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as stop:
            click.echo(
                "Stopped. What is finished is kept; the same command goes on from there.", err=True
            )
            # 128 and the signal's number, as a shell reports it
            number = signal.SIGTERM if isinstance(stop, _Terminated) else signal.SIGINT
            ctx.exit(128 + number)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qa-parallel")
def main() -> None:
    """English question-answer data to parallel QA corpora in up to 200 languages."""


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _pairs(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str]:
    pairs = {}
    for part in (value or "").split(","):
        name, found, column = part.partition("=")
        if part and not (found and name.strip() and column.strip()):
            raise click.BadParameter(f"expected name=column,…, found {part!r}")
        if part:
            pairs[name.strip()] = column.strip()
    return pairs


SOURCE_OPTIONS = _options(
    click.option("--source", required=True, help="File, folder or Hub id of the QA data."),
    click.option(
        "--columns",
        callback=_pairs,
        help="Where to find what, e.g. question=q,answer=answers.text.0,passage=context.",
    ),
    click.option("--source-language", help="Language of the data.  [default: eng_Latn]"),
    click.option("--split", help="Split of a Hub dataset, and of the outcome.  [default: train]"),
    click.option("--config", help="Configuration of a Hub dataset."),
    click.option("--revision", help="Revision of a Hub dataset."),
    click.option("--license", help="Licence of the data, for the records."),
    click.option("--limit", type=click.IntRange(min=1), help="Only the first N rows."),
)
MODEL_OPTIONS = _options(
    click.option(
        "--model",
        help="Hub id, Hugging Face folder, CTranslate2 folder, or 'demo'.  "
        "[default: facebook/nllb-200-distilled-600M]",
    ),
    click.option("--model-revision", help="Revision of a Hub model."),
    click.option("--quantization", help="Weights of a converted model, e.g. int8, float16."),
    click.option("--cache", type=FOLDER, help="Folder of converted models and translations."),
)
DECODING_OPTIONS = _options(
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


@main.command()
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
    from qa_parallel import pipeline
    from qa_parallel.models import ModelSettings
    from qa_parallel.recipe import parse
    from qa_parallel.sources import SourceSettings
    from qa_parallel.translate import TranslateSettings

    given = {name: value for name, value in options.items() if value not in (None, {})}
    if "device_index" in given:
        given["device_index"] = [part.strip() for part in given["device_index"].split(",")]
    source = parse(SourceSettings, _pick(given, SourceSettings), "options")
    model = _pick(given, ModelSettings)
    model.pop("revision", None)
    if "model_revision" in given:
        model["revision"] = given["model_revision"]
    settings = {**_pick(given, TranslateSettings), "to": to}
    with _progress() as progress:
        outcome = pipeline.translate(
            source,
            parse(ModelSettings, model, "options"),
            parse(TranslateSettings, settings, "options"),
            out,
            progress,
            overwrite=overwrite,
        )
    _show(outcome)


def _pick(given: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    return {name: given[name] for name in kind.model_fields if name in given}


@main.command()
@click.argument("recipe", type=FILE)
@click.option("--out", type=FOLDER, help="Another folder than the recipe's.")
@OVERWRITE
def run(recipe: Path, out: Path | None, overwrite: bool) -> None:
    """Run the stages of a RECIPE.

    Example: qa-parallel run recipes/quickstart.toml
    """
    from qa_parallel import pipeline
    from qa_parallel.engine import cores
    from qa_parallel.recipe import load_recipe

    loaded = load_recipe(recipe)
    if out is not None:
        loaded = loaded.model_copy(update={"out": out})
    corpus: Outcome | None = None
    with _progress() as progress:
        stages = pipeline.run(loaded, progress, overwrite=overwrite, workers=cores())
        for stage, outcome in stages:
            progress.finish()
            if isinstance(outcome, pipeline.Checked):
                _show_leaks(outcome)
                corpus = outcome.outcome if outcome.holds_corpus() else corpus
                continue
            corpus = outcome
            if stage == "filter":
                _show_funnel(outcome)
            else:
                _show_counts(outcome)
    if corpus is not None:
        _show_rows(corpus)


@main.command("import")
@click.option(
    "--parallel",
    multiple=True,
    required=True,
    help="LANGUAGE=FILE, once for each language; or one folder of <code>.json files.",
)
@click.option("--columns", callback=_pairs, help="As in `translate`, for all files.")
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
    from qa_parallel import pipeline

    outcome = pipeline.import_parallel(
        _files(parallel),
        out,
        columns=columns,
        split=split,
        license=license,
        overwrite=overwrite,
    )
    _show(outcome)


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


@main.command("filter")
@click.argument("corpus", required=False)
@click.option("--out", type=FOLDER, required=True, help="Folder of what is kept, and rejected.")
@click.option(
    "--set",
    "limits",
    multiple=True,
    help="CHECK=LIMIT, repeatable, e.g. --set length=5 --set copied=off.",
)
@click.option(
    "--min-languages", type=int, help="Only questions left in so many languages.  [default: 1]"
)
@click.option(
    "--detector",
    help="Language identifier: auto, py3langid, heliport, langid, none, or the path of a fastText "
    "model.  [default: auto]",
)
@click.option("--pivot", help="Language to compare rows with that are no translations.")
@click.option("--encoder", type=FOLDER, help="Folder of an encoder, for the cosine of both sides.")
@click.option("--prefix", help="What the encoder wants before a text, e.g. 'query: '.")
@click.option(
    "--columns", callback=_pairs, help="As in `translate`, for a CORPUS that is a source."
)
@click.option("--source-language", help="Language of a CORPUS that is a source.")
@click.option("--split", help="Split of a Hub dataset, and of the outcome.  [default: train]")
@click.option("--explain", metavar="QA_ID", help="All scores of a question beside their limits.")
@OVERWRITE
def filter_(
    corpus: str | None,
    out: Path,
    limits: tuple[str, ...],
    explain: str | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Part the good rows of CORPUS from the bad ones, and say why.

    CORPUS is a folder that qa-parallel made, or a file, folder or Hub id of QA data. Run again with
    other limits and --overwrite: what was measured is not measured again.

    Example: qa-parallel filter corpus --out clean --min-languages 4
    """
    from qa_parallel import pipeline
    from qa_parallel.engine import cores
    from qa_parallel.filters.settings import FilterSettings
    from qa_parallel.recipe import parse
    from qa_parallel.sources import SourceSettings

    if corpus is not None:
        given = {name: value for name, value in options.items() if value not in (None, {})}
        chosen = {**_pick(given, FilterSettings), "limits": _limits(limits)}
        settings = parse(FilterSettings, chosen, "options")
        source = {**_pick(given, SourceSettings), "source": corpus}
        with _console(stderr=True).status("reading") as status:
            outcome = pipeline.filter_corpus(
                parse(SourceSettings, source, "options"),
                settings,
                out,
                overwrite=overwrite,
                workers=cores(),
                tell=status.update,
            )
        if explain is None:
            _show_funnel(outcome)
    elif explain is None:
        raise click.UsageError("expected a CORPUS to filter, found none")
    if explain is not None:
        _print([pipeline.explain(out, explain)])


def _limits(given: tuple[str, ...]) -> dict[str, float | None]:
    limits: dict[str, float | None] = {}
    for part in given:
        name, found, value = part.partition("=")
        try:
            limits[name.strip()] = None if value.strip() == "off" else float(value)
        except ValueError:
            found = ""
        if not found:
            raise click.BadParameter(f"expected CHECK=LIMIT or CHECK=off, found {part!r}")
    return limits


@main.command("check-leakage")
@click.argument("corpus")
@click.option(
    "--against",
    multiple=True,
    required=True,
    help="NAME=PATH of an evaluation set, repeatable; options as NAME=PATH?language=de&split=test.",
)
@click.option(
    "--action",
    type=click.Choice(["report", "drop", "fail"]),
    help="drop: write what does not leak to --out.  fail: exit code 3.  [default: report]",
)
@click.option("--ngrams", help="Lengths of the runs of words to look for.  [default: 8,13]")
@click.option("--containment", type=float, help="Shared n-grams that make a leak.  [default: 0.5]")
@click.option("--similarity", type=float, help="Of near duplicates, at least.  [default: 0.5]")
@click.option(
    "--columns", callback=_pairs, help="As in `translate`, for a CORPUS that is a source."
)
@click.option("--source-language", help="Language of a CORPUS that is a source.")
@click.option("--split", help="Split of a Hub dataset, and of the outcome.  [default: train]")
@click.option("--out", type=FOLDER, help="Folder of the report, and of the clean corpus.")
@OVERWRITE
def check_leakage(
    corpus: str, against: tuple[str, ...], out: Path | None, overwrite: bool, **options: Any
) -> None:
    """Find what CORPUS shares with evaluation sets, in any language.

    CORPUS is a folder that qa-parallel made, or a file, folder or Hub id of QA data.

    Example: qa-parallel check-leakage corpus --against xquad-r=data/xquad-r --action drop
    --out clean
    """
    from qa_parallel import pipeline
    from qa_parallel.evalsets import parse_evalset
    from qa_parallel.leakage import LeakageSettings
    from qa_parallel.recipe import parse
    from qa_parallel.sources import SourceSettings

    given = {name: value for name, value in options.items() if value not in (None, {})}
    if "ngrams" in given:
        given["ngrams"] = [part.strip() for part in given["ngrams"].split(",")]
    settings = parse(LeakageSettings, _pick(given, LeakageSettings), "options")
    source = parse(SourceSettings, {**_pick(given, SourceSettings), "source": corpus}, "options")
    sets = [parse_evalset(one) for one in against]
    checked = pipeline.check_leakage(source, sets, settings, out, overwrite=overwrite)
    _show_leaks(checked)
    if checked.outcome is not None and checked.holds_corpus():
        _show(checked.outcome)
    elif checked.outcome is not None:
        click.echo(f"The report is in {checked.outcome.folder}.")
    pipeline.refuse_leaks(checked)


@main.command()
@click.option("--model", help="Only those that this model knows, e.g. demo.")
@click.option("--model-revision", help="Revision of a Hub model.")
@click.option("--cache", type=FOLDER, help="Folder of converted models.")
@click.argument("words", nargs=-1)
def languages(
    words: tuple[str, ...], model: str | None, model_revision: str | None, cache: Path | None
) -> None:
    """Print the languages, all or those that WORDS occur in; --model narrows to what it knows.

    Example: qa-parallel languages --model demo
    """
    from rich.table import Table

    from qa_parallel.languages import LANGUAGES

    known = set(LANGUAGES)
    if model is not None:
        from qa_parallel.models import ModelSettings, resolve
        from qa_parallel.recipe import parse

        given = {"model": model, "revision": model_revision, "cache": cache}
        values = {name: value for name, value in given.items() if value is not None}
        known = set(resolve(parse(ModelSettings, values, "options")).languages)
    table = Table("code", "name", "script", "639-1", "639-3", box=None, pad_edge=False)
    wanted = [word.casefold() for word in words]
    for code, item in LANGUAGES.items():
        row = (code, item.name, item.script, item.iso639_1 or "", item.iso639_3)
        if code in known and all(word in " ".join(row).casefold() for word in wanted):
            table.add_row(*row)
    _console().print(table)
    click.echo(f"{table.row_count} languages")


class _progress:
    """The live display, stopped however the run ends."""

    def __enter__(self) -> Any:
        from qa_parallel.progress import Progress

        self._progress = Progress(_console(stderr=True))
        return self._progress

    def __exit__(self, *error: object) -> None:
        self._progress.finish()


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDTH)


def _show(outcome: Outcome) -> None:
    _show_counts(outcome)
    _show_rows(outcome)


def _show_counts(outcome: Outcome) -> None:
    from qa_parallel import summary

    if outcome.complete_before:
        click.echo(f"{outcome.folder} is complete already; nothing to do.")
    _print(summary.counts(outcome.manifest))


def _show_rows(outcome: Outcome) -> None:
    from qa_parallel import summary

    _print(summary.rows(outcome.folder, outcome.manifest))


def _show_funnel(outcome: Outcome) -> None:
    from qa_parallel.filters import report
    from qa_parallel.store import read_json

    folder = outcome.folder
    if outcome.complete_before:
        click.echo(f"{folder} is complete already; nothing to do.")
    _print(report.describe(read_json(folder / "report.json")))
    click.echo(f"Kept rows are in {folder}/data, rejected ones in {folder}/rejected.")


def _show_leaks(checked: Checked) -> None:
    from qa_parallel import leakage_report

    _print(leakage_report.describe(checked.report))


def _print(parts: Iterable[Any]) -> None:
    console = _console()
    for part in parts:
        console.print(part)


if __name__ == "__main__":
    main()
