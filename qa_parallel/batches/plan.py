"""A plan as a trainer reads it: `plan[step]`, with the texts of the corpora it was made from.

    plan = open_plan(Path("plan"))
    for step in range(len(plan)):
        batch = plan[step]
        loss = train_step(batch.questions, batch.positives, batch.negatives)

A step is the same on every machine and in every process: workers may share the steps among them as
they like. What is held is Arrow memory, which forked and spawned workers can read alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from qa_parallel.batches.negatives import sample_negatives
from qa_parallel.batches.planning import Side
from qa_parallel.batches.rows import gather, other_sentences, positive_text, text_keys
from qa_parallel.batches.settings import BatchSettings, Positive
from qa_parallel.errors import StoreError
from qa_parallel.places import Place, is_file
from qa_parallel.schema import BATCHES, check
from qa_parallel.sentences import annotate
from qa_parallel.sources.inputs import Input, open_input
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import DATA

Array = np.ndarray[Any, Any]
KIND = "plan"
_KEY = ["corpus", "qa_id", "language"]


@dataclass(frozen=True)
class Batch:
    """The rows of one step; all lists have one entry a row.

    Attributes
    ----------
    positives:
        The text that each question is to find: a sentence, a passage or an answer, as the plan was
        made.
    negatives:
        Hard negatives of each row, in its passage's language; empty lists in a plan without them.
    corpora:
        Positions among the corpora of the plan.
    """

    step: int
    questions: list[str]
    positives: list[str]
    negatives: list[list[str]]
    qa_ids: list[str]
    passage_ids: list[str]
    question_languages: list[str]
    passage_languages: list[str]
    corpora: list[int]

    def __len__(self) -> int:
        return len(self.questions)


class Plan:
    """The steps of one side of a plan, in any order; see `open_plan`.

    Attributes
    ----------
    settings:
        What the plan was made with.
    manifest:
        Digests of the plan and of the corpora, counts, versions.
    """

    def __init__(
        self,
        batches: pl.DataFrame,
        rows: pl.DataFrame,
        settings: BatchSettings,
        manifest: dict[str, Any],
    ) -> None:
        self.settings = settings
        self.manifest = manifest
        numbered = rows.select(_KEY).with_row_index("row")
        self._question_rows = _rows(batches, numbered, "qa_id", "question_language")
        self._passage_rows = _rows(batches, numbered, "qa_id", "passage_language")
        lists = batches.select("corpus", "passage_language", "negatives").filter(
            pl.col("negatives").list.len() > 0
        )
        lists = lists.explode("negatives")
        self._negatives = _rows(lists, numbered, "negatives", "passage_language")
        self._negative_starts = _starts(batches["negatives"].list.len().to_numpy())
        steps = int(batches["step"].max()) + 1 if batches.height else 0  # type: ignore[arg-type]
        self._starts = _starts(np.bincount(batches["step"].to_numpy(), minlength=steps))
        self._corpus = batches["corpus"].to_numpy()
        self._columns = {
            name: _arrow(rows[name])
            for name in ("qa_id", "passage_id", "language", "question", "positive")
        }
        if settings.negatives == "sentences":
            self._columns["others"] = rows["others"].to_arrow()
            self._columns["answer"] = _arrow(rows["answer"])

    def __len__(self) -> int:
        """Steps."""
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[Batch]:
        return (self[step] for step in range(len(self)))

    def __getitem__(self, step: int) -> Batch:
        """The rows of a step; IndexError beyond the last."""
        if not 0 <= step < len(self):
            raise IndexError(f"expected a step from 0 to {len(self) - 1:,}, found {step}")
        slots = slice(self._starts[step], self._starts[step + 1])
        questions, passages = self._question_rows[slots], self._passage_rows[slots]
        positives = self._texts("positive", passages)
        return Batch(
            step=step,
            questions=self._texts("question", questions),
            positives=positives,
            negatives=self._sentences(step, questions, passages, positives)
            if "others" in self._columns
            else self._listed(self._negative_starts[slots.start : slots.stop + 1]),
            qa_ids=self._texts("qa_id", questions),
            passage_ids=self._texts("passage_id", passages),
            question_languages=self._texts("language", questions),
            passage_languages=self._texts("language", passages),
            corpora=self._corpus[slots].tolist(),
        )

    def size(self, step: int) -> int:
        """How many rows a step has, without reading them."""
        return int(self._starts[step + 1] - self._starts[step])

    def _listed(self, ends: Array) -> list[list[str]]:
        """Negatives that the plan names, between these ends."""
        texts = self._texts("positive", self._negatives[ends[0] : ends[-1]])
        return [
            texts[start - ends[0] : end - ends[0]]
            for start, end in itertools.pairwise(ends.tolist())
        ]

    def _sentences(
        self, step: int, questions: Array, passages: Array, positives: list[str]
    ) -> list[list[str]]:
        """Other sentences of each passage, in both languages, the question's and the passage's.

        One that is in the question's language is wrong all the same.
        """
        others = self._columns["others"]
        pools = [
            list(itertools.chain.from_iterable(others.take(list(dict.fromkeys(rows))).to_pylist()))
            for rows in zip(questions.tolist(), passages.tolist(), strict=True)
        ]
        rng = np.random.default_rng([self.settings.seed, step])
        answers = [*self._texts("answer", questions), *self._texts("answer", passages)]
        count = self.settings.negatives_per_row
        return sample_negatives(pools, positives, answers, count, rng)

    def _texts(self, name: str, rows: Array) -> list[str]:
        texts: list[str] = self._columns[name].take(rows).to_pylist()
        return texts


def open_plan(
    folder: Path, side: Side = "train", corpora: Sequence[str | Path] | None = None
) -> Plan:
    """Open a plan that `build-batches` made, with the texts of its corpora.

    Parameters
    ----------
    side:
        "train" or "validation".
    corpora:
        Where the corpora are, in the order in which the plan was made from them. None: where they
        were then, as seen from the plan's folder.

    Raises
    ------
    StoreError
        No plan, a half-written one, or a corpus that has changed since.
    SourceError
        A corpus cannot be read.
    """
    manifest = _manifest(folder)
    settings = BatchSettings.model_validate(manifest["build-batches"])
    mine = f"{DATA}/{side}-"
    files = [folder / name for name in manifest["files"] if name.startswith(mine)]
    batches = pl.concat(
        [pl.DataFrame(schema=BATCHES), *(check(store.read_parquet(one), BATCHES) for one in files)]
    )
    given = _corpora(folder, manifest, corpora)
    texts = texts_of(batches, given, settings, others=settings.negatives == "sentences")
    return Plan(batches, texts, settings, manifest)


@dataclass(frozen=True)
class Head:
    """What a plan says of itself, without its texts.

    Attributes
    ----------
    steps:
        To train by.
    digest:
        Of all its batches.
    corpora:
        Digests of the corpora that it was made from.
    """

    settings: BatchSettings
    steps: int
    digest: str
    corpora: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The same for plans that differ in their seed alone."""
        settings = self.settings.model_dump(mode="json", exclude={"seed"})
        return store.fingerprint({"batches": settings, "corpora": self.corpora})


