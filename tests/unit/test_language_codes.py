"""The table against the lists of transformers and langid, and what people write against it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from qa_parallel.errors import LanguageError
from qa_parallel.language_codes import LANGUAGES, nearest, parse, parse_many


def test_table_is_that_of_the_model() -> None:
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    assert set(LANGUAGES) == set(FAIRSEQ_LANGUAGE_CODES)
    assert len(LANGUAGES) == 202


def test_m2m_codes_are_those_of_the_model() -> None:
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    codes = [language.m2m for language in LANGUAGES.values() if language.m2m]
    # NLLB-200 knows neither Breton nor Frisian.
    assert set(codes) == set(FAIRSEQ_LANGUAGE_CODES["m2m100"]) - {"br", "fy"}
    assert len(codes) == len(set(codes))


def test_every_language_is_found_by_its_own_code_and_name() -> None:
    for code, language in LANGUAGES.items():
        assert parse(code) == parse(code.upper()) == parse(code.replace("_", "-")) == code
        assert parse(language.name) == code
        assert language.code == code
        assert language.iso639_3 in language.labels
        assert language.iso639_1 is None or language.iso639_1 in language.labels
        assert re.fullmatch(r"[a-z]{3}", language.iso639_3)
        assert language.script_name
    assert len({language.name for language in LANGUAGES.values()}) == 202


def test_labels_of_langid_each_count_as_some_language() -> None:
    from langid.langid import LanguageIdentifier, model

    known = set(LanguageIdentifier.from_modelstring(model).nb_classes)
    # Aragonese, Breton, Latin, Northern Sami, Volapük, Walloon: not in NLLB-200
    foreign = {"an", "br", "la", "se", "vo", "wa"}
    accepted = {label for language in LANGUAGES.values() for label in language.labels}
    assert known - accepted == foreign


USER_CODES = {
    "zh": "zho_Hans", "zh-TW": "zho_Hant", "zh-HK": "zho_Hant", "zh-Hant": "zho_Hant",
    "zh_CN": "zho_Hans", "zh-Hant-HK": "zho_Hant", "cmn": "zho_Hans", "cmn_Hant": "zho_Hant",
    "yue": "yue_Hant", "ar": "arb_Arab", "ara": "arb_Arab", "no": "nob_Latn", "nb": "nob_Latn",
    "nn": "nno_Latn", "fa": "pes_Arab", "fas": "pes_Arab", "fa-AF": "prs_Arab",
    "fa-Arab": "pes_Arab",
    "sw": "swh_Latn", "swa": "swh_Latn", "az": "azj_Latn", "uz": "uzn_Latn", "mg": "plt_Latn",
    "et": "est_Latn", "ekk_Latn": "est_Latn", "lv": "lvs_Latn", "sq": "als_Latn",
    "ms": "zsm_Latn", "or": "ory_Orya", "ku": "kmr_Latn", "ckb": "ckb_Arab",
    "ku-Arab": "ckb_Arab", "mn": "khk_Cyrl", "ne": "npi_Deva", "ps": "pbt_Arab",
    "om": "gaz_Latn", "yi": "ydd_Hebr", "qu": "quy_Latn", "ay": "ayr_Latn", "gn": "grn_Latn",
    "tl": "tgl_Latn", "fil": "tgl_Latn", "sr": "srp_Cyrl", "sr-Cyrl-RS": "srp_Cyrl",
    "iw": "heb_Hebr", "he": "heb_Hebr", "in": "ind_Latn", "sat": "sat_Beng",
    "sat_Olck": "sat_Beng", "sat_Beng": "sat_Beng", "de": "deu_Latn", "DE": "deu_Latn",
    "ger": "deu_Latn", "pt-BR": "por_Latn", "en-US": "eng_Latn", "es-419": "spa_Latn",
    "ns": "nso_Latn", "ks-Deva": "kas_Deva", "min": "min_Latn", "sh-Cyrl": "srp_Cyrl",
    "German": "deu_Latn", "swahili": "swh_Latn", "Chinese (Traditional)": "zho_Hant",
    "Chinese": "zho_Hans", "Farsi": "pes_Arab", "norwegian  bokmal": "nob_Latn",
    "Ta’izzi-Adeni Arabic": "acq_Arab", " fr ": "fra_Latn",
}  # fmt: skip


@pytest.mark.parametrize(("text", "code"), USER_CODES.items())
def test_what_people_write(text: str, code: str) -> None:
    assert parse(text) == code


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("ks", ["kas_Arab", "kas_Deva"]),
        ("kas", ["kas_Arab", "kas_Deva"]),
        ("Kashmiri", ["kas_Arab", "kas_Deva"]),
        ("kr", ["knc_Arab", "knc_Latn"]),
        ("ace", ["ace_Arab", "ace_Latn"]),
        ("bjn", ["bjn_Arab", "bjn_Latn"]),
        ("taq", ["taq_Latn", "taq_Tfng"]),
        ("sh", ["bos_Latn", "hrv_Latn", "srp_Cyrl"]),
        ("sr-Latn", ["srp_Cyrl"]),
        ("arb_Latn", ["arb_Arab"]),
        ("min_Arab", ["min_Latn"]),
        ("Germn", ["deu_Latn"]),
        ("eng_Latin", ["eng_Latn"]),
        ("Swahilli", ["swh_Latn"]),
    ],
)
def test_error_names_the_choices(text: str, choices: list[str]) -> None:
    with pytest.raises(LanguageError) as caught:
        parse(text)
    assert repr(text) in str(caught.value)
    for code in choices:
        assert code in str(caught.value)


def test_languages_of_flores_that_the_model_lacks() -> None:
    for code in ("arb_Latn", "min-arab"):
        with pytest.raises(LanguageError, match="which FLORES-200 has but the model has not"):
            parse(code)


@pytest.mark.parametrize("text", ["", "  ", "xx", "br", "x" * 5000, "en-fr-de", "🙂", "\0", "1"])
def test_nonsense_is_an_error(text: str) -> None:
    with pytest.raises(LanguageError, match="expected a language"):
        parse(text)


def test_parse_many_keeps_order_and_drops_repeats() -> None:
    assert parse_many("de,fr , es,,German") == ["deu_Latn", "fra_Latn", "spa_Latn"]
    assert parse_many(["yo", "sw"]) == ["yor_Latn", "swh_Latn"]
    for nothing in ("", " , "):
        with pytest.raises(LanguageError, match="at least one"):
            parse_many(nothing)
    with pytest.raises(LanguageError, match="at least one"):
        parse_many([])


def test_scripts() -> None:
    rtl = {code for code, language in LANGUAGES.items() if language.right_to_left}
    assert {"arb_Arab", "heb_Hebr", "urd_Arab", "ydd_Hebr", "uig_Arab"} <= rtl
    assert rtl == {code for code in LANGUAGES if code.endswith(("_Arab", "_Hebr"))}
    joined = {code for code, language in LANGUAGES.items() if not language.joiner}
    assert joined == {"zho_Hans", "zho_Hant", "yue_Hant", "jpn_Jpan"}
    unsegmented = {code for code, language in LANGUAGES.items() if not language.segmented}
    others = {"tha_Thai", "lao_Laoo", "khm_Khmr", "mya_Mymr", "shn_Mymr", "bod_Tibt", "dzo_Tibt"}
    assert unsegmented == joined | others
    assert LANGUAGES["sat_Beng"].script == "Olck"


def test_labels_of_languages_that_no_tool_tells_apart() -> None:
    assert {"bs", "hr", "sr", "hbs"} <= LANGUAGES["hrv_Latn"].labels
    assert {"id", "ms", "msa"} <= LANGUAGES["ind_Latn"].labels & LANGUAGES["zsm_Latn"].labels
    assert {"ar", "ara", "arz"} <= LANGUAGES["arz_Arab"].labels & LANGUAGES["arb_Arab"].labels
    assert {"zh", "yue", "cmn"} <= LANGUAGES["yue_Hant"].labels & LANGUAGES["zho_Hant"].labels
    assert {"nb", "nn", "no"} <= LANGUAGES["nob_Latn"].labels & LANGUAGES["nno_Latn"].labels
    assert {"nso", "st", "tn"} <= LANGUAGES["sot_Latn"].labels
    assert LANGUAGES["deu_Latn"].labels == {"de", "deu"}
    # Croatian is written in Latin letters: not Serbian in Cyrillic.
    assert "hr" not in LANGUAGES["srp_Cyrl"].labels


def test_nearest_keeps_to_what_it_may_choose_from() -> None:
    assert nearest("Portuguese", ["spa_Latn", "por_Latn"])[0] == "por_Latn"
    assert nearest("German", ["fra_Latn"]) == []


def test_import_reads_nothing_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, qa_parallel.language_codes as l\n"
        "assert not l._index.cache_info().currsize\n"
        "print({'rapidfuzz', 'pydantic', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
