"""The catalog: every entry is sound, says what real pages say, and a mistake in one is reported at its line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import pytest

from obsc.catalog import load_runtime, metric, names, source_name
from obsc.catalog.profile import Measure, Metric, Presence, Profile, Term
from obsc.catalog.reading import read
from obsc.catalog.versions import parse, presence
from obsc.diagnostics import Diagnostic, Sink

SCRAPES = Path(__file__).parents[3] / "shared/fixtures/scrapes"
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? [^ ]+(?: \d+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"')


def entry(name: str) -> Profile:
    found = load_runtime(name)
    assert found is not None
    return found


def facts(profile: Profile, name: str) -> Metric:
    found = metric(profile, name)
    assert found is not None, name
    return found


def ways(profile: Profile, signal: str) -> tuple[Measure, ...]:
    return dict(profile.measures)[signal]


def terms(measure: Measure) -> Iterator[tuple[str, Term]]:
    for term in (*measure.errors, *measure.total, *measure.counters):
        yield "counter", term
    for kind, one in (("histogram", measure.histogram), ("counter", measure.mean_sum), ("counter", measure.mean_count),
                      ("gauge", measure.gauge)):
        if one is not None:
            yield kind, one


# --- every entry -----------------------------------------------------------------------------------------------------------


def test_the_entries_of_this_version() -> None:
    assert set(names()) >= {
        "amd-gpu", "bentoml", "cadvisor", "custom", "dcgm-exporter", "kserve", "kube-state-metrics", "litellm", "llamacpp",
        "node-exporter", "otel-genai-metrics", "prometheus-target", "ray-serve", "sglang", "tei", "tgi", "torchserve", "triton", "vllm"}
    assert list(names()) == sorted(names())
    assert load_runtime("no-such-runtime") is None
    assert load_runtime("../profile") is None


@pytest.mark.parametrize("name", names())
def test_an_entry_is_read_without_a_word(name: str) -> None:
    sink = Sink(strict=True)
    found = read(f"{name}.yaml", (files("obsc.catalog") / f"{name}.yaml").read_bytes(), sink)
    assert not list(sink)
    assert found == entry(name)
    assert entry(name).name == name


@pytest.mark.parametrize("name", names())
def test_metrics_have_one_name_each_and_say_what_they_are(name: str) -> None:
    found = [one.name for one in entry(name).metrics]
    assert len(found) == len(set(found))
    for one in entry(name).metrics:
        assert one.help.endswith("."), one.name
        assert {label for label, _ in one.label_values} <= set(one.labels), one.name
        assert one.type == "histogram" or not (one.buckets or one.bucket_rule), one.name
        # The text format writes these itself.
        assert not {"le", "quantile"} & set(one.labels), one.name


@pytest.mark.parametrize("name", names())
def test_a_measure_reads_metrics_of_the_right_type_with_matchers_that_can_match(name: str) -> None:
    profile = entry(name)
    by_name = {one.name: one for one in profile.metrics}
    for signal, measures in profile.measures:
        assert measures, signal
        for measure in measures:
            forms = [bool(measure.errors and measure.total), bool(measure.counters), measure.histogram is not None,
                     measure.mean_sum is not None and measure.mean_count is not None, measure.gauge is not None]
            assert sum(forms) == 1, signal
            for kind, term in terms(measure):
                one = by_name[term.metric]
                assert ("counter" if term.part else one.type) == kind, (signal, term)
                assert kind != "histogram" or one.buckets or one.bucket_rule, (signal, term)
                known = dict(one.label_values)
                for label, sign, value in term.matchers:
                    assert label in one.labels, (signal, term)
                    # A matcher that names values names only known ones, and leaves some on either side.
                    named = set(value.split("|")) if sign in {"=~", "!~"} and "." not in value else {value}
                    assert label not in known or named < set(known[label]), (signal, term)


@pytest.mark.parametrize("signal", ["requestDuration", "timeToFirstToken", "interTokenLatency", "timePerOutputToken",
                                    "queueDuration"])
def test_what_is_a_duration_is_measured_in_a_unit_of_time(signal: str) -> None:
    for name in names():
        for measure in dict(entry(name).measures).get(signal, ()):
            timed = measure.histogram or measure.mean_sum or measure.gauge
            assert timed is not None
            assert facts(entry(name), timed.metric).unit in {"seconds", "milliseconds", "microseconds"}


@pytest.mark.parametrize("signal", ["gpuUtilization", "kvCacheUsage"])
def test_what_is_a_share_is_measured_as_one(signal: str) -> None:
    units = {facts(entry(name), measure.gauge.metric).unit for name in names()
             for measure in dict(entry(name).measures).get(signal, ()) if measure.gauge is not None}
    # `mixed` has a matcher that picks the share out of several figures.
    assert units <= {"ratio", "percent", "mixed"}


@pytest.mark.parametrize("key", ["kubeStateMetrics", "cadvisor", "nodeExporter", "dcgm", "amd", "target"])
def test_a_source_of_the_platform_is_described_by_an_exporter(key: str) -> None:
    assert entry(source_name(key) or "").kind == "exporter"
    assert source_name("somethingElse") is None


def test_exporters_are_told_as_the_usual_deployment_scrapes_them() -> None:
    state, usage, gpu = entry("kube-state-metrics"), entry("cadvisor"), entry("dcgm-exporter")
    assert state.matchers == (("job", "=", "kube-state-metrics"),)
    assert usage.matchers == (("job", "=", "kubelet"), ("metrics_path", "=", "/metrics/cadvisor"))
    assert gpu.matchers == ()
    assert (state.honor_labels, usage.honor_labels, gpu.honor_labels) == (True, True, False)


# --- what the signals rely on ----------------------------------------------------------------------------------------------


def test_a_metric_is_found_by_the_names_that_expressions_use() -> None:
    vllm, triton = entry("vllm"), entry("triton")
    for end in ("", "_bucket", "_sum", "_count"):
        assert facts(vllm, f"vllm:e2e_request_latency_seconds{end}").type == "histogram"
    assert facts(vllm, "http_request_size_bytes_sum").type == "summary"
    assert metric(vllm, "http_request_size_bytes_bucket") is None
    assert metric(vllm, "vllm:num_requests_running_count") is None
    assert facts(triton, "nv_inference_count").type == "counter"
    assert metric(triton, "nv_inference") is None
    # A histogram whose own name looks like a counter's.
    assert facts(vllm, "vllm:iteration_tokens_total_sum").type == "histogram"


def test_vllm_failures_are_those_of_the_http_server_and_faults_of_the_server_only() -> None:
    first = ways(entry("vllm"), "availability")[0]
    assert [term.metric for term in (*first.errors, *first.total)] == ["http_requests_total", "http_requests_total"]
    assert first.errors[0].matchers == (("status", "=", "5xx"),)
    requests = facts(entry("vllm"), "http_requests_total")
    assert requests.lazy
    assert "model_name" not in requests.labels


def test_triton_failures_leave_out_what_the_client_cancelled() -> None:
    (measure,) = ways(entry("triton"), "availability")
    assert measure.errors == (Term("nv_inference_request_failure", (("reason", "!=", "CANCELED"),)),)
    assert [term.metric for term in measure.total] == ["nv_inference_request_success", "nv_inference_request_failure"]


@pytest.mark.parametrize(("signal", "new", "old", "version", "expected"), [
    ("kvCacheUsage", "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "0.15", (Presence.YES, Presence.NO)),
    ("kvCacheUsage", "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "0.10.2", (Presence.YES, Presence.YES)),
    ("kvCacheUsage", "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "0.8.5", (Presence.NO, Presence.YES)),
    ("kvCacheUsage", "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", None, (Presence.UNKNOWN, Presence.UNKNOWN)),
    ("interTokenLatency", "vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds", "0.15",
     (Presence.YES, Presence.NO)),
    ("interTokenLatency", "vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds", "0.9.2",
     (Presence.NO, Presence.YES)),
])
def test_a_renamed_metric_is_two_ways_and_the_version_decides(
        signal: str, new: str, old: str, version: str | None, expected: tuple[Presence, Presence]) -> None:
    profile, versions = entry("vllm"), parse(version)
    assert versions is not None
    assert [term.metric for measure in ways(profile, signal) for _, term in terms(measure)] == [new, old]
    assert (presence(facts(profile, new), versions), presence(facts(profile, old), versions)) == expected


def test_an_opt_in_metric_names_its_option() -> None:
    first = facts(entry("triton"), "nv_inference_first_response_histogram_ms")
    assert first.condition == ("histogram_latencies", "true")
    assert first.uncertain
    gpu = entry("dcgm-exporter")
    for one in gpu.metrics:
        assert one.condition in {None, ("fields", one.name)} or one.name == "DCGM_FI_DEV_GPU_UTIL"
    assert facts(gpu, "DCGM_FI_DEV_GPU_TEMP").condition is None
    assert facts(gpu, "DCGM_EXP_XID_ERRORS_COUNT").condition is not None
    state = facts(entry("kube-state-metrics"), "kube_pod_container_status_waiting_reason").condition
    assert state is not None
    assert state[0] == ""


def test_usage_leaves_out_the_groups_that_would_count_twice() -> None:
    for signal in ("cpuUsage", "memoryUsage"):
        (measure,) = ways(entry("cadvisor"), signal)
        for _, term in terms(measure):
            assert set(term.matchers) == {("container", "!=", ""), ("container", "!=", "POD")}


# --- mistakes --------------------------------------------------------------------------------------------------------------

GOOD = """\
name: example
title: Example
class: generic
startup: 2m
readings: ["1.0", "1.1", "1.2"]
entities: {model: [model]}
buckets: {request: [0.1, 1]}
signals:
  traffic: [{source: the server, counters: [{metric: requests_total, match: ['status=~"2.."']}]}]
  requestDuration: [{source: the server, histogram: {metric: duration_seconds}}]
