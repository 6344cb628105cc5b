"""Alerts in the outages that they are for, judged by promtool: input series are written by hand, not taken from rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import tools
from conformance.outages import Case, judged
from conformance.records import Consumers

OUT = Path(__file__).parents[2] / "out/prod/artifacts"
CHAT, VISION, CLASSIC = "ai-prod/support-chat", "ai-prod/vision", "ai-services/ai-model-server"
POD = "support-chat-6c9f7d8b5d-x2x4z"
TARGET = 'job="support-chat",namespace="ai-prod",service="support-chat"'
STATE = 'job="kube-state-metrics",namespace="ai-prod"'
CONTAINER = f'pod="{POD}",container="vllm"'
AVAILABILITY, FIRST_TOKEN = 'slo="availability"', 'slo="first-token"'
KUBELET = 'job="kubelet",metrics_path="/metrics/cadvisor",namespace="ai-prod"'
CLASSIC_TARGET = 'job="ai-model-server",namespace="ai-services",service="ai-model-server"'


def old_pod(started: int = -100000) -> dict[str, str]:
    return {f'kube_pod_start_time{{{STATE},pod="{POD}",uid="u"}}': f"{started}x90",
            f'kube_pod_status_phase{{{STATE},pod="{POD}",uid="u",phase="Running"}}': "1x90",
            f'kube_pod_status_phase{{{STATE},pod="{POD}",uid="u",phase="Pending"}}': "0x90"}


def another_pod(name: str, started: int, phase: str) -> dict[str, str]:
    return {f'kube_pod_start_time{{{STATE},pod="support-chat-6c9f7d8b5d-{name}",uid="{name}"}}': f"{started}x90",
            f'kube_pod_status_phase{{{STATE},pod="support-chat-6c9f7d8b5d-{name}",uid="{name}",phase="{phase}"}}': "1x90"}


def up(value: str) -> dict[str, str]:
    return {f'up{{{TARGET},pod="{POD}",instance="10.0.0.1:8000"}}': value}


def http(status: str, values: str) -> dict[str, str]:
    return {f'http_requests_total{{{TARGET},pod="{POD}",method="POST",handler="/v1/chat",status="{status}"}}': values}


def engine(steps: str, inside: str, pod: str = POD) -> dict[str, str]:
    base = f'{TARGET},pod="{pod}",model_name="llama",engine="0"'
    return {f"vllm:iteration_tokens_total_count{{{base}}}": steps, f"vllm:num_requests_running{{{base}}}": inside,
            f"vllm:num_requests_waiting{{{base}}}": "0x90"}


def level(metric: str, values: str) -> dict[str, str]:
    return {f'vllm:{metric}{{{TARGET},pod="{POD}",model_name="llama",engine="0"}}': values}


def waiting(values: str) -> dict[str, str]:
    return level("num_requests_waiting", values)


def running(values: str) -> dict[str, str]:
    return level("num_requests_running", values)


def cache(values: str) -> dict[str, str]:
    return level("kv_cache_usage_perc", values)


def xid(code: str, values: str) -> dict[str, str]:
    return {f'DCGM_FI_DEV_XID_ERRORS{{exported_namespace="ai-prod",exported_pod="{POD}",gpu="0",UUID="g",err_code="{code}"}}': values}


def heat(device: str, values: str) -> dict[str, str]:
    return {f'DCGM_FI_DEV_GPU_TEMP{{exported_namespace="ai-prod",exported_pod="{POD}",gpu="{device}",UUID="g{device}"}}': values}


def first_token(fast: str, every: str) -> dict[str, str]:
    base = f'{TARGET},pod="{POD}",model_name="llama",engine="0"'
    return {f'vllm:time_to_first_token_seconds_bucket{{{base},le="1.0"}}': fast,
            f'vllm:time_to_first_token_seconds_bucket{{{base},le="+Inf"}}': every,
            f"vllm:time_to_first_token_seconds_count{{{base}}}": every}


def classic_latency(fast: str, every: str) -> dict[str, str]:
    base = f'{CLASSIC_TARGET},model_name="m"'
    bounds = {"0.5": fast, "1.0": fast, "2.5": fast, "5.0": fast, "10.0": every, "30.0": every, "+Inf": every}
    found = {f'ai_inference_duration_seconds_bucket{{{base},le="{bound}"}}': values for bound, values in bounds.items()}
    return found | {f"ai_inference_duration_seconds_count{{{base}}}": every}


def restarts(values: str) -> dict[str, str]:
    return {f'kube_pod_container_status_restarts_total{{{STATE},{CONTAINER},uid="u"}}': values}


def reason(metric: str, word: str, values: str) -> dict[str, str]:
    return {f'kube_pod_container_status_{metric}{{{STATE},{CONTAINER},uid="u",reason="{word}"}}': values}


def replicas(available: str, wanted: str) -> dict[str, str]:
    labels = f'{STATE},deployment="support-chat"'
    return {f"kube_deployment_status_replicas_available{{{labels}}}": available,
            f"kube_deployment_spec_replicas{{{labels}}}": wanted}


CASES = (
    Case("up is 0", CHAT, "ServiceDown", up("1x10 0x30") | old_pod(), fires=(14, 30), silent=(5, 11)),
    Case("targets are gone", CHAT, "ServiceDown", up("1x10 _x30") | old_pod(), fires=(20,), silent=(5,)),
    Case("back again", CHAT, "ServiceDown", up("0x10 1x30") | old_pod(), fires=(5,), silent=(25,)),
    Case("a pod that loads its model", CHAT, "ServiceDown", up("0x20") | old_pod(60), silent=(3, 8, 10)),
    Case("a pod that never gets ready", CHAT, "ServiceDown", up("0x30") | old_pod(60), fires=(20,)),
    Case("new pods beside an old one that is down", CHAT, "ServiceDown", up("0x30") | old_pod() | another_pod("bbbbb", 60, "Pending"), fires=(8,)),
    Case("an evicted pod beside one that loads its model", CHAT, "ServiceDown",
         up("0x20") | old_pod(60) | another_pod("bbbbb", -100000, "Failed"), silent=(3, 8, 10)),
    Case("one of two replicas", CHAT, "ServiceDown",
         up("1x30") | {f'up{{{TARGET},pod="support-chat-6c9f7d8b5d-bbbbb",instance="10.0.0.2:8000"}}': "0x30"} | old_pod(), silent=(20,)),
    Case("one of two replicas", CHAT, "TargetDown",
         up("1x30") | {f'up{{{TARGET},pod="support-chat-6c9f7d8b5d-bbbbb",instance="10.0.0.2:8000"}}': "0x30"} | old_pod(), fires=(20,)),
    Case("none available", CHAT, "NoReadyReplicas", replicas("2x5 0x30", "2x35"), fires=(20,), silent=(5, 10)),
    Case("scaled to zero on purpose", CHAT, "NoReadyReplicas", replicas("0x30", "0x30"), silent=(20,)),
    Case("one of two available", CHAT, "ReplicasBelowDesired", replicas("1x60", "2x60"), fires=(40,), silent=(5,)),
    Case("every request fails", CHAT, "SLOBurnFast", http("2xx", "0+60x60 3600x60") | http("5xx", "0x60 0+60x60"), fires=(70, 90),
         silent=(60, 63), where=AVAILABILITY),
    Case("first errors ever", CHAT, "SLOBurnFast", http("2xx", "0+60x40") | http("5xx", "_x10 0+20x30"), fires=(25,), silent=(9,),
         where=AVAILABILITY),
    Case("no errors", CHAT, "SLOBurn.*", http("2xx", "0+60x40"), silent=(5, 30), where=AVAILABILITY),
    Case("client errors", CHAT, "SLOBurn.*", http("2xx", "0+60x40") | http("4xx", "0+60x40"), silent=(30,), where=AVAILABILITY),
    Case("one failed request at night", CHAT, "SLOBurn.*", http("2xx", "0x40") | http("5xx", "0x10 1x30"), silent=(12, 15, 20)),
    Case("counter reset", CHAT, "SLOBurn.*", http("2xx", "0+60x20 0+60x20") | http("5xx", "5x20 0x20"), silent=(22, 25)),
    Case("no traffic at all", CHAT, "SLOBurn.*", http("2xx", "100x40") | http("5xx", "10x40"), silent=(30,)),
    Case("back to normal", CHAT, "SLOBurnFast", http("2xx", "0+60x30 1800x10 1800+60x60") | http("5xx", "0x30 0+60x10 600x60"), fires=(38,),
         silent=(85,), where=AVAILABILITY),
    Case("a trickle of errors", CHAT, "SLOBurnSlow", http("2xx", "0+60x90") | http("5xx", "0+1x90"), fires=(60,), where=AVAILABILITY),
    Case("a trickle of errors", CHAT, "SLOBurnFast", http("2xx", "0+60x90") | http("5xx", "0+1x90"), silent=(60, 90), where=AVAILABILITY),
    Case("a budget that is spent", CHAT, "SLOErrorBudgetExhausted", http("2xx", "0+60x90") | http("5xx", "0+1x90"), fires=(60,),
         where='sloth_slo="availability"'),
    Case("a budget that lasts", CHAT, "SLOErrorBudgetExhausted", http("2xx", "0+600x90") | http("5xx", "0+1x90"), silent=(60,)),
    Case("slow first tokens", CHAT, "SLOBurnFast", first_token("0+30x40", "0+60x40"), fires=(20,), silent=(1,), where=FIRST_TOKEN),
    Case("fast first tokens", CHAT, "SLOBurn.*", first_token("0+60x40", "0+60x40"), silent=(20,)),
    Case("few and slow", CHAT, "SLOBurn.*", first_token("0x40", "0x10 1x10 2x20"), silent=(20, 30)),
    Case("other buckets than are known", CHAT, "SLOMetricAbsent",
         {name: values for name, values in first_token("0+60x60", "0+60x60").items() if 'le="1.0"' not in name}, fires=(40,), silent=(10,)),
    Case("the buckets that are known", CHAT, "SLOMetricAbsent", first_token("0x60", "0+60x60"), silent=(40,)),
    Case("p95 above 5 s", CLASSIC, "HighInferenceLatency", classic_latency("0+50x40", "0+60x40"), fires=(20,), silent=(3,)),
    Case("p95 below 5 s", CLASSIC, "HighInferenceLatency", classic_latency("0+59x40", "0+60x40"), silent=(20,)),
    Case("busy GPU", CLASSIC, "GPUUtilizationHigh",
         {'ai_gpu_utilization_percent{job="gpu-metrics",namespace="ai-services",service="ai-model-server",gpu_id="0"}': "99x40"},
         fires=(20,), silent=(5,)),
    Case("GPU at 95 percent", CLASSIC, "GPUUtilizationHigh",
         {'ai_gpu_utilization_percent{job="gpu-metrics",namespace="ai-services",service="ai-model-server",gpu_id="0"}': "95x40"},
         silent=(20,)),
    Case("hot GPU", CHAT, "GPUHot",
         {f'DCGM_FI_DEV_GPU_TEMP{{exported_namespace="ai-prod",exported_pod="{POD}",exported_container="vllm",gpu="0",UUID="g"}}': "87x40"},
         fires=(20,), silent=(5,)),
    Case("another tenant's hot GPU", CHAT, "GPUHot",
         {'DCGM_FI_DEV_GPU_TEMP{exported_namespace="other",exported_pod="x",exported_container="c",gpu="0",UUID="g"}': "95x40"},
         silent=(20,)),
    Case("killed by the kernel", CHAT, "ContainerOOMKilled",
         restarts("0x10 1x30") | reason("last_terminated_reason", "OOMKilled", "_x10 1x30"), fires=(12,), silent=(5, 39)),
    Case("an old kill and no restart", CHAT, "ContainerOOMKilled",
         restarts("1x40") | reason("last_terminated_reason", "OOMKilled", "1x40"), silent=(20,)),
    Case("crash loop", CHAT, "PodCrashLooping", reason("waiting_reason", "CrashLoopBackOff", "1x40"), fires=(15,), silent=(5,)),
    Case("restarts often", CHAT, "ContainerRestarting", restarts("0x10 1x5 2x5 3x5 4x30"), fires=(40,), silent=(12,)),
    Case("close to the memory limit", CHAT, "MemoryNearLimit",
         {f'container_memory_working_set_bytes{{{KUBELET},{CONTAINER},image="i"}}': "95x40",
          f'kube_pod_container_resource_limits{{{STATE},{CONTAINER},node="n",resource="memory",unit="byte"}}': "100x40"},
         fires=(20,), silent=(10,)),
    Case("no memory limit", CHAT, "MemoryNearLimit",
         {f'container_memory_working_set_bytes{{{KUBELET},{CONTAINER},image="i"}}': "95x40"}, silent=(20,)),
    Case("throttled", CHAT, "CPUThrottling",
         {f"container_cpu_cfs_throttled_periods_total{{{KUBELET},{CONTAINER}}}": "0+300x40",
          f"container_cpu_cfs_periods_total{{{KUBELET},{CONTAINER}}}": "0+600x40"}, fires=(30,), silent=(10,)),
    Case("half of the series vanish", CHAT, "ScrapeSamplesDropped",
         {f'scrape_samples_post_metric_relabeling{{{TARGET},instance="a"}}': "1000x60 100x40", f'up{{{TARGET},instance="a"}}': "1x100"},
         fires=(80,), silent=(50,)),
    Case("a metric was renamed", CHAT, "MetricMissing", first_token("0+60x10 _x60", "0+60x10 _x60") | up("1x70"), fires=(40,),
         where='metric="vllm:time_to_first_token_seconds"'),
    Case("an engine that hangs", CHAT, "EngineStalled", engine("0+60x10 600x40", "3x50"), fires=(22,), silent=(9, 14)),
    Case("an engine at rest", CHAT, "EngineStalled", engine("600x50", "0x50"), silent=(30,)),
    Case("an engine at work", CHAT, "EngineStalled", engine("0+1x50", "40x50"), silent=(30,)),
    Case("one of two engines hangs", CHAT, "EngineStalled",
         engine("0+60x50", "3x50") | engine("600x50", "3x50", "support-chat-6c9f7d8b5d-bbbbb"), fires=(20,)),
    Case("a counter that starts anew", CHAT, "EngineStalled", engine("0+60x15 0+60x30", "3x50"), silent=(16, 20, 30)),
    Case("more wait than run", CHAT, "QueueBuildup", waiting("60x40") | running("20x40"), fires=(20,), silent=(5,)),
    Case("a big replica with a queue", CHAT, "QueueBuildup", waiting("60x40") | running("40x40"), silent=(30,)),
    Case("a short queue", CHAT, "QueueBuildup", waiting("9x40") | running("1x40"), silent=(30,)),
    Case("a full cache and a queue", CHAT, "KVCacheThrashing", cache("0.99x40") | waiting("4x40"), fires=(20,), silent=(5,)),
    Case("a full cache that is enough", CHAT, "KVCacheThrashing", cache("1x40") | waiting("0x40"), silent=(30,)),
    Case("a queue for another reason", CHAT, "KVCacheThrashing", cache("0.5x40") | waiting("40x40"), silent=(30,)),
    Case("a new XID of the device", CHAT, "GPUXidHardware", xid("0", "0x20 _x60") | xid("79", "_x20 79x60"), fires=(22, 50), silent=(15, 70),
         where='err_code="79"'),
    Case("an XID of a program", CHAT, "GPUXidHardware", xid("0", "0x20 _x60") | xid("31", "_x20 31x60"), silent=(22, 30)),
    Case("an old XID under a new pod", CHAT, "GPUXidHardware", xid("79", "_x20 79x60"), silent=(22, 40)),
    Case("one device of two falls off the bus", CHAT, "GPUFellOffOrMissing", heat("0", "50x90") | heat("1", "50x20 _x70"), fires=(40,),
         silent=(15,)),
    Case("both devices are there", CHAT, "GPUFellOffOrMissing", heat("0", "50x90") | heat("1", "50x90"), silent=(15, 80)),
    Case("no node takes the pod", CHAT, "PodStuckPending",
         {f'kube_pod_status_phase{{{STATE},pod="{POD}",uid="u",phase="Pending"}}': "1x40"}, fires=(20,), silent=(10,)),
    Case("a pod that comes up", CHAT, "PodStuckPending",
         {f'kube_pod_status_phase{{{STATE},pod="{POD}",uid="u",phase="Pending"}}': "1x10 0x30"}, silent=(10, 30)),
    Case("the engine's steps are gone", CHAT, "MetricMissing", engine("0+60x10 _x60", "3x70") | up("1x70"), fires=(40,),
         where='metric="vllm:iteration_tokens_total"'),
    Case("Triton failures", VISION, "SLOBurnFast",
         {'nv_inference_request_success{job="vision",namespace="ai-prod",model="resnet50",version="1"}': "0+60x40",
          'nv_inference_request_failure{job="vision",namespace="ai-prod",model="resnet50",version="1",reason="BACKEND"}': "0+20x40"},
         fires=(20,)),
    Case("Triton cancellations", VISION, "SLOBurn.*",
         {'nv_inference_request_success{job="vision",namespace="ai-prod",model="resnet50",version="1"}': "0+60x40",
          'nv_inference_request_failure{job="vision",namespace="ai-prod",model="resnet50",version="1",reason="CANCELED"}': "0+60x40"},
         silent=(20,)),
    Case("Triton's mean latency", VISION, "HighInferenceLatency",
         {'nv_inference_request_duration_us{job="vision",namespace="ai-prod",model="resnet50",version="1"}': "0+48000000x40",
          'nv_inference_request_success{job="vision",namespace="ai-prod",model="resnet50",version="1"}': "0+60x40"}, fires=(20,)),
)


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_an_alert_in_its_outage(case: Case, tool: Callable[[str], Path], consumers: Consumers, tmp_path: Path) -> None:
    judged(case, OUT / case.service / "rules.yaml", tool("promtool"), tmp_path).require()
    consumers.record("promtool test rules", tools.version("promtool"), 1)


@pytest.mark.parametrize("wrong", [
    Case("fires where it is silent", CHAT, "ServiceDown", up("1x30") | old_pod(), fires=(20,)),
    Case("silent where it fires", CHAT, "ServiceDown", up("0x30") | old_pod(), silent=(20,)),
], ids=["fires", "silent"])
def test_a_wrong_expectation_is_refused(wrong: Case, tool: Callable[[str], Path], consumers: Consumers, tmp_path: Path) -> None:
    refusal = judged(wrong, OUT / wrong.service / "rules.yaml", tool("promtool"), tmp_path).refusal("FAILED")
    consumers.record("promtool test rules", tools.version("promtool"), 0, refusal)
