"""What a large vocabulary costs in memory, with batches bounded for it and without.

    python -m tests.benchmarks.memory --source DATA/nq-qed/train.jsonl

A random model of the shape of NLLB-200-distilled-600M (`--random-600m FOLDER`: kept there) decodes
the shortest answers of the source, which crowd into a batch, and scores the longest sentences of
its passages. Every line is a process of its own: seconds, and its peak of memory, that of the
loaded model included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from qa_parallel.machine import cores
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.sources.source import open_source
from qa_parallel.translation.decoding.engine import Engine
from qa_parallel.translation.decoding.settings import DecodingSettings
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.window import prepare
from tests.benchmarks.random_model import build_600m

TARGET = "fra_Latn"
_NO_BOUND = 1 << 30


class Brief(Engine):
    """An engine whose translations have three tokens: the first step needs as much as any."""

    def _room(self, item: object) -> int:
        return 3


def texts(source: str, rows: int, short: bool, engine: Engine, count: int) -> list[str]:
    """The shortest answers, or the longest segments."""
    frame = next(open_source(SourceSettings(source=source, limit=rows)).frames(rows))
    found = frame["answer"].drop_nulls().unique(maintain_order=True).to_list()
    if not short:
        found = prepare(frame, engine).segments
    lengths = dict(zip(found, map(len, engine.encode(found)), strict=True))
    return sorted(found, key=lambda text: (lengths[text], text), reverse=not short)[:count]


def run(options: argparse.Namespace, folder: Path, short: bool, bounded: bool) -> list[str]:
    """One line of the table."""
    model = resolve(ModelSettings(model=str(folder), cache=folder / "cache"))
    engine = Brief(model, DecodingSettings(beam=options.beam, guards=False), "eng_Latn")
    if not bounded:
        engine.batch_texts, engine.score_tokens = _NO_BOUND, engine.batch_tokens
    chosen = texts(options.source, options.rows, short, engine, 600 if short else 100)
    tokens = engine.encode(chosen)
    begun = time.perf_counter()
    if short:
        engine.translate(chosen, tokens, TARGET)
    else:
        engine.score(tokens, chosen, TARGET)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"{len(chosen)} short texts, beam {options.beam}" if short else f"{len(chosen)} scored"
    return [what, "bounded" if bounded else "not", f"{seconds:.1f}", f"{peak:,.0f}"]


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--source", required=True)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--beam", type=int, default=4)
    parser.add_argument("--random-600m", metavar="FOLDER", type=Path)
    options = parser.parse_args(arguments)
    table = Table(box=None, pad_edge=False)
    for name in ("what", "batches", "seconds", "MB at most"):
        table.add_column(name, justify="right" if name[0] in "sM" else "left")
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as scratch:
        folder = build_600m(options.random_600m or Path(scratch) / "hf")
        resolve(ModelSettings(model=str(folder), cache=folder / "cache"))  # converted before
        for short in (True, False):
            for bounded in (True, False):
                with spawn.Pool(1) as pool:
                    table.add_row(*pool.apply(run, (options, folder, short, bounded)))
    console = Console(width=100)
    console.print(f"shape of NLLB-600M, {cores()} cores", highlight=False)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
