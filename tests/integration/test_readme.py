"""README's Python, as it stands there: in one process, in a folder of its own, offline."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def snippets() -> list[str]:
    """The blocks of Python in README, in their order."""
    text = (ROOT / "README.md").read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_snippets_of_readme_run(tmp_path: Path) -> None:
    blocks = snippets()
    assert len(blocks) >= 2
    ended = "\nassert len(batch.questions) == 2\nassert plan.settings.strategy == 'hybrid'\n"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks) + ended],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "QA_PARALLEL_CACHE": str(tmp_path / "cache"),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The corpus is in corpus." in done.stdout
    assert done.stdout.count(" → ") >= 2
    for name in ("corpus", "clean", "checked", "plan"):
        assert (tmp_path / name / "manifest.json").is_file()
