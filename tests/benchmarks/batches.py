"""How long a plan takes, and how much memory, as a corpus grows; and how fast it is read.

    python -m tests.benchmarks.batches --data DATA --rows 10000,100000,1000000
    python -m tests.benchmarks.batches --data DATA --rows 1000000 --strategy monolingual,mixed

The corpus: MLQA's seven languages (ragged: most questions are in some of them only), again and
again with a number in each question and each sentence that answers, so that no two are alike.
Making it is not timed; with --corpora FOLDER it is kept there for the next time. Each plan is made
in a process of its own, for its peak memory: "seconds" is the whole stage (reading, planning,
statistics, picture, writing), "open" is opening the plan with its texts, "step" reading a step.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from qa_parallel.batches.plan import open_plan
from qa_parallel.batches.rows import positive_text
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.schema import CORPUS, breaks
from qa_parallel.sentences import annotate
from qa_parallel.sources.parallel import import_parallel
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import CorpusWriter

SHARD = 50_000
READS = 200


def base(data: Path) -> dict[str, pl.DataFrame]:
    """MLQA's development set by language, cut into sentences."""
    made = import_parallel(data / "mlqa-dev")
    return {
        code: annotate(frame)
        .with_columns(sentence=positive_text("sentence"))
        .drop_nulls("sentence")
        for code, frame in made.frames().items()
    }


def copies(frame: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Shards of `rows` rows in all."""
    for start in range(0, rows, SHARD):
        places = pl.int_range(start, min(start + SHARD, rows), eager=True)
        number = (places // frame.height).cast(pl.String)
        many = frame[places % frame.height].with_columns(number=number)
        text = pl.format("{} {}", "number", "sentence")
        many = many.with_columns(
            qa_id=pl.format("{}-{}", "qa_id", "number"),
            passage_id=pl.format("{}-{}", "passage_id", "number"),
            question=pl.format("{} {}", "question", "number"),
            passage=pl.format("{} {}", text, "passage"),
            first=text.str.len_chars(),
            whole=pl.format("{} {}", text, "passage").str.len_chars(),
            answer_sentences=pl.lit([0], CORPUS["answer_sentences"]),
        )
        ends = many.select("first", "whole").iter_rows()
        spans = breaks([[(0, first), (first + 1, whole)] for first, whole in ends])
        yield many.with_columns(spans).select(CORPUS.names())


def write_corpus(folder: Path, rows: int, languages: dict[str, pl.DataFrame]) -> None:
    total = sum(frame.height for frame in languages.values())
    writer = CorpusWriter(folder, list(languages))
    for code, frame in languages.items():
        for shard in copies(frame, rows * frame.height // total):
            writer.add(code, shard)
    settings = {"made_by": folders.MADE_BY, "version": folders.VERSION, "stage": "import"}
    manifest = writer.finish(settings, "A corpus", "Made to measure plans.")
    store.write_json(folder / folders.SETTINGS, settings)
    store.write_json(folder / folders.MANIFEST, manifest)
    store.remove(folder / folders.WORK)


def measure(corpus: Path, out: Path, options: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: seconds and peak memory of a plan."""
    settings = BatchSettings.model_validate(options)
    start, cpu = time.perf_counter(), time.process_time()
    made = build_batches([SourceSettings(source=str(corpus))], settings, out)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    plan = open_plan(out)
    opened = time.perf_counter() - start
    steps = range(0, len(plan), max(1, len(plan) // READS))
    start = time.perf_counter()
    for step in steps:
        plan[step]
    read = (time.perf_counter() - start) / len(steps)
    rows = made.manifest["rows"]["all"]
    return {"rows": rows, "steps": len(plan), "seconds": seconds, "cpu": cpu, "peak": peak,
            "open": opened, "step": read * 1000}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", default="10000,100000,1000000")
    parser.add_argument("--strategy", default="hybrid")
    parser.add_argument("--positive", default="sentence")
    parser.add_argument("--negatives", default="none")
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--worker", nargs=3, metavar=("CORPUS", "OUT", "OPTIONS"))
    given = parser.parse_args()
    if given.worker:
        corpus, out, options = given.worker
        print(json.dumps(measure(Path(corpus), Path(out), json.loads(options))))
        return
    columns = ("rows", "strategy", "steps", "seconds", "CPU s", "peak MB", "open s", "step ms")
    table = Table(*columns, box=None, pad_edge=False)
    for rows in map(int, given.rows.split(",")):
        with tempfile.TemporaryDirectory() as home:
            corpus = (given.corpora or Path(home)) / f"corpus-{rows}"
            if not (corpus / folders.MANIFEST).exists():
                write_corpus(corpus, rows, base(given.data))
            for strategy in given.strategy.split(","):
                options = {
                    "strategy": strategy, "positive": given.positive, "negatives": given.negatives,
                }  # fmt: skip
                command = [sys.executable, "-m", "tests.benchmarks.batches", "--data", "-"]
                command += ["--worker", str(corpus), f"{home}/{strategy}", json.dumps(options)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                one = json.loads(done.stdout)
                table.add_row(
                    f"{one['rows']:,}", strategy, f"{one['steps']:,}", f"{one['seconds']:.1f}",
                    f"{one['cpu']:.1f}", f"{one['peak']:,.0f}", f"{one['open']:.1f}",
                    f"{one['step']:.2f}",
                )  # fmt: skip
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
