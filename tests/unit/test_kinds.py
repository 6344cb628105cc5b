"""Kinds of workload: pods of each are told by name and label as their operators make them, and replicas are counted."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest
from tests.conftest import Compile
from tests.samples import PLATFORM, SPEC, rules, told
from tests.samples import read as data

from obsc.catalog.kinds import known, pod_pattern, replica_counts
from obsc.catalog.kinds.form import read
from obsc.diagnostics import Sink

RAW = (files("obsc.catalog.kinds") / "workloads.yaml").read_bytes()
# Kind, name, pods that are its own, and pods beside them that are not.
PODS = [
    ("Deployment", "chat", ["chat-7d9c8b6f5d-x2k4z", "chat-b-bcdfg"], ["chat-0", "chat-v2-7d9c8b6f5d-x2k4z", "chat", "xchat-7d9c8b6f5d-x2k4z"]),
    # 58 characters of the ReplicaSet's name with its dash, and five random ones.
    ("Deployment", "c" * 50, ["c" * 50 + "-7d9c8b6x2k4z"], ["c" * 45 + "-7d9c8b6f5d-x2k4z"]),
    ("StatefulSet", "chat", ["chat-0", "chat-12"], ["chat-a", "chat-0-1"]),
    ("DaemonSet", "chat", ["chat-x2k4z"], ["chat-7d9c8b6f5d-x2k4z"]),
    ("LeaderWorkerSet", "chat", ["chat-0", "chat-3-1"], ["chat-0-1-2", "chat-v2-0"]),
    ("RayService", "chat", ["chat-x2k4z-head", "chat-x2k4z-head-bcdfg", "chat-x2k4z-gpu-group-worker-bcdfg", "chat-x2k4z-worker-bcdfg",
                            "chat-raycluster-x2k4z-head-bcdfg", "chat-raycluster-x2k4z-small-worker-bcdfg"],
     ["chat-x2k4z", "chat-prod-x2k4z-head-bcdfg", "chat-v2-x2k4z-g-worker-bcdfg", "chat-head-bcdfg"]),
    # Cluster `<46>-x2k4z` is cut to 50 characters.
    ("RayService", "c" * 46, ["c" * 46 + "-x2k-head-bcdfg", "c" * 46 + "-x2k-worker-bcdfg"], ["c" * 46 + "-x2k4z-head-bcdfg"]),
    ("InferenceService", "chat", ["chat-predictor-7d9c8b6f5d-x2k4z", "chat-predictor-00001-deployment-7d9c8b6f5d-x2k4z",
                                  "chat-predictor-default-00012-deployment-7d9c8b6f5d-x2k4z", "chat-predictor-worker-7d9c8b6f5d-x2k4z"],
     ["chat-transformer-7d9c8b6f5d-x2k4z", "chat-7d9c8b6f5d-x2k4z", "chat-two-predictor-7d9c8b6f5d-x2k4z"]),
    # `<23>-predictor-00001-deployment-7d9c8b6f5d-` has 62 characters, of which 58 survive.
    ("InferenceService", "support-chat-prod-model", ["support-chat-prod-model-predictor-00001-deployment-7d9c8b6x2k4z"],
     ["support-chat-prod-model-transformer-00001-deployment-7d9c8bx2k4z"]),
    ("LLMInferenceService", "chat", ["chat-kserve-7d9c8b6f5d-x2k4z", "chat-kserve-prefill-7d9c8b6f5d-x2k4z", "chat-kserve-mn-0", "chat-kserve-mn-0-1",
                                     "chat-kserve-mn-prefill-0-2"], ["chat-kserve-router-scheduler-7d9c8b6f5d-x2k4z", "chat-0"]),
    ("NIMService", "chat", ["chat-7d9c8b6f5d-x2k4z", "chat-lws-0", "chat-lws-0-1"], ["chat-0"]),
]


@pytest.mark.parametrize(("kind", "name", "own", "others"), PODS, ids=[f"{kind}-{len(name)}" for kind, name, _, _ in PODS])
def test_pods_are_told_by_their_names(kind: str, name: str, own: list[str], others: list[str]) -> None:
    pattern = re.compile(pod_pattern(kind, name))
    assert [one for one in own if not pattern.fullmatch(one)] == []
    assert [one for one in others if pattern.fullmatch(one)] == []


def test_several_objects_and_globs() -> None:
    pattern = re.compile(pod_pattern("Deployment", ("chat-a", "search-*")))
    assert all(map(pattern.fullmatch, ("chat-a-7d9c8b6f5d-x2k4z", "search-eu.west-7d9c8b6f5d-x2k4z")))
    assert not any(map(pattern.fullmatch, ("chat-7d9c8b6f5d-x2k4z", "search-7d9c8b6f5d_x2k4z")))
    [count] = replica_counts("Deployment", ("chat-a", "search-*"))
    assert count.names == "(?:chat-a|search-[a-z0-9.-]*)"


def test_what_has_no_object_has_no_pods() -> None:
    assert [pod_pattern(kind, "chat") for kind in ("External", "None")] == ["", ""]
    assert replica_counts("RayService", ("chat",)) == ()


def test_every_kind_says_where_its_facts_are_from() -> None:
    form = data(RAW)
    assert [one["name"] for one in form["kinds"] if not one["sources"]] == []
    assert tuple(known()) == tuple(one["name"] for one in form["kinds"])


@pytest.mark.parametrize(("old", "new", "code", "where"), [
    ("kinds:\n", "kinds:\n  - {name: Odd, sources: [{name: x}]}\n", "R280", "name: Odd"),
    ("kind: StatefulSet}]", "kind: StatefulSets}]", "R280", "kind: StatefulSets}"),
    ('end: "-%{5}"', 'end: "(-%{5}"', "R280", '"(-%{5}"'),
    ("  - name: DaemonSet", "  - name: StatefulSet # twice", "R280", "# twice"),
    ("    longest: 47\n", "", "R280", "shared: true"),
    ("replicas: {label: statefulset,", "replica: {label: statefulset,", "V101", "replica: "),
    ("most: 46", "most: many", "V104", "most: many"),
    ("  - name: DaemonSet\n    replicas", "  - replicas", "V103", "  - replicas"),
])
def test_a_mistake_is_told_at_its_line(old: str, new: str, code: str, where: str) -> None:
    text = RAW.decode()
    assert old in text
    changed, sink = text.replace(old, new, 1), Sink()
    assert read("kinds.yaml", changed.encode(), sink) is None
    assert told(list(sink)) == [(code, changed[:changed.index(where)].count("\n") + 1)]


# What each kind's pods are found by, as a Kubernetes label selector, and what counts its replicas.
FOUND = {
    "Deployment": ("app.kubernetes.io/name=chat", ["kube_deployment_status_replicas_available"]),
    "LeaderWorkerSet": ("leaderworkerset.sigs.k8s.io/name=chat,leaderworkerset.sigs.k8s.io/worker-index=0",
                        ["kube_statefulset_status_replicas_available"]),
    "RayService": ("ray.io/is-ray-node=yes", []),
    "InferenceService": ("component=predictor,serving.kserve.io/inferenceservice=chat", ["kube_deployment_status_replicas_available"]),
    "LLMInferenceService": ("app.kubernetes.io/name=chat,kserve.io/component=workload",
                            ["kube_deployment_status_replicas_available", "kube_statefulset_status_replicas_available"]),
    "NIMService": ("app in (chat,chat-lws)", ["kube_deployment_status_replicas_available", "kube_statefulset_status_replicas_available"]),
}


@pytest.mark.parametrize("kind", FOUND)
def test_pods_are_discovered_and_replicas_counted(kind: str, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"s.yaml": SPEC + f"workload: {{kind: {kind}}}\n", "p.yaml": PLATFORM})
    assert told(found) == []
    selector, series = FOUND[kind]
    job = scrape(compiled.tree)
    assert job["kubernetes_sd_configs"][0]["selectors"] == [{"role": "pod", "label": selector}]
    alerts = {rule["alert"]: rule["expr"] for rule in rules(compiled.tree) if "alert" in rule}
    assert "ServiceDown" in alerts
    assert [one for one in series if one not in alerts.get("NoReadyReplicas", "")] == []
    assert ("NoReadyReplicas" in alerts) is ("ReplicasBelowDesired" in alerts) is bool(series)
    left_out = {one.message for one in found if one.code == "S331" and "counts the replicas" in one.message}
    assert len(left_out) == (0 if series else 2)


def test_pods_that_no_label_tells_apart_are_kept_by_name(compile_texts: Compile) -> None:
    compiled, _ = compile_texts({"s.yaml": SPEC + "workload: {kind: RayService}\n", "p.yaml": PLATFORM})
    [keep] = [step for step in scrape(compiled.tree)["relabel_configs"] if step.get("source_labels") == ["__meta_kubernetes_pod_name"]
              and step.get("action") == "keep"]
    assert re.fullmatch(keep["regex"], "chat-x2k4z-head-bcdfg")
    own = "workload: {kind: RayService, selector: {app: chat}}\n"
    compiled, _ = compile_texts({"s.yaml": SPEC + own, "p.yaml": PLATFORM})
    assert [step for step in scrape(compiled.tree)["relabel_configs"] if step.get("action") == "keep"] == []


@pytest.mark.parametrize(("kind", "container"), [("InferenceService", "kserve-container"), ("LLMInferenceService", "main"), ("NIMService", "chat-ctr")])
def test_the_serving_container_is_called_as_the_operator_calls_it(kind: str, container: str, compile_texts: Compile) -> None:
    compiled, _ = compile_texts({"s.yaml": SPEC + f"workload: {{kind: {kind}}}\n", "p.yaml": PLATFORM})
    [rule] = [rule for rule in rules(compiled.tree) if rule.get("alert") == "ContainerRestarting"]
    assert f'container="{container}"' in rule["expr"]


def scrape(tree: Any) -> Any:  # noqa: ANN401
    """The scrape job of the service."""
    return data(tree["default/artifacts/ai/chat/scrape.yaml"])["scrape_configs"][0]
