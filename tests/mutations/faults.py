"""The faults: what a line is changed to, and the tests that are nearest to it.

The first ten were put in at once, and 101 tests stayed green; the others each survived by itself.
Add one whenever a fault was found that no test saw.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes
    ----------
    words:
        What is wrong.
    file:
        Below `qa_parallel`.
    old, new:
        Text that stands there once, and what it is changed to.
    tests:
        Arguments of pytest; paths are below `tests`.
    """

    words: str
    file: str
    old: str
    new: str
    tests: str


_LOOP = "unit/training/test_loop.py"
_TRAINING = "unit/training/test_settings.py"
_CARD = "unit/training/test_card.py"
_RETRIEVAL = "unit/page/test_retrieval.py"

FAULTS = (
    # the ten
    Fault(
        "the learning rate has no schedule",
        "training/loop.py",
        "settings.rate * factor(step, steps, settings)",
        "settings.rate",
        f"{_LOOP}",
    ),
    Fault(
        "the temperature is always 0.05",
        "training/loop.py",
        "InfoNCE(settings.temperature, both",
        "InfoNCE(0.05, both",
        _TRAINING,
    ),
    Fault(
        "direction = both is ignored",
        "training/loop.py",
        'both=settings.direction == "both"',
        "both=False",
        _TRAINING,
    ),
    Fault(
        "gradients are not clipped",
        "training/loop.py",
        "clip_grad_norm_(weights, settings.clip)",
        "clip_grad_norm_(weights, 1e9)",
        _TRAINING,
    ),
    Fault(
        "biases and norms decay",
        "training/loop.py",
        "False: 0.0}",
        "False: settings.weight_decay}",
        _LOOP,
    ),
    Fault(
        "dropout is on in validations",
        "training/loop.py",
        "        encoder.model.eval()\n        record.validations",
        "        record.validations",
        _LOOP,
    ),
    Fault(
        "every training has the seed 0",
        "training/experiment.py",
        "settings.training(run.seed)",
        "settings.training(0)",
        _TRAINING,
    ),
    Fault(
        "passages are trained behind the prefix of queries",
        "training/texts.py",
        "encoder.tokenize([*batch.positives, *negatives], encoder.passage_prefix)",
        "encoder.tokenize([*batch.positives, *negatives], encoder.query_prefix)",
        _TRAINING,
    ),
    Fault(
        "debiased vectors are not scaled to length 1",
        "evaluation/ranking.py",
        "    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)\n",
        "",
        "unit/evaluation/test_settings.py",
    ),
    Fault(
        "baseline and system are swapped in the printed table",
        "evaluation/summary.py",
        'one.format(row["first"]),\n            one.format(row["second"]),',
        'one.format(row["second"]),\n            one.format(row["first"]),',
        "unit/evaluation/test_summary.py",
    ),
    # six more that survived
    Fault(
        "rank distance is printed with four digits",
        "evaluation/measures.py",
        'label="rank distance",\n    digits=1,',
        'label="rank distance",\n    digits=4,',
        "unit/evaluation/test_summary.py",
    ),
    Fault(
        "int8_float16 is the default of a GPU",
        "translation/decoding/devices.py",
        '"float16" if device',
        '"int8_float16" if device',
        "unit/translation/decoding/test_devices.py",
    ),
    Fault(
        "a GPU gets batches of 4 MB of logits",
        "translation/decoding/devices.py",
        '"cuda": 4 << 30',
        '"cuda": 4 << 20',
        "unit/translation/decoding/test_devices.py",
    ),
    Fault(
        "a word that is equal in both languages is a copy",
        "translation/decoding/guards.py",
        "_COPY_WORDS = 4",
        "_COPY_WORDS = 1",
        "unit/translation/decoding/test_guards.py",
    ),
    Fault(
        "translations of equal sources are rivals",
        "filters/meaning.py",
        "_SAME = 0.95",
        "_SAME = 2",
        "unit/filters/test_meaning.py",
    ),
    Fault(
        "work that was begun with other settings is gone on with",
        "storage/folders.py",
        "        if (out / WORK).exists():\n",
        "        if False:\n",
        "integration/test_translate_command.py",
    ),
    # ten more of this kind
    Fault(
        "passages are validated behind the prefix of queries",
        "training/validation.py",
        "encoder(task.texts(titles=False), encoder.passage_prefix)",
        "encoder(task.texts(titles=False), encoder.query_prefix)",
        _LOOP,
    ),
    Fault(
        "candidates are evaluated behind the prefix of queries",
        "evaluation/stage.py",
        'encode(texts, loaded, prefixes[side] or ""',
        'encode(texts, loaded, prefixes["query"] or ""',
        "unit/evaluation/test_settings.py",
    ),
    Fault(
        "the encoder before its training is read without its settings",
        "training/settings.py",
        "if strategy == START:",
        "if strategy is None:",
        _TRAINING,
    ),
    Fault(
        "the bootstrap has always 1,000 samples",
        "training/experiment.py",
        "_differences(results, settings.samples)",
        "_differences(results, 1000)",
        _TRAINING,
    ),
    Fault(
        "vectors of another length are found in the cache",
        "encoders/vectors.py",
        "encoder.pooling, encoder.max_length,",
        "encoder.pooling,",
        "unit/evaluation/test_settings.py",
    ),
    Fault(
        "an encoder's own prefix is not looked for leaks with",
        "leakage/stage.py",
        "encoder.query_prefix if prefix is None",
        '"" if prefix is None',
        "unit/leakage/test_settings.py",
    ),
    Fault(
        "trainings of one name are found by half of their settings",
        "training/stage.py",
        'settings.model_dump(mode="json", exclude=_PLACES)',
        'settings.model_dump(mode="json", include={"steps"})',
        _TRAINING + " unit/training/test_experiment.py integration/test_train_eval_command.py",
    ),
    Fault(
        "the best and the first validation are swapped in the table",
        "training/summary.py",
        """f"{values['start']:.4f} → {values['best']:.4f}\"""",
        """f"{values['best']:.4f} → {values['start']:.4f}\"""",
        "unit/training/test_summary.py",
    ),
    Fault(
        "standard deviations are not shown",
        "training/summary.py",
        'one.measure.spread(row["value"], row["sd"])',
        'one.measure.spread(row["value"], None)',
        "unit/training/test_summary.py",
    ),
    Fault(
        "the best and the first validation are swapped in the card",
        "training/card.py",
        "{measure.format(values['start'])} before, {measure.format(values['best'])} at",
        "{measure.format(values['best'])} before, {measure.format(values['start'])} at",
        _CARD,
    ),
    Fault(
        "the loss of the card is that of all steps",
        "training/card.py",
        "report['losses'][-20:]",
        "report['losses']",
        _CARD,
    ),
    Fault(
        "rejected and left are swapped in the filters' table",
        "filters/summary.py",
        '("rejected", "alone", "left"))\n',
        '("left", "alone", "rejected"))\n',
        "unit/filters/test_summary.py",
    ),
    Fault(
        "rows and questions are swapped in the leaks' table",
        "leakage/summary.py",
        """f"{hit['rows']:,}",\n            f"{hit['questions']:,}",""",
        """f"{hit['questions']:,}",\n            f"{hit['rows']:,}",""",
        "unit/leakage/test_summary.py",
    ),
    Fault(
        "leaks that show in the original are told as shown in translations alone",
        "leakage/summary.py",
        "translation only: {leaked['by_translation']:,}",
        "translation only: {leaked['by_original']:,}",
        "unit/leakage/test_summary.py",
    ),
    Fault(
        "passages drawn and there are swapped in the plan's table",
        "batches/summary.py",
        """f"{passages['there']:,}", f"{passages['drawn']:,}",""",
        """f"{passages['drawn']:,}", f"{passages['there']:,}",""",
        "unit/batches/test_summary.py",
    ),
    Fault(
        "the matrix of a plan is turned",
        "batches/summary.py",
        "counts.get(passage, 0):,}",
        "side['matrix'][passage].get(question, 0):,}",
        "unit/batches/test_summary.py",
    ),
    Fault(
        "what deduplication saved is what it left",
        "storage/summary.py",
        'saved = 1 - sum(item["unique"]',
        'saved = sum(item["unique"]',
        "unit/storage/test_summary.py",
    ),
    Fault(
        "log-probabilities of the whole and the limited model are swapped",
        "storage/summary.py",
        "{restricted:.3f} instead of {whole:.3f}",
        "{whole:.3f} instead of {restricted:.3f}",
        "unit/storage/test_summary.py",
    ),
    Fault(
        "a run's steps of training and validation are swapped",
        "batches/summary.py",
        "{counted(steps['train'], 'training step')}",
        "{counted(steps['validation'], 'training step')}",
        "unit/pipeline/test_summary.py",
    ),
    Fault(
        "the ends of an interval are swapped in words on the page",
        "page/retrieval.py",
        "({show(row['low'])} …",
        "({show(row['high'])} …",
        _RETRIEVAL,
    ),
    Fault(
        "the heat map of a plan is turned",
        "batches/pictures.py",
        '[side["matrix"].get(asked, {}).get(found, 0) for found in codes] for asked in codes',
        '[side["matrix"].get(asked, {}).get(found, 0) for asked in codes] for found in codes',
        _RETRIEVAL,
    ),
    Fault(
        "what was rejected counts as left on the page",
        "page/history.py",
        "return self.rows - self.rejected - self.leaked",
        "return self.rows - self.leaked",
        "unit/page/test_history.py",
    ),
    Fault(
        "the licence that is asked for is not the card's",
        "publishing/stage.py",
        "counts.values()), settings.license)",
        "counts.values()), None)",
        "unit/publishing/test_settings.py",
    ),
    Fault(
        "rejected and left are swapped in the data card",
        "publishing/card.py",
        '"rejected": one["rejected"],\n                      "alone": None, "left": one["kept"]}',
        '"rejected": one["kept"],\n                      "alone": None, "left": one["rejected"]}',
        "unit/publishing/test_card.py",
    ),
    Fault(
        "one hard negative a row, however many are asked for",
        "batches/stage.py",
        "count = settings.negatives_per_row\n",
        "count = 1\n",
        "unit/batches/test_settings.py",
    ),
    Fault(
        "a question may be left in one language",
        "filters/scores.py",
        "if self.settings.min_languages > 1:",
        "if self.settings.min_languages > 99:",
        "unit/filters/test_settings.py",
    ),
    Fault(
        "the filters' encoder has no prefix",
        "filters/scores.py",
        "partial(loaded, prefix=self.settings.prefix)",
        "partial(loaded, prefix='')",
        "unit/filters/test_settings.py",
    ),
    Fault(
        "the length penalty is forgotten",
        "translation/decoding/engine.py",
        "length_penalty=self.settings.length_penalty,",
        "length_penalty=1,",
        "unit/translation/decoding/test_engine.py unit/translation/test_settings.py",
    ),
    Fault(
        "translations of other settings are found in the cache",
        "translation/decoding/settings.py",
        '"beam": self.beam,',
        '"beam": 4,',
        "unit/translation/decoding/test_engine.py",
    ),
    Fault(
        "the second decoding has no more beams",
        "translation/decoding/engine.py",
        "(_MORE_BEAMS if options else 0)",
        "0",
        "unit/translation/decoding/test_engine.py",
    ),
    Fault(
        "the limit of rows is one too many",
        "sources/source.py",
        "limit = self.counts, self.settings.limit",
        "limit = self.counts, self.settings.limit and self.settings.limit + 1",
        "unit/sources/test_settings.py unit/sources/test_source.py",
    ),
)
