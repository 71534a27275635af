"""An encoder's folder as sentence-transformers lays it out: modules, prompts, lengths."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from qa_parallel.errors import ModelError
from qa_parallel.storage import store

if TYPE_CHECKING:
    import torch

Pooling = Literal["mean", "cls", "max", "weightedmean", "lasttoken", "mean_sqrt_len_tokens"]

_MODULES = "modules.json"
# Beside an adapter (PEFT), which changes the weights of a model that is elsewhere.
ADAPTER = "adapter_config.json"
_PROMPTS = "config_sentence_transformers.json"
# Where versions of sentence-transformers keep the length; newer ones have it in the tokenizer.
_LENGTHS = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
_TOKENIZER = "tokenizer_config.json"
# A length that means none.
_ENDLESS = 10**6
# What our trainer leaves beside it: languages that the encoder was trained on.
RECORD = "qa_parallel.json"
_POOLING_KEYS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
}
_ORDERS = re.compile(
    r"Transformer (Pooling )?(Dense |Dropout )*(Normalize )*|StaticEmbedding (Dense )*(Normalize )*"
)
# Keys that change no vector, whatever their value; of the others only these values are known.
_HARMLESS = {
    "modules.json": {"idx", "name", "path", "type"},
    _PROMPTS: {"__version__", "similarity_fn_name", "prompts", "default_prompt_name",
               "truncate_dim"},
    _LENGTHS[0]: {"max_seq_length", "do_lower_case", "unpad_inputs"},
    "Pooling": {"word_embedding_dimension", "embedding_dimension", "pooling_mode",
                "include_prompt", *_POOLING_KEYS},
    "Dense": {"in_features", "out_features", "bias", "activation_function"},
}  # fmt: skip
_KNOWN: dict[str, dict[str, tuple[Any, ...]]] = {
    _PROMPTS: {"model_type": ("SentenceTransformer", None)},
    _LENGTHS[0]: {
        "transformer_task": ("feature-extraction",),
        "module_output_name": ("token_embeddings",),
        "modality_config": (
            {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        ),
        "query_length": (None,),
        "document_length": (None,),
    },
    "Dense": {
        "use_residual": (False,),
        "module_input_name": ("sentence_embedding",),
        "module_output_name": ("sentence_embedding", None),
    },
    "Normalize": {
        "module_input_name": ("sentence_embedding",),
        "module_output_name": ("sentence_embedding", None),
    },
}
# Of what is handed to transformers, by either name; a type is no matter of the folder.
_ARGUMENTS = {
    "model": {"dtype", "torch_dtype", "use_safetensors", "attn_implementation"},
    "tokenizer": {"model_max_length", "use_fast", "padding_side"},
    "config": {"use_cache"},
}
_ARGUMENT_KEYS = {
    "model_args": "model", "model_kwargs": "model",
    "tokenizer_args": "tokenizer", "processor_kwargs": "tokenizer",
    "config_args": "config", "config_kwargs": "config",
}  # fmt: skip
# What is never followed, whatever the folder says.
_REMOTE = {"trust_remote_code"}


@dataclass(frozen=True)
class Layout:
    """What a folder says of itself; the parts of sentence-transformers where it has them.

    Attributes
    ----------
    transformer:
        Folder of the model, within the folder.
    static:
        Whether that is a table of vectors, one a token, in place of a transformer.
    pooling, max_length:
        As in `EncoderSettings`. None: it says nothing.
    tokenizer_length:
        The length that the tokenizer says, which counts where nothing else does. None: no length.
    include_prompt:
        Whether the tokens of the prefix are pooled.
    lower_case:
        Whether texts are put in lower case.
    truncate_dim:
        How many of the first numbers of a vector are kept. None: all.
    heads:
        Folders of the layers after the pooling.
    modules:
        Whether the folder is one of sentence-transformers.
    prompts, languages:
        Prefixes by name; NLLB codes of the languages that it was trained on.
    """

    transformer: str = ""
    static: bool = False
    pooling: Pooling | None = None
    max_length: int | None = None
    tokenizer_length: int | None = None
    include_prompt: bool = True
    lower_case: bool = False
    truncate_dim: int | None = None
    heads: tuple[Path, ...] = ()
    modules: bool = False
    prompts: dict[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] | None = None

    @property
    def query_prefix(self) -> str:
        """What stands before a question, as in sentence-transformers' `encode_query`."""
        return self._prompt("query")

    @property
    def passage_prefix(self) -> str:
        """What stands before a candidate, as in its `encode_document`."""
        return self._prompt("passage", "document", "corpus")

    def _prompt(self, *names: str) -> str:
        found = (self.prompts.get(name) for name in (*names, "default"))
        return next((one for one in found if one), "")


