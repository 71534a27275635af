"""What the verbs of `qa_parallel` return: a folder that knows what is in it.

A result stands wherever a path may stand, prints its tables (`print(corpus)`), and is shown as a
table in a notebook.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from qa_parallel.errors import StoreError
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import Outcome

if TYPE_CHECKING:
    import datasets
    from rich.console import RenderableType

    from qa_parallel.batches.plan import Batch
    from qa_parallel.batches.plan import Plan as OpenPlan
    from qa_parallel.batches.settings import BatchSettings
    from qa_parallel.pipeline.steps import StepResult

_WIDTH = 120  # columns of a printed result


class Result:
    """The folder that a stage left.

    Attributes
    ----------
    folder:
        Where it is.
    manifest:
        What was made of what, with which settings, counts and digests.
    complete_before:
        Whether all was there already, so that nothing had to be done.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.folder = outcome.folder
        self.manifest: Mapping[str, Any] = outcome.manifest
        self.complete_before = outcome.complete_before
        self.outcome = outcome

    def __fspath__(self) -> str:
        return os.fspath(self.folder)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.folder}: {self._words()}>"

    def __str__(self) -> str:
        return printed(self.tables())

    def _repr_html_(self) -> str:
        from rich.console import Console

        target = Console(file=io.StringIO(), width=_WIDTH, record=True)
        for part in self.tables():
            target.print(part, highlight=False)
        return target.export_html(
            inline_styles=True, code_format="<pre style='overflow-x:auto'>{code}</pre>"
        )

    def tables(self) -> Iterator[RenderableType]:
        """What there is to be read of the result, as rich's tables and texts."""
        raise NotImplementedError

    def _words(self) -> str:
        """The result in a few words."""
        raise NotImplementedError


class Corpus(Result):
    """A parallel corpus.

    >>> corpus.frame("deu_Latn")["question"][0]  # doctest: +SKIP
    'Wann ist Anna eingezogen?'
    """

    @property
    def languages(self) -> tuple[str, ...]:
        """NLLB codes, the originals' language first."""
        return tuple(self.manifest["languages"])

    @property
    def rows(self) -> int:
        """Rows of all languages together."""
        return sum(item["rows"] for item in self.manifest["languages"].values())

    def frame(self, language: str | None = None) -> pl.DataFrame:
        """The rows of one language, "deu_Latn" or what `languages` parses; None: of all.

        Columns as in `qa_parallel.schema.CORPUS`.

        Raises
        ------
        LanguageError, StoreError
            No such language; a report alone, without a corpus; a file is missing or broken.
        """
        from qa_parallel.storage.corpus import read_corpus

        return read_corpus(self.folder, None if language is None else [self._code(language)])

    def to_datasets(self, language: str | None = None) -> datasets.Dataset:
        """The rows of one language, or of all, as a `datasets.Dataset`."""
        import datasets

        code = None if language is None else self._code(language)
        names = [one for one in self.manifest["files"] if code is None or f"/{code}/" in one]
        shown = datasets.is_progress_bar_enabled()
        datasets.disable_progress_bars()
        try:
            return datasets.Dataset.from_parquet([str(self.folder / name) for name in names])
        finally:
            if shown:
                datasets.enable_progress_bars()

    def tables(self) -> Iterator[RenderableType]:
        from qa_parallel.storage import summary

        yield from summary.counts(self.manifest)
        yield from summary.rows(self.folder, self.manifest)

    def _code(self, language: str) -> str:
        from qa_parallel import language_codes
        from qa_parallel.errors import LanguageError

        code = language if language in self.languages else language_codes.parse(language)
        if code not in self.languages:
            raise LanguageError(
                f"expected a language of {self.folder} ({', '.join(self.languages)}), found {code}"
            )
        return code

    def _words(self) -> str:
        return f"{self.rows:,} rows in {len(self.languages)} languages"


