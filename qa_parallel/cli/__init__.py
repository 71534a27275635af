"""The command line: parse, call, print. Heavy modules load inside the commands that need them."""

from __future__ import annotations

import click

from qa_parallel import __version__
from qa_parallel.cli.build_batches import build_batches
from qa_parallel.cli.check_leakage import check_leakage
from qa_parallel.cli.evaluate import evaluate
from qa_parallel.cli.filter import filter_
from qa_parallel.cli.group import Group
from qa_parallel.cli.import_ import import_
from qa_parallel.cli.languages import languages
from qa_parallel.cli.publish import publish
from qa_parallel.cli.report import report
from qa_parallel.cli.run import run
from qa_parallel.cli.train_eval import train_eval
from qa_parallel.cli.translate import translate


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qa-parallel")
def main() -> None:
    """English question-answer data to parallel QA corpora in up to 200 languages.

    Example: qa-parallel run recipes/quickstart.toml
    """


COMMANDS = (
    translate,
    import_,
    languages,
    filter_,
    check_leakage,
    build_batches,
    evaluate,
    train_eval,
    run,
    report,
    publish,
)
for command in COMMANDS:
    main.add_command(command)
