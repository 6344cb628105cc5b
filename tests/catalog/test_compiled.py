"""What a short spec of each runtime compiles to, on both platforms: few alerts, right units, real bounds, right conditions."""

from __future__ import annotations

import re

import pytest

from absences import absences
from catalog.small import compiled, entry, expressions, fact, runtimes, service
from obsc import promql
from obsc.catalog import metric
from obsc.diagnostics import Severity
from obsc.ir import Severity as Loudness

ACCELERATORS = "accelerators: {resource: nvidia.com/gpu, perPod: 2}\n"
ALL = [name for name in runtimes() if name != "custom"]


def shown(runtime: str, more: str = "", rest: str = "") -> str:
    return "\n".join(promql.show(expr) for expr in expressions(service(runtime, more, rest)))


def rule(runtime: str, name: str, more: str = "", rest: str = "") -> str:
    return next(promql.show(one.expr) for one in service(runtime, more, rest).alerts if one.name == name)


def missed(runtime: str, more: str = "") -> set[str]:
    return set(absences(service(runtime, more).alerts))


@pytest.mark.parametrize("prod", [True, False], ids=["operator", "config"])
@pytest.mark.parametrize("runtime", ALL)
def test_a_short_spec_compiles_to_few_alerts(runtime: str, prod: bool) -> None:  # noqa: FBT001
    _, found = compiled(runtime, "", ACCELERATORS, prod=prod)
    assert [one.message for one in found if one.severity is Severity.ERROR] == []
    alerts = service(runtime, "", ACCELERATORS, prod=prod).alerts
    assert len(alerts) <= 25
    assert sum(one.severity is Loudness.CRITICAL for one in alerts) <= 8


@pytest.mark.parametrize("runtime", ALL)
def test_a_bucket_that_is_matched_is_a_bound_of_its_histogram(runtime: str) -> None:
    if "requestDuration" not in dict(entry(runtime).measures):
        pytest.skip("no latency of requests")
    _, found = compiled(runtime, "", "alerts: {rules: {HighInferenceLatency: {threshold: 2s}}}\n")
    if any(one.code in {"S315", "S317", "S308"} and one.severity is Severity.ERROR for one in found):
        pytest.skip("no bound is near")
    for expr in expressions(service(runtime, "", "alerts: {rules: {HighInferenceLatency: {threshold: 2s}}}\n")):
        for part in promql.walk(expr):
            if isinstance(part, promql.Selector) and part.metric.endswith("_bucket"):
                facts = metric(entry(runtime), part.metric)
                for one in part.matchers:
                    if one.label == "le":
                        assert facts is not None
                        assert {float(text.replace("\\", "")) for text in one.value.split("|")} <= set(facts.buckets)


def test_a_threshold_between_computed_bounds_is_matched_by_the_exact_text() -> None:
    text = rule("tgi", "HighInferenceLatency", "", "alerts: {rules: {HighInferenceLatency: {threshold: 1s}}}\n")
    assert 'le=~"1\\\\.122274146401882"' in text
    assert "tgi_request_duration_bucket" in text


def test_milliseconds_are_compared_as_milliseconds_and_shown_as_seconds() -> None:
    rest = "alerts: {rules: {HighInferenceLatency: {threshold: 2s}}}\n"
    assert 'le=~"2000|2000\\\\.0"' in rule("ray-serve", "HighInferenceLatency", "", rest)
    assert re.search(r"histogram_quantile\(0\.95, .*ray_serve_http_request_latency_ms_bucket.*\) / 1000", shown("ray-serve"))


def test_a_mean_of_microseconds_is_compared_in_seconds() -> None:
    text = rule("torchserve", "HighInferenceLatency", "", "alerts: {rules: {HighInferenceLatency: {threshold: 2s}}}\n")
    assert "ts_inference_latency_microseconds" in text
    assert "/ 1000000 > 2" in text


@pytest.mark.parametrize(("value", "expected"), [
    (0.1, r"0\.1"), (1.0, r"1|1\.0"), (2500.0, r"2500|2500\.0"), (0.33252567300796504, r"0\.33252567300796504"),
    (0.00015000000000000001, r"0\.00015000000000000001"), (0.000015, r"0\.000015|1\.5e-05"),
    (1000000.0, r"1000000|1000000\.0|1e\+06"), (1100000.0, r"1100000|1100000\.0|1\.1e\+06"),
])
def test_a_bound_is_matched_in_every_way_it_is_written(value: float, expected: str) -> None:
    from obsc.signals.subject import bound  # noqa: PLC0415

    assert bound(value).value == expected
    assert {float(text.replace("\\", "")) for text in expected.split("|")} == {value}


