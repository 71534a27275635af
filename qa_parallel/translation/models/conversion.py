"""Hugging Face models to CTranslate2: once, into a folder that appears when it is complete."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qa_parallel import extras
from qa_parallel.errors import ModelError
from qa_parallel.translation.models import families
from qa_parallel.translation.models.families import Family
from qa_parallel.translation.models.tokenizer import (
    FILES,
    JSON_FILES,
    SENTENCEPIECE_FILES,
    read_json_file,
)

MARKER = "qa_parallel_model.json"
_FORMAT = 3  # of the marker; a folder with another one is converted again

_PICKLE = ("pytorch_model.bin", "pytorch_model.bin.index.json")


def check_source(folder: Path) -> Family:
    """The family of the model in `folder`; ModelError without safetensors or a tokenizer."""
    family = families.of_config(read_json(folder / "config.json"), str(folder))
    if not any(folder.glob("*.safetensors")):
        found = next((name for name in _PICKLE if (folder / name).exists()), "no weights")
        raise ModelError(
            f"expected model.safetensors in {folder}, found {found}; pickles are never loaded",
            "save the model again with save_pretrained, which writes safetensors",
        )
    names = {path.name for path in folder.iterdir()}
    if not names & {*JSON_FILES, *SENTENCEPIECE_FILES}:
        raise ModelError(
            f"expected a tokenizer in {folder} ({JSON_FILES[0]} or {SENTENCEPIECE_FILES[0]}), "
            "found none",
            "copy the tokenizer's files of the original model into the folder",
        )
    return family


def converted(
    target: Path,
    source: Callable[[], Path],
    quantization: str,
    check: Callable[[Path], Mapping[str, Any]],
) -> Path:
    """`target`, converted from `source()` unless it is there already.

    Parameters
    ----------
    target:
        Folder to be. It appears by rename, with its marker inside, or not at all; several
        processes may ask for it at once.
    source:
        Gives the Hugging Face folder; called only where there is something to convert.
    quantization:
        As CTranslate2 names it, e.g. "int8".
    check:
        Called with the new folder before it gets its name; raises ModelError where the model
        does not work, returns what to record in the marker.

    Raises
    ------
    ModelError
        The model cannot be converted, or the disk is full.
    ExtraError
        torch is not installed.
    """
    from filelock import FileLock

    if is_complete(target):
        return target
    # the converter itself hides that torch is missing, and by then the model would be downloaded
    extras.require("convert", "converting a model", *extras.LOADING)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f".{target.name}.lock"):
            if not is_complete(target):
                for leftover in target.parent.glob(f".{target.name}.part-*"):
                    shutil.rmtree(leftover)
                _build(target, source(), quantization, check)
    except OSError as error:
        raise ModelError(
            f"cannot convert the model into {target}: {error}",
            "free some space, or set another cache folder (QA_PARALLEL_CACHE)",
        ) from error
    return target


def steers(folder: Path, tokens: list[str], wrapped: Sequence[tuple[list[str], list[str]]]) -> bool:
    """Whether the target language changes what the model says.

    The same `tokens` are scored as what follows both of `wrapped`, source and forced beginning for
    one target and for another; a model that takes the languages' tokens for the same (unknown) one
    gives the same log-probabilities.
    """
    import ctranslate2

    translator = ctranslate2.Translator(str(folder), device="cpu", intra_threads=1)
    # Not the end token, which the scoring adds itself.
    targets = [[*prefix, *tokens] for _, prefix in wrapped]
    scored = translator.score_batch([source for source, _ in wrapped], targets)
    pairs = zip(
        *(one.log_probs[len(prefix) :] for one, (_, prefix) in zip(scored, wrapped, strict=True)),
        strict=True,
    )
    return any(abs(one - other) > 1e-4 for one, other in pairs)


def is_complete(folder: Path) -> bool:
    """Whether `folder` is a finished conversion of this version, its files as long as they were."""
    marker = folder / MARKER
    if not marker.is_file():
        return False
    record = read_json(marker)
    return record.get("format") == _FORMAT and record.get("bytes") == _sizes(folder)


def _sizes(folder: Path) -> dict[str, int]:
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.name != MARKER)
    return {path.name: path.stat().st_size for path in files}


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; ModelError where there is none."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"expected a JSON object in {path}, found: {error}") from None
    if not isinstance(value, dict):
        raise ModelError(f"expected a JSON object in {path}, found a {type(value).__name__}")
    return value


def _build(
    target: Path,
    source: Path,
    quantization: str,
    check: Callable[[Path], Mapping[str, Any]],
) -> None:
    check_source(source)
    part = target.parent / f".{target.name}.part-{os.getpid()}"
    try:
        _convert(source, part, quantization)
        marker = {
            "format": _FORMAT,
            "quantization": quantization,
            "versions": _versions(),
            "bytes": _sizes(part),
            **check(part),
        }
        (part / MARKER).write_text(json.dumps(marker, indent=2, ensure_ascii=False), "utf-8")
        if target.exists():
            shutil.rmtree(target)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _convert(source: Path, target: Path, quantization: str) -> None:
    from ctranslate2.converters import TransformersConverter
    from safetensors import SafetensorError

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, model_class: Any, name: str, **options: Any) -> Any:
            model, report = model_class.from_pretrained(
                name,
                use_safetensors=True,
                output_loading_info=True,
                **options | {"trust_remote_code": False},
            )
            # transformers fills what is missing with random numbers.
            missing = sorted(report["missing_keys"])
            if missing:
                raise ValueError(f"{len(missing)} weights are missing, {missing[0]} among them")
            return model

        def load_tokenizer(self, tokenizer_class: Any, name: str, **options: Any) -> Any:
            return _Vocabulary(source)

    files = [name for name in FILES if (source / name).is_file()]
    converter = Converter(str(source), copy_files=files, trust_remote_code=False)
    try:
        with _quiet():
            converter.convert(str(target), quantization=quantization)
    except (ValueError, RuntimeError, KeyError, ImportError, OSError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the model's
        raise ModelError(
            f"cannot convert {source}: {error}",
            f"is the folder complete, is it {families.labels('or')}?",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars of transformers, which would run into ours."""
    from transformers import utils

    logging: Any = utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