def read_layout(folder: Path) -> Layout:
    """What `folder` says; nothing where it holds a model alone.

    Raises
    ------
    ModelError
        No model, a module, a pooling or a key that is not known, a file that is not JSON.
    """
    known = folder / RECORD
    languages = tuple(_json(known)["languages"]) if known.is_file() else None
    if not (folder / _MODULES).is_file():
        return Layout(
            static=_is_static(folder),
            tokenizer_length=_tokenizer_length(folder),
            languages=languages,
        )
    modules = _modules(folder)
    kinds = [kind for kind, _ in modules]
    paths: dict[str, list[Path]] = {}
    for kind, path in modules:
        paths.setdefault(kind, []).append(folder / path)
    home = modules[0][1]
    for one in paths.get("Normalize", ()):
        if (one / "config.json").is_file():
            _refuse_unknown(one / "config.json", _read(one), "Normalize")
    prompts = _prompts(folder, normalized="Normalize" in kinds)
    pooling = _pooling(paths["Pooling"][0]) if "Pooling" in paths else {}
    return Layout(
        transformer=home,
        static=kinds[0] == "StaticEmbedding",
        **pooling,
        **(_transformer(folder / home) if kinds[0] == "Transformer" else {}),
        truncate_dim=prompts.get("truncate_dim"),
        heads=tuple(paths.get("Dense", ())),
        modules=True,
        prompts=_named(prompts),
        languages=languages,
    )


def _modules(folder: Path) -> list[tuple[str, str]]:
    """Kind and path of each module, in an order that is known."""
    found = []
    for module in _json(folder / _MODULES):
        home, _, kind = str(module["type"]).rpartition(".")
        own = home.partition(".")[0] in ("", "sentence_transformers")
        found.append((kind if own else str(module["type"]), str(module["path"])))
        _refuse_unknown(folder / _MODULES, module, _MODULES)
    kinds = [kind for kind, _ in found]
    if not _ORDERS.fullmatch("".join(f"{kind} " for kind in kinds)):
        known = {"Transformer", "StaticEmbedding", "Pooling", "Dense", "Dropout", "Normalize"}
        unknown = sorted(set(kinds) - known)
        raise ModelError(
            f"expected modules Transformer, Pooling, Dense and Normalize, or StaticEmbedding, in "
            f"{folder}, found {', '.join(unknown or kinds) or 'none'}",
            "other layouts of sentence-transformers are not supported: give vectors instead",
        )
    return found


def _is_static(folder: Path) -> bool:
    """Whether a folder without modules is one of model2vec, rather than of a transformer."""
    if (folder / "config.json").is_file():
        return bool(_read(folder).get("model_type") == "model2vec")
    if (folder / ADAPTER).is_file():
        return False
    raise ModelError(
        f"expected a Hugging Face encoder in {folder}, found no config.json there",
        "give the folder of the model",
    )


def _transformer(home: Path) -> dict[str, Any]:
    """Length and case, from whichever file has them."""
    files = [home / name for name in _LENGTHS if (home / name).is_file()]
    config = _json(files[0]) if files else {}
    for path in files[:1]:
        plain = {key: value for key, value in config.items() if key not in _ARGUMENT_KEYS}
        _refuse_unknown(path, plain, _LENGTHS[0])
        for key, of in _ARGUMENT_KEYS.items():
            given = dict(config.get(key) or {})
            known = _ARGUMENTS[of] | _REMOTE
            _refuse_keys(path, {f"{key}.{k}": v for k, v in given.items() if k not in known})
    length = config.get("max_seq_length")
    for key in ("tokenizer_args", "processor_kwargs"):
        length = (config.get(key) or {}).get("model_max_length", length)
    return {
        "max_length": None if length is None else int(length),
        "tokenizer_length": _tokenizer_length(home),
        "lower_case": bool(config.get("do_lower_case")),
    }


def _tokenizer_length(home: Path) -> int | None:
    """The length that the tokenizer has; None where it says none."""
    path = home / _TOKENIZER
    length = _json(path).get("model_max_length") if path.is_file() else None
    return int(length) if length and length < _ENDLESS else None


def _prompts(folder: Path, *, normalized: bool) -> dict[str, Any]:
    """What the folder says of itself as a whole."""
    path = folder / _PROMPTS
    found: dict[str, Any] = _json(path) if path.is_file() else {}
    _refuse_unknown(path, found, _PROMPTS)
    similarity = found.get("similarity_fn_name")
    if similarity not in (
        ("cosine", None) if not normalized else ("cosine", "dot", "euclidean", None)
    ):
        raise ModelError(
            f"expected an encoder that compares by cosine in {folder}, found {similarity}",
            "vectors have length 1 here, which that encoder was not made for",
        )
    return found


