"""Invariants of every page: it parses, counters only rise, buckets add up, the same scenario gives the same bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obsc.catalog import BUILT_IN
from obsc.simulator import meaning, text
from obsc.simulator.faults import KINDS
from obsc.simulator.pages import Family
from obsc.simulator.plant import Plant
from obsc.simulator.scenario import Fault, Load, Model, Pool, Scenario
from obsc.simulator.scraping import Job, scrape
from obsc.simulator.series import series
from obsc.simulator.world import rate as expected
from simulator.pages import around, entry, families, page_at, scenario

PROGRAMS = [name for name in BUILT_IN.names if entry(name).kind != "exporter" and entry(name).has_page]
RELEASES = [(name, release) for name in PROGRAMS for release in (*entry(name).readings, "")]
# What a runtime needs so that its engine's own metrics are on the page.
INSIDE = {"ray-serve": "vllm", "triton": "vllm", "nim": "vllm"}


@pytest.mark.parametrize(("name", "release"), RELEASES)
def test_a_page_of_each_release_is_read_without_a_complaint(name: str, release: str) -> None:
    page = page_at(scenario(name, release or None, engine=INSIDE.get(name, ""), dirty=True), 300)
    found = {family.name: family for family in families(page)}
    assert found or name == "custom"
    for facts in entry(name).metrics:
        shown = found.get(facts.name) or found.get(facts.name.removesuffix("_total"))
        if shown is not None:
            assert shown.type in {facts.type, meaning.meaning(facts, entry(name)).says}
            assert {label for sample in shown.samples for label in sample.labels} - {"le", "quantile"} <= set(facts.labels)


def test_exporters_pages_are_read_without_a_complaint() -> None:
    plant = Plant(scenario(), around())
    for _ in plant.run(300):
        pass
    for exporter in plant.exporters:
        found = families(text.page(plant.exporter(exporter)))
        assert len(found) > 20, exporter.key


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_metric_that_a_signal_reads_is_moved_by_something(name: str) -> None:
    profile = entry(name)
    read = {term.metric for _, ways in profile.measures for way in ways for term in (*way.errors, *way.total, *way.counters)}
    read |= {one.metric for _, ways in profile.measures for way in ways
             for one in (way.histogram, way.mean_sum, way.mean_count, way.gauge) if one is not None}
    assert [one.name for one in profile.metrics if one.name in read and not meaning.meaning(one, profile).known] == []


def test_what_real_places_have_is_on_a_dirty_page() -> None:
    page = page_at(scenario("sglang", "0.5.23", dirty=True, models=(Model('org/"new"\\model'),)), 60)
    assert 'model_name="org/\\"new\\"\\\\model"' in page
    assert 'model_name="retired \\"v1\\" \\\\ adapter"' in page
    assert "NaN" in page
    assert {sample.labels["model_name"] for family in families(page) for sample in family.samples if "model_name" in sample.labels} == {
        'org/"new"\\model', 'retired "v1" \\ adapter'}


def test_quantiles_of_a_summary_are_no_numbers_without_traffic() -> None:
    found = scenario("triton", "2.73.0", (Fault("traffic-vanishes", 60),), options={"summary_latencies": "true"})
    summary = next(one for one in families(page_at(found, 300)) if one.name == "nv_inference_request_summary_us")
    values = [sample.value for sample in summary.samples if "quantile" in sample.labels]
    assert values
    assert all(map(isnan, values))


def test_what_begins_with_its_first_event_is_missing_before_it() -> None:
    quiet = page_at(scenario("sglang", "0.5.23", rate=0.0), 300)
    assert "sglang:num_running_reqs{" in quiet
    assert "sglang:num_requests_total{" not in quiet
    assert "sglang:num_requests_total{" in page_at(scenario("sglang", "0.5.23"), 300)


def test_a_metric_with_two_names_has_the_one_of_its_release() -> None:
    assert "vllm:gpu_cache_usage_perc{" in page_at(scenario("vllm", "0.8.5"), 60)
    assert "vllm:kv_cache_usage_perc{" not in page_at(scenario("vllm", "0.8.5"), 60)
    assert "vllm:kv_cache_usage_perc{" in page_at(scenario("vllm", "0.15"), 60)
    assert "vllm:gpu_cache_usage_perc{" not in page_at(scenario("vllm", "0.15"), 60)


def _samples(found: tuple[Family, ...]) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...], float]]:
    for family in found:
        for name, labels, value in family.samples:
            yield family.type, name, labels, value


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(PROGRAMS), seed=st.integers(0, 1000), rate=st.floats(0, 300), kind=st.sampled_from(sorted(KINDS)),
       steady=st.booleans())
def test_counters_rise_and_buckets_add_up(name: str, seed: int, rate: float, kind: str, steady: bool) -> None:  # noqa: FBT001  as hypothesis gives it
    plant = Plant(scenario(name, None, (Fault(kind, 60, 240),), seed=seed, rate=rate, steady=steady, engine=INSIDE.get(name, "")))
    last: dict[int, tuple[int, dict[object, float]]] = {}
    for _ in plant.run(420):
        for number, pod in enumerate(plant.now.every):
            page = plant.program(pod)
            epoch, before = last.get(number, (-1, {}))
            now = {(sample, labels): value for kind_, sample, labels, value in _samples(page)
                   if kind_ == "counter" or (kind_ != "gauge" and sample.endswith(("_bucket", "_count")))}
            if epoch == pod.epoch:
                assert [key for key, value in now.items() if value < before.get(key, 0.0)] == []
            last[number] = (pod.epoch, now or (before if epoch == pod.epoch else {}))
            for family in page:
                if family.type == "histogram":
                    _adds_up(family)


def _adds_up(family: Family) -> None:
    buckets: dict[object, list[float]] = {}
    counts = {labels: value for name, labels, value in family.samples if name.endswith("_count")}
    for name, labels, value in family.samples:
        if name.endswith("_bucket"):
            buckets.setdefault(tuple(pair for pair in labels if pair[0] != "le"), []).append(value)
    assert {labels: values[-1] for labels, values in buckets.items()} == counts
    assert all(values == sorted(values) for values in buckets.values())
    assert all(value == int(value) for values in buckets.values() for value in values)


def test_the_same_scenario_gives_the_same_bytes_and_another_seed_others() -> None:
    def records(seed: int) -> dict[str, str]:
        return series(Plant(scenario(steady=False, seed=seed, faults=(Fault("error-burst", 60),)), around()), (Job(),), 30, 300)

    assert records(7) == records(7)
    assert records(7) != records(8)


def test_a_day_is_simulated_fast_enough() -> None:
    wanted = {"up", "vllm:request_success_total", "http_requests_total", "vllm:time_to_first_token_seconds", "vllm:num_requests_waiting"}
    began = time.process_time()
    found = series(Plant(scenario(version="0.15", steady=False, step=60), (), wanted), (Job(),), 60, 6 * 3600)
    spent = time.process_time() - began
    print(f"6 hours of two pods at one minute, {len(found)} series: {spent:.2f} s of CPU; 40 days: {spent * 160:.0f} s")
    assert len(found) > 50


def test_prefill_reads_decode_answers_and_the_gateway_sees_both() -> None:
    parts = (("epp", "gateway-inference", "gateway"), ("prefill", "vllm", "prefill"), ("decode", "vllm", "decode"))
    pools = tuple(Pool(entry(name), f"chat-{part}", component=part, role=role, replicas=1) for part, name, role in parts)
    plant = Plant(Scenario("chat", "ai", pools, Load(2, steady=True)))
    for _ in plant.run(600):
        pass
    found = {pod.pool.component: {name: value for family in plant.program(pod) for name, _, value in family.samples} for pod in plant.now.every}
    tokens = {part: found[part]["vllm:generation_tokens_total"] for part in ("prefill", "decode")}
    first = {part: found[part]["vllm:time_to_first_token_seconds_sum"] / found[part]["vllm:time_to_first_token_seconds_count"] for part in tokens}
    assert tokens["decode"] > 100 * tokens["prefill"] > 0
    assert first["prefill"] > 0.1 > first["decode"]
    assert found["epp"]["inference_objective_request_total"] == pytest.approx(1200, rel=0.05)
    assert found["epp"]["inference_pool_ready_pods"] == 2


def test_seasons_are_in_the_load() -> None:
    load = Load(10.0, daily=0.5, weekly=0.4, peak=12 * 3600)
    thursday = 0.0  # Unix time began on one
    assert expected(load, thursday, 12 * 3600) == pytest.approx(15)
    assert expected(load, thursday, 24 * 3600) == pytest.approx(5)
    assert expected(load, thursday, (2 * 24 + 12) * 3600) == pytest.approx(9)  # a Saturday


def test_labels_of_pages_and_targets_meet_as_prometheus_has_it() -> None:
    exported, honored = (Job({"job": "gpu", "pod": "exporter-0", "namespace": "monitoring"}, exporter=around()[2], honors=honors)
                         for honors in (False, True))
    plant = Plant(scenario(), around())
    for _ in plant.run(30):
        pass
    pod = next(plant.now.every).facts["pod"]
    for job, label, other in ((exported, "exported_pod", "exporter-0"), (honored, "pod", pod)):
        labels = next(dict(labels) for name, labels in scrape(plant, (job,), 0) if name == "DCGM_FI_DEV_GPU_TEMP")
        assert labels[label] == pod
        assert labels["pod"] == other
