"""How fast the pipeline translates, beside the ceiling and beside what people write by hand.

    python -m tests.benchmarks.translate --source DATA/nq-qed/train.jsonl --rows 1000 --to fr
    python -m tests.benchmarks.translate --source DATA/xquad-r/en.json --rows 1190 --to fr,de
    python -m tests.benchmarks.translate --source DATA/nq-qed/train.jsonl --rows 12 --random-600m

Ways over the same rows, taken in turn, medians of `--rounds` rounds, models loaded beforehand,
each in a process of its own (a translator with OpenMP threads slows others in its process down):

ceiling            raw CTranslate2 on the unique segments: tokenised before, sorted, in our batches,
                   no scores where it is greedy, nothing looked at
pipeline           `translation.stage.translate`, reading and writing included, guards off
pipeline, restricted
                   the same within the words of `--restrict`, learning and proof included
pipeline, guards   the same with guards: what they flag is decoded a second time, with more beams
script             what a user writes after CTranslate2's page on NLLB: row order, `translate_batch`
                   in chunks of 32, its own threads, transformers' tokenizer text by text, each
                   language tokenised again, every segment of every row
transformers       `generate` in batches of 32 on the segments of the script

The two slow ways take the first `--slow-rows` rows only and are compared by their rates. Rows and
segments are counted alike for all: rows x languages, and the segments of all rows, repeated ones
included, so that what deduplication saves is part of the speed.

`--random-600m` measures a random model of the shape of NLLB-200-distilled-600M. It never ends a
sentence, so every way is made to generate as many tokens as the source has: CTranslate2, which
drops what has ended from a batch, the batch's mean for each, transformers, which computes a batch
until its longest has ended, the longest of the batch. Guards would flag everything: they are left
out.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import ctranslate2
import polars as pl
from rich.console import Console
from rich.table import Table

from qa_parallel.machine import cores
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.sources.source import open_source
from qa_parallel.translation.decoding.engine import Done, Engine
from qa_parallel.translation.decoding.packing import numbered, room
from qa_parallel.translation.decoding.settings import DecodingSettings
from qa_parallel.translation.models.model import Model, resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import TranslateSettings
from qa_parallel.translation.stage import translate
from qa_parallel.translation.window import Window, prepare
from tests.benchmarks.random_model import build_600m

# A way to translate: does its work, returns the tokens that the model generated.
Way = Callable[[], int]


class Silent:
    """A reporter that counts tokens and says nothing."""

    def __init__(self) -> None:
        self.tokens = 0

    def start(self, *_: object) -> None: ...

    def begin(self, *_: object) -> None: ...

    def batch(self, language: str, done: Done) -> None:
        self.tokens += done.generated

    def unit(self, *_: object) -> None: ...

    def finish(self) -> None: ...


class Forced(Engine):
    """An engine whose model is random: a translation gets the length of its batch's sources."""

    def _lengths(self, batch: Sequence[Any]) -> tuple[int, int]:
        length = forced([item.tokens for item in batch]) - 1
        return length, length


def forced(batch: Sequence[Sequence[str]]) -> int:
    """Tokens to generate for each source of a batch: their mean, and the language token."""
    return round(statistics.mean(map(len, batch))) + 1


def ceiling(engine: Engine, window: Window, targets: Sequence[str], beam: int, force: bool) -> Way:
    """Raw CTranslate2: all that can be done before is done before."""
    batches = [
        (
            [engine.model.wrap(item.tokens, engine.source, target) for item in batch],
            forced([item.tokens for item in batch]) if force else room(len(batch[0].tokens)),
        )
        for target in targets
        for batch in engine.cut(numbered(window.segments, window.tokens))
    ]

    def run() -> int:
        tokens = 0
        running: deque[Any] = deque()
        for wrapped, length in batches:
            running += engine._translator.translate_batch(
                [source for source, _ in wrapped],
                [prefix for _, prefix in wrapped],
                asynchronous=True,
                beam_size=beam,
                max_decoding_length=length,
                min_decoding_length=length if force else 1,
                max_input_length=0,
                use_vmap=engine._restricted,
            )
            while len(running) > 4 * engine.batch_tokens:
                tokens += len(running.popleft().result().hypotheses[0])
        return tokens + sum(len(future.result().hypotheses[0]) for future in running)

    return run


def whole(source: SourceSettings, settings: TranslateSettings, engine: Engine) -> Way:
    """Our pipeline, with a new cache and a new folder each time."""
    engine.settings = engine.settings.model_copy(update={"guards": settings.guards})

    def run() -> int:
        reporter = Silent()
        with tempfile.TemporaryDirectory() as folder:
            fresh = ModelSettings(cache=Path(folder, "cache"))
            translate(source, fresh, settings, Path(folder, "out"), reporter, engine=engine)
        return reporter.tokens

    return run


