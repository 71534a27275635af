"""How well vectors retrieve: monolingual, cross-lingual and multilingual runs over one set.

    task = Task(open_evalset(EvalSettings(name="xquad-r", path="xquad-r")))
    found = evaluate(task, encode(task.questions), encode(task.texts("sentence")))
    summarise(found)

The search is exact: every query is compared with every candidate, some queries at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from qa_parallel.errors import SourceError
from qa_parallel.evaluation import measures
from qa_parallel.evaluation.measures import (
    CROSS,
    HEAD,
    MONOLINGUAL,
    MULTILINGUAL,
    RANK_DISTANCE,
    SETTINGS,
    SHARE,
    measure,
    standings,
)
from qa_parallel.evaluation.settings import Candidates
from qa_parallel.schema import RESULTS
from qa_parallel.sources.evalsets import EvalSet

Vectors = npt.NDArray[np.float32]

# Bytes of scores that are in memory at a time, as long as one query has not more of them.
_SCORES = 64 << 20
_KEY = ("setting", "query_language", "candidate_language")


class Task:
    """An evaluation set in the order of its vectors.

    Attributes
    ----------
    name:
        Of the set.
    queries, candidates:
        QUERIES and CANDIDATES, sorted by language, then id: within a language, and among all,
        since ids begin with the language, a tie goes to the earlier row.
    blocks:
        Language → [start, end) of its candidates.
        A language of which all judged documents are missing has an empty one.
    rows, columns, gains:
        What is relevant: query, candidate, grade; sorted by query. The candidate is -1 where it is
        judged, but not in the collection: as in trec_eval, it is never found and counts in the
        denominators.
    owners:
        The number of the block that each of `columns` is in, or would be.
    own:
        Rows and columns of candidates that are the query's own text in its language: of its own
        group (judged relevant, or of the same id). They are neither relevant nor distractors.
    judged:
        How many judgements there are, how many of them are "missing": their documents are not in
        the collection; how many are "relevant", and "relevant_missing".

    Raises
    ------
    SourceError
        No queries, no candidates, or nothing is relevant; more judged documents are missing from
        the collection than `evalset.missing` allows.
    """

    def __init__(self, evalset: EvalSet) -> None:
        self.name = evalset.name
        self.queries = evalset.queries.sort("language", "query_id").with_row_index("row")
        self.candidates = evalset.candidates.sort("language", "candidate_id").with_row_index(
            "column"
        )
        judged = evalset.qrels.join(
            self.candidates.select("candidate_id", "column"), on="candidate_id", how="left"
        )
        self.judged = _judged(judged)
        self.own = _own(self.queries, self.candidates, judged)
        pairs = (
            judged.filter(pl.col("relevance") > 0)
            .join(self.queries.select("qa_id", "row"), on="qa_id")
            .join(self.own, on=["row", "column"], how="anti")
            .sort("row", "column", "candidate_id", nulls_last=True)
        )
        if pairs["column"].count() == 0:
            raise SourceError(
                f"{self.name}: expected queries with relevant candidates, found "
                f"{self.queries.height:,} queries, {self.candidates.height:,} candidates and no "
                "pair of them",
                "retrieval needs passages, and where the answer stands in them, or judgements; a "
                "text does not retrieve itself",
            )
        _refuse_missing(self.name, self.judged, evalset.missing)
        self.rows = pairs["row"].to_numpy()
        self.columns = pairs["column"].cast(pl.Int64).fill_null(-1).to_numpy()
        self.gains = pairs["relevance"].cast(pl.Float64).to_numpy()
        # ids begin with name/language/
        languages = pairs["candidate_id"].str.split("/").list.get(1)
        known = self.candidates.select("candidate_id", "language")
        languages = pairs.join(known, on="candidate_id", how="left", maintain_order="left")[
            "language"
        ].fill_null(languages)
        self.blocks = _blocks(self.candidates["language"], languages)
        numbers = {language: number for number, language in enumerate(self.blocks)}
        self.owners = languages.replace_strict(numbers, return_dtype=pl.Int64).to_numpy()

    @property
    def questions(self) -> list[str]:
        """What is searched with, a text for each row of `queries`."""
        return self.queries["question"].to_list()

    def texts(self, candidates: Candidates = "sentence", titles: bool | None = None) -> list[str]:
        """What is searched, a text for each row of `candidates`.

        A candidate that is the whole passage is not followed by it again.
        """
        text = pl.col("text")
        if candidates == "sentence+passage":
            within = pl.col("passage").is_not_null() & (pl.col("passage") != text)
            text = (
                pl.when(within).then(pl.concat_str(text, "passage", separator=" ")).otherwise(text)
            )
        # the documents of BEIR and MIRACL have ids of their own
        wanted = pl.col("local_id").is_not_null() if titles is None else pl.lit(titles)
        titled = wanted & pl.col("title").is_not_null()
        whole = pl.when(titled).then(pl.concat_str("title", text, separator=" ")).otherwise(text)
        return self.candidates.select(whole.alias("text"))["text"].to_list()

    def spans_languages(self) -> bool:
        """Whether a query has relevant candidates in several languages, its own text included."""
        numbers = list(self.blocks)
        own = self.candidates["language"][self.own["column"]].to_list()
        rows = np.concatenate([self.rows, self.own["row"].to_numpy()]).astype(np.int64)
        owners = np.concatenate([self.owners, [numbers.index(code) for code in own]])
        runs = np.unique(rows * len(numbers) + owners.astype(np.int64))
        return len(runs) > len(np.unique(rows))


@dataclass(frozen=True)
class Measurements:
    """What the runs over one set found.

    Attributes
    ----------
    name:
        Of the set.
    values:
        A row a query and run: "setting", "query_language", "candidate_language" (null where they
        are of all languages), "query_id", "qa_id", and a column for each of `MEASURES`; null where
        it is not measured in the setting, or says nothing of the query.
    shares:
        "query_language", "candidate_language", "value": which part of the first ten candidates of
        the union is of which language, a mean over "queries" queries.
    counts:
        For each setting: runs, queries counted, queries "without" a relevant candidate among those
        of the run, which are left out of it; in the multilingual setting "single": those with one,
        left out of the rank distance.
    """

    name: str
    values: pl.DataFrame
    shares: pl.DataFrame
    counts: dict[str, dict[str, int]]


def evaluate(
    task: Task,
    queries: Vectors,
    candidates: Vectors,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Measurements:
    """All runs over a set.

    Monolingual and cross-lingual runs search the candidates of one language, the multilingual ones
    all. The latter two are left out where no query has relevant candidates in several languages,
    unless questions and candidates are of different languages themselves.

    Parameters
    ----------
    queries, candidates:
        Vectors of shape (rows of the task's table, dimensions); the score is their dot product.
    tell:
        Told how many of how many queries are ranked.
    """
    _refuse_infinite(task.queries["query_id"], queries)
    _refuse_infinite(task.candidates["candidate_id"], candidates)
    blocks = list(task.blocks.values())
    search = _Search(candidates)
    rows, columns = task.rows.astype(np.int64), task.columns
    own, texts = (task.own[name].to_numpy().astype(np.int64) for name in ("row", "column"))
    befores, heads = [], []
    for start, end in _chunks(len(queries), len(candidates)):
        scores = search.scores(queries[start:end])
        mine = (own >= start) & (own < end)
        scores[own[mine] - start, texts[mine]] = -np.inf
        first, last = np.searchsorted(rows, (start, end))
        before, head = standings(
            scores, blocks, rows[first:last] - start, columns[first:last], HEAD
        )
        befores.append(before)
        heads.append(head)
        tell(end, len(queries))
    before, head = np.concatenate(befores), np.concatenate(heads)
    values = _within(task, before)
    shares = pl.DataFrame(schema=_SHARES)
    if len(blocks) > 1 and task.spans_languages():
        values = pl.concat([values, _union(task, before)])
        shares = _shares(task, head)
    return Measurements(task.name, values, shares, _counts(task, values))


def _refuse_infinite(ids: pl.Series, vectors: Vectors) -> None:
    """A vector that is no vector would rank first."""
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise SourceError(
            f"expected finite numbers in all vectors, found NaN or infinity in {len(wrong):,} of "
            f"{len(vectors):,}, the first that of {ids[int(wrong[0])]}"
        )


def debias(vectors: Vectors, languages: pl.Series) -> Vectors:
    """Vectors less the mean of those in their language, scaled to length 1 again.

    The baseline that needs no training, of arXiv 2606.18801; given queries or candidates.
    """
    found = np.empty_like(vectors)
    names = languages.to_numpy()
    for name in languages.unique().to_list():
        mine = names == name
        found[mine] = vectors[mine] - vectors[mine].mean(axis=0)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return found


def summarise(found: Measurements, **record: Any) -> pl.DataFrame:
    """RESULTS: the mean of each run, and of each setting the mean of its runs.

    `record` fills the columns encoder, strategy, seed and signature; null where they are missing.
    """
    names = [one.name for one in measures.MEASURES]
    runs = found.values.group_by(_KEY, maintain_order=True).agg(
        pl.col(names).mean(), *(pl.col(one).count().alias(f"#{one}") for one in names)
    )
    whole = runs.group_by("setting", maintain_order=True).agg(
        pl.col(names).mean(), pl.col([f"#{one}" for one in names]).sum()
    )
    empty = pl.lit(None, dtype=pl.String)
    whole = whole.with_columns(query_language=empty, candidate_language=empty)
    rows = [
        frame.select(*_KEY, measure=pl.lit(one), value=one, queries=f"#{one}")
        for frame in (whole, runs)
        for one in names
    ]
    shares = found.shares.select(
        setting=pl.lit(MULTILINGUAL), query_language="query_language",
        candidate_language="candidate_language", measure=pl.lit(SHARE.name), value="value",
        queries="queries",
    )  # fmt: skip
    every = pl.concat([*rows, shares], how="vertical_relaxed").filter(pl.col("queries") > 0)
    filled = {name: record.get(name) for name in ("encoder", "strategy", "seed", "signature")}
    return every.with_columns(
        dataset=pl.lit(found.name),
        **{name: pl.lit(value, dtype=RESULTS[name]) for name, value in filled.items()},
    ).select(pl.col(name).cast(dtype) for name, dtype in RESULTS.items())


_SHARES = {
    "query_language": pl.String(),
    "candidate_language": pl.String(),
    "value": pl.Float64(),
    "queries": pl.Int64(),
}


class _Search:
    """Scores of queries against all candidates; equal vectors get equal scores.

    A matrix product may round the same numbers differently in different columns. Each distinct
    vector is therefore multiplied once, so that candidates with the same text tie.
    """

    def __init__(self, candidates: Vectors) -> None:
        places: dict[bytes, int] = {}
        numbers = [places.setdefault(row.tobytes(), len(places)) for row in candidates]
        self._numbers = np.array(numbers)
        self._distinct = len(places) < len(numbers)
        self._vectors = candidates
        if self._distinct:
            _, first = np.unique(self._numbers, return_index=True)
            self._vectors = candidates[first]

    def scores(self, queries: Vectors) -> Vectors:
        found: Vectors = queries @ self._vectors.T
        return found[:, self._numbers] if self._distinct else found


def _chunks(queries: int, candidates: int) -> Iterator[tuple[int, int]]:
    size = max(1, _SCORES // (4 * candidates))
    for start in range(0, queries, size):
        yield start, min(start + size, queries)


def _judged(judged: pl.DataFrame) -> dict[str, int]:
    """Counts of judgements, as `Task.judged`."""
    missing, relevant = pl.col("column").is_null(), pl.col("relevance") > 0
    counts = judged.select(
        judgements=pl.len(),
        missing=missing.sum(),
        relevant=relevant.sum(),
        relevant_missing=(missing & relevant).sum(),
    )
    return {name: int(count or 0) for name, count in counts.row(0, named=True).items()}


def _refuse_missing(name: str, judged: Mapping[str, int], allowed: float) -> None:
    shares = (
        judged["missing"] / judged["judgements"],
        judged["relevant_missing"] / judged["relevant"],
    )
    if max(shares) > allowed:
        raise SourceError(
            f"{name}: expected the judged documents in the collection, found {judged['missing']:,} "
            f"of {judged['judgements']:,} judgements ({judged['relevant_missing']:,} of "
            f"{judged['relevant']:,} relevant ones) without, more than {allowed:.0%}",
            "is a part of the collection missing? Or allow it: NAME=PATH?missing=1",
        )


def _own(queries: pl.DataFrame, candidates: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """Row and column of candidates that are the query's own text, as `Task.own`."""
    asked = queries.select("row", "qa_id", "local_id", "language", form=_form("question"))
    found = candidates.select("column", "candidate_id", "language", form=_form("text"),
                              theirs="local_id")  # fmt: skip
    same = asked.join(found, on=["language", "form"])
    relevant = judged.filter(pl.col("relevance") > 0).select("qa_id", "candidate_id", group=True)
    return (
        same.join(relevant, on=["qa_id", "candidate_id"], how="left")
        .filter(pl.col("group").is_not_null() | (pl.col("local_id") == pl.col("theirs")))
        .select("row", "column")
        .unique()
        .sort("row", "column")
    )


def _form(column: str) -> pl.Expr:
    """Text in the form in which it is compared."""
    plain = pl.col(column).str.normalize("NFKC").str.to_lowercase()
    return plain.str.replace_all(r"\s+", " ").str.strip_chars()


def _blocks(languages: pl.Series, judged: pl.Series) -> dict[str, tuple[int, int]]:
    """[start, end) of each language in a sorted column; those that are only judged are empty."""
    lengths = dict(languages.value_counts().iter_rows())
    blocks, start = {}, 0
    for language in sorted({*lengths, *judged}):
        blocks[language] = (start, start + lengths.get(language, 0))
        start = blocks[language][1]
    return blocks


def _within(task: Task, before: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Values of the runs over the candidates of one language each."""
    size = len(task.blocks)
    ranks = _ranks(task, before[np.arange(len(before)), task.owners])
    numbers = task.rows.astype(np.int64) * size + task.owners
    groups, values = measure(numbers, ranks, task.gains)
    frame = _frame(task, groups // size, values).with_columns(
        candidate_language=pl.Series(np.array(list(task.blocks))[groups % size])
    )
    same = pl.col("query_language") == pl.col("candidate_language")
    setting = pl.when(same).then(pl.lit(MONOLINGUAL)).otherwise(pl.lit(CROSS))
    return _sorted(frame.with_columns(setting=setting))


def _union(task: Task, before: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Values of the runs over the candidates of all languages."""
    groups, values = measure(
        task.rows.astype(np.int64), _ranks(task, before.sum(axis=1)), task.gains
    )
    frame = _frame(task, groups, values)
    return _sorted(
        frame.with_columns(
            candidate_language=pl.lit(None, dtype=pl.String), setting=pl.lit(MULTILINGUAL)
        )
    )


def _ranks(task: Task, before: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Ranks from 1; infinite for what is not in the collection."""
    return np.where(task.columns < 0, np.inf, 1 + before)


def _frame(task: Task, rows: npt.NDArray[np.int64], values: Any) -> pl.DataFrame:
    queries = task.queries[rows].select("query_id", "qa_id", query_language="language")
    return queries.with_columns(pl.Series(name, column) for name, column in values.items())


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns and the order of `Measurements.values`."""
    values = (
        pl.when(pl.col("setting").is_in(one.settings)).then(pl.col(one.name).fill_nan(None))
        for one in measures.MEASURES
    )
    order = pl.col("setting").replace_strict({one: n for n, one in enumerate(SETTINGS)})
    return frame.select(*_KEY, "query_id", "qa_id", *values).sort(
        order, "query_language", "candidate_language", maintain_order=True
    )


def _shares(task: Task, head: npt.NDArray[np.int64]) -> pl.DataFrame:
    judged = np.unique(task.rows)
    parts = head[judged] / np.maximum(head[judged].sum(axis=1, keepdims=True), 1)
    frame = pl.DataFrame(parts, schema=list(task.blocks)).with_columns(
        query_language=task.queries["language"][judged]
    )
    return (
        frame.unpivot(index="query_language", variable_name="candidate_language")
        .group_by("query_language", "candidate_language", maintain_order=True)
        .agg(pl.col("value").mean(), queries=pl.len().cast(pl.Int64))
        .sort("query_language", "candidate_language")
    )


def _counts(task: Task, values: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Runs and queries of each setting, and how many have nothing relevant in a run."""
    asked = dict(task.queries.group_by("language").len().iter_rows())
    found: dict[str, dict[str, int]] = {}
    for (setting,), mine in values.group_by("setting", maintain_order=True):
        runs = mine.group_by(_KEY).len()
        without = sum(
            asked[row["query_language"]] - row["len"] for row in runs.iter_rows(named=True)
        )
        found[str(setting)] = {"runs": runs.height, "queries": mine.height, "without": without}
        if setting == MULTILINGUAL:
            found[str(setting)]["single"] = mine[RANK_DISTANCE.name].null_count()
    return found
