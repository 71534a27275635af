"""The command line as a whole: what helps say, options made from settings, and what is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from pydantic import BaseModel

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.cli import COMMANDS, main
from qa_parallel.cli.help_ import PAGES
from qa_parallel.evaluation.settings import EvaluateSettings
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.leakage.settings import LeakageSettings
from qa_parallel.page.settings import PageSettings
from qa_parallel.publishing.settings import PublishSettings
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.training.settings import ExperimentSettings
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import TranslateSettings

CONTEXT = click.Context(main)
REVISION = {"revision": "model_revision"}
# The settings of each command, with the fields whose option has another name.
SETTINGS: dict[str, list[tuple[type[BaseModel], dict[str, str]]]] = {
    "translate": [(SourceSettings, {}), (ModelSettings, REVISION), (TranslateSettings, {})],
    "languages": [(ModelSettings, REVISION)],
    "filter": [(SourceSettings, {}), (FilterSettings, {})],
    "check-leakage": [(SourceSettings, {}), (LeakageSettings, {})],
    "build-batches": [(BatchSettings, {})],
    "evaluate": [(EvaluateSettings, {})],
    "train-eval": [(ExperimentSettings, {}), (BatchSettings, {})],
    "report": [(PageSettings, {})],
    "publish": [(PublishSettings, {})],
}
# What is no option: an argument, or given in another form.
OWN = {
    "filter": {"source"},  # CORPUS
    "check-leakage": {"source"},  # CORPUS
    "train-eval": {"strategy", "pairs", "export"},  # --strategies; what is trained on is one plan
}
# An option that does not say the default of the field.
ELSEWHERE = {("languages", "model"), ("translate", "source"), ("filter", "limits")}
MAKING = [name for name in (*SETTINGS, "import", "run") if name != "languages"]


def command(name: str) -> click.Command:
    found = main.get_command(CONTEXT, name)
    assert found is not None
    return found


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The group, its commands, and those of the groups among them."""
    yield path
    if isinstance(group, click.Group):
        for name in group.list_commands(CONTEXT):
            found = group.get_command(CONTEXT, name)
            assert found is not None
            yield from commands(found, (*path, name))


def call(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environment)


# -- help


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_every_help_has_an_example(path: tuple[str, ...]) -> None:
    result = call(*path, "--help")
    assert result.exit_code == 0
    words = " ".join(result.output.split())
    _, found, example = words.partition("Example")
    assert found
    assert example.split()[1 : 2 + len(path)] == ["qa-parallel", *path]
    assert call(*path, "-h").output == result.output


def test_all_commands_are_looked_at() -> None:
    assert {("run",), ("publish",), ("train-eval",), ("cache", "prune")} < set(commands(main))


