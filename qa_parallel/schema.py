"""The tables that the stages hand to each other, and how their ids are made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import polars as pl

from qa_parallel.errors import SourceError

# The types are those that `datasets` gives to Python's values, string, int64, float64 and lists of
# them, so that a corpus joins what `datasets.Dataset.from_list` makes.
CORPUS = pl.Schema(
    {
        # key: (qa_id, language); qa_id is the same in every language
        "qa_id": pl.String(),
        # several questions may share a passage; equal to qa_id where there is none
        "passage_id": pl.String(),
        # NLLB / FLORES-200 code, e.g. "swh_Latn"
        "language": pl.String(),
        "title": pl.String(),
        "question": pl.String(),
        "answer": pl.String(),
        # all right answers, `answer` first; null where there is none, and for a translation, of
        # which `answer` alone is translated: the others stand with the original
        "answers": pl.List(pl.String()),
        "passage": pl.String(),
        # [start, end) of each sentence, in code points of `passage`
        "sentence_breaks": pl.List(pl.List(pl.Int64())),
        # indices into sentence_breaks; several where the answer crosses a boundary
        "answer_sentences": pl.List(pl.Int64()),
        # code points into `passage`; null where the span could not be placed
        "answer_start": pl.Int64(),
        # "source" | "exact" | "fuzzy"; null where there is no span
        "answer_method": pl.String(),
        "split": pl.String(),
        # "org/name@revision" or "file-name@digest"
        "source": pl.String(),
        # row or position in the source, for a person to find it again
        "source_row": pl.String(),
        "license": pl.String(),
        # language of the text this row was translated from; null = original
        "translated_from": pl.String(),
        # "model@revision"; null = written by a person
        "translator": pl.String(),
        # mean log-probability per generated token, to single precision; null = not generated
        "question_logprob": pl.Float64(),
        "answer_logprob": pl.Float64(),
        "passage_logprob": pl.Float64(),
        # "field:flag", e.g. "passage:loop"
        "flags": pl.List(pl.String()),
    }
)

# Evaluation sets. Their ids begin with the set's name and, where they are of one language, with
# its code: "xquad-r/deu_Latn/56beb4343aeaaa14008c925b".
QUERIES = pl.Schema(
    {
        "query_id": pl.String(),
        "benchmark": pl.String(),
        "language": pl.String(),
        # the same for the translations of a question: what QRELS and a bootstrap go by
        "qa_id": pl.String(),
        # the id in the set's own files; null where they have none
        "local_id": pl.String(),
        "question": pl.String(),
        "answer": pl.String(),
    }
)

CANDIDATES = pl.Schema(
    {
        "candidate_id": pl.String(),
        "benchmark": pl.String(),
        "language": pl.String(),
        "local_id": pl.String(),
        "title": pl.String(),
        # what is retrieved: a sentence where the set says where its sentences are, else a passage
        "text": pl.String(),
        # the passage around it, its id, and where the text stands in it, in code points
        "passage": pl.String(),
        "passage_id": pl.String(),
        "start": pl.Int32(),
        "end": pl.Int32(),
    }
)

# Relevant is what QRELS joins by `qa_id`, in every language; pairs that are not here are not
# relevant, or were not judged.
QRELS = pl.Schema({"qa_id": pl.String(), "candidate_id": pl.String(), "relevance": pl.Int32()})

LEAKS = pl.Schema(
    {
        "qa_id": pl.String(),
        "passage_id": pl.String(),
        "language": pl.String(),
        # "question" | "answer" | "passage" | "id" | "title"
        "field": pl.String(),
        "benchmark": pl.String(),
        # query_id or candidate_id
        "benchmark_id": pl.String(),
        "benchmark_language": pl.String(),
        # "id" | "same" | "8-gram", "13-gram" | "near-duplicate" | "cosine" | "title"
        "kind": pl.String(),
        # 0 to 1, by the kind's own measure; null for an id
        "overlap": pl.Float32(),
        # whether this is enough to drop the question, or its passage's questions
        "leaked": pl.Boolean(),
        "text": pl.String(),
        "benchmark_text": pl.String(),
        # the longest stretch that both texts share, in comparison form
        "evidence": pl.String(),
    }
)

# A plan: which rows meet in which training step. The texts are in the corpus.
BATCHES = pl.Schema(
    {
        "step": pl.Int32(),
        "slot": pl.Int32(),
        # position among the corpora that the plan was made from
        "corpus": pl.UInt16(),
        "qa_id": pl.String(),
        "question_language": pl.String(),
        "passage_language": pl.String(),
        # hard negatives: qa_ids whose text to find, in the passage's language, is a wrong one here
        "negatives": pl.List(pl.String()),
    }
)

# The texts of a row, each of which is judged by itself.
FIELDS = ("question", "answer", "passage")

# Why rows were rejected; no row = kept. `limit` is what the score would have had to keep to;
# "row" is the field of what concerns no text of its own.
DECISIONS = pl.Schema(
    {
        "qa_id": pl.String(),
        "language": pl.String(),
        "field": pl.String(),
        "check": pl.String(),
        "score": pl.Float32(),
        "limit": pl.Float32(),
        "reason": pl.String(),
    }
)

# What an evaluation found. A mean over queries, or, without a query language, over the runs of the
# setting; the candidates of the multilingual setting are of all languages.
RESULTS = pl.Schema(
    {
        # "map", "mrr", "recall@10" …; "rank_distance"; "share@10", of `candidate_language`
        "measure": pl.String(),
        "dataset": pl.String(),
        # "monolingual" | "cross-lingual" | "multilingual"
        "setting": pl.String(),
        "query_language": pl.String(),
        "candidate_language": pl.String(),
        "value": pl.Float64(),
        # how many queries the value is a mean of
        "queries": pl.Int64(),
        # "folder@digest"
        "encoder": pl.String(),
        # how it was trained, as far as it is known
        "strategy": pl.String(),
        "seed": pl.Int64(),
        "signature": pl.String(),
    }
)


def check(frame: pl.DataFrame, schema: pl.Schema, what: str = "table") -> pl.DataFrame:
    """Return `frame` with exactly the columns of `schema`, in its order.

    Raises
    ------
    SourceError
        A column is missing or has another type; the message names the first one.
    """
    for name, dtype in schema.items():
        if name not in frame.columns:
            raise SourceError(
                f"{what}: expected a column {name!r}, found {', '.join(frame.columns) or 'none'}",
                "is this a corpus that qa-parallel wrote?",
            )
        if frame.schema[name] != dtype:
            raise SourceError(f"{what}: expected {name!r} as {dtype}, found {frame.schema[name]}")
    return frame.select(schema.names())


def complete(frame: pl.DataFrame, schema: pl.Schema, what: str = "table") -> pl.DataFrame:
    """`frame` with the columns of `schema` that it lacks as nulls, and without any others.

    Raises
    ------
    SourceError
        A column has another type.

    >>> complete(pl.DataFrame({"b": [1]}), pl.Schema({"a": pl.String(), "b": pl.Int64()})).row(0)
    (None, 1)
    """
    missing = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in schema.items()
        if name not in frame.columns
    ]
    return check(frame.with_columns(missing), schema, what)


def breaks(values: Sequence[Sequence[tuple[int, int]] | None]) -> pl.Series:
    """The column `sentence_breaks` from one list of [start, end) a row, None for a null.

    Built flat and grouped afterwards: eighteen times as fast as from nested lists.

    >>> breaks([[(0, 3), (4, 9)], [], None]).to_list()
    [[[0, 3], [4, 9]], [], None]
    """
    dtype = CORPUS["sentence_breaks"]
    edges = [edge for row in values if row for span in row for edge in span]
    spans = pl.Series("spans", edges, dtype=pl.Int64).reshape((len(edges) // 2, 2)).arr.to_list()
    owners = [number for number, row in enumerate(values) for _ in row or ()]
    lists = (
        pl.DataFrame({"row": pl.Series(owners, dtype=pl.UInt32), "spans": spans})
        .group_by("row", maintain_order=True)
        .agg("spans")
    )
    rows = pl.DataFrame(
        {
            "row": pl.Series(range(len(values)), dtype=pl.UInt32),
            "missing": pl.Series([row is None for row in values], dtype=pl.Boolean),
        }
    )
    return (
        rows.join(lists, on="row", how="left", maintain_order="left")
        .select(
            sentence_breaks=pl.when("missing")
            .then(pl.lit(None, dtype=dtype))
            .otherwise(pl.coalesce("spans", pl.lit([], dtype=dtype)))
        )
        .to_series()
    )


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """CORPUS's columns in their order, then those that were kept of the source beside them."""
    return frame.select(*CORPUS, *(name for name in frame.columns if name not in CORPUS))


