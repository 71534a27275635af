"""Worker processes of the filters: results in order, one thread each, no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl

from qa_parallel.filters.workers import Workers

SCRIPT = """
import os, sys, time
from qa_parallel.filters.workers import Workers

def pid(_):
    time.sleep(0.2)
    return os.getpid()

if __name__ == "__main__":
    workers = Workers(2)
    print(*set(workers.map(pid, range(4), pays=True)), flush=True)
    time.sleep(60)
"""


def told(number: int) -> tuple[int, int, int]:
    return number, os.getpid(), pl.thread_pool_size()


def test_results_come_in_order_from_processes_of_one_thread() -> None:
    with Workers(2) as workers:
        found = workers.map(told, range(20), pays=True)
        # Once they are there they are used for little as well.
        again = workers.map(told, range(2), pays=False)
    assert [number for number, _, _ in found] == list(range(20))
    assert {pid for _, pid, _ in [*found, *again]}.isdisjoint({os.getpid()})
    assert {threads for _, _, threads in found} == {1}


def test_little_is_done_in_this_process() -> None:
    for workers in (Workers(1), Workers(2)):
        assert {pid for _, pid, _ in workers.map(told, range(3), pays=False)} == {os.getpid()}


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(part) for part in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert pids
    for _ in range(100):
        if not any(_is_running(pid) for pid in pids):
            return
        time.sleep(0.1)
    raise AssertionError(f"still running: {[pid for pid in pids if _is_running(pid)]}")


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
