"""How well vectors retrieve: monolingual, cross-lingual and multilingual runs over one set.

    task = Task(open_evalset(EvalSettings(name="xquad-r", path="xquad-r")))
    found = evaluate(task, encode(task.questions), encode(task.texts("sentence")))
    summarise(found)

The search is exact: every query is compared with every candidate, some queries at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    rows, columns, gains:
        What is relevant: query, candidate, grade; sorted by query.
    owners:
        The number of the block that each of `columns` is in.

    Raises
    ------
    SourceError
        No queries, no candidates, or nothing is relevant.
    """

    def __init__(self, evalset: EvalSet) -> None:
        self.name = evalset.name
        self.queries = evalset.queries.sort("language", "query_id").with_row_index("row")
        self.candidates = evalset.candidates.sort("language", "candidate_id").with_row_index(
            "column"
        )
        pairs = (
            evalset.qrels.filter(pl.col("relevance") > 0)
            .join(self.queries.select("qa_id", "row"), on="qa_id")
            .join(self.candidates.select("candidate_id", "column"), on="candidate_id")
            .sort("row", "column")
        )
        if pairs.is_empty():
            raise SourceError(
                f"{self.name}: expected queries with relevant candidates, found "
                f"{self.queries.height:,} queries, {self.candidates.height:,} candidates and no "
                "pair of them",
                "retrieval needs passages, and where the answer stands in them, or judgements",
            )
        self.rows, self.columns = pairs["row"].to_numpy(), pairs["column"].to_numpy()
        self.gains = pairs["relevance"].cast(pl.Float64).to_numpy()
        self.blocks = _blocks(self.candidates["language"])
        starts = [start for start, _ in self.blocks.values()]
        self.owners = np.searchsorted(starts, self.columns, "right") - 1

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
        """Whether a query has relevant candidates in several languages."""
        runs = np.unique(self.rows.astype(np.int64) * len(self.blocks) + self.owners)
        return len(runs) > len(np.unique(self.rows))


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
    blocks = list(task.blocks.values())
    search = _Search(candidates)
    befores, heads = [], []
    for start, end in _chunks(len(queries), len(candidates)):
        first, last = np.searchsorted(task.rows, (start, end))
        before, head = standings(
            search.scores(queries[start:end]),
            blocks,
            task.rows[first:last].astype(np.int64) - start,
            task.columns[first:last].astype(np.int64),
            HEAD,
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


def _blocks(languages: pl.Series) -> dict[str, tuple[int, int]]:
    """[start, end) of each language in a sorted column."""
    lengths = languages.rle().struct.unnest()
    ends = lengths["len"].cum_sum().to_list()
    starts = [0, *ends[:-1]]
    return dict(zip(lengths["value"], zip(starts, ends, strict=True), strict=True))


def _within(task: Task, before: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Values of the runs over the candidates of one language each."""
    size = len(task.blocks)
    ranks = 1 + before[np.arange(len(before)), task.owners]
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
    groups, values = measure(task.rows.astype(np.int64), 1 + before.sum(axis=1), task.gains)
    frame = _frame(task, groups, values)
    return _sorted(
        frame.with_columns(
            candidate_language=pl.lit(None, dtype=pl.String), setting=pl.lit(MULTILINGUAL)
        )
    )


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
    parts = head[judged] / head[judged].sum(axis=1, keepdims=True)
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
