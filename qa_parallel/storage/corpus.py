"""A corpus as a folder that `datasets.load_dataset` reads: shards, README, manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.storage import store
from qa_parallel.storage.folders import DATA, MANIFEST, README


def write_shards(
    folder: Path,
    language: str,
    split: str,
    parts: Sequence[Path],
    parts_per_shard: int,
    home: str = DATA,
) -> dict[str, dict[str, Any]]:
    """Put parquet `parts` together as `data/<language>/<split>-00000-of-0000N.parquet`.

    `home` is another folder than "data" for rows that are not part of the corpus.

    Returns the rows, bytes and SHA-256 of every file, by its path in `folder`. One shard is in
    memory at a time.
    """
    groups = [
        parts[start : start + parts_per_shard] for start in range(0, len(parts), parts_per_shard)
    ]
    files = {}
    for number, group in enumerate(groups):
        name = f"{home}/{language}/{split}-{number:05d}-of-{len(groups):05d}.parquet"
        if len(group) == 1:
            store.link(group[0], folder / name)
        else:
            store.write_parquet(folder / name, pl.concat(map(store.read_parquet, group)))
        files[name] = {
            "rows": store.count_rows(folder / name),
            **store.record(folder / name),
        }
    return files


def write_readme(
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
        if languages is None or Path(name).parts[1] in languages
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
    tables = [
        pl.scan_parquet(folder / next(name for name in files if f"/{code}/" in name), glob=False)
        for code in languages
    ]
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
