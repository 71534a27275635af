"""What is about a recipe or a folder as a whole, and what comes along: languages, cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.api.given import (
    Place,
    changes,
    drawing,
    path_of,
)
from qa_parallel.display import Shown, Silent, telling
from qa_parallel.machine import cores
from qa_parallel.results import (
    CacheContents,
    Forecast,
    Run,
    Upload,
)
from qa_parallel.settings import Kinds, parse, sort_out
from qa_parallel.storage.cache import cache_folder

if TYPE_CHECKING:
    import polars as pl

    from qa_parallel.pipeline.recipe import Recipe
    from qa_parallel.pipeline.steps import Step, StepResult


def run(
    recipe: Place,
    *,
    out: Place | None = None,
    change: Mapping[str, Any] | Sequence[str] = (),
    from_stage: str | None = None,
    until_stage: str | None = None,
    progress: Shown = False,
    begin: Callable[[Step, tuple[str, ...]], None] = lambda *_: None,
    ended: Callable[[StepResult], None] = lambda _: None,
) -> Run:
    """Run the stages of a recipe; those that are up to date are skipped.

    Parameters
    ----------
    recipe:
        A TOML file, or the name of a recipe that comes along: "quickstart".
    out:
        Another folder than the recipe's.
    change:
        Other settings than the recipe's: {"translate.beam": 1}, or ["translate.beam=1"].
    from_stage, until_stage:
        Do this stage and those after it again; stop after that one.
    begin, ended:
        Told of every stage before it is done, with what is to be done, or the reasons why, and what
        became of it.
    """
    from qa_parallel.page.stage import write_report
    from qa_parallel.pipeline import run as pipeline
    from qa_parallel.storage.stage import Tools

    loaded = _loaded(recipe, out, change)
    results = []
    with drawing(progress) as reporter, telling(progress) as told:
        tools = Tools(reporter, cores(), told.tell, told.warn)

        def started(step: Step, reasons: tuple[str, ...]) -> None:
            told.pause()
            begin(step, reasons)

        for result in pipeline.run(loaded, tools, from_stage, until_stage, begin=started):
            reporter.finish()
            told.pause()
            results.append(result)
            ended(result)
    return Run(results, loaded.out, write_report(loaded.out))


def foresee(
    recipe: Place,
    *,
    out: Place | None = None,
    change: Mapping[str, Any] | Sequence[str] = (),
    from_stage: str | None = None,
    until_stage: str | None = None,
    progress: Shown = False,
) -> Forecast:
    """What `run` would do, and why; nothing is made. Parameters are those of `run`."""
    from qa_parallel.pipeline import run as pipeline
    from qa_parallel.storage.stage import Tools

    loaded = _loaded(recipe, out, change)
    with telling(progress) as told:
        tools = Tools(Silent(), cores(), told.tell, told.warn)
        foreseen = pipeline.foresee(loaded, tools, from_stage, until_stage)
        return Forecast(loaded.out, {step.name: reasons for step, reasons in foreseen})


def _loaded(recipe: Place, out: Place | None, change: Mapping[str, Any] | Sequence[str]) -> Recipe:
    from qa_parallel.pipeline.bundled import find_recipe
    from qa_parallel.pipeline.recipe import load_recipe

    loaded = load_recipe(find_recipe(os.fspath(recipe)), changes(change))
    return loaded if out is None else loaded.model_copy(update={"out": path_of(out)})


def report(folder: Place, **settings: Any) -> Path:
    """Write report.html into `folder`, of a run or of one stage; returns its path.

    Parameters
    ----------
    settings:
        rows, the questions that are shown in all their languages; seed, of the draw that chooses
        them.
    """
    from qa_parallel.page.settings import PageSettings
    from qa_parallel.page.stage import write_report

    given = sort_out("report", settings, {PageSettings: {}})
    asked = parse(PageSettings, given[PageSettings], "report")
    return write_report(path_of(folder), rows=asked.rows, seed=asked.seed)


def publish(
    corpus: Place,
    *,
    repo: str,
    card: Place | None = None,
    dry_run: bool = False,
    progress: Shown = False,
    **settings: Any,
) -> Upload:
    """Publish a corpus on the Hugging Face Hub, with a card written from its manifests.

    What the one who publishes should know is a `QAParallelWarning`, told before anything is sent.

    Parameters
    ----------
    repo:
        "org/name" of a dataset.
    card:
        A file to write the card to as well.
    dry_run:
        Check everything and write the card; nothing is sent.
    settings:
        license, private, tag, pr, plan, leakage, evaluation.
    """
    from qa_parallel.publishing import stage
    from qa_parallel.publishing.settings import PublishSettings

    given = sort_out("publish", {**settings, "repo": repo}, {PublishSettings: {}})
    with telling(progress) as told:
        asked = parse(PublishSettings, given[PublishSettings], "publish")
        ready = stage.prepare(path_of(corpus), asked, told.tell)
        for warning in ready.warnings:
            told.warn(warning)
        if card is not None:
            stage.write_card(ready, path_of(card))
        return Upload(ready, None if dry_run else stage.publish(ready, told.tell))


def recipes() -> pl.DataFrame:
    """The recipes that come along: name, description, path."""
    import polars as pl

    from qa_parallel.pipeline import bundled

    columns = ("name", "description", "path")
    rows = [(one.name, one.description, str(one.path)) for one in bundled.recipes()]
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String()), orient="row")


def copy_recipe(name: str, to: Place = ".") -> Path:
    """Copy a recipe that comes along, with the data beside it, to change it; returns the copy.

    Parameters
    ----------
    to:
        A folder, or the name of the new file, "mine.toml".

    Raises
    ------
    RecipeError
        There is no such recipe, or there is a file already.
    """
    from qa_parallel.pipeline import bundled

    return bundled.copy_recipe(name, path_of(to))


def cache(folder: Place | None = None) -> CacheContents:
    """What is in the cache: converted models, translations, vectors, rows; where, and how large.

    Parameters
    ----------
    folder:
        None: $QA_PARALLEL_CACHE or ~/.cache/qa-parallel.
    """
    from qa_parallel.storage import caches

    home = cache_folder(None if folder is None else path_of(folder))
    return CacheContents(home, caches.contents(home))


def prune_cache(
    folder: Place | None = None,
    *,
    kind: str | None = None,
    older_than: str | None = None,
    dry_run: bool = False,
) -> CacheContents:
    """Remove what is in the cache, or some of it; it is made again when it is needed.

    What is not ours is left alone. Returns what was removed.

    Parameters
    ----------
    kind:
        "models", "translations", "vectors" or "rows". None: all of these.
    older_than:
        Only what was not used for so long: "30d", "12h". None: of any age.
    dry_run:
        Remove nothing.
    """
    from qa_parallel.storage import caches

    home = cache_folder(None if folder is None else path_of(folder))
    chosen = caches.choose(caches.contents(home), kind, older_than)
    if not dry_run:
        caches.remove(home, chosen)
    return CacheContents(home, chosen)


def languages(*words: str, model: str | None = None, **settings: Any) -> pl.DataFrame:
    """The languages, all or those that all `words` occur in.

    Parameters
    ----------
    model:
        Only those that this model knows.
    settings:
        model_revision, cache.

    Returns
    -------
    code, name, script, 639-1 (null where there is none), 639-3.
    """
    import polars as pl

    from qa_parallel.language_codes import LANGUAGES

    known = set(LANGUAGES)
    if model is not None:
        from qa_parallel.translation.models.model import resolve
        from qa_parallel.translation.models.settings import ModelSettings

        names: Kinds = {ModelSettings: {"revision": "model_revision"}}
        given = sort_out("languages", {**settings, "model": model}, names)
        known = set(resolve(parse(ModelSettings, given[ModelSettings], "languages")).languages)
    rows = [
        (code, one.name, one.script, one.iso639_1, one.iso639_3)
        for code, one in LANGUAGES.items()
        if code in known
    ]
    wanted = [word.casefold() for word in words]
    columns = ("code", "name", "script", "639-1", "639-3")
    return pl.DataFrame(
        [row for row in rows if all(word in " ".join(map(str, row)).casefold() for word in wanted)],
        schema=dict.fromkeys(columns, pl.String()),
        orient="row",
    )