# --- ranks, engines, conditions --------------------------------------------------------------------------------------------


def test_ranks_that_see_the_same_requests_count_once_and_those_with_their_own_are_added() -> None:
    text = shown("sglang")
    for name in ("sglang:num_running_reqs", "sglang:num_queue_reqs"):
        assert re.search(rf"sum by \(namespace\) \(max without \(moe_ep_rank, pp_rank, tp_rank\) \({name}{{[^}}]*priority=\"\"", text)
    assert "max without (moe_ep_rank, pp_rank, tp_rank) (rate(sglang:queue_time_seconds_bucket" in text
    assert not re.search(r"by \([^)]*dp_rank|without \([^)]*dp_rank", text)
    assert "max without" not in shown("vllm")


def test_an_engine_inside_a_framework_is_read_under_the_frameworks_names() -> None:
    without, within = shown("ray-serve"), shown("ray-serve", "engine: vllm")
    assert "ray_vllm_" not in without
    for name in ("ray_vllm_e2e_request_latency_seconds_bucket", "ray_vllm_time_to_first_token_seconds_bucket",
                 "ray_vllm_generation_tokens_total", "ray_vllm_kv_cache_usage_perc"):
        assert name in within
    # Only the framework sees what never reached the engine.
    assert "ray_serve_num_http_requests_total" in within


def test_an_engine_whose_metrics_need_an_option_is_heard_with_it_only() -> None:
    on, name = "options: {REPORT_CUSTOM_METRICS: true}", "vllm:e2e_request_latency_seconds_bucket"
    assert "vllm:" not in shown("triton")
    assert "vllm:" not in shown("triton", "engine: vllm")
    assert name in shown("triton", f"engine: vllm, {on}")
    assert name in shown("triton", on)
    (said,) = [one for one in compiled("triton", "engine: vllm")[1] if one.code == "S342"]
    assert said.hint.startswith("write `runtime.options: {REPORT_CUSTOM_METRICS: true}`")
    assert "S342" not in {one.code for one in compiled("triton", f"engine: vllm, {on}")[1]}


def test_the_engine_has_its_own_labels_and_bounds_inside() -> None:
    text = rule("triton", "SlowFirstToken", "engine: vllm, options: {REPORT_CUSTOM_METRICS: true}")
    assert 'vllm:time_to_first_token_seconds_bucket{job="chat",le=~"1|1\\\\.0",namespace="ai-prod"}' in text
    assert set(fact("triton", "vllm:time_to_first_token_seconds").labels) == {"model", "version"}


@pytest.mark.parametrize(("runtime", "engine", "words"), [
    ("ray-serve", "vlm", "did you mean `vllm`?"), ("tgi", "vllm", "leave it out")])
def test_an_engine_that_a_runtime_does_not_pass_on_is_an_error(runtime: str, engine: str, words: str) -> None:
    _, found = compiled(runtime, f"engine: {engine}")
    (error,) = [one for one in found if one.severity is Severity.ERROR]
    assert (error.code, error.path, error.place.line, error.hint) == ("R214", "runtime.engine", 4, words)


CLOSED = {"sglang": "enable-metrics", "llamacpp": "metrics", "torchserve": "metrics_mode", "litellm": "callbacks"}


@pytest.mark.parametrize("runtime", CLOSED)
def test_a_page_that_is_closed_by_default_is_asked_about(runtime: str) -> None:
    _, found = compiled(runtime)
    (asked, *_) = [one for one in found if one.code == "S340"]
    assert asked.severity is Severity.WARNING
    assert asked.hint.startswith(f"confirm it: `runtime.options: {{{CLOSED[runtime]}:")
    need = entry(runtime).needs[0]
    _, confirmed = compiled(runtime, f"options: {{{need.option}: {need.value}}}")
    assert [one.message for one in confirmed if one.code == "S340" and need.flag in one.message] == []
    assert shown(runtime) == shown(runtime, f"options: {{{need.option}: {need.value}}}")


