"""What a corpus may be published under: table of cases, and what is refused."""

from __future__ import annotations

import pytest

from qa_parallel.errors import PublishError
from qa_parallel.publishing.licences import Party, Settled, settle


def decide(source: str | None, model: str | None = "none", given: str | None = None) -> Settled:
    """With a model of licence `model`; "none": nothing was translated."""
    translator = None if model == "none" else Party("the model m", model)
    return settle([Party("the source", source)], translator, given)


@pytest.mark.parametrize(
    ("source", "model", "license"),
    [
        ("cc0-1.0", "cc-by-nc-4.0", "cc-by-nc-4.0"),
        ("cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-4.0"),
        ("cc0-1.0", "cc-by-sa-4.0", "cc-by-sa-4.0"),
        ("cc-by-sa-4.0", "mit", "cc-by-sa-4.0"),
        ("cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-sa-4.0"),
        ("cc-by-nc-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0"),
        ("mit", "none", "mit"),
        ("cc0-1.0", "none", "cc0-1.0"),
    ],
)
def test_the_licence_that_follows(source: str, model: str, license: str) -> None:
    assert decide(source, model).license == license


@pytest.mark.parametrize(
    ("source", "model", "found"),
    [
        ("cc-by-sa-4.0", "cc-by-nc-4.0", "go together"),  # SQuAD with NLLB-200
        (None, "mit", "found none"),
        ("mit", None, "licence of the model m, found none"),
        ("my-own", "mit", "found my-own"),
        ("cc-by-nd-4.0", "mit", "may be translated"),
    ],
)
def test_where_none_follows_it_has_to_be_spelled_out(
    source: str | None, model: str | None, found: str
) -> None:
    with pytest.raises(PublishError, match=found) as error:
        decide(source, model)
    assert "--license" in str(error.value)


@pytest.mark.parametrize(
    ("source", "given", "broken"),
    [
        ("cc-by-sa-4.0", "cc-by-4.0", "share alike"),
        ("cc-by-sa-4.0", "cc-by-nc-sa-4.0", "share alike"),
        ("cc-by-nc-4.0", "cc-by-4.0", "no commercial use"),
        ("cc-by-4.0", "cc0-1.0", "attribution"),
        ("cc-by-nd-4.0", "cc-by-nd-4.0", "no derivatives"),
        ("cc-by-nd-4.0", "other", "no derivatives"),
    ],
)
def test_a_licence_that_breaks_the_sources_is_refused(source: str, given: str, broken: str) -> None:
    with pytest.raises(PublishError, match=broken):
        decide(source, "mit", given)


def test_a_freer_licence_than_the_models_is_a_choice_and_said_so() -> None:
    settled = decide("cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0")
    assert settled.license == "cc-by-sa-4.0"
    (warning,) = settled.warnings
    assert "freer than the licence of the model m, cc-by-nc-4.0" in warning
    assert warning in settled.notes


def test_a_stricter_licence_needs_no_warning() -> None:
    assert decide("cc-by-4.0", "mit", "cc-by-nc-4.0").warnings == ()


def test_what_no_program_can_compare_is_said() -> None:
    (warning,) = decide("my-own", "mit", "cc-by-4.0").warnings
    assert "my-own" in warning


def test_an_identifier_that_the_hub_does_not_know() -> None:
    with pytest.raises(PublishError, match=r"'CC-BY-SA'.*did you mean"):
        decide("mit", "mit", "CC-BY-SA")
