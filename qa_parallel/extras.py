"""Libraries that come with an extra: asked for before they are imported."""

from __future__ import annotations

import importlib.util

from qa_parallel.errors import ExtraError

# What models of Hugging Face are loaded with, and what encoders are trained with.
LOADING = ("torch", "safetensors")
TRAINING = (*LOADING, "accelerate")


def require(extra: str, what: str, *modules: str) -> None:
    """Say which extra to install where one of its `modules` is not there; they are not loaded.

    Parameters
    ----------
    extra:
        Name of the extra in pyproject.toml, e.g. "train".
    what:
        What needs it, the beginning of the sentence: "an encoder", "--engine ray".

    Raises
    ------
    ExtraError
        One of them is not installed.

    Examples
    --------
    >>> require("train", "an encoder", "json")
    >>> require("train", "an encoder", "no_such_module")
    Traceback (most recent call last):
    qa_parallel.errors.ExtraError: an encoder needs no_such_module, which is not installed; \
pip install "qa-parallel[train]"
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise ExtraError(
                f"{what} needs {module}, which is not installed",
                f'pip install "qa-parallel[{extra}]"',
            )
