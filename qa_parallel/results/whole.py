"""Results that are more than a folder of one stage: a recipe's run, what is published."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.results.base import Result, Shown
from qa_parallel.results.corpora import Corpus
from qa_parallel.results.opening import open_result

if TYPE_CHECKING:
    from rich.console import RenderableType

    from qa_parallel.pipeline.steps import StepResult
    from qa_parallel.publishing.stage import Publication
    from qa_parallel.publishing.upload import Published


class Run(Shown, Sequence["StepResult"]):
    """What became of the stages of a recipe, in their order.

    Attributes
    ----------
    out:
        The folder of all of them.
    page:
        The page to look at; None where nothing was written.
    """

    def __init__(self, steps: Sequence[StepResult], out: Path, page: Path | None) -> None:
        self.steps = tuple(steps)
        self.out, self.page = out, page

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, number: Any) -> Any:
        return self.steps[number]

    @property
    def results(self) -> dict[str, Result]:
        """The result of each stage, by its name: `run.results["filter"]`."""
        return {one.step.name: open_result(one.outcome) for one in self.steps}

    @property
    def corpus(self) -> Corpus | None:
        """The last corpus that was made; None where no stage left one."""
        from qa_parallel.pipeline.run import corpus_of

        step = corpus_of(self.steps)
        found = None if step is None else open_result(step.outcome)
        return found if isinstance(found, Corpus) else None

    def tables(self) -> Iterator[RenderableType]:
        """Some rows of the corpus, a row a stage, and where to look."""
        from qa_parallel.pipeline import summary as pipeline_summary
        from qa_parallel.storage import summary as storage_summary

        corpus = self.corpus
        if corpus is not None:
            yield from storage_summary.rows(corpus.folder, corpus.manifest)
            yield ""
        yield from pipeline_summary.describe(self.steps)
        if self.page is not None:
            yield f"Open {self.page} in a browser."
        if corpus is not None:
            yield f"To publish it: qa-parallel publish {corpus.folder} --repo org/name --dry-run"

    def record(self) -> dict[str, Any]:
        return {
            "stage": "run",
            "folder": str(self.out),
            "page": None if self.page is None else str(self.page),
            "stages": [
                {
                    **open_result(one.outcome).record(),
                    "reasons": list(one.reasons),
                    "seconds": round(one.seconds, 3),
                }
                for one in self.steps
            ],
        }

    def __fspath__(self) -> str:
        return os.fspath(self.out)

    def __repr__(self) -> str:
        return f"<Run in {self.out}: {', '.join(one.step.name for one in self.steps)}>"


class Forecast(Shown):
    """What a run of a recipe would do.

    Attributes
    ----------
    out:
        The folder of all stages.
    stages:
        The stages that would be looked at, each with the reasons why it would be made; nothing
        where it is up to date.
    """

    def __init__(self, out: Path, stages: dict[str, tuple[str, ...]]) -> None:
        self.out, self.stages = out, stages

    def __repr__(self) -> str:
        would = [name for name, reasons in self.stages.items() if reasons]
        return f"<Forecast of {self.out}: {', '.join(would) or 'nothing'} to do>"

    def tables(self) -> Iterator[RenderableType]:
        for name, reasons in self.stages.items():
            why = "; ".join(reasons)
            yield f"{name}: {f'would run ({why})' if why else 'up to date'}"

    def record(self) -> dict[str, Any]:
        return {
            "stage": "run",
            "folder": str(self.out),
            "would_run": {name: list(reasons) for name, reasons in self.stages.items()},
        }


class Upload(Shown):
    """What is on the Hub now, or what would be.

    Attributes
    ----------
    prepared:
        Files, card, operations and warnings.
    done:
        Address and commit. None: nothing was sent.
    """

    def __init__(self, prepared: Publication, done: Published | None) -> None:
        self.prepared, self.done = prepared, done

    @property
    def card(self) -> str:
        """The text of the card."""
        return self.prepared.card

    @property
    def operations(self) -> tuple[str, ...]:
        """What happens on the Hub, in order, a line each."""
        return self.prepared.operations

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the one who publishes should know, a line each."""
        return self.prepared.warnings

    def __repr__(self) -> str:
        where = self.prepared.settings.repo if self.done is None else self.done.url
        what = "not sent" if self.done is None else "sent"
        return f"<Upload to {where}: {len(self.prepared.files)} files, {what}>"

    def tables(self) -> Iterator[RenderableType]:
        if self.done is None:
            for file in self.prepared.files:
                yield f"{file.sha256}  {file.size:>13,}  {file.name}"
            yield from self.operations
            yield "The card is valid. Nothing was sent."
            return
        tag = self.prepared.settings.tag
        yield f"{'Published' if self.done.changed else 'Nothing to upload'}: {self.done.url}"
        yield f"commit {self.done.commit}{f', tag {tag}' if tag else ''}"

    def record(self) -> dict[str, Any]:
        files = self.prepared.files
        done = self.done
        return {
            "stage": "publish",
            "folder": None,
            "repo": self.prepared.settings.repo,
            "counts": {"files": len(files), "bytes": sum(file.size for file in files)},
            "warnings": list(self.warnings),
            "operations": list(self.operations),
            "sent": done is not None,
            "url": None if done is None else done.url,
            "commit": None if done is None else done.commit,
        }
