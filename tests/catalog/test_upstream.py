"""Entries whose facts were read at their programs' own sources: what is compiled of them, release by release."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from absences import absences
from obsc import pipeline, promql
from obsc.catalog import load_runtime, metric
from obsc.catalog.profile import Profile
from obsc.diagnostics import Severity as Grade
from obsc.diagnostics import Sink
from obsc.ir import AlertRule, Service, Severity
from obsc.source import load

SPEC = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {{name: chat, namespace: ai-prod, team: ml}}
runtime: {runtime}
{more}
"""
CLASSES = {"fastapi": "generic", "gateway-inference": "gateway", "istio": "gateway", "llm-d-epp": "gateway", "mlserver": "generic",
           "nim": "llm", "ollama": "llm", "redis-exporter": "store", "vllm-router": "gateway"}
CLOSED = dict.fromkeys(("gateway-inference", "llm-d-epp", "ollama"), ("S340",))
# What a series of the other two generations begins with.
PREFIXES = {"model": "inference_model_", "objective": "inference_objective_", "epp": "llm_d_epp_"}


def service(runtime: str, more: str = "", *, platform: str = "", warnings: tuple[str, ...] = ()) -> Service:
    sink = Sink()
    texts = {"chat.yaml": SPEC.format(runtime=runtime, more=more)} | ({"platform.yaml": platform} if platform else {})
    sources = {name: load(name, text.encode(), sink) for name, text in texts.items()}
    found = pipeline.compile_specs(sources, sink).services
    assert not sink.failed, [one.message for one in sink]
    # What a version leaves open (S330) and what has no metric (S331, S332) is told for many specs; a runtime's page and options are not.
    said = {one.code for one in sink if one.place.file == "chat.yaml"} - {"S330", "S331", "S332"}
    assert said == set(warnings), [one.message for one in sink]
    return found[0]


def rule(found: Service, name: str) -> AlertRule:
    return next(one for one in found.alerts if one.name == name)


def recorded(found: Service, name: str) -> str:
    return next(promql.show(one.expr) for one in found.recordings if one.name == name)


def written(found: Service) -> Iterator[str]:
    yield from (promql.show(one.expr) for one in (*found.recordings, *found.alerts))
    yield from (promql.show(query.expr, auto="5m", variables="") for row in found.dashboard.rows for panel in row.panels
                for query in panel.queries)


def generations(found: Service) -> set[str]:
    text = "\n".join(written(found))
    return {name for name, prefix in PREFIXES.items() if prefix in text}


@pytest.mark.parametrize("name", CLASSES)
def test_ten_lines_give_few_alerts(name: str) -> None:
    closed = CLOSED.get(name, ())
    found = service(f"{{name: {name}}}", warnings=closed)
    assert len(found.alerts) <= 25
    assert sum(one.severity is Severity.CRITICAL for one in found.alerts) <= 8
    profile = load_runtime(name)
    assert profile is not None
    assert profile.kind == CLASSES[name]
    assert profile.sources


# --- the renames of the endpoint picker ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "expected"), [
    ("0.2.0", {"model"}), ("1.0.2", {"model"}), ("1.0.9", {"model", "objective"}), ("1.1.0", {"objective"}), ("1.5", {"objective"}),
    (">=1.0.2 <1.2", {"model", "objective"})])
def test_the_extension_renamed_its_requests_between_two_readings(version: str, expected: set[str]) -> None:
    assert generations(service(f'{{name: gateway-inference, version: "{version}", options: {{metrics-endpoint-auth: false}}}}')) == expected


@pytest.mark.parametrize(("version", "expected"), [
    ("0.3.2", {"model"}), ("0.3.9", {"model", "objective"}), ("0.4.0", {"objective"}), ("0.8.0", {"objective"}),
    ("0.8.5", {"objective", "epp"}), ("0.9.0", {"epp"}), ("0.10", {"epp"})])
def test_llm_d_took_the_names_over_and_gave_its_own_later(version: str, expected: set[str]) -> None:
    assert generations(service(f'{{name: llm-d-epp, version: "{version}", options: {{metrics-endpoint-auth: false}}}}')) == expected


