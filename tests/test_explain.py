"""Why something is as it is: values know their layer and place, and lines what they come from."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from obsc import explain, explain_report, leaves, pipeline
from obsc.alternatives import alternatives
from obsc.diagnostics import Sink
from obsc.rules.alerts import ALERTS
from obsc.source import Source, load
from obsc.spec.platform import AIPlatform
from obsc.spec.service import AIService
from samples import SPEC

ROOT = Path(__file__).parents[1]
LINES = 500
EVERY = 40  # with OBSC_EXPLAIN=1
SERVICES = {"support-chat": "support-chat", "vision-triton": "vision", "ai-model-server": "ai-model-server"}  # file, name


def shipped(service: str) -> dict[str, Source]:
    paths = [ROOT / f"specs/{service}.yaml", *sorted((ROOT / "specs/platforms").glob("*.yaml"))]
    return {path.relative_to(ROOT).as_posix(): load(path.relative_to(ROOT).as_posix(), path.read_bytes(), Sink()) for path in paths}


def obsc(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "obsc", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def question(service: str) -> explain.Question:
    """What the command would ask of any file of the service in production."""
    sources = shipped(service)
    folder = f"/{SERVICES[service]}/"
    before = explain.tree(sources, "prod")
    assert before is not None
    [path] = [one for one in before if one.endswith(f"{folder}rules.yaml")]
    own = [one for one in before if folder in one]
    asked = explain.ask(leaves.concerned(sources, path), "prod", own)
    assert asked is not None
    assert asked.trial is not None
    assert {path: asked.before[path] for path in own} == asked.trial.outputs == {path: before[path] for path in own}
    return asked


@pytest.fixture(scope="module")
def asked() -> dict[str, explain.Question]:
    """For each shipped service, its files in production."""
    return {service: question(service) for service in SERVICES}


def test_random_lines_have_a_place_or_a_default_and_the_place_decides(asked: dict[str, explain.Question]) -> None:
    rng = random.Random(20261125)
    placed = defaults = 0
    for question in asked.values():
        assert question.trial is not None
        values = leaves.written(question.sources)
        lines = [(path, number) for path, raw in question.trial.outputs.items() for number in range(1, raw.count(b"\n") + 1)]
        proved = set()
        for path, number in rng.sample(lines, LINES // len(SERVICES) + 1):
            hits = explain.influences(question, values, (path, number))
            if not hits:
                defaults += 1
                assert explain.default_of(path)
                continue
            placed += 1
            narrowest = hits[0]
            assert narrowest.leaf.place.line > 0
            # Proved anew for some: the value that was tried, written there, changes that very line.
            if narrowest.leaf not in proved and len(proved) < 4:
                proved.add(narrowest.leaf)
                after = explain.tree(leaves.with_value(question.sources, replace(narrowest.leaf, value=narrowest.tried)), "prod")
                assert after is not None
                assert number in explain.changed(question.before, after)[path]
    print(f"{placed} lines with a place, {defaults} defaults")
    assert placed + defaults >= LINES
    assert placed > 100


@pytest.mark.parametrize("service", SERVICES)
def test_the_short_way_finds_what_the_whole_way_finds(asked: dict[str, explain.Question], service: str) -> None:
    short = asked[service]
    whole = replace(short, trial=None, known=explain.Known())
    assert short.trial is not None
    rng = random.Random(service)
    for leaf in rng.sample(leaves.written(whole.sources), EVERY if os.environ.get("OBSC_EXPLAIN") else 8):
        found = explain.influence(whole, leaf)
        lines = [(path, number) for path, numbers in (found.lines if found is not None else {}).items()
                 if path in short.trial.outputs for number in sorted(numbers)]
        for spot in rng.sample(lines, min(3, len(lines))):
            assert explain.influence(short, leaf, spot) is not None, (leaf.path, spot)


@pytest.fixture(scope="module")
def shared() -> explain.Question:
    """What the command would ask of any file that the services of production share."""
    sources = {name: source for service in SERVICES for name, source in shipped(service).items()}
    mine = leaves.concerned(sources, "prod/manifests/kustomization.yaml")
    before = explain.tree(mine, "prod")
    assert before is not None
    every = [path for path in before if path.split("/")[2] in {"platform", "kustomization.yaml"}]
    asked = explain.ask(mine, "prod", every)
    assert asked is not None
    assert asked.trial is not None
    assert asked.trial.outputs == {path: before[path] for path in every}
    return asked


@pytest.mark.parametrize(("output", "shown", "path"), [
    ("prod/manifests/kustomization.yaml", "- ai-prod/vision", ("metadata", "name")),
    ("prod/artifacts/platform/filebeat.yml", "https://elasticsearch", ("elasticsearch", "hosts", 0)),
    ("prod/artifacts/platform/collector.yaml", "sampling_percentage: 10", ("environments", "prod", "traces", "sampling", "baseline"))])
def test_a_line_of_what_services_share_has_a_place(shared: explain.Question, output: str, shown: str, path: tuple[str, ...]) -> None:
    alone = explain.ask(shared.sources, "prod", (output,))
    assert alone is not None
    assert alone.trial is not None
    number = next(number for number, line in enumerate(alone.before[output].decode().split("\n"), 1) if shown in line)
    found = [one.leaf.path for one in explain.influences(alone, leaves.written(alone.sources), (output, number))]
    assert found[:1] == [path]
    # The same where more files are asked about, which takes more of the stages.
    assert "collector" not in output or found == [one.leaf.path for one in explain.influences(shared, leaves.written(shared.sources), (output, number))]


def test_of_what_services_share_the_short_way_finds_what_the_whole_way_finds(shared: explain.Question) -> None:
    whole = replace(shared, trial=None, known=explain.Known())
    assert shared.trial is not None
    rng = random.Random(20261125)
    for leaf in rng.sample(leaves.written(whole.sources), EVERY if os.environ.get("OBSC_EXPLAIN") else 10):
        found = explain.influence(whole, leaf)
        lines = [(path, number) for path, numbers in (found.lines if found is not None else {}).items()
                 if path in shared.trial.outputs for number in sorted(numbers)]
        for spot in rng.sample(lines, min(2, len(lines))):
            assert explain.influence(shared, leaf, spot) is not None, (leaf.path, spot)


def test_a_threshold_is_found_behind_its_line(asked: dict[str, explain.Question]) -> None:
    question = asked["ai-model-server"]
    path = "prod/artifacts/ai-services/ai-model-server/rules.yaml"
    number = next(number for number, line in enumerate(question.before[path].decode().split("\n"), 1) if "histogram_quantile(0.95" in line)
    narrowest = explain.influences(question, leaves.written(question.sources), (path, number))[0].leaf
    assert narrowest.path[:3] == ("alerts", "rules", "HighInferenceLatency")


def test_what_was_never_read_is_not_tried(asked: dict[str, explain.Question]) -> None:
    trial = asked["support-chat"].trial
    assert trial is not None
    read = {path: trial.may_decide(AIPlatform, path) for path in [
        ("jaeger", "endpoint"), ("elasticsearch", "hosts", 0), ("sources", "dcgm", "enabled"), ("grafana", "delivery"), ("metadata", "name")]}
    assert [path[-1] for path, may in read.items() if not may] == ["endpoint", 0]


def test_a_default_is_called_by_the_key_that_would_change_it(asked: dict[str, explain.Question]) -> None:
    question = asked["support-chat"]
    path = "prod/artifacts/ai-prod/support-chat/rules.yaml"
    lines = question.before[path].decode().split("\n")
    start = next(number for number, line in enumerate(lines) if "alert: ServiceDown" in line)
    number = next(number for number in range(start, len(lines)) if "for:" in lines[number]) + 1
    every = leaves.unwritten(question.sources, ["ServiceDown", "GPUHot"])
    hint = explain.suggested(question, every, (path, number))
    assert hint is not None
    assert hint.leaf.path == ("alerts", "rules", "ServiceDown", "for")


@pytest.mark.parametrize(("path", "value", "first"), [
    (("workload", "replicas", "min"), 2, 3), (("workload", "startup"), "10m", "20m"), (("logs", "enabled"), True, False),
    (("runtime", "version"), "0.15", "0.16"), (("traces", "sampling", "baseline"), "5%", "2.5%"), (("workload", "name"), "chat", "chatx")])
def test_alternatives_are_of_the_same_kind(path: tuple[str, ...], value: object, first: object) -> None:
    assert next(alternatives(AIService, path, value)) == first


def test_a_value_is_told_with_its_layer_place_and_effect() -> None:
    done = obsc("explain", "specs/vision-triton.yaml:metadata.team")
    assert done.returncode == 0, done.stderr
    assert "from document at specs/vision-triton.yaml:" in done.stdout
    assert "rules.yaml" in done.stdout


def test_a_value_of_a_platform_is_told_too() -> None:
    done = obsc("explain", "specs/platforms/prod.yaml:collector.replicas")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("prod: `collector.replicas` = `2` from platform at specs/platforms/prod.yaml:")
    assert "prod/manifests/platform/collector.yaml: 1 lines" in done.stdout


def test_a_code_is_explained() -> None:
    done = obsc("explain", "S317")
    assert done.stdout.startswith("S317: threshold between buckets")


@pytest.mark.parametrize("what", ["S999", "specs/none.yaml:metadata.name", "specs/support-chat.yaml:metadata.nothing.at.all", "README.md:1",
                                  "out/prod/artifacts/ai-prod/support-chat/rules.yaml:99999"])
def test_what_is_nothing_is_a_wrong_use(what: str) -> None:
    done = obsc("explain", what)
    assert done.returncode == 2 or "is a default" in done.stdout


def test_explaining_compiles_only_what_can_have_a_say() -> None:
    every = {**shipped("support-chat"), **shipped("vision-triton")}
    kept = leaves.concerned(every, "prod/artifacts/ai-prod/support-chat/rules.yaml")
    assert [name for name, source in kept.items() if source.documents and "platforms" not in name] == ["specs/support-chat.yaml"]
    shared = leaves.concerned(every, "prod/manifests/platform/kustomization.yaml")
    assert [name for name, source in shared.items() if source.documents] == [
        "specs/support-chat.yaml", "specs/platforms/prod.yaml", "specs/vision-triton.yaml"]
    # What is said of other environments is left out; these are then compiled as before.
    here, there = (explain.tree(sources, "prod") for sources in (shared, every))
    assert here is not None
    assert here == there
    assert {one.identity.environment for one in pipeline.resolved(shared, Sink())} == {"prod"}


REASONS = SPEC + """\
alerts:
  rules:
    TargetDown: {enabled: false}
    HighErrorRate: {for: 10m}
    GPUUtilizationHigh: {enabled: true}
  custom: [{name: Odd, expr: up == 3, summary: odd}]
