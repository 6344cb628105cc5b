"""Metrics that were renamed or removed: a spec of an earlier release reads the old name, of a later one the new name, and
one that leaves it open both. Signals are proved on what is compiled, other metrics on what the catalog says of a release."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from catalog.small import asked, entry, fact
from obsc.catalog.profile import Presence
from obsc.catalog.versions import parse, presence

YES, NO, UNKNOWN = Presence.YES, Presence.NO, Presence.UNKNOWN


class Rename(NamedTuple):
    """A rename: the releases around it, as a spec writes them. `between` is "" where the readings leave no gap."""

    runtime: str
    old: str
    new: str
    before: str
    after: str
    between: str


def at(release: str) -> str:
    return f'version: "{release}"' if release else ""


def knative(release: str) -> str:
    said = f', knative: "{release}"' if release else ""
    return f"options: {{enable-metric-aggregation: true{said}}}"


# What a signal reads.
COMPILED = (
    Rename("vllm", "vllm:gpu_cache_usage_perc", "vllm:kv_cache_usage_perc", at("0.8.5"), at("0.12.0"), at("0.9.0")),
    Rename("vllm", "vllm:time_per_output_token_seconds", "vllm:inter_token_latency_seconds", at("0.9.2"), at("0.15.0"), at("0.10.0")),
    Rename("sglang", "sglang:avg_request_queue_latency", "sglang:queue_time_seconds", at("0.4.6"), at("0.5.3"), at("0.5.0")),
    Rename("kserve", "revision_request_count", "kn_serving_invocation_duration_seconds", knative("1.18"), knative("1.19"),
           knative(">=1.18 <1.20")),
    Rename("kserve", "revision_queue_depth", "kn_serving_queue_depth", knative("1.18"), knative("1.23"), knative(">=1.18 <1.20")),
)


@pytest.mark.parametrize("case", COMPILED, ids=lambda case: case.new)
def test_an_earlier_release_reads_the_old_name_only(case: Rename) -> None:
    assert asked(case.runtime, case.before) & {case.old, case.new} == {case.old}


@pytest.mark.parametrize("case", COMPILED, ids=lambda case: case.new)
def test_a_later_release_reads_the_new_name_only(case: Rename) -> None:
    assert asked(case.runtime, case.after) & {case.old, case.new} == {case.new}


@pytest.mark.parametrize("case", COMPILED, ids=lambda case: case.new)
def test_between_two_readings_both_names_are_read(case: Rename) -> None:
    assert asked(case.runtime, case.between) & {case.old, case.new} == {case.old, case.new}


@pytest.mark.parametrize("case", COMPILED, ids=lambda case: case.new)
def test_without_a_release_both_names_are_read(case: Rename) -> None:
    open_ = knative("") if case.runtime == "kserve" else ""
    assert asked(case.runtime, open_) & {case.old, case.new} == {case.old, case.new}


# What no signal reads yet. "" stands for a metric without a predecessor or a successor.
KNOWN = (
    Rename("vllm", "vllm:gpu_prefix_cache_queries_total", "vllm:prefix_cache_queries_total", "0.8.5", "0.12.0", "0.9.0"),
    Rename("vllm", "vllm:gpu_prefix_cache_hits_total", "vllm:prefix_cache_hits_total", "0.8.5", "0.12.0", "0.9.0"),
    Rename("vllm", "", "vllm:request_time_per_output_token_seconds", "0.10.2", "0.11.2", "0.11.0"),
    Rename("sglang", "sglang:gpu_execution_seconds_total", "sglang:forward_execution_seconds_total", "0.5.8", "0.5.12", "0.5.10"),
    Rename("sglang", "sglang:engine_startup_time", "sglang:startup_time_seconds", "0.5.12", "0.5.23", "0.5.20"),
    Rename("sglang", "sglang:engine_load_weights_time", "sglang:startup_time_seconds", "0.5.12", "0.5.23", "0.5.20"),
    Rename("sglang", "sglang:num_prefill_prealloc_queue_reqs", "sglang:num_prefill_bootstrap_queue_reqs", "0.5.8", "0.5.12", "0.5.10"),
    Rename("sglang", "", "sglang:num_retracted_requests_total", "0.5.3", "0.5.8", "0.5.5"),
    Rename("sglang", "", "sglang:http_responses_total", "0.5.3", "0.5.8", "0.5.5"),
    Rename("kserve", "revision_request_latencies", "http_server_request_duration_seconds", "1.18", "1.19", ""),
    Rename("kserve", "revision_app_request_count", "", "1.18", "1.19", ""),
    Rename("kserve", "revision_app_request_latencies", "kn_serving_invocation_duration_seconds", "1.18", "1.19", ""),
    Rename("otel-genai-metrics", "", "gen_ai_client_operation_time_to_first_chunk_seconds", "1.40.0", "1.41.0", ""),
)


def there(runtime: str, name: str, release: str | None) -> Presence:
    versions = parse(release)
    assert versions is not None
    return presence(fact(runtime, name), versions)


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: f"{case.old} {case.new}")
def test_the_catalog_knows_which_name_a_release_has(case: Rename) -> None:
    if case.old:
        assert there(case.runtime, case.old, case.before) is YES
        assert there(case.runtime, case.old, case.after) is NO
        assert there(case.runtime, case.old, None) is UNKNOWN
    if case.new:
        assert there(case.runtime, case.new, case.before) is NO
        assert there(case.runtime, case.new, case.after) is YES
        assert there(case.runtime, case.new, None) is UNKNOWN
    if case.between and case.new:
        assert there(case.runtime, case.new, case.between) is UNKNOWN


def test_a_metric_that_went_without_a_successor_is_read_by_no_signal() -> None:
    # llama.cpp: no opened build tells between which numbers pull request 13660 lies.
    gone = {"llamacpp:kv_cache_usage_ratio", "llamacpp:kv_cache_tokens"}
    assert not asked("llamacpp") & gone
    for name in gone:
        condition = fact("llamacpp", name).condition
        assert condition is not None
        assert condition[0] == ""


def test_replaced_counters_that_are_still_there_are_not_read() -> None:
    assert not asked("litellm") & {"litellm_requests_metric_total", "litellm_llm_api_failed_requests_metric_total"}
    assert there("litellm", "litellm_requests_metric_total", "1.109.1") is YES


def test_a_label_under_both_of_its_names_is_known() -> None:
    # gen_ai.system became gen_ai.provider.name; instrumentations of either kind report.
    labels = fact("otel-genai-metrics", "gen_ai_client_operation_duration_seconds").labels
    assert {"gen_ai_system", "gen_ai_provider_name"} <= set(labels)


def test_what_was_never_seen_in_this_engine_is_no_metric_of_it() -> None:
    assert "vllm:num_requests_swapped" not in {one.name for one in entry("vllm").metrics}
    assert "ray_vllm_num_requests_swapped" not in {one.name for one in entry("ray-serve").metrics}


def test_a_label_that_is_spelled_anew_is_known_in_both_ways() -> None:
    # dcgm-exporter spells it otherwise since a release that nobody opened: neither is relied on alone.
    assert {"Hostname", "hostname"} <= set(fact("dcgm-exporter", "DCGM_FI_DEV_GPU_TEMP").labels)


def test_names_before_the_first_release_that_was_read_are_no_metrics() -> None:
    # kube-state-metrics 1: autoscalers and units had other names.
    found = {one.name for one in entry("kube-state-metrics").metrics}
    assert not {name for name in found if name.startswith("kube_hpa_") or name.endswith(("_cpu_cores", "_memory_bytes"))}
    assert "kube_horizontalpodautoscaler_status_desired_replicas" in found


def test_an_engine_inside_a_framework_may_keep_the_old_name() -> None:
    assert "vllm:time_per_output_token_seconds" in {one.name for one in entry("triton").metrics}
