"""What the filters reject of good translations, and what they catch of bad ones.

    python tests/benchmarks/filter_quality.py --data DATA
    python tests/benchmarks/filter_quality.py --data DATA --encoder E5 --sample 400
    python tests/benchmarks/filter_quality.py --data DATA --machine --show 20
    python tests/benchmarks/filter_quality.py --data DATA --sets ntrex,xquad-r,mlqa-dev,afriqa

Human translations are put in as passages (questions for xquad-r, mlqa-dev and afriqa) of one
corpus a language, with English as what they were translated from. First the share of them that
is rejected. Then faults of one kind at a time are made in a seeded tenth of the rows, and what is
caught of them is counted, beside what is rejected of the other nine tenths. One configuration,
the default one, for all.
"""

from __future__ import annotations

import argparse
import html
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from qa_parallel import language_codes
from qa_parallel.filters import Limits, MeasureSettings, decide, score
from qa_parallel.filters.language import Identifier
from qa_parallel.schema import CORPUS

SHARE = 0.1
SETS = ("flores-mt", "ntrex", "xquad-r", "mlqa-dev", "afriqa")

Pairs = tuple[str, list[str], list[str]]  # language, sources, targets
Fault = Callable[[random.Random, str, str], str | None]


def lines(path: Path) -> list[str]:
    """The lines of a file, parted by nothing else than a line feed."""
    return path.read_text("utf-8").rstrip("\n").split("\n")