accelerators: {resource: nvidia.com/gpu}
"""


def test_every_alert_is_said_to_be_on_or_off_and_why() -> None:
    platform = "apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {name: default}\nsources: {cadvisor: {enabled: false}, dcgm: {enabled: true}}\n"
    sources = {name: load(name, text.encode(), Sink()) for name, text in (("chat.yaml", REASONS), ("platform.yaml", platform))}
    said = explain_report.alerts(sources, "chat.yaml", None)
    assert said is not None
    lines = {line.split()[1].rstrip(":"): line.strip() for line in said.splitlines()[1:]}
    assert lines["ServiceDown"].startswith("on  ServiceDown: built-in default; told within 3m30s")
    assert lines["TargetDown"] == "off TargetDown: switched off at chat.yaml:8:27"
    assert lines["HighErrorRate"].startswith("on  HighErrorRate: it has numbers of its own at chat.yaml:9:")
    assert lines["GPUUtilizationHigh"].startswith("on  GPUUtilizationHigh: switched on at chat.yaml:10:")
    assert lines["ElevatedErrorRate"] == "off ElevatedErrorRate: off by default: an objective watches failed requests"
    assert lines["CPUThrottling"] == "off CPUThrottling: no source watches the containers"
    assert lines["ProbeFailing"] == "off ProbeFailing: the spec has no `probes`"
    assert lines["Odd"].startswith("on  Odd: the spec's own at chat.yaml:11:")
    assert set(lines) >= set(ALERTS)
    assert explain_report.alerts(sources, "platform.yaml", None) is None


def test_alerts_are_listed_by_the_command() -> None:
    done = obsc("explain", "specs/vision-triton.yaml:alerts", "--env", "prod")
    assert done.returncode == 0, done.stderr
    assert re.search(r"on  HighInferenceLatency: it has a threshold at specs/vision-triton\.yaml:29:43; told within", done.stdout)