def test_what_a_picker_refuses_is_a_request_and_its_own_fault_unless_the_client_asked_wrongly() -> None:
    found = service('{name: gateway-inference, version: "1.5", options: {metrics-endpoint-auth: false}}')
    failed = re.search(r'inference_objective_request_error_total\{error_code!~"([^"]*)"', recorded(found, "ai:request_errors:rate"))
    assert failed is not None
    spared = set(failed[1].split("|"))
    facts = metric(_entry("gateway-inference"), "inference_objective_request_error_total")
    assert facts is not None
    assert set(dict(facts.label_values)["error_code"]) - spared == {
        "Unknown", "Internal", "ServiceUnavailable", "ResourceExhausted", "InferencePoolResourceExhausted", "BadConfiguration"}
    # Requests are counted once an endpoint is found; those for which none is are in the count of errors only.
    assert "inference_objective_request_error_total" in recorded(found, "ai:requests:rate")


def test_a_page_behind_a_token_is_asked_about() -> None:
    service('{name: gateway-inference, version: "1.5"}', warnings=("S340",))
    service('{name: gateway-inference, version: "1.5"}',
            "metrics: {endpoints: [{authorization: {type: Bearer, credentials: {name: picker, key: token}}}]}")


def test_requests_that_wait_at_the_picker_are_shown_where_it_holds_requests_back() -> None:
    plain, held = (service(f'{{name: llm-d-epp, version: "0.10", options: {{metrics-endpoint-auth: false{more}}}}}')
                   for more in ("", ", flowControl: true"))
    assert not any("flow_control" in one for one in written(plain))
    assert any("llm_d_epp_flow_control_queue_size" in one for one in written(held))


# --- the mesh's gateway ----------------------------------------------------------------------------------------------------


def test_a_gateway_counts_what_it_sends_on_and_all_of_it() -> None:
    text = recorded(service('{name: istio, version: "1.30"}'), "ai:requests:rate")
    assert 'reporter="source"' in text
    assert "destination" not in text


def test_options_say_whose_requests_count_where_a_gateway_is_shared() -> None:
    found = service("{name: istio, options: {destination_service_name: chat, destination_service_namespace: ai-prod}}")
    mine = 'destination_service_name="chat",destination_service_namespace="ai-prod"'
    for name in ("ai:requests:rate", "ai:request_errors:rate"):
        assert recorded(found, name).count("istio_requests_total{") == recorded(found, name).count(mine)
    # A gateway that is up but knows no such service is told by the alert on missing series, not taken for an outage.
    assert "destination" not in promql.show(rule(found, "ServiceDown").expr)
    assert all(mine in promql.show(expr) for name, expr in absences(found.alerts).items() if name.startswith("istio_"))


def test_a_sidecar_counts_what_comes_in() -> None:
    assert 'reporter="destination"' in recorded(service("{name: istio, options: {reporter: destination}}"), "ai:requests:rate")
    # The same as a further page of a server that counts no requests itself: its option is nothing unknown.
    beside = service("{name: nim, options: {reporter: destination}}",
                     "metrics: {endpoints: [{port: 8000}, {name: mesh, runtime: istio, port: 15090, path: /stats/prometheus}]}")
    text = recorded(beside, "ai:requests:rate")
    assert 'job="chat-mesh"' in text
    assert 'reporter="destination"' in text


def test_failures_of_grpc_behind_an_http_200_are_failures_even_if_nothing_else_fails() -> None:
    text = recorded(service("{name: istio}"), "ai:request_errors:rate")
    assert 'grpc_response_status=~"2|4|12|13|14|15"' in text
    # Neither of the two has to exist for the other to count.
    assert text.count("or 0 *") >= 3


def test_milliseconds_are_compared_in_milliseconds() -> None:
    text = promql.show(rule(service("{name: istio}", "alerts: {rules: {HighInferenceLatency: {threshold: 2.5s}}}"), "HighInferenceLatency").expr)
    assert r'le=~"2500|2500\\.0"' in text


# --- a store behind an exporter --------------------------------------------------------------------------------------------


def test_a_store_is_down_when_its_exporter_says_so_or_says_nothing() -> None:
    found = service("{name: redis-exporter}")
    text = promql.show(rule(found, "ServiceDown").expr)
    assert 'sum by (namespace) (redis_up{job="chat",namespace="ai-prod"}) == 0' in text
    assert 'absent(redis_up{job="chat",namespace="ai-prod"})' in text
    # The exporter itself is watched too.
    assert 'max by (namespace, job, instance, pod) (up{job="chat",namespace="ai-prod"}) == 0' in promql.show(rule(found, "TargetDown").expr)


