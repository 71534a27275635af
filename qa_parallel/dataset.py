"""A corpus as a folder that `datasets.load_dataset` reads: shards, README, manifest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel import store

MANIFEST = "manifest.json"
SETTINGS = "settings.json"
MADE_BY = "qa-parallel"
README = "README.md"
DATA = "data"


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


def is_whole(folder: Path) -> bool:
    """Whether every data file that the manifest names is there, in its size."""
    files = store.read_json(folder / MANIFEST)["files"]
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == item["bytes"]
        for name, item in files.items()
    )


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


def is_unfinished(path: Path) -> bool:
    """Whether a folder is one of ours whose manifest, which is written last, is missing."""
    settings = path / SETTINGS
    ours = settings.is_file() and MADE_BY in settings.read_text("utf-8", "replace")
    return ours and not (path / MANIFEST).is_file()
