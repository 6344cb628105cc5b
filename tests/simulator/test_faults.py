"""Each fault changes what it says and nothing else. Chance is left out, so that everything else is equal to the last digit."""

from __future__ import annotations

import re
from functools import lru_cache
from math import isnan
from pathlib import Path

import pytest

from obsc.simulator.faults import KINDS
from obsc.simulator.plant import Plant
from obsc.simulator.scenario import Fault, Model, Scenario
from obsc.simulator.scraping import Key, scrape
from simulator.pages import around, jobs, scenario

BEFORE, EARLY, LATE, AFTER = 285.0, 330.0, 885.0, 1800.0
START, END = 300.0, 900.0
ENGINE = r"vllm:.*|http_.*"
WORK = rf"{ENGINE}|DCGM_FI_(PROF_.*|DEV_(GPU_UTIL|GPU_TEMP|POWER_USAGE|MEM_COPY_UTIL|TOTAL_ENERGY\w+|NVLINK\w+))|container_(cpu_(usage|user)|network)_.*"
SCRAPE = r"scrape_(duration_seconds|samples_\w+|series_added)"
KUBE = r"kube_(pod|deployment|replicaset|node)_.*"
PAGE = r"process_.*|python_.*|up"
# Fault → metrics that may differ from those of a healthy service. Everything else may not.
MOVES = {
    "total-outage": f"{WORK}|{PAGE}|{SCRAPE}|{KUBE}|probe_.*",
    "targets-gone": f"{WORK}|{PAGE}|{SCRAPE}|{KUBE}|probe_.*|container_.*|DCGM_.*|machine_.*",
    "replica-lost": f"{WORK}|{PAGE}|{SCRAPE}|{KUBE}|probe_.*|container_.*|DCGM_.*|machine_.*",
    "gpu-lost": f"{WORK}|{SCRAPE}|{KUBE}|probe_.*|DCGM_.*",
    "xid": rf"DCGM_\w*XID\w*|{SCRAPE}",
    "engine-stall": f"{WORK}|{SCRAPE}|probe_.*",
    "slow-first-token": f"{WORK}|{SCRAPE}",
    "slow-tokens": f"{WORK}|{SCRAPE}",
    "error-burst": f"{ENGINE}|container_network_.*|{SCRAPE}",
    "error-trickle": f"{ENGINE}|container_network_.*|{SCRAPE}",
    "queue-build-up": f"{WORK}|{SCRAPE}",
    "kv-thrash": f"{WORK}|{SCRAPE}",
    "oom": f"{WORK}|{PAGE}|{SCRAPE}|{KUBE}|probe_.*|container_.*|DCGM_FI_DEV_FB_.*",
    "crash-loop": f"{WORK}|{PAGE}|{SCRAPE}|{KUBE}|probe_.*|container_.*|DCGM_.*",
    "memory-leak": r"container_memory_.*|process_resident_memory_bytes",
    "throttled-gpu": rf"{WORK}|{SCRAPE}|DCGM_(FI_DEV_(SM_CLOCK|THERMAL_VIOLATION)|EXP_CLOCK_EVENTS_COUNT)",
    "traffic-vanishes": f"{WORK}|{SCRAPE}",
    "traffic-spike": f"{WORK}|{SCRAPE}",
    "metric-renamed": r"vllm:request_success_(v2_)?total",
    "scrape-flapping": f"{ENGINE}|{PAGE}|{SCRAPE}",
    "counter-resets": f"{ENGINE}|{SCRAPE}",
    "quality-drop": "", "drift": "", "feedback-drop": "",
    "cost-runaway": f"{WORK}|{SCRAPE}",
}

Record = dict[Key, float]


def records(found: Scenario) -> dict[float, Record]:
    plant = Plant(found, around())
    return {world.time: scrape(plant, jobs(plant.exporters), count) for count, world in enumerate(plant.run(AFTER))
            if world.time in {BEFORE, EARLY, LATE, AFTER}}


@lru_cache(maxsize=40)
def of(kind: str, value: float | None = None) -> dict[float, Record]:
    faults = (Fault(kind, START, END, value),) if kind else ()
    return records(scenario("vllm", "0.15", faults))


