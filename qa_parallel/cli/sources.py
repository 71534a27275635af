"""Options about data that is read, which several commands have."""

from __future__ import annotations

from qa_parallel.cli.fields import Decorator, fields
from qa_parallel.sources.settings import SourceSettings

SECTION = "Source"


def source_options(condition: str = "") -> Decorator:
    """How the data is to be read; `condition` says when that matters."""
    return fields(
        SECTION,
        SourceSettings,
        columns=f"Which column holds what{condition}, e.g. question=q,answer=answers.text.0.",
        source_language=f"Language that the data is in{condition}.",
        keep=f"Further columns to carry along{condition}, e.g. url,category.",
        encoding=f"Encoding of the files{condition}, where it cannot be told from them.",
        split="Split to read from a Hub dataset; also the name of the split that is written.",
        config="Configuration of a Hub dataset.",
        revision="Revision of a Hub dataset.",
        license=f"Licence of the data{condition}, recorded in every row.",
        limit=f"Read only the first N rows{condition}.",
    )


CORPUS_OPTIONS = source_options(", if CORPUS is not a corpus folder")
EVAL_HELP = (
    "{what}, repeatable; called as the file is where NAME= is left out; more about it after a "
    "question mark, e.g. NAME=PATH?language=de&split=test."
)
