"""`qa-parallel run`: recipes with stand-ins for what would be downloaded; what is done again."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from qa_parallel.batches.plan import open_plan
from qa_parallel.cli import main
from qa_parallel.language_codes import LANGUAGES
from qa_parallel.storage import store
from tests.tiny_models import build_nllb

RECIPES = Path(__file__).parents[2] / "recipes"
QUESTIONS = RECIPES / "quickstart" / "questions.jsonl"
SETS = f'{{ quickstart-eval = "{RECIPES / "quickstart" / "eval"}" }}'
STAGES = ("translate", "filter", "check-leakage", "build-batches")
SMALL = f"""
name = "small"
out = "never"
[source]
source = "{QUESTIONS}"
limit = 4
[model]
model = "demo"
[translate]
to = ["fra_Latn"]
beam = 1
[filter]
[check-leakage]
against = {SETS}
[build-batches]
batch_size = 2
validation = 0
"""


def squad(path: Path) -> Path:
    """Four rows in the layout of rajpurkar/squad."""
    rows = [
        {
            "id": f"s{number}",
            "title": "Cats",
            "context": "The cat sat on the mat. A dog ran.",
            "question": f"Where did cat {number} sit?",
            "answers": {"text": ["on the mat"], "answer_start": [12]},
        }
        for number in range(4)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def worldly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model that knows every language of NLLB-200."""
    return build_nllb(tmp_path_factory.mktemp("models") / "worldly", sorted(LANGUAGES))


def run(recipe: Path, out: Path, *arguments: object) -> Result:
    command = ["run", str(recipe), "--out", str(out), *map(str, arguments)]
    environment = {"QA_PARALLEL_CACHE": str(out.parent / "cache")}
    return CliRunner().invoke(main, command, env=environment)


