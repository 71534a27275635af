"""What the manifests and reports of the stages say, in figures and words for the page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_parallel import stages
from qa_parallel.filters.checks import CHECKS, LANGUAGES_LEFT
from qa_parallel.page.parts import Tongue, tongue
from qa_parallel.page.stage_folders import StageFolder, first
from qa_parallel.pictures import Picture, heat_maps
from qa_parallel.storage import folders, store
from qa_parallel.storage.stage import Stage
from qa_parallel.text import counted, duration, percent

_DEMO = "demo"
# A language of which more rows than that are rejected is worth a look.
_MANY = 0.1
_LISTED = 8  # languages in a sentence
# Settings that nobody reads on a page.
_HIDDEN = {"languages", "files", "input", "rejected", "reasons", "versions", "kind", "fingerprint",
           "made_by", "version", "stage", "source_counts", "questions", "passages", "leaks",
           "found", "finished", "seconds", "vocabulary", "layout"}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A stage as the page tells it.

    Attributes
    ----------
    took, finished:
        Empty where the manifest does not say.
    problem:
        Empty where all is well.
    settings:
        As JSON; empty where there is no manifest.
    layout:
        What was read as what, a line for each source and evaluation set.
    """

    title: str
    name: str
    words: str
    took: str
    finished: str
    problem: str
    settings: str
    layout: Sequence[str] = ()


@dataclass(frozen=True)
class Flow:
    """What became of the rows of one language; `left` are those that passed everything."""

    language: Tongue
    rows: int
    rejected: int
    leaked: int

    @property
    def left(self) -> int:
        return self.rows - self.rejected - self.leaked

    @property
    def share(self) -> str:
        """Of all rows, those that are left."""
        return percent(self.left, self.rows)


def history(found: Sequence[StageFolder]) -> dict[str, Mapping[str, Any]]:
    """Manifests of the stages that a corpus went through, by stage: of folders that are here, and
    of earlier ones as the last one remembers them."""
    told: dict[str, Mapping[str, Any]] = {}
    for one in found:
        if not one.whole:
            continue
        for before in _before(one):
            told |= {step["stage"]: step for step in folders.lineage(before)}
    told |= {one.stage.name: one.manifest for one in found[::-1] if one.whole and one.is_corpus}
    checked = first(found, stages.CHECK_LEAKAGE)
    if checked is not None:
        told[stages.CHECK_LEAKAGE.name] = checked.manifest
    return {stage.name: told[stage.name] for stage in stages.STAGES if stage.name in told}


def _before(one: StageFolder) -> Iterator[Mapping[str, Any]]:
    given = one.manifest.get("input") or []
    yield from [given] if isinstance(given, Mapping) else given[:1]


def entries(found: Sequence[StageFolder], told: Mapping[str, Mapping[str, Any]]) -> Iterator[Entry]:
    """What ran, in its order: stages without a folder here first."""
    here = {one.stage.name for one in found}
    for name, manifest in told.items():
        if name not in here:
            yield _entry(stages.of(manifest), "not in this folder", manifest, "")
    for one in found:
        others = {other.digest for other in found if other.is_corpus and other is not one}
        problem = one.problem or _stale(one.manifest, others)
        yield _entry(one.stage, one.name, one.manifest, problem[:1].upper() + problem[1:])


def _stale(manifest: Mapping[str, Any], others: set[str]) -> str:
    """Says so if a stage was made from another corpus than the `others` that are here."""
    corpora = manifest.get("corpora") or [manifest.get("corpus")]
    names = {known["digest"]: known["name"] for known in corpora if known}
    if not names or not others or others & set(names):
        return ""
    name = next(iter(names.values()))
    return f"made from {name}, which is not what is in this folder now; run it again"


def _entry(stage: Stage, name: str, manifest: Mapping[str, Any], problem: str) -> Entry:
    told = store.portable({key: one for key, one in manifest.items() if key not in _HIDDEN})
    seconds = manifest.get("seconds")
    return Entry(
        stage.title,
        name,
        stage.words(manifest) if manifest else "",
        "" if seconds is None else duration(seconds),
        str(manifest.get("finished", "")).replace("T", " ").replace("+00:00", " UTC"),
        problem,
        json.dumps(told, ensure_ascii=False, indent=2) if told else "",
        [f"{name}: {account['words']}" for name, account in manifest.get("layout", {}).items()],
    )


def flows(told: Mapping[str, Mapping[str, Any]]) -> list[Flow]:
    """What became of the rows, language by language, over all stages."""
    filtered = told.get(stages.FILTER.name, {}).get("source_counts", {})
    checked = told.get(stages.CHECK_LEAKAGE.name, {})
    leaked = checked.get("found", {}).get("leaked", {}).get("rows", {})
    dropped = checked.get(stages.CHECK_LEAKAGE.name, {}).get("action") == "drop"
    origin = next(iter(told.values()), {}).get("languages", {})
    found = []
    for code in filtered or origin:
        counts = filtered.get(code) or {"rows": origin[code]["rows"], "rejected": 0}
        gone = leaked.get(code, 0) if dropped else 0
        found.append(Flow(tongue(code), counts["rows"], counts["rejected"], gone))
    return found


