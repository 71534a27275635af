"""Questions for the page: drawn at random, in all their languages, with what became of each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from qa_parallel.schema import DECISIONS, LEAKS

KEPT, REJECTED, LEAKED = "kept", "rejected", "leaked"
# Rows on the page at most, whatever is asked for, and characters of all their passages.
MOST_ROWS = 12_000
_PASSAGES = 4_000_000
_LENGTHS = {"id": 120, "question": 600, "answer": 400}
_PASSAGE = (120, 1_500)  # characters of one, at least and at most
COLUMNS = ["qa_id", "passage_id", "language", "title", "question", "answer", "passage",
           "answer_start", "answer_method", "translated_from", "flags"]  # fmt: skip


@dataclass(frozen=True)
class Fate:
    """What became of the rows of a corpus.

    Attributes
    ----------
    decisions:
        DECISIONS of the filters; empty where there were none.
    questions, passages:
        Ids of questions that leak by themselves, and of passages whose every question does.
    """

    decisions: pl.DataFrame
    questions: frozenset[str] = frozenset()
    passages: frozenset[str] = frozenset()

    @classmethod
    def of(cls, decisions: pl.DataFrame | None, leaks: pl.DataFrame | None) -> Fate:
        """From the tables that the stages wrote; None where one did not run."""
        real = pl.DataFrame(schema=LEAKS) if leaks is None else leaks.filter("leaked")
        on_passage = real["field"] == "passage"
        return cls(
            pl.DataFrame(schema=DECISIONS) if decisions is None else decisions,
            frozenset(real.filter(~on_passage)["qa_id"]),
            frozenset(real.filter(on_passage)["passage_id"]),
        )


@dataclass(frozen=True)
class Sample:
    """The questions that were chosen.

    Attributes
    ----------
    ids:
        In the order of the corpus.
    all, concerned:
        Questions there are, and those of them that leak or have a rejected row.
    chosen_concerned:
        How many of the latter were chosen.
    """

    ids: list[str]
    all: int
    concerned: int
    chosen_concerned: int


def choose(keys: pl.DataFrame, fate: Fate, rows: int, seed: int) -> Sample:
    """Choose `rows` questions at random; up to half of them leak or have a rejected row.

    These are dealt over the reasons in turn, so that a rare one is seen too.

    Parameters
    ----------
    keys:
        qa_id, passage_id and language of all rows.
    """
    ids = keys["qa_id"].unique(maintain_order=True)
    rows = min(rows, MOST_ROWS // max(1, keys["language"].n_unique()))
    lots = np.random.default_rng(seed).permutation(len(ids))
    questions = pl.DataFrame({"qa_id": ids, "lot": pl.Series(lots)})
    reasons = pl.concat(
        [
            fate.decisions.select("qa_id", reason=pl.concat_str("field", "check", separator=" ")),
            _leaked(keys, fate).select("qa_id", reason=pl.lit(LEAKED)),
        ]
    ).unique()
    concerned = (
        reasons.join(questions, on="qa_id")
        .with_columns(turn=pl.col("lot").rank("ordinal").over("reason"))
        .sort("turn", "lot")
        .unique("qa_id", keep="first", maintain_order=True)
    )
    other = questions.join(concerned, on="qa_id", how="anti").sort("lot")
    share = max(rows // 2, rows - other.height)
    first = concerned["qa_id"].head(share)
    chosen = set(first) | set(other["qa_id"].head(rows - len(first)))
    return Sample([one for one in ids if one in chosen], len(ids), concerned.height, len(first))


def _leaked(keys: pl.DataFrame, fate: Fate) -> pl.DataFrame:
    by_text = pl.col("qa_id").is_in(list(fate.questions))
    return keys.filter(by_text | pl.col("passage_id").is_in(list(fate.passages)))


def embed(
    sample: Sample, frames: Iterable[pl.DataFrame], fate: Fate, languages: Sequence[str]
) -> dict[str, Any]:
    """What the page's script shows, as JSON: reasons, passages, questions with their rows.

    Parameters
    ----------
    frames:
        Rows of the chosen questions, with `COLUMNS`.

    Returns
    -------
    "reasons", "field check" each; "passages", each distinct one once; "questions" with "id",
    "title", "state" and "rows": by language "q", "a", "p" (its place in "passages"), "s" (start and
    end of the answer there in UTF-16 units, as scripts count), "state", "why" (places in "reasons",
    with the words of the decision), "flags".
    """
    cells = len(sample.ids) * max(1, len(languages))
    limit = min(_PASSAGE[1], max(_PASSAGE[0], _PASSAGES // max(1, cells)))
    why: dict[tuple[str, str], list[tuple[str, str]]] = {}
    chosen = fate.decisions.filter(pl.col("qa_id").is_in(sample.ids))
    for row in chosen.iter_rows(named=True):
        reason = (f"{row['field']} {row['check']}", row["reason"])
        why.setdefault((row["qa_id"], row["language"]), []).append(reason)
    reasons = sorted({reason for many in why.values() for reason, _ in many})
    places = {reason: place for place, reason in enumerate(reasons)}
    passages: dict[str, int] = {}
    questions: dict[str, dict[str, Any]] = {
        one: {"id": _cut(one, "id"), "title": None, "rows": {}} for one in sample.ids
    }
    for frame in frames:
        for row in frame.iter_rows(named=True):
            found = why.get((row["qa_id"], row["language"]), [])
            leaks = row["qa_id"] in fate.questions or row["passage_id"] in fate.passages
            question = questions[row["qa_id"]]
            question["title"] = question["title"] or _cut(row["title"], "id")
            question["rows"][row["language"]] = {
                "q": _cut(row["question"], "question"),
                "a": _cut(row["answer"], "answer"),
                **_passage(row, limit, passages),
                "state": REJECTED if found else LEAKED if leaks else KEPT,
                "why": [[places[reason], words] for reason, words in found],
                "flags": list(row["flags"] or ()),
                "original": row["translated_from"] is None,
            }
    return {
        "reasons": reasons,
        "passages": list(passages),
        "questions": [one for one in questions.values() if one["rows"]],
    }


def _passage(row: Mapping[str, Any], limit: int, passages: dict[str, int]) -> dict[str, Any]:
    """The passage, cut so that the answer is in sight."""
    text, start = row["passage"], row["answer_start"]
    if text is None:
        return {"p": None, "s": None}
    end = None if start is None else min(len(text), start + len(row["answer"] or ""))
    begin = 0 if end is None or end <= limit else max(0, start - limit // 2)
    shown = text[begin : begin + limit]
    before = "… " if begin else ""
    whole = f"{before}{shown}{' …' if begin + limit < len(text) else ''}"
    span = None
    if start is not None and end is not None and end > start:
        span = [_units(f"{before}{text[begin:place]}") for place in (start, end)]
    return {"p": passages.setdefault(whole, len(passages)), "s": span}


def _units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str | None, kind: str) -> str | None:
    limit = _LENGTHS[kind]
    return text if text is None or len(text) <= limit else f"{text[:limit]} …"