def good(recipe: Path, out: Path, *arguments: object) -> str:
    result = run(recipe, out, *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(recipe: Path, out: Path, *arguments: object) -> str:
    """What is said, in one line, of something that the user can mend."""
    result = run(recipe, out, *arguments)
    assert result.exit_code == 2, result.output
    lines = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.output
    assert "Traceback" not in result.output
    return lines[0]


def changed(**settings: object) -> list[str]:
    """Options --set, with __ for the dots and _ for the dash of tables."""
    tables = {"check_leakage": "check-leakage", "build_batches": "build-batches",
              "train_eval": "train-eval"}  # fmt: skip
    given = []
    for name, value in settings.items():
        table, key = name.split("__", 1)
        given += ["--set", f"{tables.get(table, table)}.{key.replace('__', '.')}={value}"]
    return given


def said(output: str) -> dict[str, str]:
    """What is said of every stage before it is done, or would be."""
    lines = [line.partition(": ") for line in output.splitlines()]
    return {name: why for name, _, why in lines if name in STAGES}


def state(folder: Path) -> dict[str, str]:
    """Digests of all files, but of locks and of the page, which tells how long things took."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".lock", "report.html")
    }


# -- the recipes of the repository


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_whole_with_stand_ins(path: Path, tiny_bert: Path, tmp_path: Path) -> None:
    """The demonstration model, a small source, a tiny encoder; all other settings are its own."""
    text = path.read_text()
    options = changed(model__model="demo", translate__to="fra_Latn", translate__beam=1)
    if path.stem != "own-faq":
        options += changed(source__source=QUESTIONS, check_leakage__against=SETS)
    options += changed(source__limit=6, build_batches__batch_size=2)
    options += changed(build_batches__validation=0)
    if "[evaluate]" in text:
        options += changed(evaluate__encoder=tiny_bert, evaluate__sets=SETS)
    if "[train-eval]" in text:
        options += changed(train_eval__encoder=tiny_bert, train_eval__sets=SETS)
        options += changed(train_eval__steps=2)
    out = tmp_path / "out"
    output = good(path, out, *options)
    tables = [name for name in ("filter", "check-leakage", "build-batches", "evaluate",
                                "train-eval") if f"[{name}]" in text]  # fmt: skip
    assert len(tables) >= 3
    summary = [line.split()[:2] for line in output.splitlines()]
    assert all([name, "done"] in summary for name in ("translate", *tables)), output
    assert f"qa-parallel publish {out / 'checked'} --repo org/name --dry-run" in output
    assert f"Open {out / 'report.html'} in a browser." in output
    assert "<title>" in (out / "report.html").read_text("utf-8")
    english = pl.read_parquet(out / "translated" / "data" / "eng_Latn" / "*.parquet")
    assert english.height == 6
    assert len(open_plan(out / "batches")) >= 1
    again = good(path, out, *options)
    assert all(f"{name}: up to date" in again.splitlines() for name in ("translate", *tables))


def test_the_faq_loses_what_is_held_out(tmp_path: Path) -> None:
    options = changed(model__model="demo", translate__to="fra_Latn", translate__beam=1)
    good(RECIPES / "own-faq.toml", tmp_path / "out", *options, "--until-stage", "check-leakage")
    leaks = pl.read_parquet(tmp_path / "out" / "checked" / "leaks.parquet").filter("leaked")
    source = pl.read_parquet(tmp_path / "out" / "translated" / "data" / "eng_Latn" / "*.parquet")
    assert source["title"].unique().len() == 5
    leaked = source.filter(pl.col("qa_id").is_in(leaks["qa_id"].to_list()))
    assert leaked["question"].to_list() == ["How long is the warranty?"]
    kept = pl.read_parquet(tmp_path / "out" / "checked" / "data" / "eng_Latn" / "*.parquet")
    assert "How long is the warranty?" not in kept["question"].to_list()


@pytest.mark.realdata
def test_squad_against_xquad(realdata: Path, tmp_path: Path) -> None:
    """Questions of SQuAD's development set, of which XQuAD was made: none of XQuAD's is left."""
    known = {
        question["question"]
        for article in json.loads((realdata / "xquad-r" / "en.json").read_text())["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }
    lines = (realdata / "squad-questions" / "squad-v1.1-dev-questions.jsonl").read_text()
    leaking = [one for one in lines.splitlines() if json.loads(one)["question"] in known]
    others = [one for one in lines.splitlines() if json.loads(one)["question"] not in known]
    source = tmp_path / "squad.jsonl"
    source.write_text("\n".join([*leaking[::60], *others[::600]]))
    options = changed(model__model="demo", translate__to="fra_Latn", translate__beam=1)
    options += changed(source__source=source)
    options += ["--set", f"check-leakage.against.xquad-r={realdata / 'xquad-r'}"]
    recipe = RECIPES / "squad-11-languages.toml"
    good(recipe, tmp_path / "out", *options, "--until-stage", "check-leakage")
    homes = (tmp_path / "out" / name / "data" / "eng_Latn" for name in ("filtered", "checked"))
    made, kept = (set(pl.read_parquet(home / "*.parquet")["question"]) for home in homes)
    assert made & known
    assert not kept & known
    assert kept


@pytest.mark.parametrize("name", ["squad-11-languages", "africa-low-resource"])
def test_all_languages_of_a_large_recipe(name: str, worldly: Path, tmp_path: Path) -> None:
    options = changed(model__model=worldly, source__source=squad(tmp_path / "squad.jsonl"))
    options += changed(check_leakage__against=SETS)
    good(RECIPES / f"{name}.toml", tmp_path / "out", *options, "--until-stage", "translate")
    out = tmp_path / "out" / "translated"
    manifest = store.read_json(out / "manifest.json")
    wanted = manifest["translate"]["to"]
    assert len(wanted) >= 8
    assert list(manifest["languages"]) == ["eng_Latn", *wanted]
    for code in wanted:
        frame = pl.read_parquet(out / "data" / code / "*.parquet")
        assert frame["qa_id"].to_list() == [f"s{number}" for number in range(4)]
        assert frame["translated_from"].unique().to_list() == ["eng_Latn"]
    assert not (tmp_path / "out" / "filtered").exists()


def test_the_quickstart_in_small(tmp_path: Path) -> None:
    options = changed(source__limit=6, build_batches__batch_size=2, build_batches__validation=0)
    output = good(
        RECIPES / "quickstart.toml", tmp_path / "out", *options, "--until-stage", "evaluate"
    )
    out = tmp_path / "out"
    assert "for demonstration only" in output
    assert "load_dataset" in output
    plan = open_plan(out / "batches")
    assert len(plan) == 15  # 6 questions in 5 languages
    assert {len(set(batch.passage_ids)) for batch in plan} == {2}
    out /= "checked"
    english = pl.read_parquet(out / "data" / "eng_Latn" / "*.parquet")
    french = pl.read_parquet(out / "data" / "fra_Latn" / "*.parquet")
    assert english.height == french.height == 6
    assert english["answer_start"].is_not_null().all()
    # French it is: the words that hold any French text together
    words = " ".join(french["passage"].to_list()).lower().split()
    assert len({"le", "la", "les", "un", "une", "de", "est", "dans", "à"} & set(words)) >= 4
    # something of every answer is found where it should be
    assert french["answer_start"].is_not_null().any()
    assert "quickstart-eval (eval@" in output
    results = pl.read_parquet(out.parent / "evaluated" / "results.parquet")
    found = results.filter(pl.col("query_language").is_null(), measure="map")
    assert found["setting"].to_list() == ["monolingual", "cross-lingual", "multilingual"]
    # far from chance, which is below 0.1: the encoder half of a translator knows some sentences
    assert found["value"][0] > 0.5
    assert (out.parent / "evaluated" / "pictures" / "quickstart-eval-map.svg").is_file()


# -- what is done again, and what is not


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small recipe, and in "out" what it made."""
    home = tmp_path_factory.mktemp("run")
    (home / "small.toml").write_text(SMALL)
    output = good(home / "small.toml", home / "out")
    # what is new says what it does
    assert said(output) == {
        "translate": "4 questions into 1 language",
        "filter": "8 rows in 2 languages",
        "check-leakage": "8 rows in 2 languages against quickstart-eval",
        "build-batches": "hybrid batches of 8 rows in 2 languages",
    }
    return home


@pytest.fixture
def home(finished: Path, tmp_path: Path) -> Path:
    """A copy of it for a test of its own."""
    return Path(shutil.copytree(finished, tmp_path / "home"))


def test_what_is_up_to_date_is_skipped(home: Path) -> None:
    before = state(home / "out")
    assert said(good(home / "small.toml", home / "out")) == dict.fromkeys(STAGES, "up to date")
    assert state(home / "out") == before


def test_equal_outcomes_stop_the_wave(home: Path) -> None:
    """Another limit that rejects no other row; who reads the rows is told how they came about."""
    files = state(home / "out" / "checked")
    output = good(home / "small.toml", home / "out", *changed(filter__limits__shared=3))
    assert said(output) == {
        "translate": "up to date",
        "filter": "limits.shared changed 2 → 3",
        "check-leakage": "up to date",
        "build-batches": "up to date",
    }
    after = state(home / "out" / "checked")
    assert {name for name in files if files[name] != after[name]} == {"manifest.json"}
    manifest = store.read_json(home / "out" / "checked" / "manifest.json")
    assert manifest["input"]["filter"]["limits"]["shared"] == 3
    plan = store.read_json(home / "out" / "batches" / "manifest.json")
    assert plan["input"][0]["input"]["filter"]["limits"]["shared"] == 3


def test_a_changed_source_goes_through_all_stages(home: Path) -> None:
    output = good(home / "small.toml", home / "out", *changed(source__limit=6))
    assert said(output) == {
        "translate": "source.limit changed 4 → 6",
        **dict.fromkeys(STAGES[1:], "its input changed"),
    }
    for folder in ("translated", "checked"):
        rows = pl.read_parquet(home / "out" / folder / "data" / "eng_Latn" / "*.parquet")
        assert rows.height == 6
    # what was translated before is not translated again
    counts = store.read_json(home / "out" / "translated" / "manifest.json")["languages"]
    assert counts["fra_Latn"]["cached"] > 0


def test_a_changed_evaluation_set(home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "eval"
    shutil.copytree(RECIPES / "quickstart" / "eval", mine)
    options = changed(check_leakage__against=f'{{ quickstart-eval = "{mine}" }}')
    # the same files in another place are the same
    assert said(good(home / "small.toml", home / "out", *options))["check-leakage"] == "up to date"
    (mine / "mar_Deva.json").unlink()
    output = said(good(home / "small.toml", home / "out", *options))
    assert output["check-leakage"].startswith("checked.quickstart-eval changed")
    assert output["filter"] == "up to date"
    options = changed(check_leakage__against__more=mine)
    output = said(good(home / "small.toml", home / "out", "--dry-run", *options))
    assert "checked.more changed" in output["check-leakage"]


def test_a_dry_run_says_why_and_writes_nothing(home: Path) -> None:
    before = state(home)
    options = changed(filter__limits__length=3)
    output = good(home / "small.toml", home / "out", "--dry-run", *options)
    assert said(output) == {
        "translate": "up to date",
        "filter": "would run (limits.length changed 4 → 3)",
        **dict.fromkeys(STAGES[2:], "would run (its input changes)"),
    }
    assert state(home) == before
    fresh = good(home / "small.toml", home / "new", "--dry-run")
    assert said(fresh)["translate"] == "would run (no output yet)"
    assert said(fresh)["build-batches"] == "would run (its input changes)"
    assert not (home / "new").exists()


def test_a_dry_run_converts_no_model(home: Path, tiny_nllb: Path) -> None:
    before = state(home)
    output = good(home / "small.toml", home / "out", "--dry-run", *changed(model__model=tiny_nllb))
    assert said(output)["translate"] == "would run (its model has to be downloaded or converted)"
    assert state(home) == before


def test_from_and_until_a_stage(home: Path) -> None:
    def written(stage: str) -> int:
        return (home / "out" / stage / "manifest.json").stat().st_mtime_ns

    before = {name: written(name) for name in ("translated", "filtered", "checked", "batches")}
    data = state(home / "out" / "checked" / "data")
    options = ("--from-stage", "filter", "--until-stage", "check-leakage")
    dry = said(good(home / "small.toml", home / "out", *options, "--dry-run"))
    assert dry == {
        "filter": "would run (asked for)",
        "check-leakage": "would run (its input changes)",
    }
    output = good(home / "small.toml", home / "out", *options)
    assert said(output) == {"filter": "asked for", "check-leakage": "asked for"}
    after = {name: written(name) for name in before}
    assert {name for name in before if before[name] != after[name]} == {"filtered", "checked"}
    assert state(home / "out" / "checked" / "data") == data
    assert ["translate", "skipped"] in [line.split()[:2] for line in output.splitlines()]


def test_from_a_stage_whose_input_is_missing(home: Path, tmp_path: Path) -> None:
    line = refused(home / "small.toml", tmp_path / "new", "--from-stage", "filter")
    assert "expected a complete output of translate" in line
    assert not (tmp_path / "new").exists()
    (home / "out" / "translated" / "manifest.json").unlink()
    line = refused(home / "small.toml", home / "out", "--from-stage", "check-leakage")
    assert "expected a complete output of translate" in line
    shutil.rmtree(home / "out" / "filtered" / "data" / "fra_Latn")
    good(home / "small.toml", home / "out", "--until-stage", "translate")
    line = refused(home / "small.toml", home / "out", "--from-stage", "check-leakage")
    assert "filtered names, found one missing" in line
    # without that option what is missing is made again
    output = said(good(home / "small.toml", home / "out"))
    assert output["filter"] == "one of its files is missing or cut short"
    assert output["check-leakage"] == "up to date"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--from-stage", "filtr"], "found 'filtr'; did you mean 'filter'?"),
        (["--until-stage", "train-eval"], "found 'train-eval'; the recipe has no table"),
        (["--from-stage", "check-leakage", "--until-stage", "filter"], "not to come before"),
        (["--set", "translate.baem=4"], "[translate]: unknown key 'baem'; did you mean 'beam'?"),
        (["--set", "translat.beam=4"], "unknown key 'translat'; did you mean 'translate'?"),
        (["--set", "translate.beam"], "expected TABLE.KEY=VALUE, found 'translate.beam'"),
        (["--set", "=4"], "expected TABLE.KEY=VALUE"),
        (["--set", "name.beam=4"], "expected a table 'name', found 'small'"),
        (["--set", "translate.beam=many"], "translate.beam = 'many'"),
        (["--set", "filter.limits.lenght=1"], "[filter.limits]: unknown key 'lenght'"),
        (["--set", "filter.min_languages=3"], "min_languages of at most 2"),
        (["--set", "build-batches.languages=de"], "that are made (eng_Latn, fra_Latn)"),
        (["--set", "check-leakage.against.x=/no/such/set"], "found nothing at '/no/such/set'"),
        (["--set", "filter.encoder=/no/such/encoder"], "found nothing at '/no/such/encoder'"),
        (["--set", "train-eval.sets.x=/no/set", "--set", "build-batches.steps=0"], "build-batches"),
    ],
)
def test_mistakes_are_found_before_any_work(
    home: Path, options: list[str], says: str, tmp_path: Path
) -> None:
    assert says in refused(home / "small.toml", tmp_path / "new", *options)
    assert not (tmp_path / "new").exists()


def test_folders_of_others_are_left_alone(home: Path) -> None:
    theirs = home / "other" / "filtered" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("years of work")
    assert "found 'thesis.txt'" in refused(home / "small.toml", home / "other")
    assert theirs.read_text() == "years of work"
    # a folder of ours, but of another command
    (home / "third").mkdir()
    shutil.copytree(home / "out" / "translated", home / "third" / "filtered")
    before = state(home / "third" / "filtered")
    for option in ([], ["--from-stage", "filter"]):
        line = refused(home / "small.toml", home / "third", *option)
        assert "expected a folder that filter made" in line
        assert "found one that translate made" in line
        assert state(home / "third" / "filtered") == before


def test_the_folder_of_another_recipe(home: Path) -> None:
    before = state(home / "out")
    line = refused(home / "small.toml", home / "out", "--set", "name=other")
    assert "the recipe 'other'" in line
    assert "that of 'small'" in line
    assert state(home / "out") == before


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", str(tmp_path / "no.toml")])
    assert result.exit_code == 2
    assert "expected a recipe, found no file" in result.output
