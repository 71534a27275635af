"""One measure that all strategies are judged by: reserved questions among what is to be found."""

from __future__ import annotations

import hashlib

import polars as pl

from qa_parallel.encoders.encoder import Encoder
from qa_parallel.errors import SourceError
from qa_parallel.evaluation.measures import MONOLINGUAL, MULTILINGUAL
from qa_parallel.evaluation.ranking import Task, evaluate, summarise
from qa_parallel.schema import CANDIDATES, QRELS, QUERIES
from qa_parallel.sources.evalsets import EvalSet

NAME = "validation"


def reserved_task(rows: pl.DataFrame, limit: int) -> Task | None:
    """Questions of all languages, and the distinct texts of all languages to find them among.

    Sentences are to be told from the other sentences of their passages.

    Parameters
    ----------
    rows:
        corpus, qa_id, language, question, positive, others; question and positive may be null. A
        question that is its own positive is left out in all languages: it is found by its letters.
    limit:
        At most so many questions, in all their languages; the same ones whatever else is there.

    Returns
    -------
    None where there is nothing to find.
    """
    named = rows.select(
        "language", "question", "positive", "others",
        qa_id=pl.concat_str("corpus", "qa_id", separator="/"),
    ).sort("qa_id", "language")  # fmt: skip
    echoes = named.filter(pl.col("question") == pl.col("positive"))["qa_id"].unique()
    named = named.filter(~pl.col("qa_id").is_in(echoes.implode()))
    asked = named.drop_nulls("question")["qa_id"].unique().to_list()
    chosen = sorted(asked, key=lambda one: hashlib.sha256(one.encode()).digest())[:limit]
    named = named.filter(pl.col("qa_id").is_in(chosen))
    found = named.drop_nulls("positive")
    others = found.select("language", positive="others").explode("positive").drop_nulls()
    texts = (
        pl.concat([found.select("language", "positive"), others])
        .unique(maintain_order=True)
        .with_row_index("number")
        .with_columns(candidate_id=pl.concat_str("language", "number", separator="/"))
    )
    qrels = found.join(texts, on=["language", "positive"]).select("qa_id", "candidate_id")
    queries = named.drop_nulls("question").with_columns(
        query_id=pl.concat_str("language", "qa_id", separator="/")
    )
    try:
        return Task(
            EvalSet(
                NAME,
                NAME,
                "",
                _table(queries, QUERIES),
                _table(texts.rename({"positive": "text"}), CANDIDATES),
                _table(qrels.unique(maintain_order=True).with_columns(relevance=1), QRELS),
            )
        )
    except SourceError:
        return None


def _table(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """`frame` with all columns of `schema`, null where it has none."""
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    )


def validate(task: Task, encoder: Encoder, measure: str) -> float:
    """The measure in the multilingual setting; in the monolingual one where there is no other."""
    found = evaluate(
        task,
        encoder(task.questions, encoder.query_prefix),
        encoder(task.texts(titles=False), encoder.passage_prefix),
    )
    means = summarise(found).filter(pl.col("query_language").is_null(), measure=measure)
    values = dict(means.select("setting", "value").iter_rows())
    found_in = MULTILINGUAL if MULTILINGUAL in values else MONOLINGUAL
    return float(values[found_in])
