"""An import in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qa_parallel.text import counted


def words(manifest: Mapping[str, Any]) -> str:
    """How many languages and questions were joined."""
    languages = len(manifest.get("languages") or _codes(manifest))
    there = f"in {counted(languages, 'language')}, " if languages else ""
    told = f"Texts {there}joined by their ids."
    questions = manifest.get("questions")
    if questions:
        all_of_them = counted(questions["all"], "question")
        told += f" {all_of_them}, {questions['complete']:,} of them in every language."
    return told


def _codes(manifest: Mapping[str, Any]) -> list[str]:
    """Languages by the files of a corpus."""
    return list(dict.fromkeys(name.split("/")[1] for name in manifest.get("files", {})))
