"""A corpus as a folder that `datasets.load_dataset` reads: shards, README, manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import DATA, MANIFEST, README, WORK

# Of rows that are kept beside the corpus: what comes in small parts is put together.
_SHARD_ROWS = 50_000


@dataclass
class Stats:
    """Counts of one language; those of two windows add up with `+`."""

    rows: int = 0
    segments: int = 0  # before merging equal ones
    unique: int = 0
    cached: int = 0
    translated: int = 0
    tokens: int = 0  # generated, second decodings included
    seconds: float = 0.0  # of this process and of those that it went on from
    spans: int = 0  # rows whose source answer has a place in its passage
    placed: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold. (`asdict` rebuilds a Counter wrongly.)"""
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Stats:
        """Stats from what `to_json` made of them."""
        counters = {name: Counter(values[name]) for name in ("placed", "flags")}
        return cls(**{**values, **counters})

    def __add__(self, other: Stats) -> Stats:
        return Stats(**{name: value + getattr(other, name) for name, value in vars(self).items()})


@dataclass(frozen=True)
class _Part:
    """A parquet file that is a shard, or a part of one."""

    path: Path
    rows: int


class CorpusWriter:
    """Writes a corpus: parts as they come, then shards, README, and what the manifest says.

        writer = CorpusWriter(out, ["eng_Latn", "deu_Latn"])
        for code, frame in frames:
            writer.add(code, frame)
        manifest = writer.finish(described, "Questions in two languages", "Made by hand.")

    One shard is in memory at a time. Several threads may add, each to a language of its own.

    Parameters
    ----------
    out:
        Folder of the corpus. Rows that are there already are removed.
    languages:
        In the order of the manifest; each has a file, even of no rows, once something was added.
    split:
        What files are named by.
    beside:
        Folders beside "data" for rows that are not part of the corpus, such as rejected ones.
    """

    def __init__(
        self, out: Path, languages: Sequence[str], split: str = "train", beside: Sequence[str] = ()
    ) -> None:
        self._out, self._languages, self._split = out, tuple(languages), split
        self._beside = tuple(beside)
        for home in (DATA, *beside):
            store.remove(out / home)
        self._stats = {code: Stats() for code in languages}
        self._shards: dict[str, dict[str, list[list[_Part]]]] = {
            home: {code: [] for code in languages} for home in (DATA, *beside)
        }

    def add(self, language: str, frame: pl.DataFrame, home: str = DATA) -> None:
        """Rows of a language: a shard, or, beside the corpus, a part of one.

        `home` is one of the folders of `beside`, for rows that are not part of the corpus.
        """
        shards = self._shards[home][language]
        number = sum(map(len, shards))
        part = _Part(self._out / WORK / home / language / f"{number:06d}.parquet", frame.height)
        store.write_parquet(part.path, frame)
        if home == DATA:
            shards.append([part])
            self._stats[language] += Stats(rows=frame.height, spans=frame["answer_start"].count())
        elif shards and sum(one.rows for one in shards[-1]) + part.rows <= _SHARD_ROWS:
            shards[-1].append(part)
        else:
            shards.append([part])

    def take(self, language: str, parts: Sequence[Path], per_shard: int, stats: Stats) -> None:
        """Parts that were written before, `per_shard` of them to a shard, and what was counted."""
        taken = [_Part(path, 0) for path in parts]
        groups = [taken[start : start + per_shard] for start in range(0, len(taken), per_shard)]
        self._shards[DATA][language] += groups
        self._stats[language] += stats

    def finish(self, described: Mapping[str, Any], title: str, body: str) -> dict[str, Any]:
        """Write shards and README; returns the manifest, which is left to be written last.

        Beside what `folders.manifest` puts in, it says how many "questions" there are in "all" and
        how many are "complete", in every language; how many groups of "passages"; and what files
        are in the folders of `beside`.
        """
        files = {home: dict(self._files(home)) for home in self._shards}
        beside = {home: files[home] for home in self._beside}
        configurations = [home for home, found in beside.items() if found]
        _write_readme(self._out, title, self._languages, self._split, body, configurations)
        stats = {code: item.to_json() for code, item in self._stats.items()}
        return {
            **folders.manifest(described, stats, files[DATA]),
            **self._counted(files[DATA]),
            **beside,
        }

    def _files(self, home: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every file of a folder by its path in `out`, with its rows, bytes and SHA-256."""
        for code, shards in self._shards[home].items():
            for number, shard in enumerate(shards):
                name = f"{home}/{code}/{self._split}-{number:05d}-of-{len(shards):05d}.parquet"
                path = self._out / name
                if len(shard) == 1:
                    store.link(shard[0].path, path)
                else:
                    frames = (store.read_parquet(part.path) for part in shard)
                    store.write_parquet(path, pl.concat(frames))
                yield name, {"rows": store.count_rows(path), **store.record(path)}

    def _counted(self, files: Mapping[str, Any]) -> dict[str, Any]:
        """Questions and passages of the corpus; the ids of one language are in memory."""
        questions = pl.DataFrame(schema={"qa_id": pl.String(), "languages": pl.UInt32()})
        passages = pl.DataFrame(schema={"passage_id": pl.String()})
        for code in self._languages:
            names = [name for name in files if language_of(name) == code]
            ids = [store.read_parquet(self._out / name, ["qa_id", "passage_id"]) for name in names]
            if ids:
                mine = pl.concat(ids)
                counts = mine.select("qa_id", languages=pl.lit(1, pl.UInt32))
                questions = pl.concat([questions, counts]).group_by("qa_id").sum()
                passages = pl.concat([passages, mine.select("passage_id")]).unique()
        complete = questions.filter(languages=len(self._languages)).height
        return {
            "questions": {"all": questions.height, "complete": complete},
            "passages": passages.height,
        }


def language_of(name: str) -> str:
    """The language of a corpus's file, from its path in the folder.

    >>> language_of("data/deu_Latn/train-00000-of-00001.parquet")
    'deu_Latn'
    """
    return Path(name).parts[1]


def _write_readme(
    folder: Path,
    title: str,
    languages: Sequence[str],
    split: str,
    body: str,
    more: Sequence[str] = (),
) -> None:
    """README.md whose `configs` give one configuration a language, and "all", the default.

    `more` are folders beside "data", each a configuration of its own.
    """
    name = json.dumps(split)  # quoted: YAML takes a bare "no" for false
    configs = ["- config_name: all", "  default: true", "  data_files:"]
    configs += [f"  - split: {name}", f"    path: {DATA}/*/{split}-*.parquet"]
    for language in languages:
        configs += [f"- config_name: {language}", "  data_files:"]
        configs += [f"  - split: {name}", f"    path: {DATA}/{language}/{split}-*.parquet"]
    for home in more:
        configs += [f"- config_name: {home}", "  data_files:"]
        configs += [f"  - split: {name}", f"    path: {home}/*/{split}-*.parquet"]
    text = "\n".join(["---", "configs:", *configs, "---", "", f"# {title}", "", body, ""])
    store.write_bytes(folder / README, text.encode())


def read_corpus(folder: Path, languages: Sequence[str] | None = None) -> pl.DataFrame:
    """The corpus in `folder`; only some `languages`, if given. None = all of them.

    Raises
    ------
    StoreError
        The folder has no manifest (then its writing never ended), or a file is missing.
    """
    frames = [
        store.read_parquet(folder / name)
        for name in store.read_json(folder / MANIFEST)["files"]
        if languages is None or language_of(name) in languages
    ]
    return pl.concat(frames)


def side_by_side(
    folder: Path, languages: Sequence[str], rows: int
) -> list[tuple[str, dict[str, dict[str, Any]]]]:
    """`rows` questions spread over the first files, each as (qa_id, language -> row).

    They are chosen among those that the most languages have: all of them in a translated
    corpus, in a ragged one as many as there are. Only their own rows are read whole.
    """
    files = list(store.read_json(folder / MANIFEST)["files"])
    first = {language_of(name): name for name in reversed(files)}
    tables = [pl.scan_parquet(folder / first[code], glob=False) for code in languages]
    ids = pl.concat([table.select("qa_id").collect() for table in tables])
    shared = ids.group_by("qa_id", maintain_order=True).len()
    shared_ids = shared.filter(pl.col("len") == pl.col("len").max())["qa_id"]
    step = max(1, len(shared_ids) // max(1, rows))
    chosen = shared_ids.gather_every(step, step // 2).head(rows)
    shown = pl.concat(
        [table.filter(pl.col("qa_id").is_in(chosen.to_list())).collect() for table in tables]
    )
    return [
        (qa_id, {row["language"]: row for row in shown.filter(qa_id=qa_id).to_dicts()})
        for qa_id in chosen
    ]