class Filtered(Corpus):
    """What the filters kept; what they rejected, and why, is beside it."""

    @cached_property
    def decisions(self) -> pl.DataFrame:
        """A row for each rejection: key, field, check, score, limit, reason."""
        from qa_parallel.filters.stage import DECISIONS_FILE

        return store.read_parquet(self.folder / DECISIONS_FILE)

    @cached_property
    def limits(self) -> pl.DataFrame:
        """The limits that held, by language, field and check."""
        from qa_parallel.filters.stage import LIMITS_FILE

        return store.read_parquet(self.folder / LIMITS_FILE)

    @cached_property
    def scores(self) -> pl.DataFrame:
        """Every measured score: key, field, check, score."""
        from qa_parallel.filters.scores import read_scores

        return read_scores(self.folder)

    def rejected(self, language: str | None = None) -> pl.DataFrame:
        """The rejected rows of one language, or of all, with their reasons."""
        code = None if language is None else self._code(language)
        names = [one for one in self.manifest["rejected"] if code is None or f"/{code}/" in one]
        return pl.concat([store.read_parquet(self.folder / name) for name in names])

    def explain(self, qa_id: str) -> RenderableType:
        """A table of all scores of one question beside their limits."""
        from qa_parallel.filters.stage import explain

        table: RenderableType = explain(self.folder, qa_id)
        return table

    def tables(self) -> Iterator[RenderableType]:
        from rich.text import Text

        from qa_parallel.filters import summary

        yield from summary.describe(store.read_json(self.folder / "report.json"))
        yield Text(f"Kept rows are in {self.folder}/data, rejected ones in {self.folder}/rejected.")


class Checked(Corpus):
    """What a corpus shares with evaluation sets; with the action "drop", a corpus without it."""

    @cached_property
    def leaks(self) -> pl.DataFrame:
        """A row for each hit; see `qa_parallel.schema.LEAKS`."""
        from qa_parallel.leakage.stage import LEAKS

        return store.read_parquet(self.folder / LEAKS)

    @cached_property
    def report(self) -> Mapping[str, Any]:
        """What was checked against what, hits, what leaks, examples."""
        from qa_parallel.leakage.stage import REPORT

        return store.read_json(self.folder / REPORT)

    @property
    def is_corpus(self) -> bool:
        """Whether the folder is a corpus without what leaks, and not a report alone."""
        return bool(self.manifest["kind"] == "corpus")

    def tables(self) -> Iterator[RenderableType]:
        from qa_parallel.leakage import summary

        yield from summary.describe(self.report)
        if self.is_corpus:
            yield from super().tables()

    def _words(self) -> str:
        questions = self.report["leaked"]["questions"]
        rest = f"; {super()._words()}" if self.is_corpus else ""
        return f"{questions:,} questions leak{rest}"


class Plan(Result):
    """Which rows meet in which training step: `plan[0].questions`, `len(plan)`."""

    @cached_property
    def train(self) -> OpenPlan:
        """The steps of training."""
        from qa_parallel.batches.plan import open_plan

        return open_plan(self.folder)

    @cached_property
    def validation(self) -> OpenPlan:
        """The batches that are kept for validation."""
        from qa_parallel.batches.plan import open_plan

        return open_plan(self.folder, "validation")

    @property
    def settings(self) -> BatchSettings:
        """What the plan was made with."""
        return self.train.settings

    def __len__(self) -> int:
        return int(self.manifest["steps"]["train"])

    def __getitem__(self, step: int) -> Batch:
        return self.train[step]

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.train)

    def tables(self) -> Iterator[RenderableType]:
        from rich.text import Text

        from qa_parallel.batches import summary

        yield from summary.tables(store.read_json(self.folder / "report.json"))
        yield Text(f"The plan is in {self.folder}, its picture in {self.folder}/languages.svg.")

    def _words(self) -> str:
        return f"{len(self):,} training steps"