def questions(path: Path) -> dict[str, str]:
    """Questions of a SQuAD file by their ids."""
    return {
        item["id"]: item["question"]
        for article in json.loads(path.read_text("utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for item in paragraph["qas"]
    }


def pairs(data: Path, name: str) -> Iterator[Pairs]:
    """The human translations of a set."""
    folder = data / name
    if name == "flores-mt":
        for place in sorted(folder.iterdir()):
            yield language_codes.parse(place.name), lines(place / "en"), lines(place / place.name)
    elif name == "ntrex":
        for path in sorted(set(folder.glob("*.txt")) - {folder / "eng.txt"}):
            yield language_codes.parse(path.stem), lines(folder / "eng.txt"), lines(path)
    elif name == "afriqa":
        for path in sorted(folder.glob("*.json")):
            rows = [json.loads(line) for line in lines(path)]
            yield (
                language_codes.parse(path.name[:3]),
                [row["question_translated"] for row in rows],
                [row["question_lang"] for row in rows],
            )
    else:
        english = questions(folder / "en.json")
        for path in sorted(set(folder.glob("*.json")) - {folder / "en.json"}):
            other = questions(path)
            shared = [key for key in english if key in other]
            yield (
                language_codes.parse(path.stem),
                [english[key] for key in shared],
                [other[key] for key in shared],
            )


def corpus(language: str, sources: Sequence[str], targets: Sequence[str], field: str) -> Any:
    """CORPUS rows of both sides."""
    ids = [f"{number:06d}" for number in range(len(sources))]

    def side(code: str, texts: Sequence[str], origin: str | None) -> pl.DataFrame:
        given: dict[str, Sequence[Any]] = {
            "qa_id": ids,
            "passage_id": ids,
            "language": [code] * len(ids),
            field: texts,
            "translated_from": [origin] * len(ids),
            "flags": [[]] * len(ids),
        }
        return pl.DataFrame(
            {
                name: pl.Series(name, given.get(name, [None] * len(ids)), dtype=dtype)
                for name, dtype in CORPUS.items()
            }
        )

    return pl.concat([side("eng_Latn", sources, None), side(language, targets, "eng_Latn")])


def copied(dice: random.Random, source: str, target: str) -> str | None:
    """The source in place of the translation."""
    return source


def half(dice: random.Random, source: str, target: str) -> str | None:
    """The first half of the words, of the characters where there are no spaces."""
    words = target.split(" ")
    if len(words) < 4:
        return target[: len(target) // 2] if len(target) > 20 else None
    return " ".join(words[: len(words) // 2])


def loop(dice: random.Random, source: str, target: str) -> str | None:
    """A stretch of one to six words said again and again, the rest of the text behind it."""
    parts, joiner = (target.split(), " ") if " " in target.strip() else (list(target), "")
    size = dice.randint(1, 6) * (1 if joiner else 2)
    start = dice.randrange(max(1, len(parts) - size))
    times = dice.randint(6, 10) if size < 3 else dice.randint(4, 7)
    stretch = parts[start : start + size]
    return joiner.join(parts[:start] + stretch * times + parts[start + size :])


def entities(dice: random.Random, source: str, target: str) -> str | None:
    """Quotes and ampersands escaped; in texts without them, a quoted word."""
    escaped = html.escape(target).replace("&#x27;", "&#39;").replace("’", "&#39;")
    if escaped != target:
        return escaped
    words = target.split(" ")
    place = dice.randrange(len(words))
    words[place] = f"&quot;{words[place]}&quot;"
    return " ".join(words)


def numbers(dice: random.Random, source: str, target: str) -> str | None:
    """One number changed; None where the text or its source has none."""
    found = list(re.finditer(r"\d+", target))
    if not found or not re.search(r"\d", source):
        return None
    chosen = dice.choice(found)
    changed = chosen[0]
    while int(changed) == int(chosen[0]):
        changed = "".join(dice.choice("123456789") for _ in chosen[0])
    return target[: chosen.start()] + changed + target[chosen.end() :]


FAULTS: dict[str, Fault] = {
    "copied": copied,
    "half": half,
    "loop": loop,
    "entities": entities,
    "numbers": numbers,
}


def spoil(
    kind: str, sources: Sequence[str], targets: Sequence[str], seed: int, other: Sequence[str]
) -> tuple[list[str], list[int]]:
    """`targets` with a fault of that kind in a tenth of the rows, and which rows those are.

    `other` are the texts of another language, for the kind "language".
    """
    dice = random.Random(f"{kind}-{seed}")
    spoiled, chosen = list(targets), list[int]()
    order = dice.sample(range(len(targets)), len(targets))
    for place in order:
        if len(chosen) == round(SHARE * len(targets)):
            break
        made: str | None
        if kind == "language":
            made = other[place % len(other)]
        elif kind == "neighbour":
            made = targets[(place + 1) % len(targets)]
        else:
            made = FAULTS[kind](dice, sources[place], targets[place])
        if made is not None and made != targets[place]:
            spoiled[place] = made
            chosen.append(place)
    return spoiled, chosen


def remembered(encode: Any) -> Any:
    """`encode` that takes every text once: most of a corpus stays what it was."""
    known: dict[str, Any] = {}

    def look_up(texts: list[str]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return look_up


def sampled(pairs: Pairs, size: int, seed: int) -> Pairs:
    """`size` of the pairs, the same places in every language; all of them for 0."""
    language, sources, targets = pairs
    if not 0 < size < len(sources):
        return pairs
    places = sorted(random.Random(seed).sample(range(len(sources)), size))
    return language, [sources[place] for place in places], [targets[place] for place in places]


class Bench:
    """One detector, one encoder, the limits, and the console."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.settings = MeasureSettings(
            detector=options.detector, encoder=options.encoder, prefix=options.prefix
        )
        self.limits = Limits()
        self.identifier = Identifier(options.detector)
        self.encode: Any = None
        if options.encoder:
            from qa_parallel.encoders.encoder import load_encoder

            encode = partial(load_encoder(options.encoder), prefix=options.prefix)
            self.encode = remembered(encode)
        self.console = Console(width=150)

    def rejected(
        self, language: str, sources: Sequence[str], targets: Sequence[str], field: str
    ) -> dict[int, list[str]]:
        """Which rows of the language are rejected, and the checks that reject them."""
        rows = corpus(language, sources, targets, field)
        found = decide(score(rows, self.settings, self.identifier, self.encode), self.limits)
        reasons: dict[int, list[str]] = {}
        for qa_id, check in found.filter(language=language).select("qa_id", "check").iter_rows():
            reasons.setdefault(int(qa_id), []).append(check)
        return reasons

    def human(self, sets: dict[str, list[Pairs]]) -> None:
        """The table of what is rejected of human translations."""
        table = Table("set", "language", "rows", "rejected", "checks", box=None, pad_edge=False)
        for name, items in sets.items():
            for language, sources, targets in items:
                found = self.rejected(language, sources, targets, field_of(name))
                checks = Counter(check for reasons in found.values() for check in reasons)
                share = f"{len(found) / len(targets):.1%}"
                kinds = ", ".join(f"{check} {n}" for check, n in checks.most_common())
                table.add_row(name, language, str(len(targets)), share, kinds)
        self.console.print("Human translations rejected, default limits", highlight=False)
        self.console.print(table)

    def faults(self, sets: dict[str, list[Pairs]], kinds: Sequence[str]) -> None:
        """The table of what is caught of faults, and of what is rejected beside them."""
        for name, items in sets.items():
            codes = [language for language, _, _ in items]
            table = Table("kind", *codes, box=None, pad_edge=False)
            parted: list[str] = []
            for kind in kinds:
                cells = []
                for language, sources, targets in items:
                    others = [item for item in items if item[0] != language]
                    pools = (
                        [(code, texts) for code, _, texts in others] if kind == "language" else []
                    )
                    runs = pools or [("", [])]
                    caught = made = wrong = good = 0
                    for code, pool in runs:
                        spoiled, chosen = spoil(kind, sources, targets, self.options.seed, pool)
                        found = self.rejected(language, sources, spoiled, field_of(name))
                        hits = sum(place in found for place in chosen)
                        caught, made = caught + hits, made + len(chosen)
                        wrong += len(found) - hits
                        good += len(targets) - len(chosen)
                        if code and hits < 0.95 * len(chosen):
                            parted.append(f"{code} as {language}: {hits / len(chosen):.0%}")
                    cells.append(f"{caught / max(made, 1):.0%} ({wrong / good:.1%})")
                table.add_row(kind, *cells)
            self.console.print(
                f"\n{name}: caught (and rejected of the other rows)", highlight=False
            )
            self.console.print(table)
            if parted:
                self.console.print("pairs below 95 %: " + "; ".join(parted), highlight=False)

    def machine(self, data: Path, show: int) -> None:
        """The table of what is rejected of machine translations, and some of it to read."""
        table = Table("system", "language", "rejected", "checks", box=None, pad_edge=False)
        for place in sorted((data / "flores-mt").iterdir()):
            language = language_codes.parse(place.name)
            for path in sorted(place.glob(f"*.{place.name}")):
                sources, targets = lines(place / "en"), lines(path)
                found = self.rejected(language, sources, targets, "passage")
                checks = Counter(check for reasons in found.values() for check in reasons)
                kinds = ", ".join(f"{check} {n}" for check, n in checks.most_common())
                table.add_row(path.stem, language, f"{len(found) / len(targets):.1%}", kinds)
                for number in list(found)[:: max(1, len(found) // show)][:show] if show else []:
                    self.console.print(
                        f"{path.name} {number} {found[number]}\n  {sources[number]}\n"
                        f"  {targets[number]}",
                        highlight=False,
                        markup=False,
                    )
        self.console.print("Machine translations rejected", highlight=False)
        self.console.print(table)


def field_of(name: str) -> str:
    """The field that texts of a set are put in."""
    return "passage" if name in ("flores-mt", "ntrex") else "question"


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default="flores-mt", help=", ".join(SETS))
    parser.add_argument("--only", help="Languages, e.g. ig,mt.")
    parser.add_argument("--kinds", default=",".join(["language", *FAULTS, "neighbour"]))
    parser.add_argument("--sample", type=int, default=0, help="Rows of each language; 0 = all.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--prefix", default="query: ")
    parser.add_argument("--machine", action="store_true", help="Machine translations of flores-mt.")
    parser.add_argument("--show", type=int, default=0, help="Rejected rows to print of each.")
    options = parser.parse_args(arguments)
    bench = Bench(options)
    if options.machine:
        bench.machine(options.data, options.show)
        return 0
    wanted = options.only and language_codes.parse_many(options.only)
    sets = {
        name: [
            sampled(item, options.sample, options.seed)
            for item in pairs(options.data, name)
            if not wanted or item[0] in wanted
        ]
        for name in options.sets.split(",")
    }
    bench.human(sets)
    if options.kinds:
        bench.faults(sets, options.kinds.split(","))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
