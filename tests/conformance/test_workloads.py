"""Kinds of workload, several objects and several namespaces: promtool runs what is compiled for them, and outages of each are told.

The rules are those of the golden case `workloads`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import checks, tools
from conformance.outages import Case, judged
from conformance.records import Consumers

GOLDEN = Path(__file__).parents[1] / "golden/snapshots/workloads/files/artifacts/ai"
STATE = 'job="kube-state-metrics"'


def up(service: str, values: str, namespace: str = "ai", instance: str = "a") -> dict[str, str]:
    return {f'up{{job="{service}",namespace="{namespace}",service="{service}",pod="{instance}",instance="{instance}"}}': values}


def replicas(kind: str, name: str, available: str, wanted: str, namespace: str = "ai") -> dict[str, str]:
    spec = {"deployment": "kube_deployment_spec_replicas", "statefulset": "kube_statefulset_replicas"}[kind]
    labels = f'{STATE},namespace="{namespace}",{kind}="{name}"'
    return {f"kube_{kind}_status_replicas_available{{{labels}}}": available, f"{spec}{{{labels}}}": wanted}


def old_pod(pod: str, namespace: str = "ai") -> dict[str, str]:
    labels = f'{STATE},namespace="{namespace}",pod="{pod}",uid="u"'
    return {f"kube_pod_start_time{{{labels}}}": "-100000x90", f'kube_pod_status_phase{{{labels},phase="Running"}}': "1x90"}


CASES = (
    Case("no leader is ready", "lws", "NoReadyReplicas", replicas("statefulset", "lws", "2x5 0x40", "2x45"), fires=(30,), silent=(4,)),
    Case("a leader's own workers are no leaders", "lws", "NoReadyReplicas",
         replicas("statefulset", "lws", "2x45", "2x45") | replicas("statefulset", "lws-0", "0x45", "3x45"), silent=(30,)),
    Case("nothing of a cluster answers", "ray", "ServiceDown", up("ray", "0x45") | old_pod("ray-x2k4z-head-bcdfg"), fires=(20,)),
    Case("a cluster that comes up", "ray", "ServiceDown", up("ray", "0x20") |
         {f'kube_pod_start_time{{{STATE},namespace="ai",pod="ray-x2k4z-gpu-worker-bcdfg",uid="u"}}': "60x20",
          f'kube_pod_status_phase{{{STATE},namespace="ai",pod="ray-x2k4z-gpu-worker-bcdfg",uid="u",phase="Running"}}': "1x20"}, silent=(5, 8)),
    Case("a worker of another service restarts", "ray", "ContainerRestarting",
         {f'kube_pod_container_status_restarts_total{{{STATE},namespace="ai",pod="ray-two-x2k4z-g-worker-bcdfg",container="c"}}': "0+1x60"},
         silent=(50,)),
    Case("a worker restarts", "ray", "ContainerRestarting",
         {f'kube_pod_container_status_restarts_total{{{STATE},namespace="ai",pod="ray-x2k4z-g-worker-bcdfg",container="c"}}': "0+1x60"},
         fires=(50,)),
    Case("pods are gone from the cluster's state while targets answer", "ray", "MetricMissing", up("ray", "1x90"), fires=(40,),
         where='metric="kube_pod_container_status_restarts_total"'),
    Case("nothing is there at all", "ray", "MetricMissing", {}, silent=(40,), where='metric="kube_pod_container_status_restarts_total"'),
    Case("an old revision is at rest", "kserve", "NoReadyReplicas", replicas("deployment", "sentiment-predictor-00001-deployment", "0x45", "0x45") |
         replicas("deployment", "sentiment-predictor-00002-deployment", "2x45", "2x45"), silent=(30,)),
    Case("no predictor is ready", "kserve", "NoReadyReplicas", replicas("deployment", "intent-de-predictor", "0x45", "2x45"), fires=(30,)),
    Case("another service's predictor", "kserve", "NoReadyReplicas", replicas("deployment", "topics-predictor", "0x45", "2x45"), silent=(30,)),
    Case("on one node", "llm-d", "NoReadyReplicas", replicas("deployment", "llm-d-kserve", "0x45", "1x45"), fires=(30,)),
    Case("over several nodes", "llm-d", "NoReadyReplicas", replicas("statefulset", "llm-d-kserve-mn", "0x45", "1x45"), fires=(30,)),
    Case("half of it", "llm-d", "ReplicasBelowDesired", replicas("deployment", "llm-d-kserve", "1x60", "1x60") |
         replicas("deployment", "llm-d-kserve-prefill", "0x60", "1x60"), fires=(50,)),
    Case("one kind of object is enough", "llm-d", "MetricMissing", replicas("statefulset", "llm-d-kserve-mn", "1x60", "1x60"), silent=(50,),
         where='metric=~"kube_deployment.*"'),
    Case("one site is down", "sites", "ServiceDown", up("sites", "1x45", "ai-eu") | up("sites", "0x45", "ai-us") | old_pod("sites-a-bcdfg", "ai-us"),
         fires=(30,), where='namespace="ai",workload_namespace="ai-us"'),
    Case("the other site is up", "sites", "ServiceDown", up("sites", "1x45", "ai-eu") | up("sites", "0x45", "ai-us"),
         silent=(30,), where='workload_namespace="ai-eu"'),
    Case("one site is gone", "sites", "ServiceDown", up("sites", "1x45", "ai-eu"), fires=(30,), where='workload_namespace="ai-us"'),
    Case("both sites are down", "sites", "ServiceDown", up("sites", "0x45", "ai-eu") | up("sites", "0x45", "ai-us"), fires=(30,),
         where='workload_namespace=~"ai-eu|ai-us"'),
    Case("another tenant's namespace", "everywhere", "ServiceDown", up("everywhere", "1x45", "ai-x") | up("everywhere", "0x45", "web"), silent=(30,)),
    Case("one of those that a glob means", "everywhere", "ServiceDown", up("everywhere", "1x45", "ai-x") | up("everywhere", "0x45", "ai-y"),
         fires=(30,), where='workload_namespace="ai-y"'),
)


def test_promtool_takes_the_rules(tool: Callable[[str], Path], consumers: Consumers) -> None:
    files = sorted(GOLDEN.glob("*/rules.yaml"))
    assert len(files) == 7
    checks.promtool_check_rules(tool("promtool"), files).require()
    consumers.record("promtool check rules", tools.version("promtool"), len(files))


@pytest.mark.parametrize("case", CASES, ids=[f"{case.service}: {case.title}" for case in CASES])
def test_an_outage_of_each_is_told(case: Case, tool: Callable[[str], Path], consumers: Consumers, tmp_path: Path) -> None:
    judged(case, GOLDEN / case.service / "rules.yaml", tool("promtool"), tmp_path).require()
    consumers.record("promtool test rules", tools.version("promtool"), 1)


def test_tests_of_a_team_run(tool: Callable[[str], Path], consumers: Consumers, tmp_path: Path) -> None:
    for name in ("rules.yaml", "tests.yaml"):
        (tmp_path / name).write_text((GOLDEN / "sites" / name).read_text())
    checks.promtool_test_rules(tool("promtool"), [tmp_path / "tests.yaml"]).require()
    wrong = (tmp_path / "tests.yaml").read_text().replace('values: "0+120x60"', 'values: "0+1x60"')
    (tmp_path / "tests.yaml").write_text(wrong)
    refusal = checks.promtool_test_rules(tool("promtool"), [tmp_path / "tests.yaml"]).refusal("ManyRefusals")
    consumers.record("promtool test rules", tools.version("promtool"), 1, refusal)
