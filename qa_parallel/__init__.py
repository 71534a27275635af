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
    "check_leakage",
    "evaluate",
    "filter",
    "import_parallel",
    "languages",
    "load_encoder",
    "open_plan",
    "publish",
    "read_corpus",
    "report",
    "run",
    "train_eval",
    "translate",
]

if TYPE_CHECKING:
    from qa_parallel.api import (
        build_batches,
        check_leakage,
        evaluate,
        filter,
        import_parallel,
        languages,
        load_encoder,
        open_plan,
        publish,
        read_corpus,
        report,
        run,
        train_eval,
        translate,
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qa_parallel import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
