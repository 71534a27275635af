"""Kill commands at random moments, start them again each time, compare with an unbroken run.

    python -m tests.chaos.kill --kills 200
    python -m tests.chaos.kill --kills 20 --only overwrite,import
    python -m tests.chaos.kill --kills 10 -- translate --source faq.csv --to de --model demo

Without a command of one's own after `--` (its `--out` is added) all trials take their turns. Prints
what happened; exits with 1 when a data file differs, or a row is missing or there twice.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUESTIONS = ROOT / "recipes" / "quickstart" / "questions.jsonl"
_DEMO = "--model demo --beam 1 --threads 1"

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        *(
            "qa_parallel.pipeline.run",
            "qa_parallel.sources.parallel",
            "qa_parallel.translation.progress",
        ),
        *("qa_parallel.storage.summary", "ctranslate2", "rapidfuzz", "sacremoses", "sentencex"),
    ]
)

RECIPE = f"""
name = "killed"
out = "never"

[source]
source = "{QUESTIONS}"
limit = 20

[model]
model = "demo"

[translate]
to = ["mar_Deva", "spa_Latn"]
beam = 1
window_rows = 5

[filter]

[check-leakage]
against = {{ quickstart-eval = "{QUESTIONS.with_name("eval")}" }}

[build-batches]
batch_size = 4
"""
STAGES = ("translated", "filtered", "checked", "batches")


@dataclass(frozen=True)
class Trial:
    """A command that is killed; `before` runs undisturbed in the same folder, None = nothing."""

    command: Sequence[str]
    before: Sequence[str] | None = None


def trials(scratch: Path) -> dict[str, Trial]:
    """All trials; the recipe that one of them needs is written to `scratch`."""
    recipe = scratch / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    sets = QUESTIONS.with_name("eval")
    rows = f"translate --source {QUESTIONS} --limit 24 {_DEMO}"
    return {
        "two languages": Trial(f"{rows} --to fr,de --window-rows 6".split()),
        "small shards": Trial(f"{rows} --to es --window-rows 2 --shard-rows 4".split()),
        "one window": Trial(f"{rows} --to mr --no-guards".split()),
        "overwrite": Trial(
            f"{rows} --to fr,es --window-rows 8 --overwrite".split(),
            before=f"{rows} --to fr --window-rows 8".split(),
        ),
        "run": Trial(["run", str(recipe)]),
        "run changed": Trial(
            ["run", str(recipe), "--set", "filter.limits.length=2", "--set", "source.limit=24"],
            before=["run", str(recipe)],
        ),
        "import": Trial(
            f"import --parallel en={sets}/eng_Latn.json --parallel de={sets}/deu_Latn.json".split()
        ),
    }


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every data file of a corpus, or of the corpora of a recipe, by its path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for corpus in (folder, *(folder / stage for stage in STAGES))
        for path in sorted((corpus / "data").rglob("*.parquet"))
    }


def rows(folder: Path) -> tuple[int, int]:
    """Rows of the corpora, and how many different (corpus, qa_id, language) they have."""
    import polars as pl

    keys = pl.concat(
        pl.read_parquet(folder / name, glob=False).select(
            "qa_id", "language", corpus=pl.lit(name.partition("data/")[0])
        )
        for name in digests(folder)
        if not name.startswith("batches/")
    )
    return keys.height, keys.n_unique()


def start(command: Sequence[str], folder: Path, out: str = "out") -> subprocess.Popen[bytes]:
    """Start `command` on `folder / out`, with a cache beside it."""
    environment = {**os.environ, "QA_PARALLEL_CACHE": str(folder / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "qa_parallel.cli", *command, "--out", str(folder / out)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def unbroken(command: Sequence[str], folder: Path) -> None:
    """Run to the end, in a process of its own from its first moment on."""
    process = start(command, folder)
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {errors.decode()}")


def _run(command: Sequence[str], folder: Path) -> None:
    """What `start` starts, in this process."""
    from qa_parallel.cli import main

    os.environ["QA_PARALLEL_CACHE"] = str(folder / "cache")
    with (folder / "said.txt").open("w", encoding="utf-8") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        main([*command, "--out", str(folder / "out")])


def warm(command: Sequence[str], folder: Path, limit: float | None = None) -> bool:
    """Run in a process that has its libraries loaded, killed after `limit` seconds.

    Loading is three quarters of a small run, and no part of it can be harmed by a kill. Whether
    it came to its end; None = no limit.
    """
    process = CONTEXT.Process(target=_run, args=(command, folder))
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        said = (folder / "said.txt").read_text(encoding="utf-8")
        raise RuntimeError(f"failed by itself, exit code {process.exitcode}: {said}")
    return process.exitcode == 0


def broken(trial: Trial, folder: Path, kills: int, seconds: float, chance: random.Random) -> int:
    """Run with up to `kills` kills, each at a random moment; how many there were.

    The moments are drawn from the time that an unbroken run took, so that they fall on every
    part of it: reading, translating, committing, putting the shards together.
    """
    for done in range(kills):
        if warm(trial.command, folder, chance.uniform(0.05, 1.0) * seconds):
            return done  # finished before the next kill: what is left is to compare
    warm(trial.command, folder)
    return kills


def attempt(name: str, trial: Trial, kills: int, seed: int, scratch: Path) -> bool:
    """Kill one trial until there were `kills` kills; whether all came out as the unbroken run."""
    chance = random.Random(f"{seed} {name}")
    fresh, whole = scratch / "fresh", scratch / "whole"
    fresh.mkdir(parents=True)
    if trial.before is not None:
        unbroken(trial.before, fresh)
    shutil.copytree(fresh, whole)
    unbroken(trial.command, whole)
    shutil.copytree(fresh, scratch / "timed")
    loading = CONTEXT.Process(target=int)  # libraries load now, not in what is timed
    loading.start()
    loading.join()
    started = time.monotonic()
    warm(trial.command, scratch / "timed")
    seconds = time.monotonic() - started
    expected, (count, different) = digests(whole / "out"), rows(whole / "out")
    good = count == different and digests(scratch / "timed" / "out") == expected
    rounds = done = 0
    while good and done < kills:
        torn = scratch / f"torn-{rounds}"
        shutil.copytree(fresh, torn)
        started = time.monotonic()
        killed = broken(trial, torn, kills - done, seconds, chance)
        if not killed:  # the machine has become faster
            seconds = time.monotonic() - started
        done += killed
        rounds += 1
        good = digests(torn / "out") == expected and rows(torn / "out") == (count, count)
        shutil.rmtree(torn)
    outcome = f"{len(expected)} data files equal, byte for byte; {count} rows, none lost or doubled"
    print(f"{name}: {done} kills in {rounds} runs: {outcome if good else 'DIFFERENT'}", flush=True)
    return good


def main(arguments: Sequence[str]) -> int:
    """The whole trial; 0 when the data files are equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10, help="In all, shared out evenly.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="Names of trials, with commas between.")
    parser.add_argument("command", nargs="*")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        chosen = trials(scratch)
        if given.only:
            chosen = {name: chosen[name] for name in given.only.split(",")}
        if given.command:
            chosen = {given.command[0]: Trial(given.command)}
        good = True
        for number, (name, trial) in enumerate(chosen.items()):
            share = (given.kills + number) // len(chosen)
            good &= attempt(name, trial, share, given.seed, scratch / str(number))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
