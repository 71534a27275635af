"""The verbs of `import qa_parallel as qp`: one for each stage, by the names of the command line.

    corpus = qp.translate("faq.csv", to=["de", "fr"], model="demo", out="corpus")
    clean = qp.filter(corpus, out="clean", min_languages=2)
    plan = qp.build_batches(clean, strategy="hybrid", out="plan")

Common to all:

- What is read may be a path, a Hub id, the result of another verb, or rows: a Polars or pandas
  frame, a `datasets.Dataset`, a list of dictionaries.
- `out` is the folder of the outcome. What is there already, made with the same settings of the same
  input, is not made again; what was stopped goes on. None: a temporary folder, which the result
  names.
- `overwrite` makes anew what was made with other settings.
- `progress` shows what is being done, on a terminal or in a notebook. Nothing is printed without.
- Further keywords are the settings of the stage: the options of its command, with `_` for `-`. An
  unknown one is a `SettingError` that names the nearest.
- Errors that a user can mend are `QAParallelError`s, in one line.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.batches.strategies import COMPARED
from qa_parallel.display import Silent, console, telling
from qa_parallel.errors import StoreError
from qa_parallel.machine import cores
from qa_parallel.results import (
    Checked,
    Corpus,
    Filtered,
    Plan,
    Results,
    Run,
    Trained,
    read_result,
)
from qa_parallel.settings import Kinds, parse, sort_out
from qa_parallel.sources.rows import write_rows
from qa_parallel.sources.settings import EvalSettings, SourceSettings, parse_evalset
from qa_parallel.storage.cache import cache_folder

if TYPE_CHECKING:
    import polars as pl

    from qa_parallel.encoders.encoder import Encoder
    from qa_parallel.filters.checks import Check
    from qa_parallel.pipeline.steps import Step, StepResult
    from qa_parallel.publishing.stage import Publication
    from qa_parallel.publishing.upload import Published

# A path, a Hub id, a result, or rows in memory.
Source = Any
# Evaluation sets: {"xquad-r": "data/xquad-r"}, "NAME=PATH", a path, or several of these.
Sets = Mapping[str, Any] | Sequence[Any] | str | os.PathLike[str]
Place = str | os.PathLike[str]

# Settings of a source that other stages have no use for: they read corpora first of all.
_OF_SOURCES = ("columns", "source_language", "split", "config", "revision", "license", "limit")


def translate(
    source: Source,
    *,
    to: str | Sequence[str],
    out: Place | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Corpus:
    """Translate QA data into a parallel corpus.

    Parameters
    ----------
    to:
        Languages, "de,sw,zh-TW" or ["de", "sw"]; "all" is every language of the model.
    settings:
        model, model_revision, quantization, cache; source_language, columns, split, config,
        revision, license, limit; beam, device, guards, and what else `SourceSettings`,
        `ModelSettings` and `TranslateSettings` have.

    Raises
    ------
    SourceError, ModelError, LanguageError, StoreError
        What is read, the model, a language, or the folder is not as it should be.

    Examples
    --------
    >>> rows = [{"question": "Where is Anna?", "answer": "At home."}]
    >>> corpus = translate(rows, to="de", model="demo")  # doctest: +SKIP
    >>> corpus.languages  # doctest: +SKIP
    ('eng_Latn', 'deu_Latn')
    """
    from qa_parallel.translation import stage
    from qa_parallel.translation.models.settings import ModelSettings
    from qa_parallel.translation.settings import TranslateSettings

    given = sort_out(
        "translate",
        {**settings, "to": to},
        {
            SourceSettings: {name: name for name in _OF_SOURCES},
            ModelSettings: {"revision": "model_revision"},
            TranslateSettings: {},
        },
    )
    with _drawing(progress) as reporter:
        outcome = stage.translate(
            _source(source, given[SourceSettings], "translate"),
            parse(ModelSettings, given[ModelSettings], "translate"),
            parse(TranslateSettings, given[TranslateSettings], "translate"),
            _folder(out, "translate"),
            reporter,
            overwrite=overwrite,
        )
    return Corpus(outcome)


def import_parallel(
    parallel: Mapping[str, Place] | Place,
    *,
    out: Place | None = None,
    overwrite: bool = False,
    columns: Mapping[str, str] | None = None,
    split: str = "train",
    license: str | None = None,
) -> Corpus:
    """Make a corpus of human-made parallel files, joined by the id of their questions.

    Parameters
    ----------
    parallel:
        Language → file, {"en": "en.json", "de": "de.json"}, or a folder of files named by language.
    columns, split, license:
        As in `translate`, for all files.
    """
    from qa_parallel.sources import stage

    files = (
        {code: Path(path) for code, path in parallel.items()}
        if isinstance(parallel, Mapping)
        else Path(parallel)
    )
    outcome = stage.import_parallel(
        files,
        _folder(out, "import"),
        columns=columns,
        split=split,
        license=license,
        overwrite=overwrite,
    )
    return Corpus(outcome)


def filter(
    corpus: Source,
    *,
    checks: Sequence[Check] = (),
    out: Place | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Filtered:
    """Part the good rows of a corpus from the bad ones, and say why.

    Parameters
    ----------
    checks:
        Your own, besides those of qa-parallel; see `qa_parallel.filters.Check`.
    settings:
        limits ({"length": 5.0, "copied": None}; None turns a check off), min_languages, detector,
        pivot, encoder, prefix; of a source that is no corpus yet, those of a source.

    Examples
    --------
    >>> clean = filter("corpus", min_languages=4)  # doctest: +SKIP
    >>> clean.decisions["reason"].value_counts()  # doctest: +SKIP
    """
    from qa_parallel.filters import stage
    from qa_parallel.filters.settings import FilterSettings

    given = sort_out("filter", settings, {FilterSettings: {}, SourceSettings: _sources()})
    with telling(progress) as told:
        outcome = stage.filter_corpus(
            _source(corpus, given[SourceSettings], "filter"),
            parse(FilterSettings, given[FilterSettings], "filter"),
            _folder(out, "filter"),
            checks=checks,
            overwrite=overwrite,
            workers=cores(),
            tell=told.tell,
        )
    return Filtered(outcome)


def check_leakage(
    corpus: Source,
    against: Sets,
    *,
    out: Place | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Checked:
    """Find what a corpus shares with evaluation sets, in any language.

    Parameters
    ----------
    against:
        {"xquad-r": "data/xquad-r"}, "NAME=PATH", a path, or several of these.
    settings:
        action ("report", "drop", "fail"), ngrams, containment, similarity, encoder, prefix, cosine;
        of a source that is no corpus yet, those of a source.

    Raises
    ------
    LeakageError
        Something leaks, and the action is "fail".
    """
    from qa_parallel.leakage import stage
    from qa_parallel.leakage.settings import LeakageSettings

    given = sort_out("check-leakage", settings, {LeakageSettings: {}, SourceSettings: _sources()})
    with telling(progress):
        checked = stage.check_leakage(
            _source(corpus, given[SourceSettings], "check-leakage"),
            _sets(against),
            parse(LeakageSettings, given[LeakageSettings], "check-leakage"),
            _folder(out, "check-leakage"),
            overwrite=overwrite,
        )
    stage.refuse_leaks(checked)
    if checked.outcome is None:
        raise StoreError("expected a folder of the check, found none")
    return Checked(checked.outcome)


def build_batches(
    corpora: Source,
    *,
    out: Place | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Plan:
    """Plan which rows of a corpus, or of several, meet in which training step.

    Parameters
    ----------
    corpora:
        A corpus, or a list or tuple of them.
    settings:
        strategy, alpha, batch_size, steps, epochs, language_weights, languages, pairs, seed,
        validation, positive, negatives, negatives_per_row, export, source_weights.

    Examples
    --------
    >>> plan = build_batches("clean", strategy="hybrid", batch_size=32)  # doctest: +SKIP
    >>> plan[0].questions, plan[0].positives  # doctest: +SKIP
    """
    from qa_parallel.batches import stage
    from qa_parallel.batches.settings import BatchSettings

    given = sort_out("build-batches", settings, {BatchSettings: {}})
    with telling(progress) as told:
        told.tell("planning")
        outcome = stage.build_batches(
            [_source(one, {}, "build-batches") for one in _several(corpora)],
            parse(BatchSettings, given[BatchSettings], "build-batches"),
            _folder(out, "build-batches"),
            overwrite=overwrite,
        )
    return Plan(outcome)


def evaluate(
    encoder: Place | None,
    sets: Sets,
    *,
    out: Place | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Results:
    """Evaluate an encoder: monolingual, cross-lingual and multilingual retrieval.

    Parameters
    ----------
    encoder:
        Folder, Hub id or "demo"; None where `embeddings` are given.
    sets:
        {"xquad-r": "data/xquad-r"}, "NAME=PATH", a path, or several of these.
    settings:
        query_prefix, passage_prefix, pooling, max_length, candidates, titles, debias, precision,
        device, embeddings, cache; strategy and seed for the records.

    Examples
    --------
    >>> results = evaluate("demo", {"eval": "recipes/quickstart/eval"})  # doctest: +SKIP
    >>> results.table.filter(measure="map")  # doctest: +SKIP
    """
    from qa_parallel.evaluation import stage
    from qa_parallel.evaluation.settings import EvaluateSettings

    given = sort_out("evaluate", {**settings, "encoder": _name(encoder)}, {EvaluateSettings: {}})
    with telling(progress) as told:
        evaluated = stage.evaluate_sets(
            _sets(sets),
            parse(EvaluateSettings, given[EvaluateSettings], "evaluate"),
            _folder(out, "evaluate"),
            overwrite=overwrite,
            tell=told.tell,
        )
    if evaluated.outcome is None:
        raise StoreError("expected a folder of the results, found none")
    return Results(evaluated.outcome)


def train_eval(
    plans: Source = (),
    *,
    encoder: Place,
    eval: Sets,
    corpus: Source = (),
    strategies: str | Sequence[str] = COMPARED,
    out: Place | None = None,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Trained:
    """Train an encoder by each plan from the same start, evaluate and compare all.

    Parameters
    ----------
    plans:
        What `build_batches` returned, or its folder; or several of these.
    corpus:
        Instead of plans: corpora to plan on, once for each of `strategies`.
    eval:
        {"xquad-r": "data/xquad-r"}, "NAME=PATH", a path, or several of these.
    settings:
        steps, seeds, seed, rate, temperature, direction, cached and what else `ExperimentSettings`
        has; with `corpus` those of `build_batches` as well.

    Raises
    ------
    TrainingError
        Both plans and corpora or neither; plans of different lengths; a loss that is no number.
    """
    from qa_parallel.batches.settings import BatchSettings
    from qa_parallel.errors import TrainingError
    from qa_parallel.training import experiment
    from qa_parallel.training.settings import ExperimentSettings

    folders = [Path(one) for one in _several(plans)]
    corpora = _several(corpus)
    if bool(folders) == bool(corpora):
        raise TrainingError(f"expected plans or a corpus, found {'both' if folders else 'neither'}")
    kinds: Kinds = {ExperimentSettings: {}, **({BatchSettings: {}} if corpora else {})}
    given = sort_out("train-eval", {**settings, "encoder": _name(encoder)}, kinds)
    asked = parse(ExperimentSettings, given[ExperimentSettings], "train-eval")
    parsed = _sets(eval)
    home = _folder(out, "train-eval")
    with telling(progress) as told:
        if corpora:
            experiment.read_sets(parsed, told.tell)
            names = strategies.split(",") if isinstance(strategies, str) else strategies
            batches = given[BatchSettings]
            folders = experiment.plan_strategies(
                [_source(one, {}, "train-eval") for one in corpora],
                [
                    parse(
                        BatchSettings, {**batches, "strategy": name.strip()}, "train-eval"
                    ).strategy
                    for name in names
                ],
                parse(BatchSettings, batches, "train-eval"),
                asked.seeds,
                home / "plans",
                overwrite=overwrite,
                tell=told.tell,
            )
            asked, home = asked.model_copy(update={"seeds": 1}), home / "trained"
        outcome = experiment.train_eval(
            folders,
            parsed,
            asked,
            home,
            overwrite=overwrite,
            tell=told.tell,
            warn=told.warn,
        )
    return Trained(outcome)


def report(folder: Place, *, rows: int | None = None, seed: int = 0) -> Path:
    """Write report.html into `folder`, of a run or of one stage; returns its path.

    Parameters
    ----------
    rows:
        Questions that are shown in all their languages. None: 200.
    seed:
        Of the draw that chooses them.
    """
    from qa_parallel.page.stage import ROWS, write_report

    return write_report(Path(folder), rows=ROWS if rows is None else rows, seed=seed)


def publish(
    corpus: Place,
    *,
    repo: str,
    dry_run: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Publication | Published:
    """Publish a corpus on the Hugging Face Hub, with a card made from its manifests.

    Parameters
    ----------
    repo:
        "org/name" of a data set.
    dry_run:
        Check everything and write the card; nothing is sent.
    settings:
        license, private, tag, pr, plan, leakage, evaluation.

    Returns
    -------
    With `dry_run` a `Publication`: files, card, operations, warnings. Else a `Published`: the
    address and the commit.
    """
    from qa_parallel.publishing import stage
    from qa_parallel.publishing.settings import PublishSettings

    given = sort_out("publish", {**settings, "repo": repo}, {PublishSettings: {}})
    with telling(progress) as told:
        ready = stage.prepare(
            Path(corpus), parse(PublishSettings, given[PublishSettings], "publish"), told.tell
        )
        return ready if dry_run else stage.publish(ready, told.tell)


def run(
    recipe: Place,
    *,
    out: Place | None = None,
    change: Mapping[str, Any] | Sequence[str] = (),
    from_stage: str | None = None,
    until_stage: str | None = None,
    progress: bool = False,
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
        Do this stage and those after it anew; leave out what comes after that one.
    begin, ended:
        Told of every stage before it is done, with the reasons why, and what became of it.
    """
    from qa_parallel.page.stage import write_report
    from qa_parallel.pipeline import run as pipeline
    from qa_parallel.pipeline.recipe import load_recipe
    from qa_parallel.storage.stage import Tools

    loaded = load_recipe(Path(recipe), _changes(change))
    if out is not None:
        loaded = loaded.model_copy(update={"out": Path(out)})
    results = []
    with _drawing(progress) as reporter, telling(progress) as told:
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


