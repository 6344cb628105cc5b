"""Why something is as it is: values know their layer and place, and lines what they come from."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from obsc import explain, pipeline
from obsc.alternatives import alternatives
from obsc.diagnostics import Sink
from obsc.source import Source, load
from obsc.spec.service import AIService

ROOT = Path(__file__).parents[1]
LINES = 500
SERVICES = {"support-chat": "support-chat", "vision-triton": "vision", "ai-model-server": "ai-model-server"}  # file, name


def shipped(service: str) -> dict[str, Source]:
    paths = [ROOT / f"specs/{service}.yaml", *sorted((ROOT / "specs/platforms").glob("*.yaml"))]
    return {path.relative_to(ROOT).as_posix(): load(path.relative_to(ROOT).as_posix(), path.read_bytes(), Sink()) for path in paths}


def obsc(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "obsc", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[Mapping[str, bytes], list[explain.Influence]]]:
    """For each shipped service its outputs in production, and what each of its written values causes."""
    result = {}
    for service in SERVICES:
        sources = shipped(service)
        tree = explain.tree(sources, "prod")
        assert tree is not None
        result[service] = (tree, list(explain.influences(sources, explain.written(sources), "prod")))
    return result


def test_random_lines_have_a_place_or_a_default_and_the_place_decides(
        found: dict[str, tuple[Mapping[str, bytes], list[explain.Influence]]]) -> None:
    rng = random.Random(20261125)
    placed = defaults = 0
    for service, (tree, influences) in found.items():
        sources = shipped(service)
        lines = [(path, number) for path, raw in tree.items() if f"/{SERVICES[service]}/" in path
                 for number in range(1, raw.count(b"\n") + 1)]
        proved = set()
        for path, number in rng.sample(lines, LINES // len(SERVICES) + 1):
            hits = explain.causes(influences, path, number)
            if not hits:
                defaults += 1
                assert explain.default_of(path)
                continue
            placed += 1
            narrowest = hits[0]
            assert narrowest.leaf.place.line > 0
            # Proved anew for some: another value there changes that very line.
            if narrowest.leaf not in proved and len(proved) < 4:
                proved.add(narrowest.leaf)
                again = explain.influence(sources, narrowest.leaf, tree, "prod")
                assert again is not None
                assert number in again.lines[path]
    print(f"{placed} lines with a place, {defaults} defaults")
    assert placed + defaults >= LINES
    assert placed > 100


def test_a_threshold_is_found_behind_its_line(found: dict[str, tuple[Mapping[str, bytes], list[explain.Influence]]]) -> None:
    tree, influences = found["ai-model-server"]
    path = "prod/artifacts/ai-services/ai-model-server/rules.yaml"
    number = next(number for number, line in enumerate(tree[path].decode().split("\n"), 1) if "histogram_quantile(0.95" in line)
    narrowest = explain.causes(influences, path, number)[0].leaf
    assert narrowest.path[:3] == ("alerts", "rules", "HighInferenceLatency")


def test_a_default_is_called_by_the_key_that_would_change_it() -> None:
    sources = shipped("support-chat")
    path = "prod/artifacts/ai-prod/support-chat/rules.yaml"
    tree = explain.tree(sources, "prod")
    assert tree is not None
    lines = tree[path].decode().split("\n")
    start = next(number for number, line in enumerate(lines) if "alert: ServiceDown" in line)
    number = next(number for number in range(start, len(lines)) if "for:" in lines[number]) + 1
    hint = explain.suggested(sources, [one for one in explain.unwritten(sources, ["ServiceDown"]) if "alerts" in one.path], path, number)
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
    kept = explain.concerned(every, "prod/artifacts/ai-prod/support-chat/rules.yaml")
    assert [name for name, source in kept.items() if source.documents and "platforms" not in name] == ["specs/support-chat.yaml"]
    assert explain.concerned(every, "prod/manifests/platform/kustomization.yaml") == every
    assert pipeline.resolved(every, Sink())
