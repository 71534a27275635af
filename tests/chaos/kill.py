"""Kill a translation at random moments, start it again each time, compare with an unbroken run.

    python tests/chaos/kill.py --kills 10 -- --source recipes/quickstart/questions.jsonl \
        --to de,fr --model demo --window-rows 20

Whatever follows `--` goes to `qa-parallel translate`. Prints what happened; exits with 1 when a
data file differs.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every data file of a corpus, by its path in the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "data").rglob("*.parquet"))
    }


def command(options: Sequence[str], folder: Path) -> list[str]:
    """The translation into `folder`, with a cache of its own."""
    out, cache = str(folder / "out"), str(folder / "cache")
    program = [sys.executable, "-m", "qa_parallel.cli", "translate"]
    return [*program, *options, "--out", out, "--cache", cache]


def unbroken(options: Sequence[str], folder: Path) -> float:
    """Run to the end; seconds it took."""
    started = time.monotonic()
    subprocess.run(command(options, folder), check=True, capture_output=True)
    return time.monotonic() - started


def broken(options: Sequence[str], folder: Path, kills: int, seconds: float, seed: int) -> int:
    """Run with up to `kills` kills, each at a random moment; how many there were.

    The moments are drawn from the time that the unbroken run took, so that they fall on every
    part of it: loading, translating, committing, putting the shards together.
    """
    chance = random.Random(seed)
    done = 0
    while done < kills:
        process = subprocess.Popen(
            command(options, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=chance.uniform(0.2, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
            continue
        if process.returncode:
            raise RuntimeError(f"the run failed by itself with exit code {process.returncode}")
        break  # finished before the next kill: what is left is to compare
    subprocess.run(command(options, folder), check=True, capture_output=True)
    return done


def main(arguments: Sequence[str]) -> int:
    """The whole trial; 0 when the data files are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("options", nargs="+")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        whole, torn = Path(scratch, "whole"), Path(scratch, "torn")
        seconds = unbroken(given.options, whole)
        rounds, kills = 0, 0
        while kills < given.kills:
            torn = Path(scratch, f"torn-{rounds}")
            kills += broken(given.options, torn, given.kills - kills, seconds, given.seed + rounds)
            rounds += 1
            if digests(torn / "out") != digests(whole / "out"):
                print(f"after {kills} kills: the data files DIFFER")
                return 1
        files = len(digests(whole / "out"))
        print(f"{kills} kills in {rounds} runs: all {files} data files are equal, byte for byte")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