def read_corpus(folder: Place) -> Corpus:
    """The corpus that a stage left in `folder`.

    Raises
    ------
    StoreError
        There is none, a half-written one, or something else.
    """
    found = read_result(Path(folder))
    if not isinstance(found, Corpus):
        raise StoreError(f"expected a corpus in {folder}, found {found!r}")
    return found


def open_plan(folder: Place) -> Plan:
    """The plan that `build_batches` left in `folder`; StoreError where there is none."""
    found = read_result(Path(folder))
    if not isinstance(found, Plan):
        raise StoreError(f"expected a plan in {folder}, found {found!r}")
    return found


def load_encoder(name: Place, **settings: Any) -> Encoder:
    """An encoder: `encoder(["a text"], prefix="query: ")` is an array of vectors of length 1.

    Parameters
    ----------
    name:
        Folder, Hub id or "demo".
    settings:
        query_prefix, passage_prefix, pooling, max_length, precision, device.
    """
    from qa_parallel.encoders import encoder
    from qa_parallel.encoders.settings import EncoderSettings

    given = sort_out("load_encoder", {**settings, "encoder": _name(name)}, {EncoderSettings: {}})
    return encoder.load_encoder(
        encoder.find_encoder(str(_name(name))),
        parse(EncoderSettings, given[EncoderSettings], "load_encoder"),
    )


