"""Time and memory of the whole pipeline against the number of rows, without a model.

    python tests/benchmarks/scale.py --source DATA/nq-qed/train.jsonl --rows 10000,100000,1000000

Real questions with their passages are changed, word by word, into as many different rows as are
asked for (seeded), written to a file, and translated by `translation.stage.translate` with an
engine that turns words round in the model's place. Reading, checking, cutting, tokenising, the
cache, placing answers and writing are as always. Every size runs in a process of its own, whose
peak memory the operating system tells; CPU time is that of all its threads. `--characters 300`
keeps no more of a passage on either side of its answer. `--profile 25` prints where the time of
the first size goes instead.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# Share of the words of a text that are replaced by words of other rows.
CHANGED = 0.15


def make_rows(
    source: Path, count: int, seed: int, characters: int | None
) -> Iterator[dict[str, Any]]:
    """`count` rows, all different, from the real ones in `source`, over and over.

    The answer stays, and stays in its passage, of which at most so many `characters` on each side
    of it are taken (None = all).
    """
    from qa_parallel.sources.settings import SourceSettings
    from qa_parallel.sources.source import open_source

    real = [
        row
        for frame in open_source(SourceSettings(source=str(source))).frames(1000)
        for row in frame.select("question", "answer", "passage", "answer_start").to_dicts()
    ]
    words = [word for row in real for word in row["question"].split()]
    chance = random.Random(seed)

    def change(text: str) -> str:
        changed = [
            chance.choice(words) if chance.random() < CHANGED else word for word in text.split(" ")
        ]
        return " ".join(changed)

    for number in range(count):
        row = real[number % len(real)]
        made = {"id": f"made-{number}", "question": f"{change(row['question'])} {number}"}
        answer = made["answer"] = row["answer"] or ""
        if row["passage"]:
            at = row["answer_start"] or 0
            before, after = row["passage"][:at], row["passage"][at + len(answer) :]
            if characters is not None:
                before, after = before[max(0, at - characters) :], after[:characters]
            made["passage"] = f"{number} {change(before)}{answer}{change(after)}"
        yield made


def peak_bytes() -> int:
    """Most memory that this process held at once (kilobytes on Linux, bytes on macOS)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def child(options: argparse.Namespace, rows: int) -> dict[str, float]:
    """One size, in this process."""
    from qa_parallel.sources.settings import SourceSettings
    from qa_parallel.translation.models.settings import ModelSettings
    from qa_parallel.translation.settings import TranslateSettings
    from qa_parallel.translation.stage import translate
    from tests.benchmarks.translate import Silent
    from tests.fake_engine import Reversing

    settings = TranslateSettings.model_validate({"to": options.to})
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        file, out = Path(scratch, "made.jsonl"), Path(scratch, "out")
        with file.open("w", encoding="utf-8") as lines:
            for row in make_rows(options.source, rows, options.seed, options.characters):
                lines.write(json.dumps(row) + "\n")
        before = peak_bytes()
        started, cpu = time.perf_counter(), time.process_time()
        outcome = translate(
            SourceSettings(source=str(file)),
            ModelSettings(model="demo", cache=Path(scratch, "cache")),
            settings,
            out,
            Silent(),
            engine=Reversing(settings),
        )
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        done = outcome.manifest["languages"][settings.to[0]]
        if done["rows"] != rows:
            raise RuntimeError(f"expected {rows} rows, found {done['rows']}")
        written = sum(path.stat().st_size for path in Path(scratch).rglob("*") if path.is_file())
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak_bytes(),
        "before": before,
        "segments": done["segments"],
        "unique": done["unique"],
        "disk": written,
    }


def profile(options: argparse.Namespace, rows: int) -> None:
    """Print the functions that take most of the time themselves."""
    profiler = cProfile.Profile()
    profiler.runcall(child, options, rows)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(options.profile)


def main(arguments: Sequence[str]) -> int:
    """Measure every size in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--rows", default="10000,30000,100000")
    parser.add_argument("--to", default="fr")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--characters", type=int, help="Of the passage, each side of the answer.")
    parser.add_argument("--scratch", type=Path, help="Where the temporary folders go.")
    parser.add_argument("--profile", type=int, help="Print so many functions of the first size.")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    sizes = [int(size) for size in options.rows.split(",")]
    if options.profile:
        profile(options, sizes[0])
    elif options.child:
        print(json.dumps(child(options, sizes[0])))
    else:
        columns = ("rows", "seconds", "rows/s", "µs/row", "CPU µs/row", "unique", "MB", "disk MB")
        print("".join(f"{name:>12}" for name in columns), flush=True)
        for size in sizes:
            again = [sys.executable, "-m", "tests.benchmarks.scale", *arguments, "--child"]
            done = subprocess.run(
                [*again, "--rows", str(size)], check=True, stdout=subprocess.PIPE, text=True
            )
            found = json.loads(done.stdout.splitlines()[-1])
            row = (
                size,
                found["seconds"],
                size / found["seconds"],
                found["seconds"] / size * 1e6,
                found["cpu"] / size * 1e6,
                found["unique"],
                found["peak"] / 2**20,
                found["disk"] / 2**20,
            )
            print("".join(f"{value:>12,.0f}" for value in row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
