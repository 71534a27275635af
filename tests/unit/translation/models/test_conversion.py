"""Converting a Hugging Face folder: once, whole, and with the scores of transformers."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from qa_parallel.errors import ExtraError, ModelError
from qa_parallel.translation.models import conversion
from qa_parallel.translation.models.model import Model
from tests.tiny_models import SCHEMES, TEXTS, converted

NLLB = ("deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_are_those_of_transformers(
    scheme: str,
    models: dict[str, Model],
    oracles: dict[str, Any],
    tiny_nllb: Path,
    tiny_m2m: Path,
) -> None:
    import ctranslate2
    import torch
    from transformers import M2M100ForConditionalGeneration

    model, oracle = models[scheme], oracles[scheme]
    tokenizer = model.tokenizer()
    tokens, french = tokenizer.encode_batch([TEXTS[0], "Le chat est"])
    source, prefix = model.wrap(tokens, "eng_Latn", "fra_Latn")
    target = prefix + french
    translator = ctranslate2.Translator(str(model.path), compute_type="float32")
    ours = translator.score_batch([source], [target])[0].log_probs

    folder = tiny_nllb if scheme == "nllb" else tiny_m2m
    theirs: Any = M2M100ForConditionalGeneration.from_pretrained(folder)
    theirs.eval()
    ids = oracle.convert_tokens_to_ids(target)
    with torch.no_grad():
        logits = theirs(
            input_ids=oracle(TEXTS[0], return_tensors="pt").input_ids,
            decoder_input_ids=torch.tensor([[2, *ids]]),
        ).logits[0]
    expected = logits.log_softmax(-1)[range(len(ids) + 1), [*ids, 2]]
    assert ours == pytest.approx(expected.tolist(), abs=1e-4)


def test_second_call_finds_the_conversion(
    nllb: Model, tiny_nllb: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "_convert", lambda *_: pytest.fail("converted again"))
    assert converted(tiny_nllb, cache) == nllb
    marker = json.loads((nllb.path / conversion.MARKER).read_text())
    assert marker["digest"] == nllb.digest
    assert marker["languages"] == list(NLLB)
    assert marker["versions"].keys() == {"qa-parallel", "ctranslate2", "transformers", "torch"}


def test_changed_source_is_converted_anew(tiny_nllb: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_nllb, tmp_path / "model")
    first = converted(folder, tmp_path / "cache")
    assert converted(folder, tmp_path / "cache") == first
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    again = converted(folder, tmp_path / "cache")
    assert again.path != first.path
    assert (again.license, again.digest) == ("mit", first.digest)


def test_default_quantization_is_by_device(tiny_nllb: Path, cache: Path, nllb: Model) -> None:
    small = converted(tiny_nllb, cache, quantization=None)
    assert small.path.name.endswith("-int8")
    assert small.digest != nllb.digest


def test_interrupted_conversion_leaves_nothing_and_is_made_again(
    tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(conversion, "steers", fail)
        with pytest.raises(KeyboardInterrupt):
            converted(tiny_nllb, tmp_path)
    assert not list(tmp_path.rglob("model.bin"))
    # What a killed process leaves behind goes too.
    home = tmp_path / "models" / tiny_nllb.name
    key = next(home.glob(".*.lock")).name.removeprefix(".").removesuffix(".lock")
    (home / f".{key}.part-999").mkdir()
    (home / key).mkdir()  # without a marker: not a conversion
    assert converted(tiny_nllb, tmp_path).path == home / key
    assert not list(home.glob("*.part-*")) + list(home.glob(".*.part-*"))


def test_converters_at_once(
    tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, results = [], []
    convert = conversion._convert

    def counted(*args: Any) -> None:
        runs.append(args)
        convert(*args)

    monkeypatch.setattr(conversion, "_convert", counted)
    threads = [
        threading.Thread(target=lambda: results.append(converted(tiny_nllb, tmp_path)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1
    assert len(results) == 3
    assert len(set(results)) == 1


def test_a_model_that_ignores_the_language_is_refused(tiny_nllb: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_nllb, tmp_path / "deaf")
    weights = load_file(folder / "model.safetensors")
    embeddings = weights["model.shared.weight"]
    # Two languages that look the same, as two unknown tokens would.
    tokens = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    ids = [token["id"] for token in tokens if token["content"] in NLLB]
    embeddings[ids] = embeddings[ids[0]].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="differently"):
        converted(folder, tmp_path / "cache")


def test_languages_missing_from_the_tokenizer_config_are_not_invented(
    tiny_nllb: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_nllb, tmp_path / "model")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["additional_special_tokens"]  # transformers then adds all 202
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert converted(folder, tmp_path / "cache").languages == NLLB


def test_missing_torch_names_the_extra(
    tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ExtraError, match=r'pip install "qa-parallel\[convert\]"'):
        converted(tiny_nllb, tmp_path)


def broken(folder: Path, how: str) -> None:
    """Make of a good folder one that is wrong in one respect."""
    config, weights = folder / "config.json", folder / "model.safetensors"
    if how == "other architecture":
        config.write_text('{"model_type": "t5"}')
    elif how == "no type":
        config.write_text("{}")
    elif how == "bad config":
        config.write_text("{")
    elif how == "list config":
        config.write_text("[]")
    elif how == "no config":
        config.unlink()
    elif how == "pickle":
        weights.rename(folder / "pytorch_model.bin")
    elif how == "no weights":
        weights.unlink()
    elif how == "cut weights":
        weights.write_bytes(weights.read_bytes()[:500])
    elif how == "lost shard":
        weights.rename(folder / "model-00001-of-00002.safetensors")
    elif how == "lost weights":
        from safetensors.torch import load_file, save_file

        kept = {name: t for name, t in load_file(weights).items() if "fc1" not in name}
        save_file(kept, weights, metadata={"format": "pt"})
    elif how == "no tokenizer":
        (folder / "tokenizer.json").unlink()
    elif how == "bad tokenizer":
        (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("other architecture", "m2m_100.*found t5"),
        ("no type", "m2m_100.*found no type"),
        ("bad config", "JSON object"),
        ("list config", "found a list"),
        ("no config", "neither model.bin nor config.json"),
        ("pickle", "found pytorch_model.bin; pickles are never"),
        ("no weights", "found no weights"),
        ("cut weights", "cannot convert"),
        ("lost shard", "cannot convert"),
        ("lost weights", "4 weights are missing"),
        ("no tokenizer", "expected a tokenizer"),
        ("bad tokenizer", "tokenizer"),
    ],
)
def test_broken_source(tiny_nllb: Path, tmp_path: Path, how: str, message: str) -> None:
    folder = shutil.copytree(tiny_nllb, tmp_path / "model")
    broken(folder, how)
    with pytest.raises(ModelError, match=message):
        converted(folder, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("model.bin"))


def test_cache_that_cannot_be_written(tiny_nllb: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="set another cache folder"):
        converted(tiny_nllb, tmp_path / "file")