def _named(config: dict[str, Any]) -> dict[str, str]:
    """The prefixes by name; under "default" that of texts of which nothing is said."""
    prompts = dict(config.get("prompts") or {})
    default = config.get("default_prompt_name")
    return {**prompts, "default": prompts.get(default, "") if default else ""}


def _pooling(folder: Path) -> dict[str, Any]:
    config = _read(folder)
    _refuse_unknown(folder / "config.json", config, "Pooling")
    modes = config.get("pooling_mode") or [
        mode for key, mode in _POOLING_KEYS.items() if config.get(key)
    ]
    modes = [modes] if isinstance(modes, str) else list(modes) or ["mean"]
    if len(modes) > 1 or modes[0] not in get_args(Pooling):
        raise ModelError(
            f"expected one of {', '.join(get_args(Pooling))} as the pooling in {folder}, found "
            f"{' and '.join(modes)}",
            "other poolings are not supported: give vectors instead",
        )
    return {"pooling": modes[0], "include_prompt": config.get("include_prompt", True) is not False}


def _refuse_unknown(path: Path, config: Mapping[str, Any], what: str) -> None:
    """A key that may change vectors is honoured, or refused by its name."""
    known = _KNOWN.get(what, {})
    wrong = {
        key: value
        for key, value in config.items()
        if key not in _HARMLESS.get(what, ()) and value not in known.get(key, ())
    }
    _refuse_keys(path, wrong)


def _refuse_keys(path: Path, wrong: Mapping[str, Any]) -> None:
    for key, value in wrong.items():
        raise ModelError(
            f"expected keys that are known in {path}, found {key} = {value!r}",
            "vectors would differ from those of sentence-transformers: give vectors instead",
        )


def write_layout(
    folder: Path,
    *,
    dimensions: int,
    static: bool,
    pooling: Pooling,
    include_prompt: bool,
    max_length: int,
    truncate_dim: int | None,
    heads: Sequence[tuple[torch.nn.Module, dict[str, Any]]],
    prompts: Mapping[str, str],
    languages: Sequence[str] | None,
) -> None:
    """Write all but the model and its tokenizer, which are in `folder` itself."""
    parts = [("", "StaticEmbedding" if static else "Transformer")]
    parts += [] if static else [("1_Pooling", "Pooling")]
    first = len(parts)
    parts += [(f"{n}_Dense", "Dense") for n in range(first, first + len(heads))]
    parts.append((f"{len(parts)}_Normalize", "Normalize"))
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(parts)
    ]
    if not static:
        modes = {key: kind == pooling for key, kind in _POOLING_KEYS.items()}
        config = {"word_embedding_dimension": dimensions, **modes, "include_prompt": include_prompt}
        store.write_json(folder / "1_Pooling" / "config.json", config)
        store.write_json(folder / _LENGTHS[0], {"max_seq_length": max_length})
    for (path, _), (head, config) in zip(parts[first:], heads, strict=False):
        _save_head(head, config, folder / path)
    (folder / parts[-1][0]).mkdir()
    store.write_json(
        folder / _PROMPTS,
        {"prompts": prompts, "similarity_fn_name": "cosine", "truncate_dim": truncate_dim},
    )
    if languages is not None:
        store.write_json(folder / RECORD, {"languages": list(languages)})
    store.write_bytes(folder / _MODULES, json.dumps(modules, indent=2).encode())


def read_adapter(folder: Path) -> dict[str, Any]:
    """The configuration of the adapter (PEFT) in `folder`.

    Raises
    ------
    ModelError
        It is not JSON, or does not say which model it changes.
    """
    found: dict[str, Any] = _json(folder / ADAPTER)
    if not isinstance(found, dict) or not found.get("base_model_name_or_path"):
        raise ModelError(
            f"expected the model that the adapter in {folder} changes, found none",
            "base_model_name_or_path in adapter_config.json names it",
        )
    return found


def load_head(folder: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """A Dense module, linear and then its activation, and its configuration."""
    import torch
    from safetensors.torch import load_file

    config = _read(folder)
    _refuse_unknown(folder / "config.json", config, "Dense")
    name = str(config.get("activation_function", "")).removeprefix("torch.nn.modules.")
    activation = getattr(torch.nn, name.rpartition(".")[2], None)
    weights = folder / "model.safetensors"
    if not isinstance(activation, type) or not weights.is_file():
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
