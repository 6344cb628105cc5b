"""Ground rules that every compiled expression keeps, whatever the runtime and the platform."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from absences import absences
from conftest import ROOT
from obsc import pipeline, promql
from obsc.catalog import load_runtime, metric, names, source_name
from obsc.catalog.profile import Metric
from obsc.diagnostics import Sink
from obsc.ir import AlertRule, Panel, Service, Severity
from obsc.source import load

PROD = (ROOT / "specs/platforms/prod.yaml").read_text()
RUNTIMES = [name for name in names() if (found := load_runtime(name)) is not None and found.kind != "exporter" and name != "custom"]
TARGET_LABELS = {"namespace", "service", "job", "instance", "pod", "node", "container", "le", "exported_namespace", "exported_pod",
                 "exported_container", "metrics_path"}
DEVICES = {"gpu_id", "gpu", "gpu_uuid", "UUID", "GPU_I_ID", "uuid"}
TEN_LINES = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {{name: {name}, namespace: ai-prod, team: conversational-ai}}
runtime: {{name: {runtime}{version}}}
models: [{{name: llama-3.1-70b-instruct}}]
accelerators: {{resource: nvidia.com/gpu, perPod: 2}}
"""


def compiled(texts: dict[str, str]) -> tuple[Service, ...]:
    sink = Sink()
    sources = {name: load(name, text.encode(), sink) for name, text in texts.items()}
    services = pipeline.compile_specs(sources, sink).services
    assert not sink.failed, [f"{one.place.file}:{one.place.line} {one.message}" for one in sink]
    return services


EXPORTED = PROD.replace("  dcgm: {enabled: true}\n", """\
  dcgm: {enabled: true, fields: [DCGM_EXP_XID_ERRORS_COUNT, DCGM_EXP_CLOCK_EVENTS_COUNT]}
  amd: {enabled: true}
  blackbox: {enabled: true, address: "blackbox.monitoring.svc:9115", modules: [http_2xx]}
""")
# What some alerts need that ten lines do not say.
MORE = """\
workload: {replicas: {min: 1, max: 4}}
alerts: {rules: {%s}}
"""


def loud() -> Iterator[Service]:
    """Services that ask for every alert that their runtime and platform allow."""
    for runtime in ("vllm", "sglang", "tgi", "triton", "fastapi"):
        for device in ("nvidia.com/gpu", "amd.com/gpu"):
            spec = TEN_LINES.format(name="chat", runtime=runtime, version="").replace("nvidia.com/gpu", device)
            (plain,) = compiled({"chat.yaml": spec + MORE % "", "prod.yaml": EXPORTED})
            quiet = [name for name, reason in plain.omitted if "turns it on" in reason]
            assert quiet
            yield from compiled({"chat.yaml": spec + MORE % ", ".join(f"{name}: {{enabled: true}}" for name in quiet), "prod.yaml": EXPORTED})


def _all() -> Iterator[Service]:
    shipped = {path.name: path.read_text() for path in sorted((ROOT / "specs").glob("*.yaml"))}
    shipped |= {path.name: path.read_text() for path in sorted((ROOT / "specs/platforms").glob("*.yaml"))}
    yield from compiled(shipped)
    for runtime in RUNTIMES:
        for version in ("", ', version: "2.73"' if runtime == "triton" else ', version: "0.15"'):
            spec = TEN_LINES.format(name="chat", runtime=runtime, version=version)
            yield from compiled({"chat.yaml": spec})
            yield from compiled({"chat.yaml": spec, "prod.yaml": EXPORTED})
        yield from compiled({"chat.yaml": spec.replace("nvidia.com/gpu", "amd.com/gpu"), "prod.yaml": EXPORTED})


TEN_LINED = list(_all())
SERVICES = [*TEN_LINED, *loud()]
IDS = [f"{one.identity.environment}-{one.identity.name}-{one.runtime}-{index}" for index, one in enumerate(SERVICES)]
every_service = pytest.mark.parametrize("service", SERVICES, ids=IDS)


