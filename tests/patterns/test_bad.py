"""Expressions that are known to be wrong: each is caught, or it is written down why nothing is said (`bad.yaml`)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from conftest import Compile
from patterns.judging import judge

FIXTURE = Path(__file__).parents[3] / "shared/fixtures/promql-bad.txt"
TABLE: list[dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("bad.yaml").read_text())
OWN = "metrics: {series: [{name: high_risk_transactions_total, type: counter}]}\n"


def test_each_is_caught_or_justified(compile_texts: Compile) -> None:
    groups: dict[tuple[str, bool], list[dict[str, Any]]] = defaultdict(list)
    for one in TABLE:
        groups[one.get("runtime", "vllm"), one.get("as") == "alert"].append(one)
    for (runtime, alerts), entries in groups.items():
        found = judge(compile_texts, runtime, [one["expr"] for one in entries], alerts=alerts, more=OWN)
        for one, told in zip(entries, found, strict=True):
            assert sorted({finding.code for finding in told}) == one.get("codes", []), one["expr"]


def test_each_is_caught_for_a_reason_that_stands_in_the_table() -> None:
    assert all(("codes" in one) is not ("because" in one) for one in TABLE)
    assert len([one for one in TABLE if "because" in one]) < len(TABLE) / 10


@pytest.mark.skipif(not FIXTURE.exists(), reason="the collected expressions are not here")
def test_all_that_were_collected_are_in_the_table() -> None:
    collected = [line.partition("\t")[0] for line in FIXTURE.read_text().splitlines()[1:]]
    assert [one["expr"] for one in TABLE] == collected
