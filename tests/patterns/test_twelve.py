"""The twelve checks at compile time (`twelve.yaml`): each has codes or tests, and these are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from conftest import ROOT, Compile
from obsc.codes import CODES
from samples import PLATFORM, SPEC, rules

TABLE: list[dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("twelve.yaml").read_text())


def test_each_of_the_twelve_has_codes_or_tests_that_are_there() -> None:
    assert len(TABLE) == 12
    for one in TABLE:
        assert one.get("codes") or one.get("tests"), one["check"]
        assert [code for code in one.get("codes", ()) if code not in CODES] == []
        for file, _, name in (test.partition("::") for test in one.get("tests", ())):
            assert f"def {name}(" in (ROOT / file).read_text(), name


def made(compile_texts: Compile) -> Iterator[dict[str, Any]]:
    text = SPEC + "accelerators: {resource: nvidia.com/gpu}\ntraffic: {requestsPerSecond: 50}\n"
    compiled, _ = compile_texts({"a.yaml": text, "p.yaml": PLATFORM + "sources: {dcgm: {enabled: true}}\n"})
    return iter(rules(compiled.tree))


def test_every_alert_can_be_routed_and_has_a_blind_twin(compile_texts: Compile) -> None:
    alerts = [one for one in made(compile_texts) if "alert" in one]
    assert len(alerts) > 10
    for one in alerts:
        assert {"namespace", "service", "team", "severity", "signal", "runtime"} <= one["labels"].keys(), one["alert"]
        assert {"summary", "description"} <= one["annotations"].keys(), one["alert"]
    [missing] = [one for one in alerts if one["alert"] == "MetricMissing"]
    watched = set(re.findall(r'"metric", "([^"]+)"', missing["expr"]))
    assert {"vllm:time_to_first_token_seconds", "http_requests_total", "vllm:num_requests_waiting"} <= watched