def source_counts(told: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """What a translation read and why rows were left out, in words; empty for other origins."""
    counts: Mapping[str, Any] = told.get(stages.TRANSLATE.name, {}).get("source_counts", {})
    return {name.replace("_", " "): number for name, number in counts.items() if number}


@dataclass(frozen=True)
class Reasons:
    """Why rows were rejected: rows by reason, the most frequent first, and by language too."""

    totals: Mapping[str, int]
    picture: Picture


def reasons(told: Mapping[str, Mapping[str, Any]]) -> Reasons | None:
    """Rejected rows by reason; None where nothing was."""
    found: Mapping[str, Any] = told.get(stages.FILTER.name, {}).get("reasons", {})
    totals: Counter[str] = Counter()
    for mine in found.values():
        totals.update({reason: counts["rejected"] for reason, counts in mine.items()})
    if not totals:
        return None
    names = sorted(totals, key=lambda reason: (-totals[reason], reason))
    counts = [
        [mine.get(reason, {}).get("rejected", 0) for mine in found.values()] for reason in names
    ]
    picture = heat_maps(
        {"": counts},
        names,
        list(found),
        title="Rejected rows by reason and language",
        row_label="reason",
        column_label="language",
        number=",.0f",
        limits=(0, max(1, *(count for row in counts for count in row))),
    )
    return Reasons({name: totals[name] for name in names}, picture)


def own_checks(told: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What the checks measure that were handed to the filters, by their names."""
    checks = told.get(stages.FILTER.name, {}).get("filter", {}).get("checks", {})
    return {name: str(check["meaning"]) for name, check in checks.items()}


def meaning(reason: str, own: Mapping[str, str] | None = None) -> str:
    """What a check measures, for "field check"; `own` are those of `own_checks`.

    >>> meaning("question copied"), meaning("row terse", {"terse": "words of the answer"})
    ('share of 4-grams copied from the source', 'words of the answer')
    """
    check = reason.rpartition(" ")[2]
    if check == LANGUAGES_LEFT:
        return "languages in which the question is left"
    return CHECKS[check].meaning if check in CHECKS else (own or {}).get(check, "")


@dataclass(frozen=True)
class Quality:
    """How the translation into one language went, by its own account.

    Attributes
    ----------
    exact, fuzzy, lost:
        Of the answers that stand in the source's passage: found in the translated one word for
        word, found nearly so, not found.
    flags:
        Sentences by the flags of the translator, in words.
    """

    language: Tongue
    spans: int
    exact: int
    fuzzy: int
    flags: str

    @property
    def lost(self) -> int:
        return self.spans - self.exact - self.fuzzy


def qualities(told: Mapping[str, Mapping[str, Any]]) -> list[Quality]:
    """One entry for each language that was translated into; empty for other origins."""
    languages: Mapping[str, Any] = told.get(stages.TRANSLATE.name, {}).get("languages", {})
    return [
        Quality(
            tongue(code),
            one["spans"],
            one["placed"].get("exact", 0),
            one["placed"].get("fuzzy", 0),
            ", ".join(
                f"{name.replace(':', ' ')} {count:,}" for name, count in one["flags"].items()
            ),
        )
        for code, one in languages.items()
        if one["segments"]
    ]


def notes(
    found: Sequence[StageFolder],
    told: Mapping[str, Mapping[str, Any]],
    filtered: Mapping[str, Any] | None,
) -> Iterator[str]:
    """What a reader should know before the figures, a sentence each.

    Parameters
    ----------
    filtered:
        report.json of the filters; None where they did not run.
    """
    for one in found:
        if not one.whole:
            yield f"{one.stage.title} ({one.name}): {one.problem}."
    if told.get(stages.TRANSLATE.name, {}).get("model", {}).get("name") == _DEMO:
        yield (
            "Translated with the bundled demonstration model: it shows how things work, and its "
            "translations are rough. Use a larger model for data that matters."
        )
    yield from _on_leaks(told)
    many = [
        f"{flow.language.name} {percent(flow.rejected, flow.rows)}"
        for flow in sorted(flows(told), key=lambda flow: -flow.rejected / max(1, flow.rows))
        if flow.rejected > _MANY * flow.rows
    ]
    if many:
        yield (
            f"Many rows were rejected: {_listed(many)}. Read some of them below before you trust "
            "the rest."
        )
    if filtered is not None:
        yield from _on_filters(filtered)


def _on_leaks(told: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    checked = told.get(stages.CHECK_LEAKAGE.name)
    if checked is None:
        if told:
            yield (
                "Nothing here was compared with an evaluation set. Run qa-parallel check-leakage "
                "before you train on this and report results."
            )
        return
    for one in checked.get("found", {}).get("coverage", {}).get("not_compared", ()):
        yield f"Not compared, so that nothing is known of leaks: {one['words']}."
    questions = checked.get("found", {}).get("leaked", {}).get("questions", 0)
    if questions and checked.get(stages.CHECK_LEAKAGE.name, {}).get("action") != "drop":
        yield (
            "Leaks that were only reported and are still in the data: "
            f"{counted(questions, 'question')}."
        )


def _on_filters(filtered: Mapping[str, Any]) -> Iterator[str]:
    blind = [
        tongue(code).name
        for code, one in filtered.get("languages", {}).items()
        if one.get("detector") is None
    ]
    if blind and filtered.get("detected"):
        yield (
            f"No installed language identifier knows {_listed(blind)}, so text in a wrong language "
            "goes unnoticed there."
        )
    few = {
        tongue(one["language"]).name
        for one in filtered.get("limits", [])
        if one.get("basis") == "prior"
    }
    if few:
        yield (
            f"Fewer than 100 texts of a kind in {_listed(sorted(few))}: the limits there are built "
            "in, not learned from this corpus."
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