def read_head(folder: Path) -> Head:
    """The head of a plan whose corpora are there, unchanged; StoreError otherwise."""
    manifest = _manifest(folder)
    _corpora(folder, manifest, None)
    settings = BatchSettings.model_validate(manifest["build-batches"])
    corpora = tuple(one["digest"] for one in manifest["corpora"])
    return Head(settings, manifest["steps"]["train"], plan_digest(manifest), corpora)


def plan_digest(manifest: Mapping[str, Any]) -> str:
    """Of all batches of a plan, from its manifest."""
    return store.fingerprint({name: one["sha256"] for name, one in manifest["files"].items()})


def reserved_rows(folder: Path, corpora: Sequence[str | Path] | None = None) -> pl.DataFrame:
    """The rows that a plan keeps for validation, the same for every strategy and seed.

    Parameters and errors are those of `open_plan`.

    Returns
    -------
    corpus (its position), qa_id, language, question, positive, others; question and positive may be
    null. `others` are the other sentences of the passage, where sentences are to be found.
    """
    manifest = _manifest(folder)
    settings = BatchSettings.model_validate(manifest["build-batches"])
    given = _corpora(folder, manifest, corpora)
    keys = [
        pl.concat(
            [text_keys(one, settings.positive) for one in corpus_frames(part, settings.positive)]
        )
        for part in given
    ]
    rows = gather(keys, settings.validation)
    kept = rows.keys.filter(pl.Series(rows.reserved))
    if settings.languages is not None:
        kept = kept.filter(pl.col("language").is_in(settings.languages))
    texts = texts_of(kept, given, settings, others=settings.positive == "sentence")
    return texts.join(kept, on=_KEY, how="semi").select(*_KEY, "question", "positive", "others")