def written(window: Window, rows: int) -> list[str]:
    """The sentence segments of the first rows, in their order, repeated ones included."""
    return [
        window.segments[piece]
        for row in range(rows)
        for column in window.columns.values()
        if (index := column[row]) is not None
        for sentence in window.texts[index].sentences
        for piece in sentence
        if isinstance(piece, int)
    ]


def script(
    folder: Path,
    model: Model,
    source: str,
    segments: Sequence[str],
    targets: Sequence[str],
    beam: int,
    force: bool,
) -> Way:
    """What a user writes after CTranslate2's page on NLLB, on the same sentence segments."""
    from transformers import AutoTokenizer

    translator = ctranslate2.Translator(str(model.path), compute_type="int8")
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, src_lang=source)

    def run() -> int:
        tokens = 0
        for target in targets:
            for chunk in chunks(segments, 32):
                encoded = [
                    tokenizer.convert_ids_to_tokens(tokenizer.encode(text)) for text in chunk
                ]
                length = forced(encoded) - 2  # the language's token and </s> are there already
                results: Any = translator.translate_batch(
                    encoded,
                    [[target]] * len(chunk),
                    beam_size=beam,
                    max_decoding_length=length if force else 256,
                    min_decoding_length=length if force else 1,
                )
                hypotheses = [result.hypotheses[0][1:] for result in results]
                for hypothesis in hypotheses:
                    tokenizer.decode(tokenizer.convert_tokens_to_ids(hypothesis))
                tokens += sum(map(len, hypotheses))
        return tokens

    return run


def generate(
    folder: Path,
    source: str,
    segments: Sequence[str],
    targets: Sequence[str],
    beam: int,
    force: bool,
) -> Way:
    """transformers, as its documentation shows it."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder, src_lang=source)
    model: Any = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    model.generation_config.max_length = None  # the number of new tokens is given
    torch.set_num_threads(cores())

    def run() -> int:
        tokens = 0
        with torch.inference_mode():
            for target in targets:
                for chunk in chunks(segments, 32):
                    batch = tokenizer(list(chunk), return_tensors="pt", padding=True)
                    lengths = batch["attention_mask"].sum(1).float()
                    # a row that has ended is computed until the longest of its batch has ended
                    length = int(lengths.max()) - 1
                    bounds = {"min_new_tokens": length} if force else {}
                    output = model.generate(
                        **batch,
                        forced_bos_token_id=tokenizer.convert_tokens_to_ids(target),
                        num_beams=beam,
                        max_new_tokens=length if force else 256,
                        **bounds,
                    )
                    tokenizer.batch_decode(output, skip_special_tokens=True)
                    tokens += (
                        int(lengths.sum()) - len(chunk)
                        if force
                        else int((output[:, 2:] != tokenizer.pad_token_id).sum())
                    )
        return tokens

    return run


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Runs of `size` neighbours."""
    return (items[start : start + size] for start in range(0, len(items), size))


def child(name: str, options: argparse.Namespace, folder: Path, pipe: Connection) -> None:
    """A process that makes one way ready, and goes it whenever it is told to."""
    way = make(name, options, folder, *prepared(options, folder))
    pipe.send("ready")
    with suppress(EOFError):  # the parent has gone
        while pipe.recv():
            pipe.send(way())