def differing(one: Record, other: Record) -> set[str]:
    return {re.sub(r"_(bucket|sum|count)$", "", key[0]) for key in one.keys() | other.keys() if not _same(one.get(key), other.get(key))}


def _same(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and isnan(one) and isnan(other))


def total(record: Record, name: str, **labels: str) -> float:
    return sum(value for (found, pairs), value in record.items() if found == name and labels.items() <= dict(pairs).items())


def grown(kind: str, name: str, **labels: str) -> float:
    return total(of(kind)[LATE], name, **labels) - total(of(kind)[EARLY], name, **labels)


def first(record: Record) -> str:
    """The pod with replica 0, which is the one of the lowest address."""
    return min((dict(pairs)["instance"], dict(pairs)["pod"]) for (name, pairs) in record if name == "up" and dict(pairs)["job"] == "chat")[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_changes_nothing_before_it_and_only_what_it_says(kind: str) -> None:
    healthy, found = of(""), of(kind)
    assert differing(healthy[BEFORE], found[BEFORE]) == set()
    moved = set().union(*(differing(healthy[time], found[time]) for time in (EARLY, LATE)))
    assert sorted(one for one in moved if not re.fullmatch(MOVES[kind], one)) == []
    assert moved or not MOVES[kind]


def test_a_stalled_engine_keeps_what_it_has_gathers_what_comes_and_answers_scrapes() -> None:
    pod = first(of("")[BEFORE])
    early, late = of("engine-stall")[EARLY], of("engine-stall")[LATE]
    assert total(late, "up", job="chat", pod=pod) == 1
    assert total(late, "vllm:num_requests_running", pod=pod) == total(early, "vllm:num_requests_running", pod=pod) > 0
    assert total(late, "vllm:num_requests_waiting", pod=pod) > 400
    for name in ("vllm:generation_tokens_total", "vllm:request_success_total", "vllm:iteration_tokens_total_count", "vllm:e2e_request_latency_seconds_count"):
        assert grown("engine-stall", name, pod=pod) == 0
        assert grown("", name, pod=pod) > 0
    assert total(late, "DCGM_FI_DEV_GPU_UTIL", exported_pod=pod) == 0
    assert total(late, "kube_pod_status_ready", pod=pod, condition="true") == 1


def test_a_lost_replica_leaves_no_target_and_its_load_to_the_other() -> None:
    pod = first(of("")[BEFORE])
    late = of("replica-lost")[LATE]
    assert ("up", pod) not in {(name, dict(labels).get("pod")) for name, labels in late}
    assert total(late, "kube_deployment_status_replicas_available") == 1
    assert total(late, "kube_deployment_spec_replicas") == 2
    assert total(late, "kube_pod_status_phase", phase="Pending") == 1
    assert grown("replica-lost", "vllm:request_success_total") == pytest.approx(grown("", "vllm:request_success_total"), rel=0.1)
    assert total(of("replica-lost")[AFTER], "kube_deployment_status_replicas_available") == 2


def test_without_any_replica_nothing_is_served() -> None:
    for kind in ("total-outage", "targets-gone"):
        late = of(kind)[LATE]
        assert total(late, "up", job="chat") == 0
        assert total(late, "kube_deployment_status_replicas_available") == 0
    assert ("up", "chat") not in {(name, dict(labels)["job"]) for name, labels in of("targets-gone")[LATE]}
    assert ("up", "chat") in {(name, dict(labels)["job"]) for name, labels in of("total-outage")[LATE]}


def test_errors_are_the_share_that_was_asked_for() -> None:
    for kind, share in (("error-burst", 0.5), ("error-trickle", 0.02), ("", 0.0)):
        failed, whole = grown(kind, "http_requests_total", status="5xx"), grown(kind, "http_requests_total")
        assert failed / whole == pytest.approx(share, abs=0.005)
        assert grown(kind, "vllm:request_success_total", finished_reason="error") == failed


def test_latency_is_where_the_fault_puts_it() -> None:
    def mean(kind: str, name: str) -> float:
        return grown(kind, f"{name}_sum") / grown(kind, f"{name}_count")

    first_token, between = "vllm:time_to_first_token_seconds", "vllm:inter_token_latency_seconds"
    assert mean("", first_token) < 0.3
    assert mean("", between) < 0.04
    assert mean("slow-first-token", first_token) > 2.5
    assert mean("slow-first-token", between) == pytest.approx(mean("", between), rel=0.2)
    assert mean("slow-tokens", between) > 0.1
    assert mean("slow-tokens", first_token) == pytest.approx(mean("", first_token), rel=0.2)
    assert mean("throttled-gpu", between) > 1.3 * mean("", between)


def test_a_queue_grows_and_its_waiting_time_with_it() -> None:
    early, late = of("queue-build-up")[EARLY], of("queue-build-up")[LATE]
    assert total(late, "vllm:num_requests_waiting") > 2 * total(late, "vllm:num_requests_running") > 0
    assert total(late, "vllm:num_requests_waiting") > total(early, "vllm:num_requests_waiting")
    assert grown("queue-build-up", "vllm:request_queue_time_seconds_sum") > 100 * grown("", "vllm:request_queue_time_seconds_sum")
    assert total(of("queue-build-up")[AFTER], "vllm:num_requests_waiting") == 0


def test_a_full_cache_makes_requests_give_up_their_blocks() -> None:
    late = of("kv-thrash")[LATE]
    assert total(late, "vllm:kv_cache_usage_perc") > 2 * 0.95
    assert grown("kv-thrash", "vllm:num_preemptions_total") / (LATE - EARLY) == pytest.approx(1.0, rel=0.1)
    assert total(late, "vllm:num_requests_waiting") > 0
    assert grown("", "vllm:num_preemptions_total") == 0


def test_a_container_that_was_killed_is_back_with_its_reason() -> None:
    pod = first(of("")[BEFORE])
    early = of("oom")[EARLY]
    assert total(early, "kube_pod_container_status_restarts_total", pod=pod) == 1
    assert total(early, "kube_pod_container_status_last_terminated_reason", pod=pod, reason="OOMKilled") == 1
    assert total(early, "up", job="chat", pod=pod) == 0
    assert total(of("oom")[LATE], "up", job="chat", pod=pod) == 1
    assert total(of("oom")[LATE], "container_memory_working_set_bytes", pod=pod) > total(of("")[LATE], "container_memory_working_set_bytes", pod=pod)
    assert 0 < total(of("oom")[LATE], "vllm:request_success_total", pod=pod) < total(of("")[LATE], "vllm:request_success_total", pod=pod)


def test_a_program_that_ends_after_each_start_waits_to_be_started_again() -> None:
    pod = first(of("")[BEFORE])
    late = of("crash-loop")[LATE]
    assert total(late, "kube_pod_container_status_waiting_reason", pod=pod, reason="CrashLoopBackOff") == 1
    assert total(late, "kube_pod_container_status_restarts_total", pod=pod) >= 4
    assert total(late, "kube_pod_status_ready", pod=pod, condition="true") == 0
    assert total(late, "kube_deployment_status_replicas_available") == 1


def test_a_leak_comes_near_the_limit_and_no_further() -> None:
    found = of("memory-leak", 500.0)
    pod = first(of("")[BEFORE])
    limit = total(found[LATE], "kube_pod_container_resource_limits", pod=pod, resource="memory")
    assert 0.9 < total(found[LATE], "container_memory_working_set_bytes", pod=pod) / limit < 1
    assert total(found[LATE], "kube_pod_container_status_restarts_total", pod=pod) == 0


def test_devices_tell_what_is_wrong_with_them() -> None:
    pod = first(of("")[BEFORE])
    xid = of("xid")
    assert total(xid[LATE], "DCGM_FI_DEV_XID_ERRORS", exported_pod=pod) == total(xid[AFTER], "DCGM_FI_DEV_XID_ERRORS", exported_pod=pod) == 48
    assert total(xid[EARLY], "DCGM_EXP_XID_ERRORS_COUNT", exported_pod=pod, xid="48") == 1
    assert total(xid[LATE], "DCGM_EXP_XID_ERRORS_COUNT", exported_pod=pod) == 0  # its window is over
    hot = of("throttled-gpu")[LATE]
    assert total(hot, "DCGM_FI_DEV_SM_CLOCK", exported_pod=pod) < 0.7 * total(of("")[LATE], "DCGM_FI_DEV_SM_CLOCK", exported_pod=pod)
    assert total(hot, "DCGM_FI_DEV_GPU_TEMP", exported_pod=pod) > 85
    assert grown("throttled-gpu", "DCGM_FI_DEV_THERMAL_VIOLATION", exported_pod=pod) > 0
    assert {name for name, labels in of("gpu-lost")[LATE] if dict(labels).get("exported_pod") == pod and name.startswith("DCGM")} == set()


def test_traffic_vanishes_and_spikes() -> None:
    usual = grown("", "http_requests_total")
    assert grown("traffic-vanishes", "http_requests_total") <= 1
    assert grown("traffic-spike", "http_requests_total") == pytest.approx(4 * usual, rel=0.05)


def test_scrapes_fail_and_counters_begin_anew_while_the_pod_is_well() -> None:
    plant, seen, resets, last = Plant(scenario("vllm", "0.15", (Fault("scrape-flapping", START, END),))), [], 0, 0.0
    for count, _ in enumerate(plant.run(END - 15)):
        record = scrape(plant, jobs(()), count)
        seen.append(total(record, "up", job="chat", pod=first(record)))
    assert seen[:20] == [1.0] * 20
    assert sum(seen[20:]) == pytest.approx(len(seen[20:]) / 2, abs=1)
    plant = Plant(scenario("vllm", "0.15", (Fault("counter-resets", START, END, 120),)))
    for count, _ in enumerate(plant.run(END)):
        record = scrape(plant, jobs(()), count)
        now = total(record, "vllm:request_success_total", pod=first(record))
        resets, last = resets + (now < last), now
    assert resets == 5


def test_a_rollout_brings_the_names_of_the_new_release() -> None:
    found = records(scenario("vllm", "0.8.5", (Fault("metric-renamed", START, version="0.15"),)))
    assert {"vllm:gpu_cache_usage_perc"} == {name for name, _ in found[BEFORE] if name.endswith("cache_usage_perc")}
    assert {"vllm:kv_cache_usage_perc"} == {name for name, _ in found[LATE] if name.endswith("cache_usage_perc")}


def test_a_named_metric_is_the_one_that_is_renamed() -> None:
    found = records(scenario("vllm", "0.15", (Fault("metric-renamed", START, metric="vllm:num_requests_waiting"),)))
    assert {"vllm:num_requests_waiting_v2"} == {name for name, _ in found[LATE] if name.startswith("vllm:num_requests_waiting") and "reason" not in name}


def test_a_fault_of_one_model_spares_the_others() -> None:
    models = (Model("a"), Model("b"))
    found = records(scenario("triton", "2.73.0", (Fault("error-burst", START, END, model="a"),), models=models, rate=20))
    failed = {model: total(found[LATE], "nv_inference_request_failure", model=model, reason="BACKEND") for model in "ab"}
    assert failed["a"] > 1000
    assert failed["b"] == 0


def test_money_is_spent_faster() -> None:
    def spent(kind: str) -> float:
        faults = (Fault(kind, START, END),) if kind else ()
        found = records(scenario("litellm", "1.109.1", faults))
        return total(found[LATE], "litellm_spend_metric_total") - total(found[EARLY], "litellm_spend_metric_total")

    assert spent("cost-runaway") > 2 * spent("") > 0


def test_a_gateway_sees_what_fails_behind_it() -> None:
    def seen(kind: str, name: str, **labels: str) -> float:
        found = records(scenario("gateway-inference", "1.5.0", (Fault(kind, START, END),)))
        return total(found[LATE], name, **labels) - total(found[EARLY], name, **labels)

    assert seen("error-burst", "inference_objective_request_error_total", error_code="ModelServerError") > 300
    assert seen("traffic-vanishes", "inference_objective_request_total") == 0


def test_the_documentation_has_every_fault_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs/simulator.md").read_text()
    missing = [kind for kind, facts in KINDS.items()
               if f"| `{kind}` | {facts.text} |{f' {facts.value:g}' if facts.value else ''} | {'first replica' if facts.one else 'all'} |" not in page]
    assert missing == []
