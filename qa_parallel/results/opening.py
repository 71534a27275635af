"""The result in a folder, of whatever stage it is."""

from __future__ import annotations

from pathlib import Path

from qa_parallel.errors import StoreError
from qa_parallel.results.base import Result
from qa_parallel.results.corpora import Checked, Corpus, Filtered
from qa_parallel.results.encoders import Plan, Results, Trained
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import Outcome

# By the stage that made it.
_RESULTS: dict[str, type[Result]] = {
    "translate": Corpus,
    "import": Corpus,
    "filter": Filtered,
    "check-leakage": Checked,
    "build-batches": Plan,
    "evaluate": Results,
    "train-eval": Trained,
}


def open_result(outcome: Outcome) -> Result:
    """The result of whatever stage left `outcome`; StoreError where it has no results."""
    stage = outcome.manifest.get("stage")
    if stage not in _RESULTS:
        raise StoreError(
            f"expected a folder of {', '.join(_RESULTS)} at {outcome.folder}, found one of {stage}"
        )
    return _RESULTS[stage](outcome)


def read_result(folder: Path) -> Result:
    """The result in a finished folder of any stage.

    Raises
    ------
    StoreError
        It is none of ours, or half-written, or has lost a file.
    """
    if not (folder / folders.MANIFEST).is_file():
        what = "a half-written one" if folders.is_unfinished(folder) else "none"
        raise StoreError(
            f"expected a finished folder of qa-parallel at {folder}, found {what}",
            "start the command that makes it again; it continues where it stopped",
        )
    if not folders.is_whole(folder):
        raise StoreError(
            f"expected the files that the manifest of {folder} names, found one missing or cut "
            "short",
            "make it again, or copy it again",
        )
    manifest = store.read_json(folder / folders.MANIFEST)
    return open_result(Outcome(folder, manifest, complete_before=True))
