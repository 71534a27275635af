"""Turn English question-answer data into parallel QA corpora, and prove that they are worth it.

    import qa_parallel as qp

    corpus = qp.translate("faq.csv", to=["de", "fr"], model="demo", out="corpus")

Each stage is a verb; `help(qp.translate)` tells its settings. See `qa_parallel.api` for what is
common to all. Nothing heavy is loaded before the first verb is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "build_batches",
    "cache",
    "check_leakage",
    "compare",
    "copy_recipe",
    "evaluate",
    "filter",
    "foresee",
    "import_parallel",
    "languages",
    "load_encoder",
    "open_plan",
    "prune_cache",
    "publish",
    "read_corpus",
    "recipes",
    "report",
    "run",
    "train_eval",
    "translate",
    "write_texts",
]

if TYPE_CHECKING:
    from qa_parallel.api import (
        build_batches,
        cache,
        check_leakage,
        compare,
        copy_recipe,
        evaluate,
        filter,
        foresee,
        import_parallel,
        languages,
        load_encoder,
        open_plan,
        prune_cache,
        publish,
        read_corpus,
        recipes,
        report,
        run,
        train_eval,
        translate,
        write_texts,
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qa_parallel import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
