"""Results that are corpora: what was translated or imported, filtered, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from qa_parallel.results.base import Result
from qa_parallel.storage import store

if TYPE_CHECKING:
    import datasets
    from rich.console import RenderableType

# Of a manifest, what counts all languages together.
_WHOLE = ("questions", "passages", "source_counts")


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

        yield from super().tables()
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

    def _counts(self) -> dict[str, Any]:
        languages = self.manifest["languages"]
        whole = {name: self.manifest[name] for name in _WHOLE if name in self.manifest}
        rows = {code: one["rows"] for code, one in languages.items()}
        return {"rows": self.rows, "languages": rows, **whole}

    def _figures(self) -> Any:
        return self.manifest["languages"]


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
        yield from Result.tables(self)

    def _figures(self) -> Any:
        languages = store.read_json(self.folder / "report.json")["languages"]
        return {
            code: {
                "rejected": one["rejected"],
                "kept": one["kept"],
                "reasons": {
                    reason: {name: n for name, n in counts.items() if name != "examples"}
                    for reason, counts in one["reasons"].items()
                },
            }
            for code, one in languages.items()
        }


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
        from qa_parallel.storage import summary

        yield from Result.tables(self)
        if self.is_corpus:
            yield from summary.counts(self.manifest)
            yield from summary.rows(self.folder, self.manifest)
        else:
            yield f"The report is in {self.folder}."

    def _words(self) -> str:
        questions = self.report["leaked"]["questions"]
        rest = f"; {super()._words()}" if self.is_corpus else ""
        return f"{questions:,} questions leak{rest}"

    def _counts(self) -> dict[str, Any]:
        rest = super()._counts() if self.is_corpus else {}
        return {"leaked": self.report["leaked"], **rest}

    def _figures(self) -> Any:
        return self.report["hits"]
