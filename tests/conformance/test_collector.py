"""The compiled Collector configuration in a real Collector: spans in by OTLP, what comes out read from a second Collector.

`otelcol validate` reads no sampling policy and opens no port, so everything is also started. The API server, which
enriches spans with what it knows of their pods, is the one thing that is not there.
"""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance import checks, tools
from conformance.cluster import Cluster
from conformance.processes import Daemon, fetch, free_port, write
from conformance.records import Consumers
from conformance.runners import eventually
from obsc import conventions, emit, ir, privacy
from obsc.catalog import BUILT_IN
from obsc.part import Part
from obsc.spec.platform import AIPlatform
from obsc.targets import collector

Run = Callable[..., AbstractContextManager[Daemon]]
Tool = Callable[[str], Path]
Data = dict[str, Any]
ENVIRONMENT = {"POD_IP": "127.0.0.1", "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "9",
               "SECRET": "from-the-environment"}
PRIVATE = "PRIVATE"
SINK = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  telemetry: {{logs: {{encoding: console}}, metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}
"""


def platform(replicas: int = 1, version: str = "0.145.0", flavor: str = "config", **more: object) -> AIPlatform:
    return AIPlatform.model_validate({
        "apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"},
        "collector": {"version": version, "replicas": replicas, "flavor": flavor},
        "jaeger": {"endpoint": "jaeger-collector.observability.svc:4317"}, "policy": {"allowInsecure": True}, **more})


def part(name: str, baseline: float = 0.05, slow: float | None = None, *, errors: bool = True, namespace: str = "ai",
         masks: tuple[str, ...] = privacy.USUAL_MASKS, service: str = "") -> Part:
    policy = ir.TracePolicy((service or name,), baseline, errors, slow, (), tuple(privacy.MASKS[one] for one in masks), (),
                            ir.Origin("traces"))
    return Part(ir.Identity("prod", namespace, name), "ml", (), (), ("uid", name, "ml"), policy, (), namespaces=(namespace,))


HOSTILE = "${env:SECRET} ${file:/etc/passwd} \"quoted\" \\ $x $$ 'y' [{("
PARTS = (part("usual"), part("all", 0.999999), part("none", 0.000001, errors=False), part("slow", 0.000001, 0.5),
         part("strict", 0.999999, masks=privacy.ORDER), part("elsewhere", 0.000001, namespace="other"),
         part("hostile", 0.999999, service=HOSTILE))


def attribute(key: str, value: object) -> Data:
    if isinstance(value, list):
        return {"key": key, "value": {"arrayValue": {"values": [attribute("", one)["value"] for one in value]}}}
    if isinstance(value, dict):
        return {"key": key, "value": {"kvlistValue": {"values": [attribute(name, one) for name, one in value.items()]}}}
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": key, "value": {kind: str(value)}}


def span(trace: int, name: str, attributes: Mapping[str, object] | None = None, *, seconds: float = 0.1, error: str | None = None,
         events: Mapping[str, Mapping[str, object]] | None = None) -> Data:
    now = time.time_ns()
    return {
        "traceId": f"{trace:032x}", "spanId": f"{trace % 2**32:08x}{zlib.crc32(name.encode()):08x}", "name": name, "kind": 2,
        "startTimeUnixNano": str(now - int(seconds * 1e9)), "endTimeUnixNano": str(now),
        "attributes": [attribute(key, value) for key, value in (attributes or {}).items()],
        "events": [{"name": title, "timeUnixNano": str(now), "attributes": [attribute(key, value) for key, value in of.items()]}
                   for title, of in (events or {}).items()],
        "status": {"code": 2, "message": error} if error is not None else {}}


def request(service: str, *spans: Data, namespace: str = "ai") -> Data:
    resource = [attribute("service.name", service), attribute("k8s.namespace.name", namespace)]
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": list(spans)}]}]}


class Pipeline:
    """A compiled Collector between this test and a Collector that prints what it gets."""

    def __init__(self, http: int, metrics: int, sink: Daemon) -> None:
        self._http, self._metrics, self._sink = http, metrics, sink

    def send(self, service: str, *spans: Data, namespace: str = "ai") -> None:
        fetch(f"http://127.0.0.1:{self._http}/v1/traces", request(service, *spans, namespace=namespace))

    def kept(self) -> str:
        """What came out so far, as text."""
        return self._sink.log()

    def span(self, name: str) -> str:
        """The printed form of a span that is waited for."""
        pattern = re.compile(rf"Span #\d+\n(?:(?!Span #).)*?Name +: {re.escape(name)}\n.*?(?=\nSpan #|\nResourceSpans #|\t\{{|\Z)",
                             re.DOTALL)
        return eventually(f"the span {name}", lambda: (found := pattern.search(self.kept())) and found.group(), 20) or ""

    def metrics(self) -> str:
        return fetch(f"http://127.0.0.1:{self._metrics}/metrics")


def overlay(ports: Mapping[str, int], replicas: int) -> str:
    """Ports of this run, a decision at once, and no API server."""
    def listen(port: str) -> Data:
        return {"endpoint": f"127.0.0.1:{ports[port]}"}

    data: Data = {
        "extensions": {"health_check": listen("health")},
        "receivers": {"otlp": {"protocols": {"grpc": listen("grpc"), "http": listen("http")}}},
        "processors": {"k8sattributes": {"auth_type": "none"}, "tail_sampling": {"decision_wait": "1s"}},
        "exporters": {"otlp_grpc/jaeger": listen("sink")},
        "service": {"telemetry": {"metrics": {"readers": [
            {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": ports["metrics"]}}}}]}}}}
    if replicas > 1:
        data["receivers"]["otlp/tier"] = {"protocols": {"grpc": listen("tier")}}
        data["exporters"]["loadbalancing"] = {"resolver": {"dns": {"hostname": "127.0.0.1", "port": str(ports["tier"])}}}
    return json.dumps(data)


@contextmanager
def running(run: Run, home: Path, replicas: int) -> Iterator[Pipeline]:
    ports = {name: free_port() for name in ("grpc", "http", "health", "metrics", "sink", "tier")}
    said = platform(replicas)
    config = next(one for one in collector.link("prod", PARTS, said, BUILT_IN) if one.path.endswith("artifacts/platform/collector.yaml"))
    with (run(home / "sink", {"collector.yaml": SINK.format(port=ports["sink"])}) as sink,
          run(home / "collector", {"collector.yaml": emit.encode(config).decode()}, overlays=[overlay(ports, replicas)],
              environment=ENVIRONMENT)):
        fetch(f"http://127.0.0.1:{ports['health']}/")
        yield Pipeline(ports["http"], ports["metrics"], sink)


@pytest.fixture(scope="module", params=[1, 2], ids=["one replica", "two tiers"])
def pipeline(request: pytest.FixtureRequest, run_collector: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with running(run_collector, tmp_path_factory.mktemp("collector"), request.param) as started:
        yield started


def test_content_is_deleted_and_measurements_stay(pipeline: Pipeline) -> None:
    pipeline.send("all", span(1, "chat m1", {
        "gen_ai.request.model": "m1", "gen_ai.usage.input_tokens": 812, "gen_ai.usage.output_tokens": 144, "llm.usage.total_tokens": 9,
        "gen_ai.prompt": PRIVATE, "gen_ai.prompt.0.content": PRIVATE, "gen_ai.completion.0.content": PRIVATE,
        "gen_ai.input.messages": [{"role": "user", "content": PRIVATE}], "gen_ai.output.messages": {"a": [PRIVATE]},
        "gen_ai.system_instructions": PRIVATE, "gen_ai.tool.call.arguments": PRIVATE, "gen_ai.tool.call.result": PRIVATE,
        "gen_ai.tool.definitions": PRIVATE, "llm.input_messages.0.message.content": PRIVATE, "input.value": PRIVATE,
        "output.value": PRIVATE, "llm.prompts": PRIVATE, "traceloop.entity.input": PRIVATE, "ai.prompt.messages": PRIVATE,
        "user_prompt": PRIVATE, "http.request.body.content": PRIVATE, "http.request.body.size": 77,
        "note": f"calling with prompt: '{PRIVATE}'", "invocation": json.dumps({"model": "m1", "messages": [PRIVATE]}),
    }))
    text = pipeline.span("chat m1")
    assert PRIVATE not in pipeline.kept()
    for kept in ("gen_ai.request.model: Str(m1)", "gen_ai.usage.input_tokens: Int(812)", "gen_ai.usage.output_tokens: Int(144)",
                 "llm.usage.total_tokens: Int(9)", "http.request.body.size: Int(77)", "note: Str(calling with prompt: [content removed])"):
        assert kept in text
    assert "deployment.environment.name: Str(prod)" in pipeline.kept()


def test_content_in_events_is_deleted(pipeline: Pipeline) -> None:
    pipeline.send("all", span(2, "events", {}, events={
        "gen_ai.user.message": {"gen_ai.system": "openai", "content": PRIVATE, "role": "user"},
        "gen_ai.choice": {"index": 0, "message": PRIVATE, "tool_calls": PRIVATE, "finish_reason": "stop"},
        "exception": {"exception.type": "ValueError", "exception.message": f"bad prompt: {PRIVATE}\n{PRIVATE}",
                      "exception.stacktrace": "Traceback of bob@example.com", "gen_ai.prompt": PRIVATE}}))
    text = pipeline.span("events")
    assert PRIVATE not in pipeline.kept()
    for kept in ("role: Str(user)", "finish_reason: Str(stop)", "index: Int(0)", "exception.type: Str(ValueError)",
                 "exception.message: Str(bad prompt: [content removed])", "exception.stacktrace: Str(Traceback of ****)"):
        assert kept in text


def test_private_values_are_masked_wherever_text_stands(pipeline: Pipeline) -> None:
    pipeline.send("all", span(3, "mail to bob@example.com", {
        "note": "card 4111-1111 1111 1111", "list": ["eve@example.org", "DE89 3704 0044 0532 0130 00"], "number": 4111111111111111,
        "http.request.header.authorization": "opaque", "x-api-key": "opaque", "peer": "10.1.2.3", "tokens": 4111},
        error=f"no answer for bob@example.com, prompt={PRIVATE}"))
    text = pipeline.span("mail to ****")
    kept = pipeline.kept()
    assert not [word for word in ("bob@example.com", "eve@example.org", "4111111111111111", "1111 1111", "DE89", PRIVATE, "opaque")
                if word in kept]
    assert "Status message : no answer for ****, prompt=[content removed]" in text
    assert "peer: Str(10.1.2.3)" in text
    assert "tokens: Int(4111)" in text


def test_a_service_may_ask_for_more_masks(pipeline: Pipeline) -> None:
    pipeline.send("strict", span(4, "strict", {"peer": "10.1.2.3"}, events={"connected": {"from": "10.1.2.3"}}))
    text = pipeline.span("strict")
    assert "10.1.2.3" not in text
    assert text.count("****") == 2


def test_each_class_keeps_what_it_asks_for(pipeline: Pipeline) -> None:
    for service in ("none", "slow", "elsewhere"):
        pipeline.send(service, span(10, f"{service} ordinary"))
    pipeline.send("none", span(11, "none failed", error="x"))
    pipeline.send("usual", span(12, "usual failed", error="x"))
    pipeline.send("stranger", span(13, "stranger failed", error="x"))
    pipeline.send("slow", span(14, "slow slow", seconds=0.8))
    pipeline.send("usual", span(15, "usual slow", seconds=0.8))
    # Another service of the same name is not in the class of its namesake.
    pipeline.send("none", span(16, "namesake failed", error="x"), namespace="other")
    for kept in ("usual failed", "stranger failed", "slow slow", "namesake failed"):
        assert pipeline.span(kept)
    time.sleep(1)
    assert not [gone for gone in ("ordinary", "none failed", "usual slow") if gone in pipeline.kept()]


def test_the_usual_share_is_the_usual_share(pipeline: Pipeline) -> None:
    for start in range(0, 1000, 100):
        pipeline.send("usual", *(span(10**9 + number * 2654435761, f"share {number}") for number in range(start, start + 100)))
    eventually("some of them", lambda: "Name           : share " in pipeline.kept(), 20)
    time.sleep(3)
    assert 15 <= pipeline.kept().count(": share ") <= 120


def test_a_trace_of_several_services_is_kept_whole(pipeline: Pipeline) -> None:
    pipeline.send("none", span(20, "outer of none"))
    pipeline.send("all", span(20, "inner of all"))
    assert pipeline.span("outer of none")
    assert pipeline.span("inner of all")


def test_names_of_a_spec_are_never_expanded(pipeline: Pipeline) -> None:
    pipeline.send(HOSTILE, span(21, "of the hostile"))
    assert pipeline.span("of the hostile")
    assert "from-the-environment" not in pipeline.kept()


def test_the_collector_tells_about_itself(pipeline: Pipeline) -> None:
    assert "otelcol_receiver_accepted_spans" in pipeline.metrics()
    assert "otelcol_processor_tail_sampling_count_traces_sampled" in pipeline.metrics()


@pytest.mark.parametrize("replicas", [1, 3])
def test_validate(tool: Tool, tmp_path: Path, consumers: Consumers, replicas: int) -> None:
    data = collector.configuration("prod", PARTS, platform(replicas).collector or pytest.fail("none"), platform(replicas))
    write(tmp_path, {"collector.yaml": emit.to_yaml(data),
                     "broken.yaml": emit.to_yaml(data).replace("delete_matching_keys(span.attributes", "delete_matching_keys(span.a")})
    said = checks.otelcol_validate(tool("otelcol"), [tmp_path / "collector.yaml"], ENVIRONMENT).require()
    assert "deprecated" not in said
    refused = checks.otelcol_validate(tool("otelcol"), [tmp_path / "broken.yaml"], ENVIRONMENT)
    consumers.record("otelcol validate", tools.version("otelcol"), 1, refused.refusal('segment "a"'))


@pytest.mark.parametrize("flavor", ["config", "operator"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_the_manifests_are_accepted(cluster: Cluster, consumers: Consumers, flavor: str, replicas: int) -> None:
    said = platform(replicas, flavor=flavor)
    folder = conventions.manifests("prod", "platform", "")
    objects = [one.data for one in collector.link("prod", PARTS, said, BUILT_IN) if one.path.startswith(folder)]
    checks.apply(cluster, "---\n".join(emit.to_yaml(one) for one in objects)).require()
    consumers.record("kube-apiserver", tools.version("kube-apiserver"), len(objects))