@pytest.mark.parametrize("runtime", CLOSED)
def test_a_page_that_the_spec_calls_closed_is_an_error(runtime: str) -> None:
    _, found = compiled(runtime, f"options: {{{CLOSED[runtime]}: none}}")
    (error,) = [one for one in found if one.severity is Severity.ERROR]
    assert (error.code, error.path) == ("S340", f"runtime.options.{CLOSED[runtime]}")


def test_a_page_that_wants_a_key_is_open_to_a_scrape_that_has_one() -> None:
    rest = "metrics: {endpoints: [{authorization: {credentials: {name: scrape, key: token}}}]}\n"
    _, found = compiled("litellm", "options: {callbacks: prometheus}", rest)
    assert "S340" not in {one.code for one in found}
    _, found = compiled("litellm", "options: {callbacks: prometheus}")
    assert "S340" in {one.code for one in found}


def test_an_option_that_decides_nothing_is_said() -> None:
    _, found = compiled("sglang", "options: {enable-metric: true}")
    (said,) = [one for one in found if one.code == "S341"]
    assert (said.severity, said.hint) == (Severity.WARNING, "did you mean `enable-metrics`?")


def test_an_option_may_move_the_page() -> None:
    (job,) = service("kserve").jobs
    assert job.port == 8080
    (job,) = service("kserve", "options: {enable-metric-aggregation: true}").jobs
    assert job.port == 9088


def test_a_companion_is_named_by_its_own_release() -> None:
    _, found = compiled("kserve", "options: {enable-metric-aggregation: true, knative: newest}")
    (error,) = [one for one in found if one.severity is Severity.ERROR]
    assert (error.code, error.path) == ("R206", "runtime.options.knative")
    # The runtime's own release says nothing of it.
    assert "revision_request_count" in shown("kserve", 'version: "0.21", options: {enable-metric-aggregation: true}')


def test_an_option_gives_a_rule_its_end() -> None:
    assert fact("vllm", "vllm:request_prompt_tokens").buckets == ()
    _, found = compiled("vllm", 'version: "0.15", options: {max-model-len: 4096}')
    assert [one.code for one in found if one.severity is not Severity.INFO] == []


# --- metrics that are missing ----------------------------------------------------------------------------------------------


def test_failures_that_nobody_has_met_yet_are_not_missed() -> None:
    assert "tgi_request_success" in missed("tgi")
    assert "tgi_request_failure" not in missed("tgi")
    assert not missed("torchserve") & {"Requests4XX", "Requests5XX"}


def test_where_either_name_may_be_there_only_both_together_are_missed() -> None:
    more = "options: {enable-metric-aggregation: true}"
    assert "kn_serving_invocation_duration_seconds or revision_request_count" in missed("kserve", more)
    expr = next(expr for name, expr in absences(service("kserve", more).alerts).items() if " or " in name)
    assert isinstance(expr, promql.Binary)
    assert isinstance(expr.left, promql.Binary)
    assert expr.left.op == "and"
    assert "absent_over_time(kn_serving_invocation_duration_seconds_count{" in promql.show(expr.left.left)
    assert "absent_over_time(revision_request_count{" in promql.show(expr.left.right)


def test_what_only_some_requests_have_is_read_and_not_missed() -> None:
    assert "litellm_llm_api_time_to_first_token_metric_bucket" in shown("litellm")
    assert "litellm_llm_api_time_to_first_token_metric" not in missed("litellm")


def test_requests_are_counted_though_none_has_succeeded_yet() -> None:
    text = next(promql.show(one.expr) for one in service("tgi").recordings if one.name == "ai:requests:rate")
    success, failure = ("sum by (namespace) (rate(tgi_request_" + kind + '{job="chat",namespace="ai-prod"}[5m]))'
                        for kind in ("success", "failure"))
    assert text.replace("\n", " ") == f"({success} or 0 * {failure}) + ({failure} or 0 * {success})"


def test_tokens_in_the_sum_of_a_histogram_are_read_as_a_counter() -> None:
    text = shown("otel-genai-metrics")
    for kind in ("input", "output"):
        assert re.search(rf'rate\(gen_ai_client_token_usage_sum{{[^}}]*gen_ai_token_type="{kind}"', text)
    assert "gen_ai_server_" not in text
    assert "gen_ai_server_request_duration_seconds_count" in shown("otel-genai-metrics", "options: {side: server}")
