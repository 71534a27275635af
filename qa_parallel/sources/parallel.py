"""Human-made parallel QA data: one file a language, joined by id.

Such data may be ragged: a question exists in some languages only, and its passages may be no
translations of each other (MLQA). A passage then cannot have one id of its own in all languages;
what must stay together, in a split or out of a batch, is the connected component of questions that
share a passage in any language, and that is what `passage_id` names.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import polars as pl

from qa_parallel import language_codes
from qa_parallel.components import connected, numbers
from qa_parallel.errors import SourceError
from qa_parallel.places import Place, home
from qa_parallel.schema import CORPUS
from qa_parallel.sources.account import Account
from qa_parallel.sources.counts import Counts
from qa_parallel.sources.parts import folder_files
from qa_parallel.sources.settings import SourceSettings, known_columns
from qa_parallel.sources.source import distinct_id, open_source

_WINDOW = 10_000  # rows
# Equal questions from which two languages may be one.
_EQUAL = 3


@dataclass(frozen=True)
class ParallelImport:
    """What `import_parallel` made.

    Attributes
    ----------
    frame:
        CORPUS rows, language by language in the order given, each in the order of its file.
    counts, accounts:
        For each language, what became of the records of its file, and what was read as what.
    """

    frame: pl.DataFrame
    counts: dict[str, Counts]
    accounts: dict[str, Account]

    def frames(self) -> dict[str, pl.DataFrame]:
        """The rows of each language."""
        return {code: self.frame.filter(pl.col("language") == code) for code in self.counts}

    def complete(self) -> int:
        """How many questions exist in every language."""
        rows = self.frame.group_by("qa_id").len()
        return rows.filter(pl.col("len") == len(self.counts)).height

    def pairs(self) -> pl.DataFrame:
        """Questions in common: a row and a column for each language, its own total where they meet.

        Columns: language (String), then one Int64 column for each code.
        """
        ids = {code: set(frame["qa_id"]) for code, frame in self.frames().items()}
        return pl.DataFrame(
            {"language": list(ids)}
            | {code: [len(mine & other) for other in ids.values()] for code, mine in ids.items()}
        )

    def __str__(self) -> str:
        questions, passages = (self.frame[name].n_unique() for name in ("qa_id", "passage_id"))
        return (
            f"{self.frame.height:,} rows, {questions:,} questions ({self.complete():,} in all "
            f"{len(self.counts)} languages), {passages:,} groups of passages"
        )


def import_parallel(
    files: Mapping[str, Path | str] | Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    encoding: str | None = None,
    split: str = "train",
    license: str | None = None,
) -> ParallelImport:
    """Join parallel files, whole or ragged, by the id of their questions.

    Parameters
    ----------
    files:
        Language → path, or a folder of files named by language ("de.json", "deu_Latn.train.json").
        Columns of one language stand behind its path: "mkqa.jsonl?question=queries.de". Every
        language is read whole: this is for data that people made.
    columns, keep, encoding, license:
        As in `SourceSettings`, for all files. Without ids ({"id": ""}) nothing is joined: for files
        in several languages that are not parallel, or whose ids merely count.
    split:
        Name that the rows get.

    Raises
    ------
    SourceError
        Fewer than two languages, no ids, an id with several meanings within one language, or two
        languages whose questions are mostly the same; and what `open_source` raises.
    LanguageError
        A language, or the name of a file in the folder, is not known.

    Examples
    --------
    >>> made = import_parallel({"en": "en.json", "de": "de.json"})  # doctest: +SKIP
    >>> print(made)  # doctest: +SKIP
    1,660 rows, 1,148 questions (512 in all 2 languages), 978 groups of passages
    """
    if isinstance(files, str | Path):
        named = [(path.name.split(".")[0], path) for path in _folder(Place.of(files))]
    else:
        named = [(code, home(path)) for code, path in files.items()]
    paths: dict[str, Path] = {}
    for name, path in named:
        code = language_codes.parse(name)
        if code in paths:
            raise SourceError(f"expected one file for {code}, found {paths[code]} and {path}")
        paths[code] = path
    if len(paths) < 2:
        raise SourceError(f"expected files in two languages or more, found {len(paths)}")
    frames: list[pl.DataFrame] = []
    counts: dict[str, Counts] = {}
    accounts: dict[str, Account] = {}
    for code, asked in paths.items():
        path, own = _with_columns(asked)
        place = Place.of(path)
        if not place.is_file:
            raise SourceError(
                f"expected a file for {code}, found none at {place}", "check the path"
            )
        source = open_source(
            SourceSettings(
                source=str(path),
                source_language=code,
                columns={**dict(columns or {}), **own},
                keep=tuple(keep),
                encoding=encoding,
                split=split,
                license=license,
            )
        )
        mine = pl.concat(source.frames(_WINDOW))
        if {**dict(columns or {}), **own}.get("id") != "":
            _check_ids(mine, source.counts, path)
        frames.append(mine)
        counts[code], accounts[code] = source.counts, source.account
    _refuse_equal(pl.concat(frames))
    return ParallelImport(join_passages(pl.concat(frames)), counts, accounts)


def join_passages(frame: pl.DataFrame) -> pl.DataFrame:
    """Make `passage_id` the connected component of questions that share a passage.

    Rows are linked by equal `qa_id` and by equal `passage_id`, in any language. A component is
    named by the smallest `passage_id` in it, so its name does not depend on the order of rows.

    Examples
    --------
    >>> rows = {"qa_id": ["1", "1", "2"], "passage_id": ["pb", "pa", "pb"]}
    >>> join_passages(pl.DataFrame(rows))["passage_id"].to_list()
    ['pa', 'pa', 'pa']
    """
    component = connected(numbers(frame, "qa_id"), numbers(frame, "passage_id"))
    return frame.with_columns(
        pl.col("passage_id").min().over(pl.Series(component)).cast(CORPUS["passage_id"])
    )


def _folder(place: Place) -> list[Path]:
    if not place.is_folder:
        raise SourceError(f"expected a folder of parallel files, found none at {place}")
    return folder_files(place.path)


def _with_columns(place: Path) -> tuple[Path, dict[str, str]]:
    """A path, and the columns that stand behind it: mkqa.jsonl?question=queries.de."""
    path, found, query = str(place).rpartition("?")
    if not found or Place.of(place).exists:
        return place, {}
    return Path(path), known_columns(dict(parse_qsl(query, keep_blank_values=True)))


def _refuse_equal(frame: pl.DataFrame) -> None:
    """Two languages have different questions: equal ones are a column read twice."""
    asked = frame.filter(pl.col("question").str.contains(r"\p{L}{3}"))
    sizes = dict(asked.group_by("language").len().iter_rows())
    same = (
        asked.group_by("qa_id", "question")
        .agg(pl.col("language").unique().sort())
        .filter(pl.col("language").list.len() > 1)
    )
    pairs: Counter[tuple[str, str]] = Counter()
    for languages in same["language"]:
        pairs.update(itertools.combinations(languages, 2))
    for (one, other), count in pairs.items():
        size = min(sizes[one], sizes[other])
        if one[:3] != other[:3] and count >= _EQUAL and count > size / 2:
            raise SourceError(
                f"expected questions in two languages, found the same under {one} and {other} in "
                f"{count:,} of {size:,} rows",
                "name the columns of each language: --parallel de=FILE?question=COLUMN",
            )


def _check_ids(frame: pl.DataFrame, counts: Counts, path: Path) -> None:
    """Files are joined by id, so each needs ids of its own, each for one question."""
    if counts.without_id:
        raise SourceError(
            f"expected an id on every row, found {counts.without_id} rows without one in {path}",
            "name its column: columns id=NAME",
        )
    if counts.renamed:
        texts = frame.select("qa_id", "question", "answer", "passage").iter_rows()
        example = next(
            (qa_id[:-17] for qa_id, *text in texts if qa_id == distinct_id(qa_id[:-17], *text)), ""
        )
        raise SourceError(
            f"expected one question for each id, found several for {example!r} in {path} "
            f"({counts.renamed} rows share an id with another one)",
            "ids must tell the questions of a file apart, and be the same in all files; for files "
            "that are not parallel leave the ids out: columns id=",
        )