def panels(service: Service) -> Iterator[Panel]:
    for row in service.dashboard.rows:
        yield from row.panels


def expressions(service: Service) -> Iterator[promql.Expr]:
    yield from (rule.expr for rule in service.recordings)
    yield from (rule.expr for rule in service.alerts)
    yield from (query.expr for panel in panels(service) for query in panel.queries)


def selectors(service: Service) -> Iterator[promql.Selector]:
    for expr in expressions(service):
        yield from (part for part in promql.walk(expr) if isinstance(part, promql.Selector))


def facts(service: Service, name: str) -> Metric | None:
    profiles = [service.runtime, *(source_name(key) or "" for key in ("kubeStateMetrics", "cadvisor", "dcgm", "amd", "target"))]
    return next((one for entry in profiles if (profile := load_runtime(entry)) and (one := metric(profile, name))), None)


@every_service
def test_the_parser_takes_every_expression(service: Service) -> None:
    for expr in expressions(service):
        assert promql.problem(promql.show(expr, auto="5m", variables="")) is None, promql.show(expr)


CATALOGUED = [one for one in SERVICES if one.runtime != "custom"]


@pytest.mark.parametrize("service", CATALOGUED, ids=[one.dashboard.uid for one in CATALOGUED])
def test_every_metric_is_known_and_has_the_labels_that_are_matched(service: Service) -> None:
    recorded = {rule.name for rule in service.recordings}
    for selector in selectors(service):
        if selector.metric in recorded:
            continue
        known = facts(service, selector.metric)
        assert known is not None, selector.metric
        unknown = {one.label for one in selector.matchers} - set(known.labels) - TARGET_LABELS
        assert not unknown, (selector.metric, unknown)


@every_service
def test_counters_are_only_read_through_rates(service: Service) -> None:
    for expr in expressions(service):
        inside = {id(part) for outer in promql.walk(expr) if isinstance(outer, promql.Range) for part in promql.walk(outer)}
        for part in promql.walk(expr):
            if not isinstance(part, promql.Selector):
                continue
            known = facts(service, part.metric)
            if known is not None and known.type == "counter":
                assert id(part) in inside, promql.show(expr)


@every_service
def test_quantiles_keep_le_and_are_taken_of_rates(service: Service) -> None:
    for expr in expressions(service):
        for part in promql.walk(expr):
            if isinstance(part, promql.Call) and part.function == "histogram_quantile":
                inner = part.args[1]
                assert isinstance(inner, promql.Aggregate)
                assert inner.by[0] == "le"
                # Parallel processes that count the same requests are one before their rates are added.
                once = inner.expr.expr if isinstance(inner.expr, promql.Aggregate) and inner.expr.without else inner.expr
                assert isinstance(once, promql.Call)
                assert once.function == "rate"


@every_service
def test_ratios_stay_between_zero_and_one(service: Service) -> None:
    assert not [text for expr in expressions(service) if re.search(r"\* 100\b", text := promql.show(expr))]


@every_service
def test_ranges_hold_four_scrapes(service: Service) -> None:
    slowest = max((job.interval for job in service.jobs), default=30.0)
    for rule in (*service.recordings, *service.alerts):
        for part in promql.walk(rule.expr):
            if isinstance(part, promql.Range) and part.window is not None:
                assert part.window >= 4 * slowest, promql.show(rule.expr)


def test_a_slow_endpoint_widens_the_ranges_of_its_own_series() -> None:
    own = "metrics: {endpoints: [{interval: 2m}], series: [{name: t_total, type: counter, signal: availability, labels: {code: [ok, error]}}]}"
    (service,) = compiled({"slow.yaml": TEN_LINES.format(name="slow", runtime="custom", version="") + own})
    found = [part.window for rule in service.recordings for part in promql.walk(rule.expr)
             if isinstance(part, promql.Range) and not part.expr.metric.startswith("slo:")]  # type: ignore[union-attr]
    assert found
    assert set(found) == {480, 1800, 3600}
    down = next(rule for rule in service.alerts if rule.name == "ServiceDown")
    assert down.hold == 240


