"""Output folders: what the manifest that ends a stage says."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from qa_parallel.storage import folders, store


def test_a_manifest_says_when_it_was_finished_and_how_long_it_took(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    told = folders.finish(tmp_path, {"kind": "corpus"}, time.monotonic() - 90)
    assert store.read_json(tmp_path / "manifest.json") == told
    assert told["kind"] == "corpus"
    assert 90 <= told["seconds"] < 100
    assert before <= datetime.fromisoformat(told["finished"]) <= datetime.now(UTC)