class _Vocabulary:
    """What CTranslate2's converter asks a tokenizer for, read from the tokenizer's own files.

    The tokenizers of transformers 5 will not do. M2M100Tokenizer no longer lists its language
    tokens: the vocabulary comes out 100 tokens short, and the conversion fails. NllbTokenizer
    adds all 202 languages to a file of fewer: unused rows of the model get names of languages.
    """

    bos_token, eos_token, unk_token, pad_token = "<s>", "</s>", "<unk>", "<pad>"
    special_tokens_map: Mapping[str, Any] = {}

    def __init__(self, folder: Path) -> None:
        path = folder / JSON_FILES[0]
        self._ids: dict[str, int] = (
            read_json_file(path).get_vocab() if path.is_file() else _m2m_ids(folder)
        )
        if sorted(self._ids.values()) != list(range(len(self._ids))):
            raise ModelError(f"expected token ids without gaps in {folder}, found some missing")
        self.unk_token_id = self._ids.get(self.unk_token, -1)
        self._tokens = {index: token for token, index in self._ids.items()}

    def get_vocab(self) -> dict[str, int]:
        return self._ids

    def convert_ids_to_tokens(self, index: int) -> str:
        return self._tokens[index]


def _m2m_ids(folder: Path) -> dict[str, int]:
    """vocab.json, then the languages in the order of fairseq, which transformers knows."""
    if not (folder / "vocab.json").is_file():
        raise ModelError(
            f"expected tokenizer.json, or vocab.json beside the SentencePiece model, in {folder}, "
            "found neither",
            "for NLLB copy tokenizer.json of facebook/nllb-200-distilled-600M into the folder",
        )
    from transformers import M2M100Tokenizer

    tokenizer = M2M100Tokenizer.from_pretrained(str(folder), trust_remote_code=False)
    return {**tokenizer.encoder, **tokenizer.lang_token_to_id}


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("qa-parallel", "ctranslate2", "transformers", "torch")}
