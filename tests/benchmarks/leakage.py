"""How fast a corpus is compared with evaluation sets, how time and memory grow, and who is faster.

    python tests/benchmarks/leakage.py --data DATA --rows 100000,1000000
    python tests/benchmarks/leakage.py --data DATA --rows 50000 --datatrove VENV/bin/python

The corpus: real questions and passages (Natural Questions, TyDiQA, MLQA in seven languages), made
different from each other by a word of another question, and by the first half of one passage with
the second half of another; 500 leaks are planted. The evaluation side: 20,000 questions, those of
XQuAD-R with its passages in eleven languages, and questions of SQuAD.

Making the rows is not timed. Beside the seconds on the clock stand those of all cores together,
which other work on the machine changes less. Each number of rows runs in a process of its own, for
its peak memory. datatrove's n-gram decontamination (12 words, its own normalisation and hashing,
words cut at spaces, since its tokenizers are not part of what is compared) runs in its own
environment on the same texts, right after ours.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from qa_parallel.leakage.find import Reference, find_leaks, leaked_groups
from qa_parallel.schema import CORPUS
from qa_parallel.sources.evalsets import EvalSet, open_evalset
from qa_parallel.sources.settings import EvalSettings

ITEMS = 20_000
PLANTED = 500
FRAME = 25_000

DATATROVE = """
import json, sys, time
from datatrove.utils.hashing import HashConfig, create_hash_func
from datatrove.utils.text import TextNormConfig, ngrams, simplify_text

def hashes(text):
    words = simplify_text(text, norm).split()
    return [digest(" ".join(run)) for run in ngrams(words, 12)]

norm, digest = TextNormConfig(), create_hash_func(HashConfig())
texts, known = ([json.loads(line) for line in open(name)] for name in sys.argv[1:3])
start = time.perf_counter()
index = {one for text in known for one in hashes(text)}
built, cpu = time.perf_counter(), time.process_time()
found = sum(any(one in index for one in hashes(text)) for text in texts)
print(json.dumps([built - start, time.perf_counter() - built, time.process_time() - cpu, found]))
"""


def evaluation(data: Path) -> list[EvalSet]:
    """XQuAD-R whole, and as many questions of SQuAD as make 20,000."""
    xquad = open_evalset(EvalSettings(name="xquad-r", path=str(data / "xquad-r")))
    squad = open_evalset(EvalSettings(name="squad", path=str(data / "squad-questions")))
    few = squad.queries.head(ITEMS - xquad.queries.height)
    return [xquad, EvalSet("squad", squad.source, squad.digest, few, squad.candidates, squad.qrels)]


def real_rows(data: Path) -> list[tuple[str, str]]:
    """(question, passage) of the sets that nothing is compared with."""
    found: list[tuple[str, str]] = []
    for name in ("nq-qed", "tydiqa-goldp", "mlqa-dev"):
        one = open_evalset(EvalSettings(name=name, path=str(data / name)))
        joined = one.queries.join(one.qrels, on="qa_id").join(
            one.candidates, on=["candidate_id", "language"]
        )
        found += joined.select("question", "passage").unique(maintain_order=True).iter_rows()
    return found


def frames(
    rows: int, base: list[tuple[str, str]], leaks: list[str], seed: int = 1
) -> Iterator[pl.DataFrame]:
    """CORPUS frames; the leaks are spread over the whole."""
    rng = random.Random(seed)
    every = max(1, rows // PLANTED)
    for start in range(0, rows, FRAME):
        made = []
        for number in range(start, min(start + FRAME, rows)):
            (question, passage), (other, more) = rng.choices(base, k=2)
            words = question.split()
            words[rng.randrange(len(words))] = rng.choice(other.split())
            text = " ".join(words)
            if number % every == 0 and number // every < PLANTED:
                text = leaks[number // every % len(leaks)]
            both = passage[: len(passage) // 2] + more[len(more) // 2 :]
            made.append((f"q{number}", f"p{number}", text, both))
        frame = pl.DataFrame(
            made, schema=["qa_id", "passage_id", "question", "passage"], orient="row"
        )
        absent = [
            pl.lit(None, kind).alias(name) for name, kind in CORPUS.items() if name not in frame
        ]
        yield (
            frame.with_columns(absent)
            .with_columns(language=pl.lit("eng_Latn"))
            .select(CORPUS.names())
        )


def measure(rows: int, data: Path, threads: int) -> dict[str, float]:
    """Seconds of the index and of the comparison, peak memory in MB, questions found."""
    sets = evaluation(data)
    leaks = sets[0].queries.filter(language="eng_Latn")["question"].unique(maintain_order=True)
    base = real_rows(data)
    start = time.perf_counter()
    reference = Reference(sets)
    built = time.perf_counter() - start
    spent, cpu, found, reported = 0.0, 0.0, 0, 0
    for frame in frames(rows, base, leaks.to_list()):
        start, own = time.perf_counter(), time.process_time()
        result = find_leaks(frame, reference, threads)
        spent += time.perf_counter() - start
        cpu += time.process_time() - own
        found += len(leaked_groups(result)[0])
        reported += result.height
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, "index": built, "compare": spent, "cpu": cpu, "peak": peak,
            "found": found, "reported": reported}  # fmt: skip


def datatrove(python: str, rows: int, data: Path) -> list[float]:
    """Seconds of its index and of its comparison of the same texts, and texts found."""
    sets = evaluation(data)
    leaks = sets[0].queries.filter(language="eng_Latn")["question"].unique(maintain_order=True)
    with tempfile.TemporaryDirectory() as folder:
        texts, known = Path(folder, "texts"), Path(folder, "known")
        with texts.open("w") as file:
            for frame in frames(rows, real_rows(data), leaks.to_list()):
                for question, passage in frame.select("question", "passage").iter_rows():
                    file.write(json.dumps(question) + "\n" + json.dumps(passage) + "\n")
        with known.open("w") as file:
            for one in sets:
                for text in [*one.queries["question"], *one.candidates["passage"].unique()]:
                    file.write(json.dumps(text) + "\n")
        done = subprocess.run(
            [python, "-c", DATATROVE, str(texts), str(known)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    values: list[float] = json.loads(done.stdout)
    return values


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", default="100000")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--datatrove", help="Python of an environment that has datatrove.")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.data, options.threads)))
        return
    table = Table(
        "", "rows", "index s", "compare s", "CPU s", "rows/s", "peak MB", "leaks", box=None
    )
    for rows in map(int, options.rows.split(",")):
        command = [sys.executable, __file__, "--data", str(options.data), "--rows", "0",
                   "--threads", str(options.threads), "--one", str(rows)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        ours = json.loads(done.stdout)
        table.add_row(
            "qa-parallel", f"{rows:,}", f"{ours['index']:.1f}", f"{ours['compare']:.1f}",
            f"{ours['cpu']:.1f}",
            f"{rows / ours['compare']:,.0f}", f"{ours['peak']:,.0f}", f"{ours['found']:,}",
        )  # fmt: skip
        if options.datatrove:
            built, spent, cpu, found = datatrove(options.datatrove, rows, options.data)
            table.add_row(
                "datatrove", f"{rows:,}", f"{built:.1f}", f"{spent:.1f}",
                f"{cpu:.1f}",
                f"{rows / spent:,.0f}", "", f"{found:,.0f}",
            )  # fmt: skip
        Console().print(table)  # as far as it goes: the next one may take long


if __name__ == "__main__":
    main()
