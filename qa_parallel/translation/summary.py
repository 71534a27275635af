"""A translation in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qa_parallel.language_codes import LANGUAGES
from qa_parallel.storage import store
from qa_parallel.text import counted, duration, percent


def words(manifest: Mapping[str, Any]) -> str:
    """What was translated with which model, and what it cost."""
    languages = manifest.get("languages", {})
    source, model = manifest.get("source", {}), store.portable(manifest.get("model", {}))
    rows = max((one["rows"] for one in languages.values()), default=0)
    others = [one for one in languages.values() if one["segments"]]
    told = (
        f"{counted(rows, 'question')} of {source.get('name')} in "
        f"{_language(source.get('source_language', ''))}, translated into "
        f"{counted(len(others), 'language')} with {model.get('name')}."
    )
    segments = sum(one["segments"] for one in others)
    if segments:
        done = sum(one["translated"] for one in others)
        told += (
            f" {segments:,} sentences, {percent(sum(one['unique'] for one in others), segments)} "
            f"of them distinct; {done:,} were decoded, in {sum(o['tokens'] for o in others):,} "
            f"tokens and {duration(sum(one['seconds'] for one in others))} of the model's time."
        )
    return told


def _language(code: str) -> str:
    known = LANGUAGES.get(code)
    return known.name if known else code
