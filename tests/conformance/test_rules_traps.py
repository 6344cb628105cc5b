"""Alerts where they are easily wrong: exporters that are there twice, services at rest, series that begin late.

The rules are those of out/, or of specs that are written here and compiled for the test.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import tools
from conformance.outages import Case, judged, twice
from conformance.records import Consumers
from obsc import pipeline
from obsc.diagnostics import Sink
from obsc.source import load

OUT = Path(__file__).parents[2] / "out/prod/artifacts"
CHAT, VISION, CLASSIC = "ai-prod/support-chat", "ai-prod/vision", "ai-services/ai-model-server"
HEAD = "apiVersion: obsc.dev/v1alpha1\nkind: AIService\nmetadata: {{name: {name}, namespace: ai-prod, team: t}}\n"
SPECS = {
    "idle": "runtime: {name: vllm, version: '0.15'}\nworkload: {replicas: {min: 0, max: 3}}\n",
    "outside": "runtime: {name: vllm, version: '0.15'}\nworkload: {kind: External}\n"
               "metrics: {staticConfigs: [{targets: ['vllm.ai-prod.svc:8000']}]}\n",
    "slow": "runtime: {name: custom}\nmetrics: {endpoints: [{interval: 2m}]}\n",
    "own": "runtime: {name: custom}\nmetrics:\n  series:\n"
           "    - {name: req_total, type: counter, signal: availability, labels: {status: [ok, error]}}\n"
           "    - {name: lat_seconds, type: histogram, signal: requestDuration, labels: {model: []}, buckets: [0.5, 1, 5]}\n"
           "alerts: {rules: {HighInferenceLatency: {threshold: 1s}, NoReadyReplicas: {for: 1m}}}\n",
}
STATE = 'job="kube-state-metrics",namespace="ai-prod"'
KUBELET = 'job="kubelet",metrics_path="/metrics/cadvisor",namespace="ai-prod"'
RESTARTS, KILLED = "kube_pod_container_status_restarts_total", "kube_pod_container_status_last_terminated_reason"


def target(service: str) -> str:
    return f'job="{service}",namespace="ai-prod",service="{service}"'


def pod(service: str, end: str = "x2x4z") -> str:
    return f"{service}-6c9f7d8b5d-{end}"


def up(service: str, values: str, *, end: str = "x2x4z") -> dict[str, str]:
    return {f'up{{{target(service)},pod="{pod(service, end)}",instance="{end}:8000"}}': values}


def state(service: str, metric: str, values: str, more: str = "", *, end: str = "x2x4z") -> dict[str, str]:
    return {f'{metric}{{{STATE},pod="{pod(service, end)}",uid="{end}"{more}}}': values}


def running(service: str, values: str = "1x200", *, started: int = -100000, end: str = "x2x4z") -> dict[str, str]:
    return (state(service, "kube_pod_start_time", values.replace("1", str(started), 1), end=end)
            | state(service, "kube_pod_status_phase", values, ',phase="Running"', end=end))


def replicas(service: str, available: str, wanted: str) -> dict[str, str]:
    labels = f'{STATE},deployment="{service}"'
    return {f"kube_deployment_status_replicas_available{{{labels}}}": available,
            f"kube_deployment_spec_replicas{{{labels}}}": wanted}


def container(metric: str, service: str, values: str, *, labels: str = STATE, name: str = "vllm", more: str = "") -> dict[str, str]:
    return {f'{metric}{{{labels},pod="{pod(service)}",container="{name}"{more}}}': values}


def engine(service: str, metric: str, values: str) -> dict[str, str]:
    return {f'{metric}{{{target(service)},pod="{pod(service)}",model_name="llama",engine="0"}}': values}


def triton(model: str, metric: str, values: str, more: str = "") -> dict[str, str]:
    return {f'{metric}{{{target("vision")},pod="{pod("vision")}",model="{model}",version="1"{more}}}': values}


def missing(metric: str) -> str:
    return f'metric="{metric}"'


HTTP = f'http_requests_total{{{target("support-chat")},pod="{pod("support-chat")}",method="POST",handler="/v1",status="2xx"}}'
FIRST, SUCCESS = "vllm:time_to_first_token_seconds_count", "vllm:request_success_total"
# The service at rest: nothing runs, and nothing is wanted.
AT_REST = replicas("idle", "0x200", "0x200")
AWAKE_AND_DOWN = replicas("idle", "0x60", "1x60") | running("idle", "1x60")



def served(end: str, start: str, length: int) -> dict[str, str]:
    """All that a healthy replica of the chat service shows: `start` samples of nothing, then `length` ones."""
    labels = f'{target("support-chat")},pod="{pod("support-chat", end)}",instance="{end}:8000"'
    own = f'pod="{pod("support-chat", end)}",container="vllm"'
    found = {
        f"up{{{labels}}}": f"{start}1x{length}", f"scrape_samples_post_metric_relabeling{{{labels}}}": f"{start}900x{length}",
        f'http_requests_total{{{labels},status="2xx",handler="/v1",method="POST"}}': f"{start}0+60x{length}",
        f'{SUCCESS}{{{labels},model_name="llama",engine="0",finished_reason="stop"}}': f"{start}0+60x{length}",
        f'{RESTARTS}{{{STATE},{own},uid="{end}"}}': f"{start}0x{length}",
        f'container_memory_working_set_bytes{{{KUBELET},{own},image="i"}}': f"{start}50x{length}",
        f'container_cpu_cfs_periods_total{{{KUBELET},{own},image="i"}}': f"{start}0+600x{length}",
        f'container_cpu_cfs_throttled_periods_total{{{KUBELET},{own},image="i"}}': f"{start}0+6x{length}",
        f'kube_pod_container_resource_limits{{{STATE},{own},node="n",resource="memory"}}': f"{start}100x{length}",
        f'kube_pod_status_phase{{{STATE},pod="{pod("support-chat", end)}",uid="{end}",phase="Running"}}': f"{start}1x{length}",
    }
    found |= {f'{FIRST.removesuffix("_count")}_bucket{{{labels},model_name="llama",engine="0",le="{bound}"}}': f"{start}0+60x{length}"
              for bound in ("0.5", "1.0", "+Inf")}
    found |= {f'{FIRST}{{{labels},model_name="llama",engine="0"}}': f"{start}0+60x{length}"}
    found |= {f'vllm:{name}{{{labels},model_name="llama",engine="0"}}': f"{start}{values}x{length}"
              for name, values in (("iteration_tokens_total_count", "0+3000"), ("num_preemptions_total", "0"), ("num_requests_running", "4"),
                                   ("num_requests_waiting", "0"), ("kv_cache_usage_perc", "0.5"))}
    # Two devices that are well: the fault of which the exporter last heard is none.
    devices = [f'exported_namespace="ai-prod",exported_pod="{pod("support-chat", end)}",gpu="{gpu}",UUID="{end}{gpu}"' for gpu in (0, 1)]
    found |= {f"DCGM_FI_DEV_GPU_TEMP{{{device}}}": f"{start}60x{length}" for device in devices}
    return found | {f'DCGM_FI_DEV_XID_ERRORS{{{device},err_code="0",err_msg="No Error"}}': f"{start}0x{length}" for device in devices}


def born(end: str, minute: int, start: str, length: int) -> dict[str, str]:
    return {f'kube_pod_start_time{{{STATE},pod="{pod("support-chat", end)}",uid="{end}"}}': f"{start}{minute * 60}x{length}"}


# The old replica goes before the new one comes, which loads its model for eight minutes; all counters begin anew.
RECREATED = (served("x2x4z", "", 60) | born("x2x4z", -1000, "", 60) | served("bbbbb", "_x69 ", 100) | born("bbbbb", 61, "_x61 ", 108)
             | {f'kube_pod_status_phase{{{STATE},pod="{pod("support-chat", "bbbbb")}",uid="bbbbb",phase="Running"}}': "_x61 1x108",
                f'up{{{target("support-chat")},pod="{pod("support-chat", "bbbbb")}",instance="bbbbb:8000"}}': "_x61 0x7 1x100"}
             | replicas("support-chat", "1x60 0x8 1x100", "1x170"))
STEADY = served("x2x4z", "", 170) | born("x2x4z", -1000, "", 170) | served("bbbbb", "", 170) | born("bbbbb", -1000, "", 170)

CASES = (
    # Nothing is wrong: nobody is woken.
    Case("two healthy replicas", CHAT, ".+", STEADY | replicas("support-chat", "2x170", "2x170"), silent=(5, 30, 90, 160)),
    Case("two healthy replicas of which one starts anew", CHAT, ".+", STEADY | served("bbbbb", "_x60 ", 100) | replicas("support-chat", "2x170", "2x170"),
         silent=(58, 62, 70, 80, 120)),
    Case("another pod takes over", CHAT, ".+", RECREATED, silent=(58, 62, 64, 66, 68, 72, 75, 80, 90, 120, 160)),
    twice(Case("two healthy replicas", CHAT, ".+", STEADY | replicas("support-chat", "2x170", "2x170"), silent=(30, 90, 160)), "replica"),

    # Two instances of an exporter report everything twice, and each event is still one.
    twice(Case("two restarts", CHAT, "ContainerRestarting",
               container(RESTARTS, "support-chat", "0x10 1x10 2x60", more=',uid="u"'), silent=(15, 30, 60)), "instance"),
    twice(Case("three restarts", CHAT, "ContainerRestarting",
               container(RESTARTS, "support-chat", "0x10 1x10 2x10 3x60", more=',uid="u"'), fires=(45,)), "instance"),
    twice(Case("killed by the kernel", CHAT, "ContainerOOMKilled",
               container(RESTARTS, "support-chat", "0x10 1x30", more=',uid="u"')
               | container(KILLED, "support-chat", "_x10 1x30", more=',uid="u",reason="OOMKilled"'), fires=(12,), silent=(5,)), "instance"),
    twice(Case("none available", CHAT, "NoReadyReplicas", replicas("support-chat", "2x5 0x30", "2x35"), fires=(20,), silent=(5,)),
          "instance"),
    twice(Case("a pod that loads its model", CHAT, "ServiceDown", up("support-chat", "0x20") | running("support-chat", started=60),
               silent=(3, 8, 10)), "replica"),
    twice(Case("close to the limit", CHAT, "MemoryNearLimit",
               container("container_memory_working_set_bytes", "support-chat", "95x40", labels=KUBELET)
               | container("kube_pod_container_resource_limits", "support-chat", "100x40", more=',node="n",resource="memory"'),
               fires=(20,)), "instance"),

    # A service that may scale to zero is down only when somebody wants it up.
    Case("scaled to zero", "idle", "ServiceDown", AT_REST, silent=(5, 60, 150)),
    Case("scaled to zero", "idle", "NoReadyReplicas", AT_REST, silent=(60,)),
    Case("scaled to zero", "idle", "ReplicasBelowDesired", AT_REST, silent=(60,)),
    Case("scaled to zero", "idle", "MetricMissing", AT_REST, silent=(20, 60, 150)),
    Case("wanted, and no target is left", "idle", "ServiceDown", AWAKE_AND_DOWN, fires=(20,), silent=(5,)),
    Case("wanted, and none is available", "idle", "NoReadyReplicas", AWAKE_AND_DOWN, fires=(20,)),
    Case("scaled to zero against its spec", CHAT, "ServiceDown", replicas("support-chat", "0x60", "0x60"), fires=(10,)),

    # A metric is missing only where something could report it.
    Case("no target is left", CHAT, "MetricMissing", up("support-chat", "1x10 _x60") | engine("support-chat", FIRST, "0+60x10 _x60"),
         silent=(30, 60), where=missing("vllm:time_to_first_token_seconds")),
    Case("every target is down", CHAT, "MetricMissing", up("support-chat", "1x10 0x60") | engine("support-chat", FIRST, "0+60x10 _x60"),
         silent=(30, 60), where=missing("vllm:time_to_first_token_seconds")),
    Case("renamed", CHAT, "MetricMissing", up("support-chat", "1x70") | engine("support-chat", FIRST, "0+60x10 _x60"),
         fires=(30,), silent=(15,), where=missing("vllm:time_to_first_token_seconds")),
    Case("no pod is left", CHAT, "MetricMissing", replicas("support-chat", "0x60", "1x60"), silent=(30, 60),
         where='metric=~"container_.*|kube_pod_.*|DCGM_.*"'),
    Case("pods that nobody measures", CHAT, "MetricMissing", replicas("support-chat", "1x60", "1x60"), fires=(30,),
         where=missing("container_memory_working_set_bytes")),
    Case("pods that nobody measures", CHAT, "MetricMissing", replicas("support-chat", "1x60", "1x60"), fires=(30,),
         where=missing("DCGM_FI_DEV_GPU_TEMP")),
    Case("the cluster's state is gone", CHAT, "MetricMissing", up("support-chat", "1x60"), fires=(30,),
         where=missing("kube_deployment_spec_replicas")),

    # Counters that begin with their first request.
    Case("a new service without a request", CHAT, "MetricMissing",
         up("support-chat", "1x200") | engine("support-chat", SUCCESS, "0x200"), silent=(10, 70, 190), where=missing("http_requests_total")),
    Case("a restart in a quiet night", CHAT, "MetricMissing",
         up("support-chat", "1x400") | engine("support-chat", SUCCESS, "5x10 0x390") | {HTTP: "5x10 _x390"}, silent=(100, 390),
         where=missing("http_requests_total")),
    Case("requests that the counter does not see", CHAT, "MetricMissing",
         up("support-chat", "1x200") | engine("support-chat", SUCCESS, "0+60x200") | {HTTP: "0+60x30 _x170"}, fires=(110,), silent=(60,),
         where=missing("http_requests_total")),
    Case("no request for a day", "own", "MetricMissing", up("own", "1x1600"), fires=(1500,), silent=(100, 1400), where=missing("req_total")),
    Case("a name that the program does not have", "own", "MetricMissing",
         up("own", "1x200") | {f'lat_seconds_count{{{target("own")},model="m"}}': "0+60x200"}, fires=(90,), where=missing("req_total")),

    # One of several models is gone, or was never called so.
    Case("one of two models", VISION, "MetricMissing",
         up("vision", "1x60") | triton("resnet50", "nv_inference_request_success", "0+60x60"), fires=(30,),
         where=missing("nv_inference_request_success") + ',model="yolo-v8"'),
    Case("one of two models", VISION, "MetricMissing",
         up("vision", "1x60") | triton("resnet50", "nv_inference_request_success", "0+60x60"), silent=(30,),
         where=missing("nv_inference_request_success") + ',model="resnet50"'),
    Case("answers in one piece", VISION, "MetricMissing",
         up("vision", "1x100") | triton("resnet50", "nv_inference_request_success", "0+60x100")
         | triton("yolo-v8", "nv_inference_request_success", "0+60x100"), silent=(30, 90),
         where=missing("nv_inference_first_response_histogram_ms")),

    # A label of the service changed: for a while the recorded series are there twice.
    Case("errors after another team took over", CHAT, "SLOBurnFast",
         {HTTP: "0+60x90", HTTP.replace("2xx", "5xx"): "0+3x90"}
         | {f'slo:sli_{name}:rate5m{{namespace="ai-prod",sloth_id="ai-prod/support-chat/availability",team="former"}}': f"{value}x10 stale"
            for name, value in (("events", 1), ("errors", 0.05))}, fires=(25, 60), where='slo="availability"'),

    # Targets that are down bring no samples; that is no lost series.
    Case("two of three targets are down", CHAT, "ScrapeSamplesDropped",
         {f'{metric}{{{target("support-chat")},instance="{one}"}}': values for one, down in (("a", "0x60"), ("b", "0x60"), ("c", "1x60"))
          for metric, values in (("up", f"1x60 {down}"),
                                 ("scrape_samples_post_metric_relabeling", f"1000x60 {down.replace('1', '1000', 1)}"))},
         silent=(80, 100)),

    # Nothing tells a start from an outage but time, and one scrape that fails is no outage.
    Case("a target outside that loads its model", "outside", "TargetDown", up("outside", "1x10 0x11 1x60"), silent=(19, 21, 30)),
    Case("one scrape of a slow endpoint", "slow", "ServiceDown", up("slow", "1x10 0 0 0 1x60") | running("slow"), silent=(11, 12, 13, 14)),
    Case("a slow endpoint that is down", "slow", "ServiceDown", up("slow", "1x10 0x60") | running("slow"), fires=(16,)),
    Case("as fast as its spec says", "own", "NoReadyReplicas", replicas("own", "1x4 0x30", "1x35"), fires=(6,), silent=(5,)),
)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the rules of SPECS."""
    folder = tmp_path_factory.mktemp("compiled")
    sink = Sink()
    sources = {f"{name}.yaml": load(f"{name}.yaml", (HEAD.format(name=name) + text).encode(), sink) for name, text in SPECS.items()}
    tree = pipeline.compile_specs(sources, sink).tree
    assert not sink.failed, [one.message for one in sink]
    for name in SPECS:
        (folder / name).mkdir()
        (folder / name / "rules.yaml").write_bytes(tree[f"default/artifacts/ai-prod/{name}/rules.yaml"])
    return folder


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_an_alert_where_it_is_easily_wrong(case: Case, tool: Callable[[str], Path], consumers: Consumers, compiled: Path,
                                           tmp_path: Path) -> None:
    folder = compiled if case.service in SPECS else OUT
    judged(case, folder / case.service / "rules.yaml", tool("promtool"), tmp_path).require()
    consumers.record("promtool test rules", tools.version("promtool"), 1)
