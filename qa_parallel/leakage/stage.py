"""A corpus in; out a report of what leaks, and with the action "drop" a corpus without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.encoders.encoder import digest, find_encoder, load_encoder
from qa_parallel.errors import LeakageError, SourceError, StoreError
from qa_parallel.leakage import report as leakage_report
from qa_parallel.leakage import summary
from qa_parallel.leakage.coverage import coverage, texts_read
from qa_parallel.leakage.find import Reference, find_leaks, is_leaked, leaked_groups
from qa_parallel.leakage.known_meanings import Encode
from qa_parallel.leakage.settings import LeakageSettings
from qa_parallel.sources.evalsets import EvalSet, open_evalset
from qa_parallel.sources.inputs import Input, open_input
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import CorpusWriter
from qa_parallel.storage.folders import DATA, Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Context, RecipeStep, Stage

# Raise it when the same corpus, sets and settings would give other leaks than before.
VERSION = 2
LEAKS = "leaks.parquet"
REPORT = "report.json"


@dataclass
class Checked:
    """What a check found.

    Attributes
    ----------
    report:
        As in report.json: what was checked against what, hits, what leaks, examples.
    leaks:
        LEAKS.
    outcome:
        The folder that was written. None where none was asked for.
    """

    report: dict[str, Any]
    leaks: pl.DataFrame
    outcome: Outcome | None = None

    def holds_corpus(self) -> bool:
        """Whether the folder is a corpus, without what leaks, and not a report alone."""
        return self.outcome is not None and self.outcome.manifest["kind"] == "corpus"


def check_leakage(
    corpus: SourceSettings,
    against: Sequence[EvalSettings],
    settings: LeakageSettings,
    out: Path | None = None,
    *,
    overwrite: bool = False,
    encode: Encode | None = None,
) -> Checked:
    """Check a corpus against evaluation sets; all of these are read before anything is written.

    Parameters
    ----------
    corpus:
        A corpus folder, or what `open_source` reads.
    out:
        Folder of leaks.parquet and report.json, and of the clean corpus where the action is "drop".
        None: nothing is written.
    encode:
        Texts to vectors, to compare questions across languages. None: the encoder that the settings
        name, if any, is loaded.

    Raises
    ------
    SourceError
        The corpus or an evaluation set cannot be read.
    ModelError
        There is no such encoder.
    StoreError
        `out` belongs to something else; "drop" without `out`.
    """
    if out is None:
        if settings.action == "drop":
            raise StoreError("expected a folder for the clean corpus, found none", "give --out")
        return _check(_open(corpus, against, settings, encode))
    folders.refuse_same(out, corpus.source)
    folders.refuse_foreign(out)
    job = prepare_check(corpus, against, settings, encode=encode)
    return read_check(carry_out(job, out, fresh(overwrite)))


def prepare_check(
    corpus: SourceSettings,
    against: Sequence[EvalSettings],
    settings: LeakageSettings,
    *,
    encode: Encode | None = None,
) -> Job:
    """The job of `check_leakage`."""
    opened = _open(corpus, against, settings, encode)

    def make(out: Path) -> dict[str, Any]:
        return _write(out, opened, _check(opened))

    names = ", ".join(one.name for one in against)
    words = f"{opened.given.words} against {names}"
    return Job(opened.described, make, input=dict(opened.given.manifest), words=words)


def read_check(outcome: Outcome) -> Checked:
    """What a check found, from its folder."""
    folder = outcome.folder
    return Checked(store.read_json(folder / REPORT), store.read_parquet(folder / LEAKS), outcome)


def refuse_leaks(checked: Checked) -> None:
    """LeakageError where anything leaks, or was not compared, and the action is "fail"."""
    if checked.report[STAGE.name]["action"] != "fail":
        return
    questions = checked.report["leaked"]["questions"]
    names = ", ".join(one["name"] for one in checked.report["checked"])
    if questions:
        raise LeakageError(
            f"expected no question of {names}, found {questions:,} that "
            f"{'leaks' if questions == 1 else 'leak'}",
            f"--action drop removes {'it' if questions == 1 else 'them'}",
        )
    covered = checked.report["coverage"]
    if covered["questions"]:
        raise LeakageError(
            f"expected all questions compared with {names}, found {covered['questions']:,} that "
            f"were not: {'; '.join(one['words'] for one in covered['not_compared'])}",
            "compare them by meaning: --encoder",
        )


@dataclass(frozen=True)
class _Opened:
    """All that is compared, read and described."""

    given: Input
    evalsets: Sequence[EvalSet]
    settings: LeakageSettings
    encoder: Path | None
    encode: Encode | None
    described: dict[str, Any]


def _open(
    corpus: SourceSettings,
    against: Sequence[EvalSettings],
    settings: LeakageSettings,
    encode: Encode | None,
) -> _Opened:
    names = [one.name for one in against]
    if not names or len(set(names)) < len(names):
        raise SourceError(
            f"expected evaluation sets of different names, found {', '.join(names) or 'none'}",
            "give --against NAME=PATH, once for each",
        )
    evalsets = [open_evalset(one, judged=True) for one in against]
    checked = [leakage_report.describe_set(one) for one in evalsets]
    given = open_input(corpus)
    encoder = None if settings.encoder is None else find_encoder(settings.encoder)
    described = _describe(given, settings, encoder, against, checked)
    return _Opened(given, evalsets, settings, encoder, encode, described)


def _encode(opened: _Opened) -> Encode | None:
    """Texts to vectors by the encoder that the settings name, if any."""
    if opened.encoder is None:
        return None
    encoder, prefix = load_encoder(opened.encoder), opened.settings.prefix
    return partial(encoder, prefix=encoder.query_prefix if prefix is None else prefix)


def _check(opened: _Opened) -> Checked:
    """Originals first: a translation of what leaks there need not be looked at."""
    given, settings = opened.given, opened.settings
    reference = Reference(opened.evalsets, settings, opened.encode or _encode(opened))
    keys: list[pl.DataFrame] = []
    original = pl.col("translated_from").is_null()  # as `texts_read` has it

    def originals() -> Iterator[pl.DataFrame]:
        for frame in given.frames():
            keys.append(texts_read(frame))
            yield frame.filter(original)

    first = find_leaks(originals(), reference)
    groups = leaked_groups(first)
    # a source has no translations, and need not be read again
    again = given.frames() if given.manifest else iter(())
    second = find_leaks((one.filter(~original & ~is_leaked(*groups)) for one in again), reference)
    leaks = pl.concat([first, second])
    rows = pl.concat(keys)
    report = {
        **opened.described,
        "corpus": _corpus(given, rows),
        "hits": leakage_report.count_hits(leaks),
        "leaked": _leaked(rows, first, leaks),
        "coverage": coverage(
            rows,
            opened.evalsets,
            is_leaked(*leaked_groups(leaks)),
            by_meaning=reference.meanings is not None,
        ),
        "examples": leakage_report.examples(leaks),
        "layout": {
            **given.layout,
            **{one.name: one.account.to_json() for one in opened.evalsets},
        },
    }
    return Checked(report, leaks)


def _corpus(given: Input, rows: pl.DataFrame) -> dict[str, Any]:
    return {
        "name": given.name,
        "digest": given.digest,
        "rows": rows.height,
        "questions": rows["qa_id"].n_unique(),
        "languages": list(given.languages),
    }


def _leaked(rows: pl.DataFrame, first: pl.DataFrame, leaks: pl.DataFrame) -> dict[str, Any]:
    """How many questions leak, what showed it, and how many rows they are in each language."""
    gone = rows.filter(is_leaked(*leaked_groups(leaks)))
    questions, passages = leaked_groups(leaks)
    by_passage = gone.filter(pl.col("passage_id").is_in(passages.implode()))["qa_id"].n_unique()
    by_original = gone.filter(is_leaked(*leaked_groups(first)))["qa_id"].n_unique()
    total = gone["qa_id"].n_unique()
    return {
        "questions": total,
        "by_text": len(questions),
        "by_passage": by_passage,
        "by_original": by_original,
        "by_translation": total - by_original,
        "rows": dict(gone.group_by("language").len().sort("language").iter_rows()),
    }


# Settings of our own; a recipe's have more, whose contents are described.
_SHAPES = set(LeakageSettings.model_fields) - {"encoder"}


def _describe(
    given: Input,
    settings: LeakageSettings,
    encoder: Path | None,
    against: Sequence[EvalSettings],
    checked: list[dict[str, Any]],
) -> dict[str, Any]:
    """All that shapes the outcome, for comparing with what a folder was made with."""
    options = [one.model_dump(mode="json", exclude={"name", "path"}) for one in against]
    return description(
        STAGE.name,
        VERSION,
        {
            **settings.model_dump(mode="json", include=_SHAPES),
            "encoder": encoder and digest(encoder),
        },
        corpus={"name": given.name, "digest": given.digest},
        checked=[{**one, "options": more} for one, more in zip(checked, options, strict=True)],
    )


def _write(out: Path, opened: _Opened, done: Checked) -> dict[str, Any]:
    """The files of the folder; returns its manifest."""
    described = opened.described
    store.remove(out / DATA)
    store.write_parquet(out / LEAKS, done.leaks)
    store.write_json(out / REPORT, done.report)
    found = {name: done.report[name] for name in ("corpus", "hits", "leaked", "coverage")}
    record = {
        "layout": done.report["layout"],
        "leaks": {"file": LEAKS, "rows": done.leaks.height, "sha256": store.digest(out / LEAKS)},
        "found": found,
    }
    if opened.settings.action != "drop":
        return {**folders.manifest(described, {}, {}), "kind": "leakage", **record}
    return {**_clean(out, opened.given, done, described), **record}


def _clean(out: Path, given: Input, done: Checked, described: dict[str, Any]) -> dict[str, Any]:
    """The corpus without the groups that leak, file by file."""
    leaked = is_leaked(*leaked_groups(done.leaks))
    writer = CorpusWriter(out, given.languages, given.split)
    counts = {code: {"kept": 0, "dropped": 0} for code in given.languages}
    for code in given.languages:
        for frame in given.frames(code):
            kept = frame.filter(~leaked)
            writer.add(code, kept)
            counts[code]["kept"] += kept.height
            counts[code]["dropped"] += frame.height - kept.height
    names = ", ".join(f"{one['name']} ({one['source']})" for one in described["checked"])
    left = "; ".join(one["words"] for one in done.report["coverage"]["not_compared"])
    manifest = writer.finish(
        described,
        f"{given.name.rsplit('@')[0]} without the leaks that were found",
        f"Made by qa-parallel from {given.name}, without the questions that leaked from {names}. "
        f"{f'Not compared: {left}. ' if left else ''}"
        f"What was found: {REPORT}, {LEAKS}. Counts, digests and settings: manifest.json.",
    )
    return {**manifest, "source_counts": counts}


def _prepare(context: Context) -> Job:
    settings = context.tables["check-leakage"]
    return prepare_check(SourceSettings(source=str(context.input)), settings.evalsets(), settings)


STAGE = Stage(
    name="check-leakage",
    title="Check for leakage",
    makes="corpus",
    words=summary.words,
    brief=lambda outcome: summary.brief(outcome.manifest),
    summary=lambda outcome: summary.describe(store.read_json(outcome.folder / REPORT)),
    files=(LEAKS,),
    recipe=RecipeStep(
        "checked",
        _prepare,
        reads="corpus",
        hands_on=lambda settings: settings.action == "drop",
        refuse=lambda outcome: refuse_leaks(read_check(outcome)),
    ),
)
