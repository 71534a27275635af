"""From data to a plan of batches: translate, import, filter, check, plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qa_parallel.api.given import (
    OF_SOURCES,
    Place,
    Sets,
    Source,
    drawing,
    evalsets,
    folder_of,
    of_sources,
    open_source,
    path_of,
    several,
)
from qa_parallel.display import Shown, telling
from qa_parallel.errors import LeakageError, StoreError
from qa_parallel.machine import cores
from qa_parallel.results import (
    Checked,
    Corpus,
    Filtered,
    Plan,
    read_result,
)
from qa_parallel.settings import parse, sort_out
from qa_parallel.sources.settings import SourceSettings

if TYPE_CHECKING:
    from qa_parallel.filters.checks import Check

    pass


def translate(
    source: Source,
    *,
    to: str | Sequence[str],
    out: Place | None = None,
    overwrite: bool = False,
    progress: Shown = False,
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
            SourceSettings: {name: name for name in OF_SOURCES},
            ModelSettings: {"revision": "model_revision"},
            TranslateSettings: {},
        },
    )
    with drawing(progress) as reporter:
        outcome = stage.translate(
            open_source(source, given[SourceSettings], "translate"),
            parse(ModelSettings, given[ModelSettings], "translate"),
            parse(TranslateSettings, given[TranslateSettings], "translate"),
            folder_of(out, "translate"),
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
    keep: str | Sequence[str] | None = None,
    encoding: str | None = None,
    split: str | None = None,
    license: str | None = None,
) -> Corpus:
    """Join files that people translated into a parallel corpus, by the ids of their questions.

    Parameters
    ----------
    parallel:
        Language → file, {"en": "en.json", "de": "de.json"}, or a folder of files named by language.
    columns, keep, encoding, split, license:
        As in `translate`, for all files; the split is the one that is written.
    """
    from qa_parallel.sources import stage

    files = (
        {code: path_of(path) for code, path in parallel.items()}
        if isinstance(parallel, Mapping)
        else path_of(parallel)
    )
    given = {"columns": columns, "keep": keep, "encoding": encoding, "split": split}
    common = parse(
        SourceSettings,
        {"source": "-", **{name: value for name, value in given.items() if value is not None}},
        "import",
    )
    outcome = stage.import_parallel(
        files,
        folder_of(out, "import"),
        columns=common.columns,
        keep=common.keep,
        encoding=common.encoding,
        split=common.split,
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
    progress: Shown = False,
    **settings: Any,
) -> Filtered:
    """Separate the good rows of a corpus from the broken ones, and keep the reasons.

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

    given = sort_out("filter", settings, {FilterSettings: {}, SourceSettings: of_sources()})
    with telling(progress) as told:
        outcome = stage.filter_corpus(
            open_source(corpus, given[SourceSettings], "filter"),
            parse(FilterSettings, given[FilterSettings], "filter"),
            folder_of(out, "filter"),
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
    progress: Shown = False,
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
        Something leaks or was not compared, and the action is "fail"; its `result` is what this
        would have returned.
    """
    from qa_parallel.leakage import stage
    from qa_parallel.leakage.settings import LeakageSettings

    given = sort_out("check-leakage", settings, {LeakageSettings: {}, SourceSettings: of_sources()})
    with telling(progress) as told:
        told.tell("comparing")
        checked = stage.check_leakage(
            open_source(corpus, given[SourceSettings], "check-leakage"),
            evalsets(against),
            parse(LeakageSettings, given[LeakageSettings], "check-leakage"),
            folder_of(out, "check-leakage"),
            overwrite=overwrite,
        )
    if checked.outcome is None:
        raise StoreError("expected a folder of the check, found none")
    result = Checked(checked.outcome)
    try:
        stage.refuse_leaks(checked)
    except LeakageError as error:
        error.result = result
        raise
    return result


def build_batches(
    corpora: Source,
    *,
    out: Place | None = None,
    overwrite: bool = False,
    progress: Shown = False,
    **settings: Any,
) -> Plan:
    """Plan which rows of a corpus, or of several, share a training batch, and in which languages.

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
            [open_source(one, {}, "build-batches") for one in several(corpora)],
            parse(BatchSettings, given[BatchSettings], "build-batches"),
            folder_of(out, "build-batches"),
            overwrite=overwrite,
        )
    return Plan(outcome)


def read_corpus(folder: Place) -> Corpus:
    """The corpus that a stage left in `folder`.

    Raises
    ------
    StoreError
        There is none, a half-written one, or something else.
    """
    found = read_result(path_of(folder))
    if not isinstance(found, Corpus):
        raise StoreError(f"expected a corpus in {folder}, found {found!r}")
    return found


def open_plan(folder: Place) -> Plan:
    """The plan that `build_batches` left in `folder`; StoreError where there is none."""
    found = read_result(path_of(folder))
    if not isinstance(found, Plan):
        raise StoreError(f"expected a plan in {folder}, found {found!r}")
    return found