def _corpora(
    folder: Path, manifest: dict[str, Any], corpora: Sequence[str | Path] | None
) -> list[Input]:
    """The corpora of a plan, unchanged since."""
    places = corpora or [_place(folder, one["path"]) for one in manifest["corpora"]]
    if len(places) != len(manifest["corpora"]):
        raise StoreError(
            f"expected {len(manifest['corpora'])} corpora for the plan in {folder}, found "
            f"{len(places)}",
            "give them in the order of its manifest",
        )
    return [
        _unchanged(str(place), known, folder)
        for place, known in zip(places, manifest["corpora"], strict=True)
    ]


def texts_of(
    batches: pl.DataFrame, given: Sequence[Input], settings: BatchSettings, *, others: bool
) -> pl.DataFrame:
    """Keys and texts of the rows of all questions that `batches`, or keys of rows, name.

    `others` asks for the other sentences of each passage, which are empty lists without.
    """
    positive = settings.positive
    named = [batches["qa_id"]]
    if "negatives" in batches.columns:
        named.append(batches["negatives"].explode().drop_nulls())
    wanted = pl.concat(named).unique()
    asked = pl.col("qa_id").is_in(wanted.implode())
    return pl.concat(
        [
            _texts_of(frame.filter(asked), positive, others).with_columns(
                corpus=pl.lit(number, pl.UInt16)
            )
            for number, one in enumerate(given)
            for frame in corpus_frames(one, positive)
        ]
    )


def _texts_of(frame: pl.DataFrame, positive: Positive, others: bool) -> pl.DataFrame:
    none = pl.lit([], pl.List(pl.String)).alias("others")
    keys = ("qa_id", "language", "passage_id", "question", "answer")
    return frame.select(
        *keys, other_sentences(frame) if others else none, positive=positive_text(positive)
    )


def _place(folder: Path, path: str) -> str:
    """A corpus as seen from the plan's folder; what is not there may be on the Hub."""
    return str(folder / path) if Place.of(folder / path).exists else path


def _manifest(folder: Path) -> dict[str, Any]:
    if not is_file(folder / folders.MANIFEST):
        raise StoreError(
            f"expected a plan in {folder}, found none, or a half-written one",
            "make it with qa-parallel build-batches",
        )
    manifest = store.read_json(folder / folders.MANIFEST)
    if manifest.get("kind") != KIND or manifest.get("version") != folders.VERSION:
        raise StoreError(
            f"expected a plan of version {folders.VERSION} in {folder}, found "
            f"{manifest.get('kind')} of version {manifest.get('version')}",
            "make one with qa-parallel build-batches",
        )
    if not folders.is_whole(folder):
        raise StoreError(
            f"expected the files that the manifest of {folder} names, found one missing or cut "
            "short",
            "make the plan again, or copy it again",
        )
    return manifest


def _unchanged(place: str, known: dict[str, Any], folder: Path) -> Input:
    given = open_input(SourceSettings(source=place))
    if given.digest != known["digest"]:
        raise StoreError(
            f"expected the corpus that the plan in {folder} was made from ({known['name']}), found "
            f"{given.name}",
            "give that corpus, or make the plan again",
        )
    return given


def corpus_frames(
    given: Input, positive: Positive, language: str | None = None
) -> Iterator[pl.DataFrame]:
    """CORPUS frames; those of a source are cut into sentences where these are needed."""
    for frame in given.frames(language):
        yield frame if given.manifest or positive != "sentence" else annotate(frame)


def _rows(batches: pl.DataFrame, numbered: pl.DataFrame, qa_id: str, language: str) -> Array:
    """Numbers of rows by their keys."""
    found = batches.join(
        numbered,
        left_on=["corpus", qa_id, language],
        right_on=_KEY,
        how="left",
        maintain_order="left",
    )["row"]
    if found.null_count():
        raise StoreError(
            "expected the corpora of the plan to hold all its rows, found "
            f"{found.null_count():,} missing",
            "make the plan again",
        )
    return found.to_numpy()


def _starts(sizes: Array) -> Array:
    return np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))


def _arrow(column: pl.Series) -> Any:
    import pyarrow

    array = column.to_arrow()
    return array.cast(pyarrow.large_string())