@contextmanager
def _drawing(shown: bool) -> Iterator[Any]:
    """Who is told how a translation goes."""
    if not shown:
        yield Silent()
        return
    from qa_parallel.translation.progress import Progress

    progress = Progress(console(stderr=True))
    try:
        yield progress
    finally:
        progress.finish()


def _folder(out: Place | None, verb: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"qa-parallel-{verb}-")) if out is None else Path(out)


def _sources() -> dict[str, str]:
    return {name: name for name in _OF_SOURCES}


def _source(given: Source, settings: Mapping[str, Any], verb: str) -> SourceSettings:
    if isinstance(given, str | os.PathLike):
        place = os.fspath(given)
    else:
        place = str(write_rows(given, cache_folder(None) / "rows"))
    return parse(SourceSettings, {**settings, "source": place}, verb)


def _several(given: Source) -> list[Any]:
    """A thing, or a list or tuple of things; a list of dictionaries is rows, one thing."""
    if not isinstance(given, list | tuple):
        return [given]
    return [given] if given and isinstance(given[0], Mapping) else list(given)


def _name(place: Place | None) -> str | None:
    return None if place is None else os.fspath(place)


def _sets(given: Sets) -> list[EvalSettings]:
    if isinstance(given, Mapping):
        return [parse_evalset(f"{name}={os.fspath(place)}") for name, place in given.items()]
    several = [given] if isinstance(given, str | os.PathLike) else given
    return [
        one if isinstance(one, EvalSettings) else parse_evalset(os.fspath(one)) for one in several
    ]


def _changes(given: Mapping[str, Any] | Sequence[str]) -> list[str]:
    if not isinstance(given, Mapping):
        return list(given)
    import json

    return [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in given.items()
    ]
