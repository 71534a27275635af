"""The command line: options are parsed, a verb of `qa_parallel.api` is called, its result printed.

A command is a module of its name with a `command` in it, which is loaded when it is called: the
options of most are made from settings, and those take longer to load than a list of commands to be
read.
"""

from __future__ import annotations

import click

from qa_parallel import __version__
from qa_parallel.cli.group import Group

# In the order of the road, with a line for the list of commands and the head of each one's help.
COMMANDS = {
    "translate": "Translate QA data into a parallel corpus.",
    "import": "Join files that people translated into a parallel corpus.",
    "languages": "List languages and their codes, all or those that match.",
    "filter": "Separate good rows from broken ones, and keep the reasons.",
    "check-leakage": "Find evaluation questions in a corpus, in any language.",
    "build-batches": "Plan which rows share a training batch, in which languages.",
    "evaluate": "Measure an encoder's retrieval within and across languages.",
    "train-eval": "Train an encoder by several plans, evaluate and compare them.",
    "run": "Run the stages of a recipe, one after another.",
    "recipes": "List the recipes that come with the package, or copy one.",
    "report": "Write one HTML page about what is in a folder.",
    "publish": "Publish a corpus on the Hugging Face Hub, with a card.",
    "help": "Print the manual page of a stage.",
    "cache": "Show what is in the cache, or remove it.",
    "completion": "Print what makes a shell complete commands and options.",
}


@click.group(
    cls=Group, summaries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="qa-parallel")
def main() -> None:
    """Turn English question-answer data into parallel corpora in up to 200 languages.

    Example: qa-parallel run quickstart
    """