@every_service
def test_every_alert_carries_what_routing_needs(service: Service) -> None:
    for rule in service.alerts:
        labels = dict(rule.labels)
        assert labels["service"] == service.identity.name
        assert labels["namespace"] == service.identity.namespace
        assert labels["team"]
        assert labels["runtime"] == service.runtime
        assert rule.signal
        assert rule.kind
        assert rule.checks


@every_service
def test_every_alert_is_shown_by_a_panel_with_the_same_number(service: Service) -> None:
    shown = {panel.key: panel for panel in panels(service)}
    for rule in service.alerts:
        assert rule.panel in shown, (rule.name, rule.panel)
        for mark in shown[rule.panel].thresholds:
            compared = [part.value for one in service.alerts if one.panel == rule.panel
                        for part in promql.walk(one.expr) if isinstance(part, promql.Number)]
            assert mark.value in compared or rule.kind in {"latency", "availability"}, (rule.name, mark)


@every_service
def test_a_metric_that_an_alert_needs_is_missed_exactly_once(service: Service) -> None:
    recorded = {rule.name: rule.expr for rule in service.recordings}
    watched = absences(service.alerts)
    needed = {name for rule in service.alerts if rule.name != "MetricMissing" for name in _needed(rule, recorded)}
    for name in needed - {"up", "scrape_samples_post_metric_relabeling", "kube_pod_start_time", "kube_pod_status_phase"}:
        known = facts(service, name)
        if known is not None and known.condition is None and known.name not in _beside(service):
            assert any(known.name in one.split(" or ") for one in watched), name


def _beside(service: Service) -> set[str]:
    """Counters of failures, and those added to another count: where they begin with their first event, none is no fault."""
    profile = load_runtime(service.runtime)
    assert profile is not None
    measures = dict(profile.measures)
    ways = [way for signal in ("availability", "requestsShed", "requestsAbandoned") for way in measures.get(signal, ())]
    added = {term.metric for way in ways for term in (*way.errors, *way.total[1:])} - {way.total[0].metric for way in ways}
    return {one.name for one in profile.metrics if one.name in added and one.lazy}


def _needed(rule: AlertRule, recorded: dict[str, promql.Expr]) -> Iterator[str]:
    for part in promql.walk(rule.expr):
        if isinstance(part, promql.Selector) and part.metric in recorded:
            yield from (inner.metric for inner in promql.walk(recorded[part.metric]) if isinstance(inner, promql.Selector))
        elif isinstance(part, promql.Selector):
            yield part.metric


@pytest.mark.parametrize("service", TEN_LINED, ids=IDS[:len(TEN_LINED)])
def test_the_alert_budget_is_kept(service: Service) -> None:
    critical = [rule for rule in service.alerts if rule.severity is Severity.CRITICAL]
    assert len(critical) <= 8
    assert len(service.alerts) <= 25, [rule.name for rule in service.alerts]


def kept(expr: promql.Expr) -> set[str] | None:
    """Labels that a result can have; None where all of a series' own stay."""
    match expr:
        case promql.Aggregate(by=by, without=()):
            return set(by)
        case promql.Binary(op="or", left=left, right=right):
            both = kept(left), kept(right)
            return None if None in both else set().union(*(labels or () for labels in both))
        case promql.Binary(left=promql.Number(), right=right):
            return kept(right)
        case promql.Binary(op=op, on=on, left=left):
            return set(on) if on is not None and op not in {"and", "unless"} else kept(left)
        case promql.Call(function="label_replace", args=(inner, promql.Quoted(label), *_)):
            labels = kept(inner)
            return labels | {label} if labels is not None else None
        case promql.Call(function="histogram_quantile", args=(_, buckets)):
            labels = kept(buckets)
            return labels - {"le"} if labels is not None else None
        case promql.Call(args=(first, *_)):
            return kept(first)
        case _:
            return None


