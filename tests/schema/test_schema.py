"""The published schemas: fresh, complete, and with the models on what may be left out, removed or partial."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from obsc import cli, schema
from schema.judges import documents, filled, judge, validator
from schema.test_mutations import run, show

ROOT = Path(__file__).parents[2]
NAMES = tuple(schema.FILES)
SERVICE = {"apiVersion": "obsc.dev/v1alpha1", "kind": "AIService", "metadata": {"name": "chat"}}
PLATFORM = {"apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"}}
# Escapes that Python, Rust and ECMAScript (with the flag u) read alike, and no look-around.
PORTABLE = re.compile(r"(?:\\(?:[][.*+?^$|(){}/\\s-]|x[0-9a-f]{2})|\((?!\?)|[^\\(])*")


def parts(root: object) -> Iterator[dict[str, Any]]:
    """Every schema in a schema."""
    if isinstance(root, dict):
        yield root
        for key, value in root.items():
            if key in {"properties", "$defs"}:
                for one in value.values():
                    yield from parts(one)
            elif key in {"items", "propertyNames", "additionalProperties", "anyOf", "allOf"}:
                for one in value if isinstance(value, list) else [value]:
                    yield from parts(one)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_schemas_are_what_is_exported(name: str) -> None:
    committed = (ROOT / "schemas" / schema.FILES[name]).read_text()
    assert committed == schema.text(name), "run `make schemas`"
    printed = CliRunner().invoke(cli.main, ["schema", name])
    assert (printed.exit_code, printed.output) == (0, committed)


def test_the_same_bytes_come_from_every_process() -> None:
    code = "from obsc import schema; print(''.join(map(schema.text, schema.FILES)), end='')"
    printed = [subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
               for seed in ("1", "2")]
    assert printed[0] == printed[1] == "".join(map(schema.text, NAMES)).encode()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_schema_that_says_what_everything_is_for(name: str) -> None:
    root = schema.schema(name)
    jsonschema.Draft202012Validator.check_schema(root)
    assert root["$id"].endswith(schema.FILES[name])
    blocks = [one for one in parts(root) if "properties" in one]
    assert all(one["title"] and one["description"] and one["additionalProperties"] is False for one in blocks)
    fields = [(block["title"], key, one) for block in blocks for key, one in block["properties"].items()]
    assert [(title, key) for title, key, one in fields if not one["description"] or not one["examples"]] == []


@pytest.mark.parametrize("name", NAMES)
def test_examples_and_defaults_fit_their_own_places(name: str) -> None:
    whole = validator(name)
    wrong = [(said, error.message) for part in parts(schema.schema(name))
             for said in [*part.get("examples", ()), *([part["default"]] if "default" in part else ())]
             for error in whole.evolve(schema=part).iter_errors(json.loads(json.dumps(said)))]
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_patterns_mean_the_same_to_every_reader(name: str) -> None:
    patterns = {one["pattern"] for one in parts(schema.schema(name)) if "pattern" in one}
    assert patterns
    assert [one for one in patterns if not PORTABLE.fullmatch(one)] == []


def test_defaults_are_shown_as_they_are_written() -> None:
    service, platform = schema.schema("aiservice")["$defs"], schema.schema("aiplatform")["$defs"]
    assert service["Sampling"]["properties"]["baseline"]["default"] == "5%"
    assert platform["Prometheus"]["properties"]["retention"]["default"] == "15d"
    assert platform["Sources"]["properties"]["dcgm"]["default"] == {"enabled": False}


# What a document may leave out, take from other layers, or remove.
SAID = [
    ("nothing but a name", SERVICE, True),
    ("no name", {**SERVICE, "metadata": {"namespace": "a"}}, False),
    ("no version", {"kind": "AIService", "metadata": {"name": "chat"}}, False),
    ("no metadata", {"apiVersion": "obsc.dev/v1alpha1", "kind": "AIService"}, False),
    ("null in place of the name", {**SERVICE, "metadata": {"name": None}}, False),
    ("a required value of a block left to another layer", {**SERVICE, "accelerators": {"perPod": 2}}, True),
    ("a removed value", {**SERVICE, "accelerators": None, "logs": {"format": None}}, True),
    ("a removed entry", {**SERVICE, "alerts": {"rules": {"GPUHot": None}}}, True),
    ("an entry with a wrong name removed", {**SERVICE, "alerts": {"rules": {"hot": None}}}, False),
    ("an unknown key removed", {**SERVICE, "frob": None}, False),
    ("a reserved word", {**SERVICE, "baselines": {}}, False),
    ("a reserved value", {**SERVICE, "metrics": {"discovery": "otlp"}}, False),
    ("null in a list", {**SERVICE, "models": [None]}, False),
    ("an item without the name that it merges by", {**SERVICE, "models": [{"servedName": "a"}]}, False),
    ("an item with null for it", {**SERVICE, "models": [{"name": None}]}, False),
    ("an item that is `default` without a name", {**SERVICE, "metrics": {"endpoints": [{"port": 8000}]}}, True),
    ("an item of a list that has no names", {**SERVICE, "metrics": {"staticConfigs": [{"labels": {"a": "b"}}]}}, True),
    ("an environment where nothing differs", {**SERVICE, "environments": {"prod": {}, "dev": None}}, True),
    ("an overlay", {**SERVICE, "environments": {"prod": {"metadata": {"team": "a"}, "models": [{"name": "a"}]}}}, True),
    ("an overlay with a name", {**SERVICE, "environments": {"prod": {"metadata": {"name": "a"}}}}, False),
    ("an overlay with overlays", {**SERVICE, "environments": {"prod": {"environments": {}}}}, False),
    ("an overlay with an unknown key", {**SERVICE, "environments": {"prod": {"logs": {"frob": 1}}}}, False),
    ("an overlay of a list", {**SERVICE, "environments": {"prod": ["a"]}}, False),
    ("a wrongly named environment", {**SERVICE, "environments": {"Prod": {}}}, False),
    ("defaults", {**PLATFORM, "defaults": {"logs": {"format": "json"}, "profile": "gpu"}}, True),
    ("defaults with a kind", {**PLATFORM, "defaults": {"kind": "AIService"}}, False),
    ("defaults with components", {**PLATFORM, "defaults": {"components": []}}, False),
    ("enforced with a wrong value", {**PLATFORM, "enforced": {"logs": {"format": "xml"}}}, False),
    ("a profile that builds on another", {**PLATFORM, "profiles": {"gpu": {"profile": "a"}}}, False),
    ("a removed profile", {**PLATFORM, "profiles": {"gpu": None}}, True),
    ("defaults in an environment", {**PLATFORM, "environments": {"prod": {"defaults": {"logs": {"enabled": True}}}}}, True),
    ("wrong defaults in an environment", {**PLATFORM, "environments": {"prod": {"defaults": {"logs": {"enabled": 1}}}}}, False),
    ("a receiver without a name", {**PLATFORM, "alertmanager": {"receivers": [{"emailConfigs": []}]}}, False),
    ("a backend without the version that it needs", {**PLATFORM, "filebeat": {}}, True),
]


@pytest.mark.parametrize(("data", "sound"), [one[1:] for one in SAID], ids=[one[0] for one in SAID])
def test_what_may_be_left_out_taken_from_elsewhere_or_removed(*, data: dict[str, Any], sound: bool) -> None:
    verdict = judge("aiplatform" if data["kind"] == "AIPlatform" else "aiservice", data)
    assert (not verdict.models, not verdict.schema) == (sound, sound), verdict


DURATIONS = [("5m", True), ("1h30m", True), ("2.5s", True), ("300ms", True), ("0s", False), ("0.0s", False), ("", False), ("5", False),
             (5, False), (None, True), ("5 m", False), ("30m1h", False), ("1.5h30m", False), ("-5m", False), ("5M", False), (" 5m", False),
             ("1y1w1d1h1m1s1ms", True), ("٣m", False), (True, False), (["5m"], False), ("0" * 39 + "1m", False), ("0" * 37 + "1m", True)]
WAITS = [("0s", True), ("0m", True), ("", False), ("5m", True), (0, False)]
RATIOS = [("99.5%", True), (0.995, True), ("5%", True), ("0.5%", True), ("00.10%", True), ("0%", False), ("0.0%", False), ("100%", False),
          ("150%", False), (1, False), (0, False), (1.0, False), (99.5, False), ("0.995", False), ("5 %", False), ("-5%", False), ("099%", True),
          (True, False), (".5%", False), ("5.%", False), ("%", False), ("0100%", False), ("99.99999%", True)]
THRESHOLDS = [("2.5s", True), ("95%", True), (80, True), (0, True), (0.5, True), (-1, False), ("0s", False), ("0%", False), ("100%", False),
              ("80", False), (True, False), (None, True), ("", False), ([1], False)]
PORTS = [(8000, True), (0, False), (65536, False), ("http", True), ("8000", False), ("HTTP", False), ("a" * 16, False), (True, False)]


@pytest.mark.parametrize(("where", "cases"), [
    (("workload", "startup"), DURATIONS), (("alerts", "rules", "A", "for"), WAITS), (("traces", "sampling", "baseline"), RATIOS),
    (("alerts", "rules", "A", "threshold"), THRESHOLDS), (("metrics", "endpoints", 0, "port"), PORTS)])
def test_forms_of_values(where: tuple[str | int, ...], cases: list[tuple[object, bool]]) -> None:
    for value, sound in cases:
        data: Any = value
        for step in reversed(where):
            data = [data] if step == 0 else {step: data}
        verdict = judge("aiservice", {**SERVICE, **data})
        assert (not verdict.models, not verdict.schema) == (sound, sound), (value, verdict)


def test_every_document_of_the_project_is_accepted_by_both() -> None:
    places = [ROOT / "specs", ROOT / "tests/golden/cases"]
    found = [*documents(*(file for place in places for file in sorted(place.rglob("*.yaml")))),
             *documents(*(file for file in sorted((ROOT / "compiler/obsc/catalog").glob("*.yaml")) if file.name not in {"sources.yaml", "reasons.yaml"}))]
    assert len(found) > 40
    assert [(name, data["metadata"] if "metadata" in data else data["name"], verdict) for name, data in found
            if (verdict := judge(name, data)).models or verdict.schema] == []


@pytest.mark.parametrize(("name", "count"), [("aiservice", 100), ("aiplatform", 40), ("catalog", 200)])
def test_a_document_with_every_key_is_accepted_by_both_and_its_mutations_are_judged_alike(name: str, count: int) -> None:
    """This is what judges new fields, which no shipped specification may have."""
    whole = filled(name)
    verdict = judge(name, whole)
    assert (verdict.models, verdict.schema, verdict.beyond) == ((), (), False)
    outcomes, disagreements = run([(name, whole)], count)
    show(outcomes)
    assert disagreements == []


def test_what_a_schema_cannot_say_is_known() -> None:
    twice = judge("aiservice", {**SERVICE, "models": [{"name": "a"}, {"name": "a"}]})
    assert (twice.models, twice.schema, twice.beyond) == ((), (), True)
    secret = judge("aiservice", {**SERVICE, "metadata": {"name": "chat", "description": "hf_" + 10 * "a1b"}})
    assert (secret.models, secret.schema, secret.beyond) == ((), (), True)
    whole = judge("aiservice", {**SERVICE, "accelerators": {"perPod": 2.0}})
    assert (len(whole.models), whole.schema) == (1, ())
