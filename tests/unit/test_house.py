"""One direction of imports, a light command line, modules of a readable size."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import qa_parallel

PACKAGE = Path(qa_parallel.__file__).parent

# module -> what it may import of ours, besides errors, which is free to all
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "languages": set(),
    "schema": set(),
    "text": set(),
    "store": {"schema"},
    "pictures": {"store"},
    "readers": set(),
    "layouts": set(),
    "sources": {"schema", "languages", "readers", "layouts"},
    "parallel_import": {"schema", "languages", "sources"},
    "ngrams": set(),
    "beir": {"schema", "readers"},
    "evalsets": {"beir", "dataset", "languages", "layouts", "readers", "schema", "store"},
    "known_texts": {"ngrams", "text"},
    "known_meanings": set(),
    "leakage": {"evalsets", "known_meanings", "known_texts", "ngrams", "schema", "text"},
    "leakage_report": {"evalsets", "text"},
    "segment": {"languages"},
    "spans": {"languages", "segment", "text"},
    "guards": {"text"},
    "cache": set(),
    "tokenizers": set(),
    "models": {"languages", "tokenizers", "conversion", "hub", "inspection"},
    "conversion": {"languages", "tokenizers", "inspection"},
    "inspection": {"tokenizers"},
    "hub": {"tokenizers"},
    "batching": set(),
    "devices": {"models"},
    "engine": {"batching", "cache", "devices", "guards", "models"},
    "translate": {"segment", "spans", "models", "schema", "languages", "text", "cache", "engine"},
    "vocabulary": set(),
    "restricted": {"cache", "engine", "models", "vocabulary"},
    "dataset": {"store", "schema"},
    "language_text": {"dataset", "languages", "store"},
    "recipe": {
        "batches.settings", "encoder", "evalsets", "evaluate", "filters.settings", "leakage",
        "models", "sources", "train.settings", "translate",
    },
    "stages": set(),
    "stages.folders": {"dataset", "store"},
    "stages.jobs": {"dataset", "stages.folders", "store"},
    "stages.vocabulary": {
        "engine", "inspection", "language_text", "restricted", "sources", "stages.folders",
        "store", "translate", "vocabulary",
    },
    "stages.windows": {
        "cache", "engine", "language_text", "models", "restricted", "schema", "sources",
        "stages.folders", "stages.vocabulary", "store", "translate",
    },
    "stages.cluster": {
        "engine", "language_text", "models", "restricted", "sources", "stages.folders",
        "stages.vocabulary", "stages.windows", "store", "translate",
    },
    "stages.translate": {
        "dataset", "engine", "language_text", "models", "sources", "stages.cluster",
        "stages.folders", "stages.jobs", "stages.windows", "store", "translate",
    },
    "stages.imports": {
        "dataset", "parallel_import", "schema", "stages.folders", "stages.jobs", "store",
        "translate",
    },
    "stages.inputs": {"dataset", "schema", "sources", "stages.folders", "store"},
    "stages.leakage": {
        "dataset", "encoder", "evalsets", "known_meanings", "leakage", "leakage_report", "sources",
        "stages.folders", "stages.inputs", "stages.jobs", "store", "translate",
    },
    "encoder_layout": {"store"},
    "encoder": {"encoder_layout", "hub", "store"},
    "vectors": {"cache", "encoder", "store"},
    "metrics": set(),
    "evaluate": {"encoder", "evalsets", "metrics", "schema"},
    "compare": {"metrics"},
    "evaluation_report": {"evaluate", "metrics", "schema"},
    "evaluation_pictures": {"evaluate", "pictures"},
    "stages.evaluate": {
        "compare", "dataset", "encoder", "evalsets", "evaluate", "evaluation_pictures", "models",
        "schema", "stages.folders", "stages.jobs", "store", "vectors",
    },
    "batches.settings": {"languages"},
    "batches.shares": set(),
    "batches.rows": {"batches.settings", "text"},
    "batches.strata": {"batches.rows", "batches.settings", "batches.shares"},
    "batches.deal": {"batches.rows", "batches.shares", "batches.strata"},
    "batches.validation": {
        "batches.deal", "batches.rows", "batches.settings", "batches.shares", "batches.strata",
    },
    "batches.plan": {
        "batches.deal", "batches.rows", "batches.settings", "batches.shares", "batches.strata",
        "batches.validation", "schema",
    },
    "batches.negatives": {"batches.plan", "batches.rows", "languages", "schema", "text"},
    "batches.export": {"store"},
    "batches.statistics": {"batches.plan", "batches.rows", "batches.strata"},
    "batches": {"batches.plan", "batches.rows", "batches.settings"},
    "stages.plan": {
        "batches.negatives", "batches.plan", "batches.rows", "batches.settings", "dataset",
        "schema", "sources", "stages.folders", "stages.inputs", "store", "translate",
    },
    "stages.batches": {
        "batches", "batches.export", "batches.negatives", "batches.plan", "batches.rows",
        "batches.statistics", "dataset", "pictures", "sources", "stages.folders", "stages.inputs",
        "stages.jobs", "stages.plan", "store",
    },
    "train": set(),
    "train.settings": {"encoder", "evaluate"},
    "train.loss": set(),
    "train.texts": {"encoder"},
    "train.validation": {"encoder", "evalsets", "evaluate", "schema"},
    "train.checkpoint": {"encoder", "store"},
    "train.loop": {
        "encoder", "train", "train.checkpoint", "train.loss", "train.settings", "train.texts",
    },
    "training_card": {"languages"},
    "training_report": {"evaluation_report"},
    "stages.train": {
        "dataset", "encoder", "stages.folders", "stages.jobs", "stages.plan", "store",
        "train.checkpoint", "train.loop", "train.settings", "train.texts", "train.validation",
        "training_card",
    },
    "experiment": {
        "batches.settings", "encoder", "evalsets", "evaluate", "evaluation_pictures", "sources",
        "stages.batches", "stages.evaluate", "stages.folders", "stages.jobs", "stages.plan",
        "stages.train", "store", "train.loop", "train.settings",
    },
    "filters.characters": set(),
    "filters.meaning": set(),
    "filters.numbers": {"filters.characters"},
    "filters.surface": {"filters.characters", "languages"},
    "filters.workers": set(),
    "filters.bayes": set(),
    "filters.language": {"filters.bayes", "filters.workers", "languages"},
    "filters.rows": {"filters.surface"},
    "filters.measure": {
        "filters.characters", "filters.language", "filters.meaning", "filters.numbers",
        "filters.rows", "filters.surface", "filters.workers", "languages", "schema",
    },
    "filters.limits": {"schema"},
    "filters.settings": {"filters.limits", "filters.measure"},
    "filters.report": {"filters.limits", "schema"},
    "filters": {"filters.limits", "filters.measure"},
    "stages.filtered": {
        "dataset", "filters.limits", "filters.report", "filters.settings", "schema",
        "stages.folders", "stages.inputs", "store", "translate",
    },
    "stages.filter": {
        "dataset", "encoder", "filters.language", "filters.limits", "filters.meaning",
        "filters.measure", "filters.report", "filters.settings", "filters.workers", "schema",
        "sources", "stages.filtered", "stages.folders", "stages.inputs", "stages.jobs", "store",
    },
    "publish": set(),
    "publish.licences": set(),
    "publish.facts": {"publish.licences"},
    "publish.settings": set(),
    "publish.card": {"languages", "publish", "publish.facts", "publish.licences"},
    "publish.upload": {"publish.settings"},
    "stages.publish": {
        "dataset", "publish", "publish.card", "publish.facts", "publish.licences",
        "publish.settings", "publish.upload", "sources", "stages.folders", "stages.inputs",
        "store",
    },
    "page": set(),
    "page.found": {"dataset", "store"},
    "page.tables": {"languages"},
    "page.overlap": {"languages", "text"},
    "page.sample": {"schema"},
    "page.hits": {"page.overlap", "page.tables"},
    "page.figures": {"filters.limits", "page.found", "page.tables", "publish.facts", "text"},
    "page.retrieval": {"evaluate", "metrics", "page.tables", "publish.facts", "training_report"},
    "page.render": {"page.figures", "page.hits", "page.tables", "text"},
    "stages.report": {
        "page.figures", "page.found", "page.hits", "page.render", "page.retrieval", "page.sample",
        "page.tables", "schema", "stages.folders", "store",
    },
    "recipe_stages": {
        "batches.settings", "experiment", "filters.settings", "models", "recipe", "sources",
        "stages.batches", "stages.evaluate", "stages.filter", "stages.folders", "stages.jobs",
        "stages.leakage", "stages.translate", "stages.windows",
    },
    "run_report": {"recipe_stages", "store", "text"},
    "pipeline": {
        "dataset", "experiment", "recipe", "recipe_stages", "sources", "stages.batches",
        "stages.evaluate", "stages.filter", "stages.folders", "stages.imports", "stages.jobs",
        "stages.leakage", "stages.publish", "stages.report", "stages.translate", "stages.windows",
        "store",
    },
    "progress": {"engine", "models", "sources", "translate"},
    "summary": {"dataset"},
    "cli": {
        "cli.build_batches", "cli.check_leakage", "cli.evaluate", "cli.filter", "cli.group",
        "cli.import_",
        "cli.languages", "cli.publish", "cli.report", "cli.run", "cli.train_eval", "cli.translate",
    },
    "cli.__main__": {"cli"},
    "cli.group": set(),
    "cli.options": set(),
    "cli.show": {
        "batches.statistics", "evaluation_report", "filters.report", "leakage_report", "pipeline",
        "progress", "run_report", "store", "summary", "training_report",
    },
    "cli.build_batches": {
        "batches.settings", "cli.options", "cli.show", "pipeline", "recipe", "sources",
    },
    "cli.check_leakage": {
        "cli.options", "cli.show", "evalsets", "leakage", "pipeline", "recipe", "sources",
    },
    "cli.evaluate": {"cli.options", "cli.show", "evaluate", "evalsets", "pipeline", "recipe"},
    "cli.filter": {
        "cli.options", "cli.show", "devices", "filters.settings", "pipeline", "recipe",
        "sources",
    },
    "cli.import_": {"cli.options", "cli.show", "pipeline"},
    "cli.languages": {"cli.options", "cli.show", "languages", "models", "recipe"},
    "cli.publish": {
        "cli.options", "cli.show", "pipeline", "publish.settings", "recipe", "store",
    },
    "cli.report": {"cli.options", "pipeline"},
    "cli.run": {"cli.options", "cli.show", "devices", "pipeline", "recipe"},
    "cli.train_eval": {
        "batches.settings", "cli.options", "cli.show", "evalsets", "pipeline", "recipe", "sources",
        "train.settings",
    },
    "cli.translate": {
        "cli.options", "cli.show", "models", "pipeline", "recipe", "sources", "translate",
    },
}  # fmt: skip


def modules() -> dict[str, Path]:
    """Every module of the package by its name, "stages.translate" those of a folder."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[1:] and parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> set[str]:
    """Modules of ours that `path` imports, anywhere in it."""
    known = modules()
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [one if _ours(one) in known else node.module for one in inner]
        else:
            continue
        found |= {_ours(name) for name in names if name.startswith("qa_parallel.")}
    return found


def _ours(name: str) -> str:
    return name.removeprefix("qa_parallel.")


def test_imports_go_one_way() -> None:
    found = {name: imports(path) for name, path in modules().items()}
    assert set(found) <= set(MAY_IMPORT), "a module without a place in the table"
    wrong = {
        name: arrows
        for name, used in found.items()
        if (arrows := used - MAY_IMPORT[name] - {"errors", "__version__"})
    }
    assert not wrong


def test_the_table_has_no_circle() -> None:
    placed: set[str] = set()
    waiting = dict(MAY_IMPORT)
    while waiting:
        free = {name for name, needs in waiting.items() if needs <= placed}
        assert free, f"a circle among {sorted(waiting)}"
        placed |= free
        waiting = {name: needs for name, needs in waiting.items() if name not in free}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from qa_parallel.cli import main\n"
        "result = CliRunner().invoke(main, ['--help'])\n"
        "assert result.exit_code == 0 and 'translate' in result.output, result.output\n"
        "heavy = {'torch', 'ctranslate2', 'transformers', 'datasets', 'polars', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_pickles_and_no_foreign_code() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        for unsafe in ("import pickle", "torch.load(", "trust_remote_code=True"):
            assert unsafe not in text, f"{unsafe} in {path.name}"