def test_the_list_of_commands_fits_80_columns_in_the_order_of_the_road() -> None:
    output = call("--help", COLUMNS="80").output
    lines = output.partition("Commands:")[2].splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    assert lines == [f"  {name:13}  {summary}" for name, summary in COMMANDS.items()]
    assert all(len(line) <= 80 for line in output.splitlines())
    assert "..." not in output.partition("Commands:")[2]
    assert list(COMMANDS)[:4] == ["translate", "import", "languages", "filter"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_its_summary(name: str) -> None:
    assert " ".join(call(name, "-h").output.split()).partition(COMMANDS[name])[1]
    # twice is not two summaries
    assert call(name, "-h").output.count(COMMANDS[name]) == 1


def test_options_stand_under_headings() -> None:
    def headings(name: str) -> list[str]:
        lines = call(name, "-h").output.splitlines()
        return [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")]

    assert headings("translate") == ["Source", "Model", "Decoding", "Cluster", "Output", "Other"]
    assert headings("train-eval") == [
        *("Encoder", "Training", "Plan", "Evaluation", "Output", "Other"),
    ]


def test_a_command_that_is_misspelt() -> None:
    result = call("trainslate")
    assert result.exit_code == 2
    assert "found 'trainslate'; did you mean 'translate'?" in result.output


# -- options from settings


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_an_option(name: str) -> None:
    options = {one.name for one in command(name).params if isinstance(one, click.Option)}
    fields = {
        renamed.get(field, field) for kind, renamed in SETTINGS[name] for field in kind.model_fields
    }
    own = OWN.get(name, set())
    assert not fields - options - own, "settings without an option"
    assert not own & options, "no longer on their own"


@pytest.mark.parametrize("name", SETTINGS)
def test_helps_tell_the_defaults_of_the_settings(name: str) -> None:
    for kind, renamed in SETTINGS[name]:
        for field, info in kind.model_fields.items():
            named = renamed.get(field, field)
            options = [one for one in command(name).params if isinstance(one, click.Option)]
            option = next((one for one in options if one.name == named), None)
            if option is None or (name, field) in ELSEWHERE:
                continue
            assert option.help
            told = option.help.partition("[default: ")[2][:-1]
            if isinstance(info.default, int | float | str) and not isinstance(info.default, bool):
                assert told == str(info.default)
            if info.default is True:
                assert told == f"--{field.replace('_', '-')}"


def test_choices_and_types_are_those_of_the_settings() -> None:
    options = {one.name: one for one in command("train-eval").params}
    schedule, rate, cache = (options[name].type for name in ("schedule", "rate", "cache"))
    assert isinstance(schedule, click.Choice)
    assert list(schedule.choices) == ["linear", "constant"]
    assert rate is click.FLOAT
    assert isinstance(cache, click.Path)
    assert options["freeze_embeddings"].opts == ["--freeze-embeddings"]
    assert options["dropout"].secondary_opts == ["--no-dropout"]


@pytest.mark.parametrize("name", MAKING)
def test_what_makes_something_can_be_quiet_verbose_or_for_scripts(name: str) -> None:
    options = {flag for one in command(name).params for flag in one.opts}
    assert {"-q", "--quiet", "-v", "--verbose", "--json"} <= options
    assert ("-o" in options) == ("--out" in options)


def test_quiet_and_verbose_at_once() -> None:
    assert "expected --quiet or --verbose" in call("report", "out", "-q", "-v").output


# -- what hands do


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["faq.csv", "--to", "de", "fr"], "found faq.csv, fr; write --to de,fr"),
        (["--to", "de", "French", "faq.csv"], "found French, faq.csv; write --to de,French"),
        (["--source", "faq.csv", "--to", "de", "fr"], "write --to de,fr"),
        (["a.csv", "b.csv", "--to", "de"], "expected one SOURCE, found a.csv, b.csv\n"),
        (["--to", "de"], "expected SOURCE, a file, a folder or a Hub dataset; found none"),
    ],
)
def test_languages_after_a_space_are_explained(given: list[str], says: str) -> None:
    result = call("translate", *given, "--out", "never")
    assert result.exit_code == 2
    assert says in result.output
    assert not Path("never").exists()


@pytest.mark.parametrize("stage", [*PAGES, *PAGES.values()])
def test_help_prints_the_manual(stage: str) -> None:
    page = Path(__file__).parents[2] / "qa_parallel" / PAGES.get(stage, stage) / "README.md"
    assert call("help", stage).output.strip() == page.read_text("utf-8").strip()


def test_help_of_other_things() -> None:
    assert call("help").output == call("-h").output
    assert call("help", "cache").output == call("cache", "-h").output
    refused = call("help", "cooking")
    assert refused.exit_code == 2
    assert "expected a stage (translate" in refused.output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    output = call("completion", shell).output
    assert "_QA_PARALLEL_COMPLETE" in output
    asked = {"_QA_PARALLEL_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from qa_parallel.cli import main; main(prog_name='qa-parallel')"],
        env={**os.environ, **asked, "COMP_WORDS": "qa-parallel tra"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["plain,translate", "plain,train-eval"]


def test_languages_for_scripts() -> None:
    found = json.loads(call("languages", "swahili", "--json").stdout)
    assert [one["code"] for one in found["languages"]] == ["swh_Latn"]
    assert "1 languages" not in call("languages", "swahili").output


# -- recipes


def test_recipes_are_listed_and_copied(tmp_path: Path) -> None:
    listed = call("recipes", COLUMNS="200").output.splitlines()
    assert listed[1].startswith("quickstart")
    assert len(listed) == 6
    made = tmp_path / "new" / "mine.toml"
    assert call("recipes", "copy", "quickstart", made).exit_code == 0
    assert (made.parent / "quickstart" / "questions.jsonl").is_file()
    refused = call("recipes", "copy", "quickstart", made)
    assert refused.exit_code == 2
    assert "mine.toml yet, found one" in refused.output
    assert "did you mean 'quickstart'" in call("recipes", "copy", "quikstart", tmp_path).output
    assert "did you mean 'own-faq'" in call("run", "own-fag").output


def test_a_recipe_is_run_by_its_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    by_name = call("run", "quickstart", "--dry-run", "--json", "-o", out)
    assert by_name.exit_code == 0, by_name.output
    record = json.loads(by_name.stdout)
    assert record["would_run"]["translate"] == ["no output yet"]
    assert record["folder"] == str(out)
    assert not out.exists()
