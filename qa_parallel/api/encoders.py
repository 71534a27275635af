"""Encoders: evaluate, compare, train."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qa_parallel.api.given import (
    Place,
    Sets,
    Source,
    evalsets,
    folder_of,
    name_of,
    open_source,
    path_of,
    several,
)
from qa_parallel.batches.strategies import COMPARED
from qa_parallel.display import Shown, telling
from qa_parallel.errors import StoreError
from qa_parallel.results import (
    Comparison,
    Results,
    Trained,
)
from qa_parallel.settings import Kinds, parse, sort_out

if TYPE_CHECKING:
    from qa_parallel.encoders.encoder import Encoder


def evaluate(
    encoder: Place | None,
    sets: Sets,
    *,
    out: Place | None = None,
    overwrite: bool = False,
    progress: Shown = False,
    **settings: Any,
) -> Results:
    """Measure how well an encoder retrieves within a language, across two, and over all at once.

    Parameters
    ----------
    encoder:
        Folder, Hub id or "demo"; None where `embeddings` are given.
    sets:
        {"xquad-r": "data/xquad-r"}, "NAME=PATH", a path, or several of these.
    settings:
        query_prefix, passage_prefix, pooling, max_length, candidates, titles, debias, precision,
        device, embeddings, cache; strategy and seed for the records.

    Examples
    --------
    >>> results = evaluate("demo", {"eval": "recipes/quickstart/eval"})  # doctest: +SKIP
    >>> results.table.filter(measure="map")  # doctest: +SKIP
    """
    from qa_parallel.evaluation import stage
    from qa_parallel.evaluation.settings import EvaluateSettings

    given = sort_out("evaluate", {**settings, "encoder": name_of(encoder)}, {EvaluateSettings: {}})
    with telling(progress) as told:
        evaluated = stage.evaluate_sets(
            evalsets(sets),
            parse(EvaluateSettings, given[EvaluateSettings], "evaluate"),
            folder_of(out, "evaluate"),
            overwrite=overwrite,
            tell=told.tell,
        )
    if evaluated.outcome is None:
        raise StoreError("expected a folder of the results, found none")
    return Results(evaluated.outcome)


def train_eval(
    plans: Source = (),
    *,
    encoder: Place,
    eval: Sets,
    corpus: Source = (),
    strategies: str | Sequence[str] = COMPARED,
    out: Place | None = None,
    overwrite: bool = False,
    progress: Shown = False,
    **settings: Any,
) -> Trained:
    """Train an encoder by each of several plans from the same start, evaluate and compare all.

    Parameters
    ----------
    plans:
        What `build_batches` returned, or its folder; or several of these.
    corpus:
        Instead of plans: corpora to plan on, once for each of `strategies`.
    eval:
        {"xquad-r": "data/xquad-r"}, "NAME=PATH", a path, or several of these.
    settings:
        steps, seeds, seed, rate, temperature, direction, cached and what else `ExperimentSettings`
        has; with `corpus` those of `build_batches` as well.

    Raises
    ------
    TrainingError
        Both plans and corpora or neither; plans of different lengths; a loss that is no number.
    """
    from qa_parallel.batches.settings import BatchSettings
    from qa_parallel.errors import TrainingError
    from qa_parallel.training import experiment
    from qa_parallel.training.settings import ExperimentSettings

    folders = [path_of(one) for one in several(plans)]
    corpora = several(corpus)
    if bool(folders) == bool(corpora):
        raise TrainingError(f"expected plans or a corpus, found {'both' if folders else 'neither'}")
    kinds: Kinds = {ExperimentSettings: {}, **({BatchSettings: {}} if corpora else {})}
    given = sort_out("train-eval", {**settings, "encoder": name_of(encoder)}, kinds)
    asked = parse(ExperimentSettings, given[ExperimentSettings], "train-eval")
    parsed = evalsets(eval)
    home = folder_of(out, "train-eval")
    with telling(progress) as told:
        if corpora:
            experiment.read_sets(parsed, told.tell)
            names = strategies.split(",") if isinstance(strategies, str) else strategies
            batches = given[BatchSettings]
            folders = experiment.plan_strategies(
                [open_source(one, {}, "train-eval") for one in corpora],
                [
                    parse(
                        BatchSettings, {**batches, "strategy": name.strip()}, "train-eval"
                    ).strategy
                    for name in names
                ],
                parse(BatchSettings, batches, "train-eval"),
                asked.seeds,
                home / "plans",
                overwrite=overwrite,
                tell=told.tell,
            )
            asked, home = asked.model_copy(update={"seeds": 1}), home / "trained"
        outcome = experiment.train_eval(
            folders,
            parsed,
            asked,
            home,
            overwrite=overwrite,
            tell=told.tell,
            warn=told.warn,
        )
    return Trained(outcome)


def compare(*results: Place, samples: int = 1000) -> Comparison:
    """Whether encoders differ significantly from the first one, by a paired bootstrap.

    Parameters
    ----------
    results:
        What `evaluate` returned, or its folders; the baseline first. Seeds of one strategy are
        averaged.
    samples:
        Of the bootstrap over questions.
    """
    return Comparison([path_of(one) for one in results], samples)


def write_texts(sets: Sets, file: Place, **settings: Any) -> int:
    """Write the ids and texts of evaluation sets to `file`, to encode them elsewhere; how many.

    `evaluate(None, sets, embeddings="vectors.npz")` then scores what was made of them.

    Parameters
    ----------
    settings:
        candidates, titles.
    """
    from qa_parallel.evaluation import stage
    from qa_parallel.evaluation.settings import EvaluateSettings

    given = sort_out("evaluate", settings, {EvaluateSettings: {}})
    asked = parse(EvaluateSettings, given[EvaluateSettings], "evaluate")
    return stage.write_texts(evalsets(sets), asked, path_of(file))


def load_encoder(name: Place, **settings: Any) -> Encoder:
    """An encoder: `encoder(["a text"], prefix="query: ")` is an array of vectors of length 1.

    Parameters
    ----------
    name:
        Folder, Hub id or "demo".
    settings:
        query_prefix, passage_prefix, pooling, max_length, precision, device.
    """
    from qa_parallel.encoders import encoder
    from qa_parallel.encoders.settings import EncoderSettings

    given = sort_out("load_encoder", {**settings, "encoder": name_of(name)}, {EncoderSettings: {}})
    return encoder.load_encoder(
        encoder.find_encoder(str(name_of(name))),
        parse(EncoderSettings, given[EncoderSettings], "load_encoder"),
    )
