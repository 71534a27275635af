"""What a check compared, and what it could not: the words "nothing leaks" are worth no more.

Texts are compared within a language. Those of a language that a set lacks are compared all the same
where the group has a row in one that it has, since what leaks is the group; questions also by an
encoder. What is left was compared with nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from qa_parallel.language_codes import LANGUAGES
from qa_parallel.sources.evalsets import EvalSet

_LISTED = 4  # languages that a line names

# A field of the corpus, what its rows are one by, and the texts of a set that it is compared with.
_FIELDS = (
    ("question", "qa_id", "question"),
    ("passage", "passage_id", "passage"),
    ("answer", "qa_id", "passage"),
)
_READ = ("question", "passage", "answer", "title")


def texts_read(frame: pl.DataFrame) -> pl.DataFrame:
    """Keys of CORPUS rows, and whether there is a text in each field.

    Returns
    -------
    qa_id, passage_id, language, original (it is no translation), question, passage, answer, title;
    answers count where there is no passage.
    """
    text = {name: (pl.col(name).str.strip_chars() != "").fill_null(False) for name in _READ}
    text["answer"] &= pl.col("passage").is_null()
    original = pl.col("translated_from").is_null()
    return frame.select("qa_id", "passage_id", "language", original=original, **text)


def coverage(
    rows: pl.DataFrame, evalsets: Sequence[EvalSet], leaked: pl.Expr, *, by_meaning: bool
) -> dict[str, Any]:
    """What of a corpus was compared with what.

    Parameters
    ----------
    rows:
        As of `texts_read`, of the whole corpus.
    leaked:
        Whether a row is known to leak: nothing more need be known of it.
    by_meaning:
        Whether an encoder compared the questions of languages that a set lacks.

    Returns
    -------
    texts: by field and language, how many were read;
    compared: for each set, field and language the texts there, how many of the set are in the
    language, and how many of the texts were `left` without any comparison;
    questions: how many were not compared with every set;
    not_compared: benchmark, field ("set": its own questions), `words` that say what was left;
    verdict: what is known where nothing was found to leak.
    """
    compared: list[dict[str, Any]] = []
    lines: list[dict[str, str]] = []
    missed = pl.Series([False]).new_from_index(0, rows.height)
    for evalset in evalsets:
        name, known = evalset.name, _texts(evalset)
        for field, group, theirs in _FIELDS:
            there = known[theirs]
            if not there:
                continue
            by_encoder = pl.lit(field == "question" and by_meaning)
            left = pl.col(field) & ~_reached(field, group, there) & ~by_encoder & ~leaked
            marked = rows.with_columns(left=left)
            if field == "question":
                missed |= marked["left"]
            mine = marked.filter(field).group_by("language", maintain_order=True)
            counts = mine.agg(texts=pl.len(), left=pl.col("left").sum())
            compared += [
                {"benchmark": name, "field": field, "language": code, "texts": texts,
                 "known": there.get(code, 0), "left": missing}
                for code, texts, missing in counts.iter_rows()
            ]  # fmt: skip
            codes = counts.filter(pl.col("left") > 0)["language"].to_list()
            if codes:
                words = f"{_texts_in(codes, field)} with {name} ({_only(there)})"
                lines.append({"benchmark": name, "field": field, "words": words})
        lines += _elsewhere(evalset, rows["language"].unique())
    questions = rows["qa_id"].n_unique(), rows.filter(missed)["qa_id"].n_unique()
    return {
        "texts": {name: _by_language(rows.filter(name)) for name in _READ},
        "compared": compared,
        "questions": questions[1],
        "not_compared": lines,
        "verdict": _verdict(*questions, compared),
    }


def _verdict(questions: int, missed: int, compared: Sequence[Mapping[str, Any]]) -> str:
    if not missed:
        return "Nothing leaks."
    asked = [one for one in compared if one["field"] == "question"]
    if all(one["texts"] == one["left"] for one in asked):
        return f"Nothing is known of leaks: none of {questions:,} questions was compared."
    return (
        f"Of what was compared nothing leaks; {missed:,} of {questions:,} questions were not "
        "compared with every set."
    )


def _texts(evalset: EvalSet) -> dict[str, dict[str, int]]:
    """How many questions and passages of a set there are in each language."""
    passages = evalset.candidates.unique("passage_id")
    return {"question": _by_language(evalset.queries), "passage": _by_language(passages)}


def _by_language(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.group_by("language").len().sort("language").iter_rows())


def _reached(field: str, group: str, there: Mapping[str, int]) -> pl.Expr:
    """Whether a row's group has a text in a language of the set."""
    return (pl.col(field) & pl.col("language").is_in(list(there))).any().over(group)


def _texts_in(codes: Sequence[str], field: str) -> str:
    if len(codes) > _LISTED:
        return f"{field}s in {len(codes):,} languages"
    return f"{', '.join(codes)} {field}s"


def _only(codes: Mapping[str, int]) -> str:
    if len(codes) > _LISTED:
        return f"{len(codes):,} other languages"
    names = [LANGUAGES[code].name if code in LANGUAGES else code for code in codes]
    return f"{', '.join(names)} only"


def _elsewhere(evalset: EvalSet, languages: pl.Series) -> Iterator[dict[str, str]]:
    """Questions of a set that are in no language of the corpus, where it has others that are."""
    own = pl.col("language").is_in(languages.implode()).any()
    reached = evalset.queries.group_by("qa_id").agg(own=own)["own"]
    missing = int((~reached).sum())
    if 0 < missing < len(reached):
        words = f"{missing:,} of {len(reached):,} questions of {evalset.name}, which are in none "
        yield {
            "benchmark": evalset.name,
            "field": "set",
            "words": f"{words}of the corpus's languages",
        }
