"""Expressions that projects publish: none is called an error, and every warning is judged (`good.yaml`).

A judgement is of a code and a pattern of its message, with how many of the collected expressions are told so. `right`: the expression
has the fault. `foreign`: it is about programs that the service does not run. `doubt`: it may work where it comes from, and would not
in a service that says nothing of it. `wrong`: the warning is not deserved.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from conftest import Compile
from obsc.diagnostics import Severity
from obsc.patterns.tree import COMPARISONS, read
from patterns.judging import OPEN, judge, without_variables

FIXTURE = Path(__file__).parents[3] / "shared/fixtures/promql.txt"
TABLE: list[dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("good.yaml").read_text())
# Expressions of a cluster's owners read every namespace.
CLUSTER = OPEN + 'policy: {crossNamespace: ["*"]}\n'
RUNTIMES = {"vllm:": "vllm@0.10.2", "ray_": "ray-serve", "nv_": "triton", "tgi_": "tgi", "te_": "tei", "sglang": "sglang", "litellm": "litellm",
            "inference_": "gateway-inference", "llm_d": "llm-d-epp"}


def runtime(text: str) -> str:
    return next((name for start, name in RUNTIMES.items() if re.search(rf"(?<![A-Za-z_:]){start}", text)), "custom")


def decides(text: str) -> bool:
    """Whether an expression is the kind that an alert has."""
    root = read(text)
    return root.name in {*COMPARISONS, "and", "unless", "absent"}


def groups(expressions: list[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """By runtime: those that compare something, as alerts, and the others, as panels."""
    found: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for one in expressions:
        found[runtime(one), decides(one)].append(one)
    for (name, alerts), members in found.items():
        yield name, alerts, members


def told(compile_texts: Compile, expressions: list[str]) -> Iterator[tuple[str, str, str]]:
    """Expression, code and message of each warning."""
    for name, alerts, members in groups(expressions):
        for one, found in zip(members, judge(compile_texts, name, members, alerts=alerts, platform=CLUSTER), strict=True):
            assert [finding.message for finding in found if finding.severity is Severity.ERROR] == [], one
            yield from ((one, finding.code, finding.message) for finding in found)


def judgement(code: str, message: str) -> int | None:
    return next((number for number, one in enumerate(TABLE) if one["code"] == code and re.search(one["says"], message)), None)


def test_examples_of_the_judgements(compile_texts: Compile) -> None:
    for one in TABLE:
        assert judgement(one["code"], next(message for _, code, message in told(compile_texts, [one["example"]])
                                           if code == one["code"])) == TABLE.index(one), one["example"]


def test_few_warnings_are_not_deserved() -> None:
    counted = Counter[str]()
    for one in TABLE:
        counted[one["judged"]] += one["count"]
    assert set(counted) <= {"right", "foreign", "doubt", "wrong"}
    assert counted["wrong"] < sum(counted.values()) / 100


@pytest.mark.skipif(not FIXTURE.exists(), reason="the collected expressions are not here")
def test_every_warning_is_judged(compile_texts: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is spelled nearly so takes longest to find, and is not looked at here.
    monkeypatch.setattr(sys.modules["obsc.rules.expressions"], "nearest", lambda *_: "")
    expressions = [without_variables(line.partition("\t")[0]) for line in FIXTURE.read_text().splitlines()]
    found = list(told(compile_texts, expressions))
    unjudged = [one for one in found if judgement(one[1], one[2]) is None]
    assert unjudged == []
    counted = Counter(judgement(code, message) for _, code, message in found)
    assert {number: counted[number] for number in range(len(TABLE))} == {number: one["count"] for number, one in enumerate(TABLE)}
