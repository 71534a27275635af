"""Turn a checkpoint into the two folders of the package: Hugging Face and CTranslate2."""

import json
import shutil
from pathlib import Path
from typing import Any

import click
import torch
from ctranslate2.converters import TransformersConverter
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import GenerationConfig, NllbTokenizer

from recipes.demo_model.common import EOS, PAD, Settings, load_settings
from recipes.demo_model.train import build_model

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def nllb_tokenizer(path: Path, settings: Settings) -> Any:
    """NllbTokenizer over the trained vocabulary, checked to give the same ids.

    Built from vocabulary and merges: the class always rebuilds its Metaspace rule and would drop
    any other normaliser of a `tokenizer.json`. Codes and `<mask>` are part of the vocabulary that
    it is given; left to itself it would number `<mask>` before the codes.
    """
    trained = Tokenizer.from_file(str(path))
    parts = json.loads(path.read_text(encoding="utf-8"))["model"]
    tokenizer = NllbTokenizer(
        vocab=trained.get_vocab(with_added_tokens=True),
        merges=[tuple(merge) for merge in parts["merges"]],  # type: ignore[misc]
        extra_special_tokens=list(settings.codes),
        src_lang=settings.codes[0],
        tgt_lang=settings.codes[1],
        model_max_length=settings.model.positions,
    )
    for token, number in trained.get_vocab().items():
        if tokenizer.convert_tokens_to_ids(token) != number:
            raise click.ClickException(f"{token} has another id in NllbTokenizer")
    if len(tokenizer) != settings.tokenizer.vocabulary:
        raise click.ClickException(f"{len(tokenizer)} tokens, not {settings.tokenizer.vocabulary}")
    return tokenizer


def write_hugging_face(work: Path, settings: Settings, folder: Path) -> None:
    """The model in half precision with its tokenizer, as `from_pretrained` expects it."""
    tokenizer = nllb_tokenizer(work / "tokenizer.json", settings)
    model = build_model(settings)
    with safe_open(work / "checkpoint.safetensors", framework="pt") as file, torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(file.get_tensor(f"model.{name}"))
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=0,
        pad_token_id=PAD,
        eos_token_id=EOS,
        decoder_start_token_id=EOS,
        max_length=settings.model.positions // 2,
        num_beams=4,
    )
    model.config.tokenizer_class = "NllbTokenizer"
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_ctranslate2(source: Path, folder: Path) -> None:
    """The int8 model, with the tokenizer beside it so that the folder needs no torch.

    "int8" alone would keep the rest in the source's float16, which no CPU computes in.
    """
    present = [name for name in TOKENIZER_FILES if (source / name).exists()]
    converter = TransformersConverter(str(source), copy_files=present)
    converter.convert(str(folder), quantization="int8_float32")


def swap(new: Path, place: Path) -> None:
    """Put a finished folder in the place of the old one by rename."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


@click.command()
@click.option("--work", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path, exists=True),
    default=Path(__file__).with_name("settings.toml"),
)
def main(work: Path, out: Path, settings_path: Path) -> None:
    """Write OUT/hf and OUT/ct2 from the checkpoint and the tokenizer in WORK."""
    settings = load_settings(settings_path)
    out.mkdir(parents=True, exist_ok=True)
    for name in (".hf", ".ct2"):
        shutil.rmtree(out / name, ignore_errors=True)
    write_hugging_face(work, settings, out / ".hf")
    write_ctranslate2(out / ".hf", out / ".ct2")
    for name in ("hf", "ct2"):
        swap(out / f".{name}", out / name)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    click.echo(f"{out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
