"""How fast texts become vectors, beside sentence-transformers, and how fast they are ranked.

    python tests/benchmarks/evaluate.py encode --encoder E5 --data DATA
    python tests/benchmarks/evaluate.py rank

`encode` takes the sentences of XQuAD-R, spread over its languages, with the same encoder, length
and precision (float32), in turns: sentence-transformers' `encode` at its default settings, then
ours; tokenising included, no cache. `rank` compares as many random questions as candidates, spread
over eleven languages, in all runs with all measures; seconds, seconds of all cores, peak memory.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from qa_parallel.evaluation.ranking import Task, evaluate, summarise
from qa_parallel.schema import CANDIDATES, QRELS, QUERIES
from qa_parallel.sources.evalsets import EvalSet, open_evalset
from qa_parallel.sources.settings import EvalSettings


def encode(options: argparse.Namespace) -> Table:
    import torch
    from sentence_transformers import SentenceTransformer

    from qa_parallel.encoders.encoder import load_encoder
    from qa_parallel.encoders.settings import EncoderSettings

    evalset = open_evalset(EvalSettings(name="x", path=str(options.data / "xquad-r")))
    every = evalset.candidates["text"].unique(maintain_order=True)
    texts = every.gather_every(len(every) // options.texts).head(options.texts).to_list()
    settings = EncoderSettings(max_length=options.length, precision="float32")
    ours = load_encoder(options.encoder, settings)
    theirs: Any = SentenceTransformer(
        str(options.encoder), device="cpu", model_kwargs={"dtype": torch.float32}
    )
    theirs.max_seq_length = options.length
    ways: dict[str, Callable[[], Any]] = {
        "sentence-transformers": lambda: theirs.encode(
            texts, prompt="passage: ", normalize_embeddings=True
        ),
        "qa-parallel": lambda: ours(texts, prefix="passage: "),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    vectors = {}
    ours(texts[:64]), theirs.encode(texts[:64])  # threads are there, pages are read
    for _ in range(options.rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            vectors[name] = way()
            seconds[name].append(time.perf_counter() - start)
    one, other = vectors.values()
    table = _table("way", "texts", "seconds", "texts/s", "of sentence-transformers", "off by")
    base = statistics.median(seconds["sentence-transformers"])
    for name, times in seconds.items():
        median = statistics.median(times)
        table.add_row(
            name,
            f"{len(texts):,}",
            f"{median:.2f} ({min(times):.2f}–{max(times):.2f})",
            f"{len(texts) / median:,.0f}",
            f"{base / median:.2f}",
            f"{np.abs(one - other).max():.0e}",
        )
    return table


def rank(options: argparse.Namespace) -> Table:
    task = Task(_random_set(options.queries, options.languages))
    random = np.random.default_rng(0)
    queries, candidates = (
        random.standard_normal((len(texts), options.dimensions), dtype=np.float32)
        for texts in (task.questions, task.texts())
    )
    before = _peak()
    wall, cpu = time.perf_counter(), time.process_time()
    results = summarise(evaluate(task, queries, candidates))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    table = _table("queries", "candidates", "languages", "results", "seconds", "of all cores",
                   "peak MB", "before")  # fmt: skip
    sizes = (len(queries), len(candidates), options.languages, results.height)
    table.add_row(
        *(f"{size:,}" for size in sizes), f"{wall:.1f}", f"{cpu:.1f}", f"{_peak():,}", f"{before:,}"
    )
    return table


def _random_set(size: int, languages: int) -> EvalSet:
    """Questions in every language, each with one relevant candidate in every language."""
    codes = [f"l{number:02d}" for number in range(languages)]
    keys = [f"{number:06d}" for number in range(size // languages)]
    pairs = pl.DataFrame({"language": codes}).join(pl.DataFrame({"key": keys}), how="cross")

    def rows(schema: pl.Schema, **columns: pl.Expr) -> pl.DataFrame:
        empty = {name: pl.lit(None, dtype=dtype) for name, dtype in schema.items()}
        return pairs.select(**empty | columns).select(
            pl.col(name).cast(dtype) for name, dtype in schema.items()
        )

    place = pl.format("r/{}/{}", "language", "key")
    text, language = pl.col("key"), pl.col("language")
    return EvalSet(
        "r",
        "r",
        "r",
        rows(QUERIES, query_id=place, language=language, qa_id=text, question=text),
        rows(CANDIDATES, candidate_id=place, language=language, text=text),
        rows(QRELS, qa_id=text, candidate_id=place, relevance=pl.lit(1)),
    )


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="left" if name == "way" else "right", no_wrap=True)
    return table


def _peak() -> int:
    """Megabytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("encode")
    one.add_argument("--encoder", type=Path, required=True)
    one.add_argument("--data", type=Path, required=True)
    one.add_argument("--texts", type=int, default=1000)
    one.add_argument("--length", type=int, default=192)
    one.add_argument("--rounds", type=int, default=3)
    one.set_defaults(run=encode)
    other = commands.add_parser("rank")
    other.add_argument("--queries", type=int, default=13_000)
    other.add_argument("--languages", type=int, default=11)
    other.add_argument("--dimensions", type=int, default=384)
    other.set_defaults(run=rank)
    options = parser.parse_args()
    Console(width=120).print(options.run(options))


if __name__ == "__main__":
    main()
