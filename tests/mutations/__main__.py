"""Faults put into the code one at a time: the nearest tests must see each.

    python -m tests.mutations
    python -m tests.mutations --only training
    python -m tests.mutations --sample 5 --seed 1

First the tests must be green in a copy of the tree as it is. Then each fault changes a line in it;
what is seen is "killed", and one that survives shows what no test feels. Prints a table; exits with
1 unless all are killed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutations.faults import FAULTS, Fault

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "*.pyc", "build")
# what pytest's exit status says of a fault
_VERDICTS = {0: "SURVIVED", 1: "killed"}


def main(arguments: Sequence[str] | None = None) -> int:
    """The whole; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="faults with this in their file or their words")
    parser.add_argument("--sample", type=int, default=len(FAULTS), help="so many, by chance")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    chosen = [one for one in FAULTS if given.only in f"{one.file} {one.words}"]
    drawn = random.Random(given.seed).sample(chosen, min(given.sample, len(chosen)))
    faults = [one for one in chosen if one in drawn]
    with tempfile.TemporaryDirectory(prefix="qa-parallel-mutations-") as scratch:
        tree = copied(Path(scratch))
        for tests in dict.fromkeys(one.tests for one in faults):
            if tested(tree, tests) != "SURVIVED":
                print(f"without any fault these fail: {tests}")
                return 1
        verdicts = [judge(tree, one) for one in faults]
    bad = [verdict for verdict in verdicts if verdict != "killed"]
    print(f"{len(verdicts) - len(bad)} of {len(verdicts)} killed")
    return 1 if bad else 0


def copied(scratch: Path) -> Path:
    """A copy of the tree that may be broken."""
    return Path(shutil.copytree(ROOT, scratch / "tree", ignore=_LEFT_OUT))


def judge(tree: Path, fault: Fault) -> str:
    """What becomes of a fault, which is taken back afterwards; a line is printed."""
    path = tree / "qa_parallel" / fault.file
    sound = path.read_text("utf-8") if path.exists() else ""
    begun = time.monotonic()
    if sound.count(fault.old) != 1:
        verdict = f"NOT THERE ({sound.count(fault.old)} times: the code has changed)"
    else:
        path.write_text(sound.replace(fault.old, fault.new), "utf-8")
        try:
            verdict = tested(tree, fault.tests)
        finally:
            path.write_text(sound, "utf-8")
    seconds = time.monotonic() - begun
    print(f"{verdict:9} {seconds:5.0f} s  {fault.file:34} {fault.words}", flush=True)
    return verdict


def tested(tree: Path, tests: str) -> str:
    """What the tests say of the tree: "SURVIVED" where they are green."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    given = [part if part.startswith("-") else f"tests/{part}" for part in tests.split()]
    # no bytecode: a line that is changed and changed back within a second would be found in it
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*command, *given], cwd=tree, env=environment, capture_output=True)
    return _VERDICTS.get(done.returncode, f"BROKEN ({done.returncode}: no test said so)")


if __name__ == "__main__":
    sys.exit(main())