def test_only_what_the_store_cannot_do_is_its_fault() -> None:
    text = recorded(service("{name: redis-exporter}"), "ai:request_errors:rate")
    faults = re.search(r'redis_errors_total\{err=~"([^"]*)"', text)
    assert faults is not None
    # Words of a real page: `redis_errors_total{err="OOM"} 2`, `redis_errors_total{err="WRONGTYPE"} 1`.
    assert re.fullmatch(faults[1], "OOM")
    assert not any(re.fullmatch(faults[1], word) for word in ("WRONGTYPE", "ERR", "NOAUTH", "NOPERM", "BUSYKEY", "READONLY"))


def test_time_of_commands_is_a_mean_since_its_buckets_cannot_be_added() -> None:
    text = promql.show(rule(service("{name: redis-exporter}", "alerts: {rules: {HighInferenceLatency: {threshold: 5ms}}}"), "HighInferenceLatency").expr)
    assert "redis_commands_duration_seconds_total" in text
    assert "> 0.005" in text


# --- a server without a page -----------------------------------------------------------------------------------------------

PROBING = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: prod}
alertmanager: {receivers: [{name: all, webhookConfigs: [{url: "http://alerts.observability.svc/hook"}]}],
               routing: {critical: [all], warning: [all], info: [all]}}
