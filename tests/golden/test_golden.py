"""What specs compile to, kept as files that people read. `make golden` accepts what changed: read the difference first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest
from pytest_snapshot.plugin import Snapshot

from obsc import inputs, pipeline
from obsc.diagnostics import Severity, Sink

HERE = Path(__file__).parent
# Each case and which of its outputs are worth reading there.
CASES = {
    "filebeat": ("*/artifacts/ai/*/filebeat.yaml", "*/artifacts/platform/filebeat.yml", "*/filebeat-daemonset.yaml"),
    "collector": ("*/artifacts/platform/collector.yaml", "v159-three/manifests/platform/collector-[!c]*",
                  "v159-operator/manifests/platform/collector.yaml"),
    "discovery": ("files/artifacts/ai/*/scrape.yaml", "operator/manifests/ai/*/scrape-*.yaml",
                  "operator/manifests/ai/*/kustomization.yaml", "operator/manifests/kustomization.yaml"),
    "versions": ("golden/artifacts/ai/chat-any/rules.yaml", "golden/artifacts/ai/*/queries.txt"),
    "models": ("golden/artifacts/ai/*/[!.]*", "golden/artifacts/platform/alertmanager.yml"),
    "statefulset": ("golden/artifacts/ai/*/rules.yaml", "golden/artifacts/ai/*/filebeat.yaml"),
    "workloads": ("files/artifacts/ai/*/rules.yaml", "files/artifacts/ai/*/tests.yaml", "files/artifacts/ai/*/scrape.yaml",
                  "files/artifacts/ai/*/filebeat.yaml", "files/artifacts/ai/sites/part.json", "operator/manifests/ai/*/scrape-*.yaml"),
    "prometheus": ("*/artifacts/platform/prometheus.yml", "*/artifacts/ai/*/scrape.yaml", "v3/manifests/platform/prometheus-cl*"),
}
Tree = dict[str, "Tree | str"]


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_as_committed(case: str, snapshot: Snapshot) -> None:
    snapshot.snapshot_dir = HERE / "snapshots"
    snapshot.assert_match_dir(_nested(_chosen(_compiled(case), CASES[case])), case)


def test_every_case_is_compiled() -> None:
    assert {path.name for path in (HERE / "cases").iterdir()} == set(CASES)
    assert {path.name for path in (HERE / "snapshots").iterdir()} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_every_pattern_chooses_something(case: str) -> None:
    tree = _compiled(case)
    assert [pattern for pattern in CASES[case] if not _chosen(tree, (pattern,))] == []


def _compiled(case: str) -> Mapping[str, bytes]:
    folder, sink = HERE / "cases" / case, Sink()
    sources = inputs.gather([folder], sink)
    compiled = pipeline.compile_specs(sources, sink)
    assert [one.message for one in sink if one.severity is Severity.ERROR] == []
    return {**compiled.tree, **{path.replace("dashboard.json", "queries.txt"): _queries(raw)
                                for path, raw in compiled.tree.items() if path.endswith("/dashboard.json")}}


def _queries(dashboard: bytes) -> bytes:
    """What the panels of a dashboard ask, without the hundreds of lines on how they draw it."""
    panels = json.loads(dashboard)["panels"]
    flat = [inner for panel in panels for inner in (panel, *panel.get("panels", ()))]
    return "".join(f"{panel['title']}: {target['expr']}\n" for panel in flat for target in panel.get("targets", ())).encode()


def _chosen(tree: Mapping[str, bytes], patterns: tuple[str, ...]) -> dict[str, str]:
    return {path: tree[path].decode() for path in sorted(tree) if any(fnmatch(path, pattern) for pattern in patterns)}


def _nested(files: Mapping[str, str]) -> Tree:
    """Folders as mappings, which is how the plugin wants them."""
    root: Tree = {}
    for path, text in files.items():
        *folders, name = path.split("/")
        at = root
        for folder in folders:
            inner = at.setdefault(folder, {})
            assert isinstance(inner, dict)
            at = inner
        at[name] = text
    return root