class Results(Result):
    """How well an encoder retrieves."""

    @cached_property
    def table(self) -> pl.DataFrame:
        """A row for each measure, setting and pair of languages; `qa_parallel.schema.RESULTS`."""
        from qa_parallel.evaluation.stage import RESULTS_FILE

        return store.read_parquet(self.folder / RESULTS_FILE)

    @cached_property
    def report(self) -> Mapping[str, Any]:
        """Sets, counts, settings, signatures and results."""
        from qa_parallel.evaluation.stage import REPORT

        return store.read_json(self.folder / REPORT)

    def compare(self, *others: Results | Path | str, samples: int = 1000) -> pl.DataFrame:
        """How sure it is that `others` differ from this one: paired bootstrap over questions.

        Returns
        -------
        A row for each set, setting and measure: dataset, baseline (this one), system, and the
        fields of `qa_parallel.evaluation.significance.Difference`.
        """
        from qa_parallel.evaluation.stage import compare_results

        folders = [self.folder, *(Path(one) for one in others)]
        return pl.DataFrame(list(compare_results(folders, samples)), infer_schema_length=None)

    def tables(self) -> Iterator[RenderableType]:
        from rich.text import Text

        from qa_parallel.evaluation import summary

        yield from summary.describe(self.report)
        yield Text(f"Results and pictures are in {self.folder}.")

    def _words(self) -> str:
        means = {
            one["setting"]: f"{one['value']:.3f} {one['setting']}"
            for one in self.report["results"]
            if one["measure"] == "map" and one["query_language"] is None
        }
        return f"mAP {', '.join(means.values())}" if means else "no results"


class Trained(Result):
    """Encoders trained by plans from one start, evaluated and compared."""

    @cached_property
    def report(self) -> Mapping[str, Any]:
        """Trainings, means over seeds, and differences with their intervals."""
        from qa_parallel.training.experiment import REPORT

        return store.read_json(self.folder / REPORT)

    @property
    def table(self) -> pl.DataFrame:
        """Mean and standard deviation of every measure over the seeds of each system."""
        return pl.DataFrame(self.report["means"], infer_schema_length=None)

    @property
    def differences(self) -> pl.DataFrame:
        """Every system against each one before it, with interval and p."""
        return pl.DataFrame(self.report["differences"], infer_schema_length=None)

    @property
    def encoders(self) -> dict[str, Path]:
        """Folders that sentence-transformers loads, by the name of the training: "hybrid-0"."""
        return {
            run["name"]: self.folder / "runs" / run["name"] / "encoder"
            for run in self.report["runs"]
        }

    def tables(self) -> Iterator[RenderableType]:
        from rich.text import Text

        from qa_parallel.training import summary

        yield from summary.describe(self.report)
        folder = self.folder
        yield Text(f"Encoders are in {folder}/runs/NAME/encoder, pictures in {folder}/pictures.")

    def _words(self) -> str:
        return f"{len(self.encoders)} trained: {', '.join(self.encoders)}"


class Run(Sequence["StepResult"]):
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
        """A row a stage."""
        from qa_parallel.pipeline import summary

        yield from summary.describe(self.steps)

    def __fspath__(self) -> str:
        return os.fspath(self.out)

    def __repr__(self) -> str:
        return f"<Run in {self.out}: {', '.join(one.step.name for one in self.steps)}>"

    def __str__(self) -> str:
        return printed(self.tables())


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
            "start the command that makes it again; it goes on where it stood",
        )
    if not folders.is_whole(folder):
        raise StoreError(
            f"expected the files that the manifest of {folder} names, found one missing or cut "
            "short",
            "make it again, or copy it again",
        )
    manifest = store.read_json(folder / folders.MANIFEST)
    return open_result(Outcome(folder, manifest, complete_before=True))


def printed(parts: Iterable[RenderableType], width: int = _WIDTH) -> str:
    """Rich's tables and texts as plain text, without spaces at the ends of lines."""
    from rich.console import Console

    text = io.StringIO()
    target = Console(file=text, width=width, no_color=True)
    for part in parts:
        target.print(part, highlight=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())