policy: {allowInsecure: true}
sources: {blackbox: {enabled: true, address: "blackbox.observability.svc:9115", modules: [http_2xx]}}
"""
OWN_PAGE = "metrics: {endpoints: [{port: 9100}], series: [{name: ollama_busy, type: gauge, unit: ratio}]}"


def test_a_program_that_serves_no_metrics_is_not_scraped_and_not_taken_for_down() -> None:
    found = service("{name: ollama}", warnings=("S340",))
    assert not found.jobs
    assert not any(re.search(r"\bup\{|scrape_samples", text) for text in written(found))
    assert {"NoReadyReplicas", "ReplicasBelowDesired"} <= {one.name for one in found.alerts}
    assert dict(found.omitted)["ServiceDown"] == "the runtime serves no metrics"
    assert "kube_pod_start_time" in promql.show(found.dashboard.variables[0].source)


def test_a_probe_tells_whether_it_answers() -> None:
    found = service("{name: ollama}", "probes: [{name: api, port: 11434}]", platform=PROBING)
    assert rule(found, "ProbeFailing")


def test_the_page_of_an_exporter_beside_it_is_scraped_as_any_other() -> None:
    found = service("{name: ollama}", OWN_PAGE)
    assert [job.port for job in found.jobs] == [9100]
    assert rule(found, "ServiceDown")


def test_series_of_ones_own_need_a_page() -> None:
    sink = Sink()
    text = SPEC.format(runtime="{name: ollama}", more=OWN_PAGE.replace("endpoints: [{port: 9100}], ", ""))
    pipeline.compile_specs({"chat.yaml": load("chat.yaml", text.encode(), sink)}, sink)
    assert [(one.code, one.hint) for one in sink if one.severity is Grade.ERROR] == [("S340", "name their page in `metrics.endpoints`")]


# --- servers of models -----------------------------------------------------------------------------------------------------


# Lines of a page of mlserver 1.7.1 after good and bad calls over REST and gRPC.
MLSERVER = (
    'model_infer_request_failure_total{model="toy",version="None"} 1.0',
    'model_infer_request_success_total{model="toy",version="None"} 3.0',
    'model_infer_request_duration_count{model="toy",version="None"} 4.0',
    'rest_server_requests_total{app_name="mlserver",method="POST",path="/v2/models/{model_name}/infer",status_code="500"} 1.0',
    'rest_server_request_duration_seconds_bucket{app_name="mlserver",le="0.075",method="POST",path="/v2/models/{model_name}/infer",status_code="200"} 3.0',
    'rest_server_requests_in_progress{app_name="mlserver",method="POST"} 0.0',
    'batch_request_queue_bucket{le="10.0",model_name="toy",model_version=""} 6.0',
    'parallel_request_queue_bucket{le="0.005"} 0.0',
    'grpc_server_started_total{grpc_method="ModelInfer",grpc_service="inference.GRPCInferenceService",grpc_type="UNARY"} 3.0',
    'grpc_server_handled_total{grpc_code="OK",grpc_method="ModelInfer",grpc_service="inference.GRPCInferenceService",grpc_type="UNARY"} 1.0',
)
REDIS = (
    'redis_commands_total{cmd="client|setname"} 1',
    'redis_commands_rejected_calls_total{cmd="set"} 2',
    "redis_commands_processed_total 15",
    'redis_latency_percentiles_usec{cmd="get",quantile="99"} 7.007',
    'redis_errors_total{err="OOM"} 2',
    'redis_exporter_last_scrape_error{err=""} 0',
    'redis_db_keys{db="db0"} 5',
)


@pytest.mark.parametrize(("name", "line"), [*(("mlserver", line) for line in MLSERVER), *(("redis-exporter", line) for line in REDIS)])
def test_real_pages_have_the_names_labels_and_bounds_of_the_entry(name: str, line: str) -> None:
    sample = re.match(r"([a-z_]+)(?:\{(.*)\})? ", line)
    assert sample is not None
    facts = metric(_entry(name), sample[1])
    assert facts is not None, sample[1]
    labels = dict(re.findall(r'([a-z_]+)="([^"]*)"', sample[2] or ""))
    assert set(labels) - {"le", "quantile"} == set(facts.labels)
    if "le" in labels:
        assert float(labels["le"]) in facts.buckets


def test_readiness_of_models_is_no_inference() -> None:
    text = recorded(service("{name: mlserver}"), "ai:requests:rate")
    path = re.search(r'path=~"([^"]*)"', text)
    assert path is not None
    assert re.fullmatch(path[1], "/v2/models/{model_name}/infer")
    assert re.fullmatch(path[1], "/v2/models/toy/versions/v1/generate_stream")
    assert not re.fullmatch(path[1], "/v2/models/{model_name}/ready")


def test_scrapes_are_no_traffic_and_both_spellings_of_a_status_are_faults() -> None:
    text = recorded(service("{name: fastapi}"), "ai:request_errors:rate")
    assert text.count('handler!="/metrics"') == text.count("http_requests_total{")
    status = re.search(r'status=~"([^"]*)"', text)
    assert status is not None
    assert all(re.fullmatch(status[1], one) for one in ("5xx", "500", "503"))
    assert not any(re.fullmatch(status[1], one) for one in ("4xx", "422"))


def test_requests_in_progress_are_shown_where_the_program_counts_them() -> None:
    plain, counted = (service(f"{{name: fastapi{more}}}") for more in ("", ", options: {should_instrument_requests_inprogress: true}"))
    assert not any("http_requests_inprogress" in one for one in written(plain))
    assert any("http_requests_inprogress" in one for one in written(counted))


@pytest.mark.parametrize(("runtime", "there", "absent"), [
    ('{name: nim, version: "1.8"}', "e2e_request_latency_seconds", "vllm:"),
    ('{name: nim, version: "2.0.13", engine: vllm}', "vllm:e2e_request_latency_seconds", " e2e_request_latency_seconds")])
def test_from_its_second_generation_on_nim_passes_its_engine_on(runtime: str, there: str, absent: str) -> None:
    text = " ".join(written(service(runtime))).replace("(", "( ")
    assert there in text
    assert absent not in text


def test_failures_that_may_be_clients_who_left_raise_no_alert() -> None:
    found = service('{name: nim, version: "1.8"}')
    assert not any(one.name == "HighErrorRate" for one in found.alerts)
    assert any(name == "HighErrorRate" for name, _ in found.omitted)


@pytest.mark.parametrize(("version", "alert"), [("0.1.9", False), ("0.1.10", True)])
def test_the_router_tells_failures_since_it_counts_them(version: str, alert: bool) -> None:  # noqa: FBT001
    found = service(f'{{name: vllm-router, version: "{version}"}}')
    assert any(one.name == "SLOBurnFast" and one.signal == "availability" for one in found.alerts) is alert


def test_the_routers_latency_is_that_of_requests_that_went_well() -> None:
    found = service('{name: vllm-router, version: "0.1.12"}', "alerts: {rules: {HighInferenceLatency: {threshold: 30s}}}")
    text = promql.show(rule(found, "HighInferenceLatency").expr)
    assert text.count('status="success"') == text.count("vllm:request_latency_seconds")


def _entry(name: str) -> Profile:
    found = load_runtime(name)
    assert found is not None
    return found