def answer_region() -> pl.Expr:
    """The sentences of a CORPUS row that hold its answer, as they stand in the passage.

    Null where the row has no passage, no sentences or no answer in them.

    >>> rows = {"passage": ["One. Two.", "One."], "sentence_breaks": [[[0, 4], [5, 9]], None]}
    >>> frame = pl.DataFrame({**rows, "answer_sentences": [[1], None]}).cast(
    ...     {name: CORPUS[name] for name in ("sentence_breaks", "answer_sentences")}
    ... )
    >>> frame.select(answer_region()).to_series().to_list()
    ['Two.', None]
    """
    first, last = (
        pl.col("sentence_breaks").list.get(place, null_on_oob=True)
        for place in (pl.col("answer_sentences").list.min(), pl.col("answer_sentences").list.max())
    )
    start, end = first.list.get(0), last.list.get(1)
    return pl.col("passage").str.slice(start, end - start)


def check_split(name: str) -> str:
    """`name`, if it can name a split: part of a file's name, and of what `datasets` loads.

    Raises
    ------
    SourceError
        It has other characters than letters, digits and underscores, in parts between dots.
    """
    if not re.fullmatch(r"\w+(\.\w+)*", name):
        raise SourceError(
            f"expected a split of letters, digits and underscores, found {name!r}",
            "for example train, validation or test",
        )
    return name


def text_id(prefix: str, *texts: str | None) -> str:
    """A stable id from contents alone: `prefix` and 16 hexadecimal digits of BLAKE2b.

    None and the empty string are different; the order of rows plays no part. Lone surrogates,
    which UTF-8 has no bytes for, count as themselves.

    Examples
    --------
    >>> text_id("p", "The cat sat.") == text_id("p", "The cat sat.")
    True
    """
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        data = b"\x00" if text is None else b"\x01" + text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return prefix + digest.hexdigest()