def apart(name: str, options: argparse.Namespace, folder: Path) -> Way:
    """A way in a process of its own, ready to be gone."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    context.Process(target=child, args=(name, options, folder, theirs), daemon=True).start()
    pipe.recv()

    def run() -> int:
        pipe.send(True)
        return int(pipe.recv())

    return run


def measure(ways: dict[str, Way], rounds: int) -> dict[str, list[tuple[float, int]]]:
    """Seconds and tokens of every way, round by round, in turn."""
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            tokens = way()
            seconds = time.perf_counter() - started
            found[name].append((seconds, tokens))
            print(f"{name}: {seconds:.2f} s, {tokens:,} tokens", file=sys.stderr, flush=True)
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--source", required=True)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--slow-rows", type=int, default=100)
    parser.add_argument("--to", default="fr")
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window-rows", type=int)
    parser.add_argument("--restrict", help="What --restrict-vocabulary takes: one way more.")
    parser.add_argument("--random-600m", metavar="FOLDER", type=Path, nargs="?", const=Path())
    parser.add_argument("--without", default="", help="Ways to leave out, e.g. transformers,script")
    options = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory() as scratch:
        force = options.random_600m is not None
        if force:
            given: Path = options.random_600m  # without a name where no folder was named
            folder = build_600m(given if given.name else Path(scratch, "random-600m"))
        else:
            folder = model_of(options, Path()).path.parent / "hf"
        guards = [] if force else ["pipeline, guards"]
        narrow = ["pipeline, restricted"] if options.restrict else []
        names = ["ceiling", "pipeline", *narrow, *guards, "script", "transformers"]
        names = [name for name in names if name not in options.without.split(",")]
        ways = {name: apart(name, options, folder) for name in names}
        found = measure(ways, options.rounds)
        window, engine, targets = prepared(options, folder)
        show(options, found, window, targets, engine.model)
    return 0


def model_of(options: argparse.Namespace, folder: Path) -> Model:
    """The model, converted before."""
    if options.random_600m is None:
        return resolve(ModelSettings(model="demo"))
    return resolve(ModelSettings(model=str(folder), cache=folder / "cache"))


def prepared(options: argparse.Namespace, folder: Path) -> tuple[Window, Engine, Sequence[str]]:
    """The rows, cut and tokenised, and an engine without guards."""
    source = SourceSettings(source=options.source, limit=options.rows)
    kind = Engine if options.random_600m is None else Forced
    settings = DecodingSettings(beam=options.beam, guards=False)
    engine = kind(model_of(options, folder), settings, source.source_language)
    window = prepare(pl.concat(open_source(source).frames(options.rows)), engine)
    return window, engine, TranslateSettings.model_validate({"to": options.to}).to


def few(options: argparse.Namespace, window: Window) -> int:
    """Rows of the slow ways."""
    return min(int(options.slow_rows), window.rows.height)


def make(
    name: str,
    options: argparse.Namespace,
    folder: Path,
    window: Window,
    engine: Engine,
    targets: Sequence[str],
) -> Way:
    """A way, with all that it needs loaded."""
    force, beam = options.random_600m is not None, options.beam
    slow = written(window, few(options, window))
    if name == "ceiling":
        return ceiling(engine, window, targets, beam, force)
    if name == "script":
        model = engine.model
        del engine._translator  # its threads would be in the way
        return script(folder, model, engine.source, slow, targets, beam, force)
    if name == "transformers":
        del engine._translator  # its threads would be in the way
        return generate(folder, engine.source, slow, targets, beam, force)
    given = {"to": options.to, "beam": beam, "guards": "guards" in name}
    if options.window_rows:
        given["window_rows"] = options.window_rows
    if "restricted" in name:
        given["restrict_vocabulary"] = options.restrict
    source = SourceSettings(source=options.source, limit=options.rows)
    return whole(source, TranslateSettings.model_validate(given), engine)


def show(
    options: argparse.Namespace,
    found: dict[str, list[tuple[float, int]]],
    window: Window,
    targets: Sequence[str],
    model: Model,
) -> None:
    """Print the table: medians, and ratios of segments/s as medians over the rounds."""
    slow = ("script", "transformers")
    rows = {name: few(options, window) if name in slow else window.rows.height for name in found}
    segments = {name: len(written(window, rows[name])) for name in found}
    table = Table(box=None, pad_edge=False)
    table.add_column("way")
    columns = [f"of the {base}" for base in ("ceiling", "script", "transformers") if base in found]
    for name in ("rows", "seconds", "rows/s", "segments/s", "tokens/s", *columns):
        table.add_column(name, justify="right")
    rates = {  # segments a second, round by round: rows differ in length more than segments do
        name: [segments[name] / seconds for seconds, _ in rounds] for name, rounds in found.items()
    }
    for name, rounds in found.items():
        seconds = statistics.median(seconds for seconds, _ in rounds)
        # round by round: the machine's speed drifts, a ratio within a round does not
        ratios = [
            statistics.median(
                itertools.starmap(float.__truediv__, zip(rates[name], base, strict=True))
            )
            for base in (rates.get(other) for other in ("ceiling", "script", "transformers"))
            if base is not None
        ]
        table.add_row(
            name,
            f"{rows[name]:,}",
            f"{seconds:.2f}",
            f"{rows[name] * len(targets) / seconds:,.1f}",
            f"{segments[name] * len(targets) / seconds:,.0f}",
            f"{statistics.median(tokens / seconds for seconds, tokens in rounds):,.0f}",
            *(f"{ratio:.2f}" for ratio in ratios),
        )
    console = Console(width=120)
    console.print(
        f"{options.source}: {window.rows.height:,} rows, {window.occurrences:,} segments, "
        f"{len(window.segments):,} unique, into {', '.join(targets)}; {model.name}, beam "
        f"{options.beam}, {cores()} cores, {options.rounds} rounds",
        highlight=False,
    )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