@every_service
def test_texts_and_legends_name_only_labels_that_are_there(service: Service) -> None:
    for rule in service.alerts:
        labels = kept(rule.expr)
        used = {part.label for text in (rule.summary, rule.description) for part in text if not isinstance(part, str) and part.label}
        assert labels is None or used <= labels | set(dict(rule.labels)), (rule.name, used, promql.show(rule.expr))
    for panel in panels(service):
        for query in panel.queries:
            used = {part.label for part in query.legend if not isinstance(part, str) and part.label}
            labels = kept(query.expr)
            assert labels is None or used <= labels, (panel.key, used, promql.show(query.expr))


@every_service
def test_lines_of_a_panel_have_names_of_their_own(service: Service) -> None:
    """Every label that tells two lines apart is in the legend, but for the namespace, which the viewer chooses."""
    for panel in panels(service):
        for query in panel.queries:
            labels = kept(query.expr)
            used = {part.label for part in query.legend if not isinstance(part, str) and part.label}
            fixed = {one.label for part in promql.walk(query.expr) if isinstance(part, promql.Selector)
                     for one in part.matchers if one.op == "="}
            told = used | fixed | {"namespace", "job"} | (DEVICES if used & DEVICES else set())
            assert labels is None or labels <= told or not query.legend, (panel.key, labels - told)


X, ERRORS, SECONDS = promql.select("x_total"), promql.select("errors_total"), promql.select("seconds_bucket", promql.equal("le", "1"))
RATE = promql.aggregate("sum", promql.rate(X, 300), "namespace")
NUMBER = promql.Number


def _ranges(expr: promql.Expr) -> list[promql.Expr]:
    return [part for part in promql.walk(expr) if isinstance(part, promql.Call) and part.function in {"rate", "increase"}]


def divisors(expr: promql.Expr) -> bool:
    """G2: what is divided by is a number, or greater than 0, so that no traffic is no sample and not a NaN."""
    found = [part.right for part in promql.walk(expr) if isinstance(part, promql.Binary) and part.op == "/"]
    return all(isinstance(one, promql.Number) or (isinstance(one, promql.Binary) and one.op == ">" and one.right == NUMBER(0))
               for one in found)


def bounds(expr: promql.Expr) -> bool:
    """G5: a bucket's bound is matched as every client and every release of Prometheus writes it."""
    found = [one for part in promql.walk(expr) if isinstance(part, promql.Selector) for one in part.matchers if one.label == "le"]
    return all(one.op == "=~" and re.fullmatch(r"(?P<n>[^|]+)\|(?P=n)\\\.0|[^|]*\.[^|]*|.+\|.+", one.value) for one in found)


def rates(expr: promql.Expr) -> bool:
    """G9: a rate is taken of a counter itself; sums come after it, since a sum hides a reset."""
    return all(isinstance(one.args[0], promql.Range) and isinstance(one.args[0].expr, promql.Selector)
               for one in _ranges(expr) if isinstance(one, promql.Call))


def zeros(expr: promql.Expr) -> bool:
    """G2: nothing is filled up with `vector(0)`, whose lack of labels matches nothing."""
    return not any(isinstance(part, promql.Binary) and isinstance(part.right, promql.Call) and part.right.function == "vector"
                   for part in promql.walk(expr))


GROUND: dict[str, Callable[[promql.Expr], bool]] = {"divisors": divisors, "bounds": bounds, "rates": rates, "zeros": zeros}


@every_service
@pytest.mark.parametrize("rule", GROUND.values(), ids=GROUND)
def test_every_expression_stands_on_the_ground_rules(service: Service, rule: Callable[[promql.Expr], bool]) -> None:
    for expr in expressions(service):
        assert rule(expr), promql.show(expr)


