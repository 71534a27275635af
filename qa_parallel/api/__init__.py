"""The verbs of `import qa_parallel as qp`: one for each stage, by the names of the command line.

    corpus = qp.translate("faq.csv", to=["de", "fr"], model="demo", out="corpus")
    clean = qp.filter(corpus, out="clean", min_languages=2)
    plan = qp.build_batches(clean, strategy="hybrid", out="plan")

Common to all:

- What is read may be a path, a Hub id, the result of another verb, or rows: a Polars or pandas
  frame, a `datasets.Dataset`, a list of dictionaries.
- `out` is the folder to write to. What it holds already, made with the same settings of the same
  input, is not made again; what was stopped continues. None: a temporary folder, which the result
  names.
- `overwrite` makes again what was made with other settings.
- `progress` shows what is being done, on a terminal or in a notebook; "verbose" in a line for each
  thing. Nothing is printed without.
- Further keywords are the settings of the stage: the options of its command, with `_` for `-`. An
  unknown one is a `SettingError` that names the nearest.
- Errors that a user can mend are `QAParallelError`s, in one line.
"""

from __future__ import annotations

from qa_parallel.api.corpora import (
    build_batches,
    check_leakage,
    filter,
    import_parallel,
    open_plan,
    read_corpus,
    translate,
)
from qa_parallel.api.encoders import (
    compare,
    evaluate,
    load_encoder,
    train_eval,
    write_texts,
)
from qa_parallel.api.whole import (
    cache,
    copy_recipe,
    foresee,
    languages,
    prune_cache,
    publish,
    recipes,
    report,
    run,
)

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
