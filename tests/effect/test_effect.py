"""Every leaf of the language does something: two values give other files, another finding, or another result of `verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from effect.leaves import leaves
from effect.table import LANGUAGES, PARTS, Case, Documents, cases, compiled, difference, errors, in_component, variants
from obsc import verify
from obsc.diagnostics import Sink

HERE = Path(__file__).parent
LONGEST_SHOWN = 20
ALL = [case for language in LANGUAGES for case in cases(language)]
OF_PARTS = [case for case in cases("service") if f"components[].{case.leaf}".startswith(PARTS)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_leaf_is_in_the_table(language: str) -> None:
    told = [case.leaf for case in cases(language)]
    assert len(told) == len(set(told))
    known = {leaf for leaf in leaves(LANGUAGES[language]) if not leaf.startswith(PARTS)}
    assert sorted(known - set(told)) == [], "give each two values that make a difference"
    assert sorted(set(told) - known) == []


def test_what_a_component_says_is_what_a_service_says() -> None:
    of_parts = {leaf.removeprefix("components[].") for leaf in leaves(LANGUAGES["service"]) if leaf.startswith(PARTS)}
    assert of_parts == {case.leaf for case in OF_PARTS}


@pytest.mark.parametrize("case", ALL, ids=str)
def test_another_value_makes_a_difference(case: Case, tmp_path: Path) -> None:
    before, after = variants(case)
    if case.verify:
        judged = [_verified(case, documents, tmp_path) for documents in (before, after)]
        assert [case.code in codes for codes in judged] == [False, True]
    else:
        _judge(case, before, after)


@pytest.mark.parametrize("case", OF_PARTS, ids=str)
def test_another_value_makes_a_difference_in_a_component_too(case: Case) -> None:
    _judge(case, *(in_component(documents) for documents in variants(case)))


def _verified(case: Case, found: Documents, folder: Path) -> set[str]:
    """Codes of what `verify` says of a file as it lies among the outputs of the platform's environment."""
    (folder / "specs.yaml").write_text("".join(f"---\n{json.dumps(one)}\n" for one in found))
    outputs = folder / found[0]["metadata"]["name"] / "manifests"
    outputs.mkdir(parents=True, exist_ok=True)
    (outputs / case.verify).write_text((HERE / case.verify).read_text())
    sink = Sink()
    verify.verify([outputs], sink, verify.chosen(None, [folder / "specs.yaml"], sink))
    return {one.code for one in sink}


def _judge(case: Case, before: Documents, after: Documents) -> None:
    (old, said), (new, now) = compiled(before), compiled(after)
    assert errors(said) == []
    if case.code:
        told = [{(one.code, one.severity) for one in found} for found in (said, now)]
        assert case.code in {code for code, _ in told[1] - told[0]}, errors(now)
        return
    assert errors(now) == []
    gone, come = difference(old, new)
    assert gone or come, "no file is another one"
    for text, lines in ((case.shows, come), (case.hides, gone)):
        if text:
            assert _some(text, lines), "\n".join([f"nothing of this shows {text}:", *lines[:LONGEST_SHOWN]])


def _some(text: str, lines: list[str]) -> bool:
    return any(text in line for line in lines)