@pytest.mark.parametrize(("name", "broken"), [
    ("divisors", promql.Binary("/", RATE, RATE)),
    ("bounds", promql.aggregate("sum", promql.rate(SECONDS, 300))),
    ("rates", promql.Call("rate", (promql.Range(promql.aggregate("sum", X), 300, step=60),))),
    ("zeros", promql.Binary("or", RATE, promql.Call("vector", (NUMBER(0),)))),
])
def test_a_broken_expression_breaks_its_rule_and_no_other(name: str, broken: promql.Expr) -> None:
    assert [key for key, rule in GROUND.items() if not rule(broken)] == [name]


@every_service
def test_shares_and_means_are_judged_only_where_there_is_traffic(service: Service) -> None:
    for rule in service.alerts:
        if rule.kind in {"errors", "latency"}:
            # A budget is burnt by bad requests, of which five are enough; else it is all requests that are counted.
            least = 5 if "slo" in dict(rule.labels) else 20
            for branch in branches(rule.expr):
                assert isinstance(branch, promql.Binary)
                assert branch.op == "and", rule.name
                assert isinstance(branch.right, promql.Binary)
                assert branch.right.op == ">="
                assert isinstance(branch.right.right, promql.Number)
                assert branch.right.right.value >= least


def branches(expr: promql.Expr) -> list[promql.Expr]:
    if isinstance(expr, promql.Binary) and expr.op == "or":
        return [*branches(expr.left), *branches(expr.right)]
    return [expr]


@every_service
def test_alerts_last_two_evaluations_and_do_not_flap(service: Service) -> None:
    for rule in service.alerts:
        assert rule.hold == 0 or rule.hold >= 60, rule.name
        assert rule.keep >= {"critical": 300, "warning": 900, "info": 0}[rule.severity.value], rule.name


@every_service
def test_what_wakes_somebody_is_about_the_service_and_not_one_pod(service: Service) -> None:
    for rule in service.alerts:
        if rule.severity is Severity.CRITICAL and not rule.signal.startswith("gpu"):
            labels = kept(rule.expr)
            assert labels is not None
            assert not labels & {"pod", "instance", "container", "exported_pod"}, rule.name


def test_parts_of_a_partitioned_device_are_seen_by_the_field_that_they_have() -> None:
    spec = TEN_LINES.format(name="chat", runtime="vllm", version="") + "alerts: {rules: {GPUUtilizationHigh: {threshold: 95%}}}\n"
    (service,) = compiled({"chat.yaml": spec, "prod.yaml": PROD})
    alert = next(rule for rule in service.alerts if rule.name == "GPUUtilizationHigh")
    assert {part.metric for part in promql.walk(alert.expr) if isinstance(part, promql.Selector)} == {
        "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"}
    assert "DCGM_FI_DEV_GPU_UTIL or DCGM_FI_PROF_GR_ENGINE_ACTIVE" in absences(service.alerts)


def test_an_unknown_version_reads_both_names_and_a_known_one_only_its_own() -> None:
    def text(version: str) -> str:
        spec = TEN_LINES.format(name="chat", runtime="vllm", version=version).replace("models:", "alerts: {rules: {}}\nmodels:")
        return "\n".join(promql.show(expr) for one in compiled({"chat.yaml": spec}) for expr in expressions(one))

    both, new, old = (text(version) for version in ("", ', version: "0.15"', ', version: "0.8.5"'))
    assert "vllm:kv_cache_usage_perc" in both
    assert "vllm:gpu_cache_usage_perc" in both
    assert "vllm:gpu_cache_usage_perc" not in new
    assert "vllm:kv_cache_usage_perc" not in old
    assert "vllm:time_per_output_token_seconds" in old
    assert "vllm:inter_token_latency_seconds" in new


def test_the_tests_run_on_both_platforms_and_every_runtime() -> None:
    assert {one.identity.environment for one in SERVICES} == {"default", "prod"}
    assert {one.runtime for one in SERVICES} >= set(RUNTIMES)
