"""An encoder's folder as sentence-transformers lays it out: modules, prompts, lengths."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from qa_parallel.errors import ModelError
from qa_parallel.storage import store

if TYPE_CHECKING:
    import torch

Pooling = Literal["mean", "cls"]

_MODULES = "modules.json"
_PROMPTS = "config_sentence_transformers.json"
_LENGTH = "sentence_bert_config.json"
# What our trainer leaves beside it: languages that the encoder was trained on.
RECORD = "qa_parallel.json"
_POOLING_KEYS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


@dataclass(frozen=True)
class Layout:
    """What a folder says of itself; the parts of sentence-transformers where it has them."""

    transformer: str = ""
    pooling: Pooling | None = None
    max_length: int | None = None
    heads: tuple[Path, ...] = ()
    prompts: dict[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] | None = None


def read_layout(folder: Path) -> Layout:
    """What `folder` says; nothing where it holds a model alone.

    Raises
    ------
    ModelError
        No model, a module or a pooling that is not known, a file that is not JSON.
    """
    known = folder / RECORD
    languages = tuple(_json(known)["languages"]) if known.is_file() else None
    if not (folder / _MODULES).is_file():
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"expected a Hugging Face encoder in {folder}, found no config.json there",
                "give the folder of the model",
            )
        return Layout(languages=languages)
    paths: dict[str, list[str]] = {}
    for module in _json(folder / _MODULES):
        paths.setdefault(str(module["type"]).rpartition(".")[2], []).append(str(module["path"]))
    unknown = set(paths) - {"Transformer", "Pooling", "Dense", "Normalize"}
    if unknown or len(paths.get("Transformer", ())) != 1:
        raise ModelError(
            f"expected modules Transformer, Pooling, Dense and Normalize in {folder}, "
            f"found {', '.join(sorted(unknown)) or 'no one Transformer'}",
            "other layouts of sentence-transformers are not supported: give vectors instead",
        )
    home = paths["Transformer"][0]
    length = folder / home / _LENGTH
    prompts = folder / _PROMPTS
    return Layout(
        home,
        _pooling(folder / paths["Pooling"][0]) if "Pooling" in paths else None,
        _json(length).get("max_seq_length") if length.is_file() else None,
        tuple(folder / path for path in paths.get("Dense", ())),
        _json(prompts).get("prompts") or {} if prompts.is_file() else {},
        languages,
    )


def _pooling(folder: Path) -> Pooling:
    config = _read(folder)
    modes = config.get("pooling_mode") or [
        _POOLING_KEYS.get(key, key)
        for key, value in config.items()
        if key.startswith("pooling_mode_") and value
    ]
    modes = [modes] if isinstance(modes, str) else list(modes)
    for kind in get_args(Pooling):
        if modes == [kind]:
            return kind  # type: ignore[no-any-return]
    raise ModelError(
        f"expected mean or cls pooling in {folder}, found {', '.join(modes) or 'none'}",
        "other poolings are not supported: give vectors instead",
    )


def write_layout(
    folder: Path,
    *,
    dimensions: int,
    pooling: Pooling,
    max_length: int,
    heads: Sequence[tuple[torch.nn.Module, dict[str, Any]]],
    prompts: Mapping[str, str],
    languages: Sequence[str] | None,
) -> None:
    """Write all but the model and its tokenizer, which are in `folder` itself."""
    parts = [("", "Transformer"), ("1_Pooling", "Pooling")]
    parts += [(f"{n}_Dense", "Dense") for n in range(2, 2 + len(heads))]
    parts.append((f"{len(parts)}_Normalize", "Normalize"))
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(parts)
    ]
    modes = {key: kind == pooling for key, kind in _POOLING_KEYS.items()}
    store.write_json(
        folder / "1_Pooling" / "config.json", {"word_embedding_dimension": dimensions, **modes}
    )
    for (path, _), (head, config) in zip(parts[2:], heads, strict=False):
        _save_head(head, config, folder / path)
    (folder / parts[-1][0]).mkdir()
    store.write_json(folder / _LENGTH, {"max_seq_length": max_length})
    store.write_json(folder / _PROMPTS, {"prompts": prompts, "similarity_fn_name": "cosine"})
    if languages is not None:
        store.write_json(folder / RECORD, {"languages": list(languages)})
    store.write_bytes(folder / _MODULES, json.dumps(modules, indent=2).encode())


def load_head(folder: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """A Dense module, linear and then its activation, and its configuration."""
    import torch
    from safetensors.torch import load_file

    config = _read(folder)
    name = str(config.get("activation_function", "")).removeprefix("torch.nn.modules.")
    activation = getattr(torch.nn, name.rpartition(".")[2], None)
    weights = folder / "model.safetensors"
    if config.get("use_residual") or not isinstance(activation, type) or not weights.is_file():
        raise ModelError(
            f"expected a Dense module with safetensors and an activation of torch in {folder}, "
            f"found {config.get('activation_function')}"
            f"{'' if weights.is_file() else ' and no model.safetensors'}",
        )
    linear = torch.nn.Linear(
        config["in_features"], config["out_features"], config.get("bias", True)
    )
    state = {key.removeprefix("linear."): value for key, value in load_file(weights).items()}
    linear.load_state_dict(state)
    return torch.nn.Sequential(linear, activation()), config


def _save_head(head: Any, config: dict[str, Any], folder: Path) -> None:
    from safetensors.torch import save

    state = {f"linear.{key}": value for key, value in head[0].state_dict().items()}
    store.write_json(folder / "config.json", config)
    store.write_bytes(folder / "model.safetensors", save(state))


def _read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = _json(folder / "config.json")
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"expected JSON in {path}, found: {error}") from None
