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
    "readers": set(),
    "layouts": set(),
    "sources": {"schema", "languages", "readers", "layouts"},
    "parallel_import": {"schema", "languages", "sources"},
    "segment": {"languages"},
    "spans": {"languages", "segment", "text"},
    "guards": {"text"},
    "cache": set(),
    "tokenizers": set(),
    "models": {"languages", "tokenizers", "conversion", "hub", "inspection"},
    "conversion": {"languages", "tokenizers", "inspection"},
    "inspection": {"tokenizers"},
    "hub": {"tokenizers"},
    "engine": {"models", "guards", "cache"},
    "translate": {"segment", "spans", "models", "schema", "languages", "text", "cache", "engine"},
    "dataset": {"store", "schema"},
    "recipe": {"sources", "models", "translate"},
    "pipeline": {
        "cache", "dataset", "engine", "languages", "models", "parallel_import", "recipe",
        "schema", "sources", "store", "translate",
    },
    "progress": {"engine", "models", "sources", "translate"},
    "summary": {"dataset"},
    "cli": {
        "languages", "models", "pipeline", "progress", "recipe", "sources", "summary", "translate",
    },
}  # fmt: skip


def imports(path: Path) -> set[str]:
    """Modules of ours that `path` imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "qa_parallel":
            found |= {f"qa_parallel.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name.split(".")[1] for name in found if name.startswith("qa_parallel.")}


def test_imports_go_one_way() -> None:
    modules = {path.stem: imports(path) for path in PACKAGE.glob("*.py")}
    assert set(modules) <= set(MAY_IMPORT), "a module without a place in the table"
    ours = set(modules)
    wrong = {
        name: arrows
        for name, used in modules.items()
        if (arrows := (used & ours) - MAY_IMPORT[name] - {"errors", "__version__"})
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
    for path in PACKAGE.glob("*.py"):
        text = path.read_text()
        for unsafe in ("import pickle", "torch.load(", "trust_remote_code=True"):
            assert unsafe not in text, f"{unsafe} in {path.name}"
