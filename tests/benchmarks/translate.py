"""How fast the pipeline translates, beside the ceiling and beside what people write by hand.

    python tests/benchmarks/translate.py --source DATA/nq-qed/train.jsonl --rows 1000 --to fr
    python tests/benchmarks/translate.py --source DATA/xquad-r/en.json --rows 1190 --to fr,de

Four ways over the same rows, taken in turn, medians of `--rounds` rounds:

ceiling       raw CTranslate2 on the unique segments: tokenised before, sorted, no guards
pipeline      `qa_parallel.pipeline.translate` in this process: reading, guards, writing, and
              loading the model anew, which the others do not count
script        row order, `translate_batch` in chunks of 32, every language tokenised again,
              every segment of every row
transformers  `generate` in batches of 32 on the unique segments (`--transformers FOLDER`)

Rows and segments are counted alike for all: rows x languages, and the segments of all rows,
repeated ones included, so that what deduplication saves is part of the speed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import polars as pl
from rich.console import Console
from rich.table import Table

from qa_parallel import pipeline
from qa_parallel.engine import DecodingSettings, Done, Engine, cores
from qa_parallel.models import ModelSettings, resolve
from qa_parallel.sources import SourceSettings, open_source
from qa_parallel.translate import TranslateSettings, Window, prepare

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


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Runs of `size` neighbours."""
    return (items[start : start + size] for start in range(0, len(items), size))


def ceiling(engine: Engine, window: Window, targets: Sequence[str], beam: int) -> Way:
    """Raw CTranslate2: all that can be done before is done before."""
    order = sorted(window.tokens, key=len, reverse=True)
    translator = engine._translator
    sources = [engine.tokenizer.source(tokens, engine.source) for tokens in order]

    def run() -> int:
        tokens = 0
        for target in targets:
            prefix = engine.tokenizer.prefix(target)
            results: Any = translator.translate_batch(
                sources,
                [prefix] * len(sources),
                beam_size=beam,
                batch_type="tokens",
                max_batch_size=engine.batch_tokens,
                max_decoding_length=256,
                max_input_length=0,
            )
            tokens += sum(len(result.hypotheses[0]) for result in results)
        return tokens

    return run


def whole(options: argparse.Namespace, source: SourceSettings, guards: bool) -> Way:
    """Our pipeline, with a new cache and a new folder each time."""
    model = ModelSettings(model=options.model)
    settings = TranslateSettings.model_validate(
        {"to": options.to, "beam": options.beam, "guards": guards}
    )

    def run() -> int:
        reporter = Silent()
        with tempfile.TemporaryDirectory() as folder:
            fresh = model.model_copy(update={"cache": Path(folder, "cache")})
            pipeline.translate(source, fresh, settings, Path(folder, "out"), reporter)
        return reporter.tokens

    return run


def script(engine: Engine, window: Window, targets: Sequence[str], beam: int) -> Way:
    """What a user writes with CTranslate2's defaults, on the same sentence segments."""
    translator = ctranslate2.Translator(str(engine.model.path), compute_type="int8")
    segments = [
        window.segments[piece]
        for row in range(window.rows.height)
        for column in window.columns.values()
        if (index := column[row]) is not None
        for sentence in window.texts[index].sentences
        for piece in sentence
        if isinstance(piece, int)
    ]

    def run() -> int:
        tokens = 0
        for target in targets:
            for chunk in chunks(segments, 32):
                encoded = [
                    engine.tokenizer.source(piece, engine.source)
                    for piece in engine.tokenizer.encode_batch(chunk)
                ]
                results: Any = translator.translate_batch(
                    encoded, [engine.tokenizer.prefix(target)] * len(chunk), beam_size=beam
                )
                hypotheses = [result.hypotheses[0][1:] for result in results]
                engine.tokenizer.decode_batch(hypotheses)
                tokens += sum(map(len, hypotheses))
        return tokens

    return run


def generate(folder: str, window: Window, source: str, targets: Sequence[str], beam: int) -> Way:
    """transformers on the unique segments, as its documentation shows it."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder, src_lang=source)
    model: Any = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()

    def run() -> int:
        tokens = 0
        with torch.inference_mode():
            for target in targets:
                for chunk in chunks(window.segments, 32):
                    batch = tokenizer(list(chunk), return_tensors="pt", padding=True)
                    output = model.generate(
                        **batch,
                        forced_bos_token_id=tokenizer.convert_tokens_to_ids(target),
                        num_beams=beam,
                        max_new_tokens=256,
                    )
                    tokenizer.batch_decode(output, skip_special_tokens=True)
                    tokens += int((output != tokenizer.pad_token_id).sum())
        return tokens

    return run


def measure(ways: dict[str, Way], rounds: int) -> dict[str, list[tuple[float, int]]]:
    """Seconds and tokens of every way, round by round, in turn."""
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            tokens = way()
            found[name].append((time.perf_counter() - started, tokens))
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--source", required=True)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--to", default="fr")
    parser.add_argument("--model", default="demo")
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transformers", help="Hugging Face folder of the same model.")
    options = parser.parse_args(arguments)

    source = SourceSettings(source=options.source, limit=options.rows)
    targets = TranslateSettings.model_validate({"to": options.to}).to
    settings = DecodingSettings(beam=options.beam, guards=False)
    engine = Engine(resolve(ModelSettings(model=options.model)), settings, source.source_language)
    window = prepare(pl.concat(open_source(source).frames(options.rows)), engine)
    ways: dict[str, Way] = {
        "ceiling": ceiling(engine, window, targets, options.beam),
        "pipeline": whole(options, source, guards=True),
        "pipeline, no guards": whole(options, source, guards=False),
        "script": script(engine, window, targets, options.beam),
    }
    if options.transformers:
        ways["transformers"] = generate(
            options.transformers, window, source.source_language, targets, options.beam
        )
    found = measure(ways, options.rounds)

    table = Table(box=None, pad_edge=False)
    table.add_column("way")
    for name in ("seconds", "rows/s", "segments/s", "tokens/s", "of the ceiling", "of the script"):
        table.add_column(name, justify="right")
    middle = {name: statistics.median(t for t, _ in rounds) for name, rounds in found.items()}
    for name, rounds in found.items():
        seconds = middle[name]
        # round by round: the machine's speed drifts, a ratio within a round does not
        ratios = [
            statistics.median(
                base / mine for (base, _), (mine, _) in zip(found[other], rounds, strict=True)
            )
            for other in ("ceiling", "script")
        ]
        table.add_row(
            name,
            f"{seconds:.2f}",
            f"{window.rows.height * len(targets) / seconds:,.0f}",
            f"{window.occurrences * len(targets) / seconds:,.0f}",
            f"{statistics.median(tokens / t for t, tokens in rounds):,.0f}",
            *(f"{ratio:.2f}" for ratio in ratios),
        )
    console = Console(width=110)
    console.print(
        f"{window.rows.height} rows, {window.occurrences} segments, {len(window.segments)} unique, "
        f"into {', '.join(targets)}; {options.model}, beam {options.beam}, {cores()} cores, "
        f"{options.rounds} rounds",
        highlight=False,
    )
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