metrics:
  - {name: requests_total, type: counter, unit: requests, of: model, labels: {status: ["200", "500"]}, help: Requests.}
  - {name: duration_seconds, type: histogram, unit: seconds, of: model, buckets: request, help: Time.}
  - {name: busy, type: gauge, unit: ratio, since: {absent: "1.0", seen: "1.1"}, when: {option: busy}, help: Share.}
"""


def reported(text: str) -> list[Diagnostic]:
    sink = Sink()
    assert (read("example.yaml", text.encode(), sink) is None) == sink.failed
    return list(sink)


def test_the_example_is_sound() -> None:
    assert reported(GOOD) == []


@pytest.mark.parametrize(("good", "bad", "code", "path", "line"), [
    ("title: Example\n", "", "V103", "title", 1),
    ("class: generic", "class: server", "V104", "class", 3),
    ("startup: 2m", "startup: 2m\nport: 1", "V101", "port", 5),
    ("unit: ratio", "unit: furlongs", "V104", "metrics[2].unit", 14),
    ("type: gauge", "type: untyped", "V104", "metrics[2].type", 14),
    ("buckets: request", "buckets: [fast]", "V104", "metrics[1].buckets[0]", 13),
    ("name: busy,", "", "V103", "metrics[2].name", 14),
    ("name: busy,", "name: requests_total,", "R280", "metrics[2].name", 14),
    ("of: model, buckets", "of: engine, buckets", "R280", "metrics[1].of", 13),
    ("buckets: request", "buckets: requests", "R280", "metrics[1].buckets", 13),
    ("buckets: request,", "buckets: [1, 0.1],", "R280", "metrics[1].buckets", 13),
    ("buckets: request,", "", "R280", "signals.requestDuration[0].histogram.metric", 10),
    ("unit: ratio,", "unit: ratio, buckets: [1],", "R280", "metrics[2].buckets", 14),
    ("labels: {status:", "labels: {model: [], status:", "R280", "metrics[0].labels", 12),
    ("when: {option: busy}", "when: {}", "R280", "metrics[2].when", 14),
    ('{absent: "1.0", seen: "1.1"}', '{absent: "1.2", seen: "1.1"}', "R280", "metrics[2].since", 14),
    ('{absent: "1.0", seen: "1.1"}', '{seen: "1.3"}', "R280", "metrics[2].since.seen", 14),
    ('since: {absent: "1.0"', 'until: {absent: "1.0"', "R280", "metrics[2].until", 14),
    ('["1.0", "1.1", "1.2"]', '["1.0", "1.2", "1.1"]', "R280", "readings", 5),
    ("traffic:", "trafic:", "R280", "signals.trafic", 9),
    ("counters: [", "errors: [", "R280", "signals.traffic[0]", 9),
    ("histogram: {metric: duration_seconds}", "histogram: {metric: t}", "R280", "signals.requestDuration[0].histogram.metric", 10),
    ("histogram: {metric", "gauge: {metric", "R280", "signals.requestDuration[0].gauge.metric", 10),
    ("status=~", "code=~", "R280", "signals.traffic[0].counters[0].match[0]", 9),
    ('"2.."', '"4.."', "R280", "signals.traffic[0].counters[0].match[0]", 9),
    ('status=~"2.."', 'status!~"2..|500"', "R280", "signals.traffic[0].counters[0].match[0]", 9),
    ('status=~"2.."', 'status=~"(2.."', "S324", "signals.traffic[0].counters[0].match[0]", 9),
    ('status=~"2.."', "status", "V104", "signals.traffic[0].counters[0].match[0]", 9),
    ("title: Example", "title: Example\ntitle: Again", "L007", "", 3),
    ("title: Example", "title: [Example", "L010", "", 3),
])
def test_a_mistake_is_reported_at_its_line(good: str, bad: str, code: str, path: str, line: int) -> None:
    assert good in GOOD
    found = reported(GOOD.replace(good, bad, 1))
    assert [(one.code, one.path, one.place.line) for one in found] == [(code, path, line)]


@pytest.mark.parametrize("text", ["", "# nothing", "- a list", "name: [", "\x00", "a: &a [*a]", "metrics: {}"])
def test_what_is_no_catalog_file_is_reported_and_never_raises(text: str) -> None:
    assert any(one.code for one in reported(text))


def test_findings_of_other_files_are_no_reason_to_refuse_this_one() -> None:
    sink = Sink()
    assert read("bad.yaml", b"name: x", sink) is None
    assert read("example.yaml", GOOD.encode(), sink) is not None


# --- real pages ------------------------------------------------------------------------------------------------------------


@dataclass
class Page:
    types: dict[str, str] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    buckets: dict[str, set[float]] = field(default_factory=lambda: defaultdict(set))


def page(name: str) -> Page:
    file = SCRAPES / name
    if not file.exists():
        pytest.skip(f"{name} is not here")
    found = Page()
    for line in file.read_text().splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split()
            found.types[family] = kind
        elif line and not line.startswith("#"):
            _sample(line, found)
    return found


def _sample(line: str, found: Page) -> None:
    match = SAMPLE.match(line)
    assert match is not None, line
    labels = dict(LABEL.findall(match[2] or ""))
    base = re.sub(r"_(bucket|sum|count)$", "", match[1])
    family = base if found.types.get(base) in {"histogram", "summary"} else match[1]
    if "le" in labels and labels["le"] != "+Inf":
        found.buckets[family].add(float(labels["le"]))
    found.labels[family] |= labels.keys() - {"le", "quantile"}


@dataclass(frozen=True)
class Differences:
    """What is legitimately different on a page of another release or place, each with the reason beside it."""

    types: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    missing_at: Mapping[str, frozenset[str]] = field(default_factory=dict)
    more: str = "(?!)"
    buckets: frozenset[str] = frozenset()
    bare: bool = False


PAGES: dict[str, tuple[str, int, Differences]] = {
    # The engine before V1: no label `engine`, settings of the cache as labels, fewer bounds at the ends.
    "vllm": ("vllm-kubeai.prom", 16, Differences(
        missing=frozenset({"engine"}),
        more="block_size|cache_dtype|cpu_offload_gb|enable_prefix_caching|gpu_memory_utilization|num_.*|sliding_window|swap.*",
        buckets=frozenset({"vllm:time_to_first_token_seconds", "vllm:time_per_output_token_seconds",
                           "vllm:e2e_request_latency_seconds"}))),
    # Before failures had a reason.
    "triton": ("triton-datadog.prom", 22, Differences(
        missing_at={"nv_inference_request_failure": frozenset({"reason"})})),
    # Rates of the bus were still typed as counters; no pod held the device, no MIG, `hostname` still `Hostname`; the
    # further labels are fields that this page's operator added. Its last samples were typed in by hand without any.
    "dcgm-exporter": ("dcgm-datadog.prom", 30, Differences(
        types={"DCGM_FI_PROF_PCIE_TX_BYTES": "counter", "DCGM_FI_PROF_PCIE_RX_BYTES": "counter"},
        missing=frozenset({"pci_bus_id", "hostname", "GPU_I_ID", "GPU_I_PROFILE", "namespace", "pod", "container"}),
        missing_at={"DCGM_FI_DEV_XID_ERRORS": frozenset({"err_code", "err_msg"})},
        more="DCGM_FI_PROCESS_NAME|DCGM_FI_(CUDA_DRIVER|NVML)_VERSION|DCGM_FI_DEV_[A-Z_]+", bare=True)),
    # cAdvisor's own test containers, outside Kubernetes, with labels that the test adds.
    "cadvisor": ("cadvisor-cadvisor.prom", 36, Differences(
        missing=frozenset({"namespace", "pod", "container"}), more="container_env_.*|container_label_.*|zone_name")),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_entry_says_what_a_real_page_says(name: str) -> None:
    file, least, allowed = PAGES[name]
    real = page(file)
    both = [one for one in entry(name).metrics if one.name in real.types]
    assert len(both) >= least
    for one in both:
        assert real.types[one.name] == allowed.types.get(one.name, one.type), one.name
        if one.name not in real.labels or (allowed.bare and not real.labels[one.name]):
            continue  # a TYPE line without samples, or a sample without any label
        seen, said = real.labels[one.name], set(one.labels)
        more = {label for label in seen - said if not re.fullmatch(allowed.more, label)}
        assert not more, one.name
        assert said - seen <= allowed.missing | allowed.missing_at.get(one.name, frozenset()), one.name
        bounds = real.buckets.get(one.name, set())
        if one.buckets and one.name not in allowed.buckets:
            assert bounds == set(one.buckets), one.name
        elif one.buckets:
            assert bounds & set(one.buckets), one.name


@pytest.mark.parametrize("name", PAGES)
def test_an_allowed_difference_is_a_difference(name: str) -> None:
    file, _, allowed = PAGES[name]
    real, profile = page(file), entry(name)
    seen = {label for labels in real.labels.values() for label in labels}
    for metric_name, kind in allowed.types.items():
        assert facts(profile, metric_name).type != kind
    for metric_name in allowed.buckets:
        assert real.buckets[metric_name] != set(facts(profile, metric_name).buckets)
    assert not allowed.missing & seen
    for metric_name, labels in allowed.missing_at.items():
        assert labels <= set(facts(profile, metric_name).labels) - real.labels[metric_name]
