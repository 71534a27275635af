"""One direction of imports, a light command line, modules of a readable size."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import qa_parallel

PACKAGE = Path(qa_parallel.__file__).parent

# What reads like a floor plan: a package or a ground file, and what it may import of ours besides
# errors, which is free to all. The stages stand on one floor, and none imports another: but
# training has a plan to read and an evaluation to make.
GROUND: dict[str, set[str]] = {
    "errors": set(),
    "extras": set(),
    "places": set(),
    "language_codes": set(),
    "schema": set(),
    "text": set(),
    "components": set(),
    "machine": set(),
    "hub": set(),
    "display": set(),
    "settings": set(),
    "sentences": {"language_codes", "schema"},
    "storage": {"places", "schema", "text"},
    "pictures": {"language_codes"},
    "sources": {
        *("components", "hub", "language_codes", "places", "schema", "sentences", "settings"),
        *("storage", "text"),
    },
    "encoders": {"extras", "hub", "places", "settings", "storage"},
}
BELOW = set(GROUND) - {"errors"}
STAGES: dict[str, set[str]] = {
    "translation": BELOW - {"encoders", "pictures"},
    "filters": BELOW - {"hub", "pictures"},
    "leakage": BELOW - {"hub", "pictures"},
    "batches": BELOW - {"hub", "encoders"},
    "evaluation": BELOW - {"hub"},
    "training": (BELOW - {"hub"}) | {"batches", "evaluation"},
}
FACES: dict[str, set[str]] = {
    "stages": {"sources", "storage", *STAGES},
    "publishing": BELOW | {"evaluation"},
    "page": BELOW | {"batches", "evaluation", "filters", "stages", "training"},
    # a recipe has the settings of every stage, and of what it reads nothing else
    "pipeline": BELOW | set(STAGES) | {"stages"},
    "results": BELOW | set(STAGES) | {"pipeline", "publishing", "stages"},
    "api": BELOW | set(STAGES) | {"page", "pipeline", "publishing", "results"},
    "cli": BELOW | set(STAGES) | {"api", "page", "publishing", "results"},
}
MAY_IMPORT = {**GROUND, **STAGES, **FACES}

# Files appear by storage and in the `stage.py` of each package. Besides these:
ALSO_WRITE = {
    "translation.runner": "windows of a translation, finished one by one",
    "translation.cluster": "what its machines tell each other",
    "translation.vocabulary.choice": "what was settled of a language's tokens",
    "translation.vocabulary.restricted": "the folder of a limited model, in the cache",
    "translation.models.conversion": "the folder of a converted model, in the cache",
    "translation.models.inspection": "the digest of a large model, in the cache",
    "filters.scores": "scores, language by language, in the filters' own folder",
    "training.checkpoint": "a checkpoint",
    "training.experiment": "the folder of train-eval",
    "encoders.encoder": "the folder of an encoder",
    "encoders.bodies": "the weights and the tokenizer of an encoder",
    "encoders.layout": "the files in the folder of an encoder",
    "sources.rows": "rows that somebody holds in memory, in the cache",
    "pipeline.run": "the recipe beside what it made",
    "pipeline.bundled": "a copy of a recipe, where the user wants it",
}
WRITING = {
    *("write_bytes", "write_json", "write_parquet", "write_text", "save_pretrained"),
    *("mkdir", "rmtree", "unlink", "symlink_to", "copyfile", "store.remove", "store.locked"),
}


def modules() -> dict[str, Path]:
    """Every module of the package by its name, "filters.stage"; a package by its own."""
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


def _package(name: str) -> str:
    return name.partition(".")[0]


def test_packages_import_what_the_plan_says() -> None:
    found: dict[str, set[str]] = {}
    for name, path in modules().items():
        if name != "__init__":
            found.setdefault(_package(name), set()).update(map(_package, imports(path)))
    assert set(found) == set(MAY_IMPORT), "a package without a place in the plan"
    wrong = {
        name: arrows
        for name, used in found.items()
        if (arrows := used - MAY_IMPORT[name] - {name, "errors", "__version__"})
    }
    assert not wrong


def test_no_stage_imports_another() -> None:
    allowed = {"training": {"batches", "evaluation"}}
    assert {
        name: needs & set(STAGES)
        for name, needs in STAGES.items()
        if needs & set(STAGES) - allowed.get(name, set())
    } == {}


def test_recipes_know_stages_from_the_table_alone() -> None:
    wrong = {
        name: {one for one in imports(path) if _package(one) in STAGES}
        for name, path in modules().items()
        if _package(name) == "pipeline"
    }
    wrong["pipeline.recipe"] = {
        one for one in wrong["pipeline.recipe"] if not one.endswith("settings")
    }
    assert not set().union(*wrong.values())


def test_the_command_line_calls_the_verbs_alone() -> None:
    """Of the stages it knows their settings, which its options are made from."""
    verbs = {"api", "display", "errors", "language_codes", "places", "results", "text"}
    verbs |= {"batches.strategies", "storage.caches"}  # what there is to choose from
    for name, path in modules().items():
        if _package(name) == "cli":
            others = {one for one in imports(path) - verbs if _package(one) != "cli"}
            assert {one for one in others if not one.endswith("settings")} <= {"__version__"}, name


def test_modules_import_in_no_circle() -> None:
    found = {name: imports(path) - {name} for name, path in modules().items()}
    placed: set[str] = set()
    while found:
        free = {name for name, needs in found.items() if not needs & set(found)}
        assert free, f"a circle among {sorted(found)}"
        placed |= free
        found = {name: needs for name, needs in found.items() if name not in free}


def test_only_stages_and_storage_write_files() -> None:
    wrong = {}
    for name, path in modules().items():
        if _package(name) == "storage" or name.endswith(".stage"):
            continue
        calls = {
            word
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            for word in (node.func.attr, ast.unparse(node.func))
        }
        if bool(calls & WRITING) != (name in ALSO_WRITE):
            wrong[name] = sorted(calls & WRITING)
    assert not wrong


def test_where_something_is_stands_in_one_module() -> None:
    for word in ("expanduser", r"[\w.-]*/[\w.-]+"):  # the second is a Hub id
        assert [name for name, path in modules().items() if word in path.read_text()] == ["places"]


def test_no_format_of_polars() -> None:
    """`pl.format` panics where a column has an empty chunk (polars 1.36 to 2.1): `concat_str`."""
    calls = {
        name
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("pl.format", "polars.format")
    }
    assert not calls


def test_the_package_gives_the_verbs_of_the_api() -> None:
    from qa_parallel import api

    assert sorted(qa_parallel.__all__) == sorted(api.__all__)
    assert all(getattr(qa_parallel, name) is getattr(api, name) for name in api.__all__)


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
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".from_pretrained"):
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                passed = None in given  # what the caller was given, **options
                assert passed or given.get("trust_remote_code") == "False", path.name
