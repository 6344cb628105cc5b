from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from obsc import conventions, emit, encode, ir, privacy
from obsc.catalog import BUILT_IN
from obsc.part import Part
from obsc.spec.platform import AIPlatform
from obsc.targets import collector

VERSIONS = ("0.140.0", "0.145.0", "0.159.0")
HOSTILE = ("${file:/etc/passwd}", "${env:X}", "$(X)", "$$", "$x", '"', "\\", '\\"', '" or true or "', "'", "a\nb", "{{x}}", "é", ") or (", "$1")


def platform(version: str = "0.159.0", replicas: int = 1, flavor: str = "config", **more: object) -> AIPlatform:
    return AIPlatform.model_validate({
        "apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"},
        "collector": {"version": version, "replicas": replicas, "flavor": flavor},
        "jaeger": {"endpoint": "jaeger-collector.tracing.svc:4317"}, **more})


def part(name: str, baseline: float = 0.05, *, errors: bool = True, slow: float | None = None, namespace: str = "ai",
         masks: tuple[str, ...] = privacy.USUAL_MASKS, service: str = "") -> Part:
    policy = ir.TracePolicy((service or name,), baseline, errors, slow, (), tuple(privacy.MASKS[one] for one in masks), (),
                            ir.Origin("traces"))
    return Part(ir.Identity("prod", namespace, name), "ml", (), (), ("uid", name, "ml"), policy, (), namespaces=(namespace,))


def configuration(*parts: Part, said: AIPlatform | None = None) -> dict[str, Any]:
    said = said or platform()
    assert said.collector is not None
    return collector.configuration("prod", parts, said.collector, said)


def linked(*parts: Part, said: AIPlatform | None = None) -> dict[str, Any]:
    return {one.path: one.data for one in collector.link("prod", parts, said or platform(), BUILT_IN)}


def manifests(*parts: Part, said: AIPlatform | None = None) -> dict[str, Any]:
    folder = conventions.manifests("prod", "platform", "")
    return {path.removeprefix(folder): data for path, data in linked(*parts, said=said).items() if path.startswith(folder)}


def strings(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from (key, *strings(value))
    elif isinstance(data, list | tuple):
        for one in data:
            yield from strings(one)


def expanded(text: str) -> str:
    """What the Collector makes of a text; a variable other than the pod's address is an error."""
    allowed = text.replace("${env:POD_IP}", "10.0.0.1")
    assert not re.search(r"\$(?!\$)", allowed.replace("$$", "")), text
    return allowed.replace("$$", "$")


def literals(statement: str) -> list[str]:
    """The string literals of an OTTL statement, unescaped."""
    found = re.findall(r'"((?:\\.|[^"\\])*)"', statement)
    return [re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), one) for one in found]


def policies(data: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in data["processors"]["tail_sampling"]["policies"]}


def test_without_a_collector_or_a_store_there_is_nothing() -> None:
    for missing in ({"collector": None}, {"jaeger": None}):
        assert collector.link("prod", [part("chat")], platform().model_copy(update=missing), BUILT_IN) == ()


@pytest.mark.parametrize(("version", "names"), [
    ("0.140.0", {"otlp/jaeger", "k8sattributes", "loadbalancing"}),
    ("0.143.1", {"otlp/jaeger", "k8sattributes", "loadbalancing"}),
    ("0.145.0", {"otlp_grpc/jaeger", "k8sattributes", "loadbalancing"}),
    ("0.146.0", {"otlp_grpc/jaeger", "k8s_attributes", "loadbalancing"}),
    ("0.159.0", {"otlp_grpc/jaeger", "k8s_attributes", "load_balancing"}),
    ("1.0.0", {"otlp_grpc/jaeger", "k8s_attributes", "load_balancing"}),
])
def test_components_have_the_names_that_their_release_knows(version: str, names: set[str]) -> None:
    data = configuration(said=platform(version, 2))
    assert names <= {*data["exporters"], *data["processors"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("replicas", [1, 2])
def test_every_component_is_declared_and_used(version: str, replicas: int) -> None:
    data = configuration(part("chat"), said=platform(version, replicas))
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in data["service"]["pipelines"].values() for name in pipeline[kind]}
        assert used == set(data[kind])
    assert set(data["extensions"]) == set(data["service"]["extensions"])


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_order_of_processors(replicas: int) -> None:
    data = configuration(part("chat"), said=platform(replicas=replicas))
    for pipeline in data["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
    flat = [name for pipeline in data["service"]["pipelines"].values() for name in pipeline["processors"]]
    order = [flat.index(name) for name in ("k8s_attributes", "resource", "transform/content", "redaction", "tail_sampling")]
    assert order == sorted(order)
    assert data["processors"]["memory_limiter"]["check_interval"] != "0s"


def test_several_replicas_route_each_trace_to_one_of_them() -> None:
    data = configuration(said=platform(replicas=3))
    first, second = data["service"]["pipelines"]["traces/in"], data["service"]["pipelines"]["traces/tier"]
    assert (first["receivers"], first["exporters"]) == (["otlp"], ["load_balancing"])
    assert (second["receivers"], second["exporters"]) == (["otlp/tier"], ["otlp_grpc/jaeger"])
    assert "tail_sampling" not in first["processors"]
    assert "tail_sampling" in second["processors"]
    route = data["exporters"]["load_balancing"]
    assert route["routing_key"] == "traceID"
    assert route["resolver"]["dns"]["hostname"] == "otel-collector-headless.observability.svc"
    assert data["receivers"]["otlp/tier"]["protocols"]["grpc"]["endpoint"].endswith(":" + route["resolver"]["dns"]["port"])


def test_nothing_listens_on_the_loopback() -> None:
    data = configuration(said=platform(replicas=2))
    listening = [one["endpoint"] for receiver in data["receivers"].values() for one in receiver["protocols"].values()]
    assert all(endpoint.startswith("[${env:POD_IP}]:") for endpoint in (*listening, data["extensions"]["health_check"]["endpoint"]))


@pytest.mark.parametrize("insecure", [True, False])
def test_traces_go_to_the_store_over_tls_unless_the_platform_allows_less(*, insecure: bool) -> None:
    data = configuration(said=platform(policy={"allowInsecure": insecure}))
    assert data["exporters"]["otlp_grpc/jaeger"]["tls"] == {"insecure": insecure}
    assert data["exporters"]["otlp_grpc/jaeger"]["sending_queue"]["enabled"] is True


def test_content_is_deleted_in_contexts_of_their_own_and_errors_are_no_excuse() -> None:
    data = configuration(part("chat"))["processors"]["transform/content"]
    assert data["error_mode"] == "propagate"
    groups = {one["context"]: one["statements"] for one in data["trace_statements"]}
    assert list(groups) == ["resource", "scope", "span", "spanevent"]
    for context, statements in groups.items():
        deleted = [literals(expanded(one))[0] for one in statements if one.startswith("delete_matching_keys(")]
        assert deleted == ["|".join(privacy.CONTENT_ATTRIBUTES)]
        # Every path is of its group's context: a mixed group would run only for spans with events.
        assert not [one for one in statements if re.search(r"(?<![.\w])(?!" + context + r"\b|resource\b)(span|spanevent|scope)\.", one)]


@pytest.mark.parametrize("key", ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.request.model", "http.request.body.size"])
def test_token_counts_and_models_pass_every_filter(key: str) -> None:
    data = configuration(part("chat"))["processors"]
    patterns = [literals(expanded(one))[0] for group in data["transform/content"]["trace_statements"] for one in group["statements"]
                if one.startswith("delete_matching_keys(")]
    blocked = [expanded(one).removeprefix("(?i)") for one in data["redaction"]["blocked_key_patterns"]]
    assert not [one for one in (*patterns, *blocked) if re.search(one, key, re.IGNORECASE)]


def test_redaction_fails_neither_open_nor_closed() -> None:
    data = configuration(part("chat"))["processors"]["redaction"]
    assert (data["allow_all_keys"], data["redact_all_types"], data["summary"]) == (True, True, "silent")
    # One expression: the processor keeps several in a map and applies them in an order that differs from run to run.
    assert [expanded(one) for one in data["blocked_values"]] == ["|".join(privacy.MASKS[name].pattern for name in privacy.USUAL_MASKS)]
    assert "allowed_values" not in data


def test_a_mask_beyond_the_usual_ones_holds_for_its_services_only() -> None:
    statements = [expanded(one) for group in configuration(part("chat"), part("strict", masks=privacy.ORDER))["processors"][
        "transform/content"]["trace_statements"] for one in group["statements"] if " where " in one and "IsMatch" not in one]
    assert len(statements) == 2
    for one in statements:
        assert literals(one)[1] == privacy.MASKS["ip"].pattern
        assert '"strict"' in one
        assert '"chat"' not in one


def test_a_service_with_fewer_masks_lowers_nobody_elses() -> None:
    usual, fewer = (configuration(one)["processors"]["redaction"] for one in (part("chat"), part("chat", masks=())))
    assert usual == fewer


def test_a_service_with_the_usual_policy_changes_nothing() -> None:
    before = linked(part("a"), part("b", 0.1))
    assert linked(part("a"), part("b", 0.1), part("c"), part("d")) == before
    assert linked(part("a"), part("b", 0.1), part("c", 0.1)) != before


def test_the_usual_policy_is_the_platforms() -> None:
    said = platform(defaults={"traces": {"sampling": {"baseline": "10%", "slowerThan": "20s"}}},
                    enforced={"traces": {"sampling": {"keepErrors": False}}})
    data = configuration(part("a", 0.1, errors=False, slow=20.0), said=said)
    assert list(policies(data)) == ["usual/slow", "usual/baseline"]
    assert policies(data)["usual/slow"]["latency"] == {"threshold_ms": 20000}
    assert policies(data)["usual/baseline"]["probabilistic"] == {"sampling_percentage": 10.0}


def test_classes_are_named_by_what_they_keep() -> None:
    data = configuration(part("a"), part("b", 0.1), part("c", 0.1), part("d", 0.001, errors=False, slow=2.5))
    assert list(policies(data)) == [
        "usual/errors", "usual/baseline", "keep-0.1pct-2s500ms/slow", "keep-0.1pct-2s500ms/baseline",
        "keep-10pct-errors/errors", "keep-10pct-errors/baseline"]
    members, rule = policies(data)["keep-10pct-errors/baseline"]["and"]["and_sub_policy"]
    assert rule["probabilistic"] == {"sampling_percentage": 10.0}
    (condition,) = members["ottl_condition"]["span"]
    assert [name for name in literals(condition) if name in {"a", "b", "c", "d"}] == ["b", "c"]
    (usual,) = policies(data)["usual/errors"]["and"]["and_sub_policy"][0]["ottl_condition"]["span"]
    assert usual.startswith("not (")
    assert {name for name in literals(usual) if name in {"a", "b", "c", "d"}} == {"b", "c", "d"}


def test_another_class_renames_none() -> None:
    before = policies(configuration(part("b", 0.1)))
    after = policies(configuration(part("b", 0.1), part("a", 0.01)))
    assert after["keep-10pct-errors/baseline"] == before["keep-10pct-errors/baseline"]


def test_namesakes_in_other_namespaces_are_told_apart() -> None:
    data = configuration(part("chat", 0.1), part("chat", namespace="other"))
    (condition,) = policies(data)["keep-10pct-errors/errors"]["and"]["and_sub_policy"][0]["ottl_condition"]["span"]
    assert '"ai"' in condition
    assert '"other"' not in condition


@pytest.mark.parametrize(("slow", "wait"), [(None, "30s"), (5.0, "30s"), (45.0, "55s"), (90.5, "1m41s"), (86400.0, "10m")])
def test_a_trace_is_judged_after_the_slowest_request_that_counts(slow: float | None, wait: str) -> None:
    assert configuration(part("chat", slow=slow))["processors"]["tail_sampling"]["decision_wait"] == wait


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("version", VERSIONS)
def test_strings_of_a_spec_are_literals_to_the_end(text: str, version: str) -> None:
    said = platform(version)
    data = configuration(part("chat", 0.1, service=text, masks=privacy.ORDER), said=said.model_copy(update={"environment": text}))
    for one in strings(data):
        expanded(one)
    (condition,) = policies(data)["keep-10pct-errors/errors"]["and"]["and_sub_policy"][0]["ottl_condition"]["span"]
    assert text in literals(expanded(condition))
    outside = re.sub(r'"(?:\\.|[^"\\])*"', "#", expanded(condition))
    assert outside == "(resource.attributes[#] == # and (resource.attributes[#] == # or resource.attributes[#] == nil))"
    assert expanded(data["processors"]["resource"]["attributes"][0]["value"]) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_statements_are_literals(text: str) -> None:
    statement = encode.ottl_where(encode.ottl_call("f", "span.name", text, "y"), encode.ottl_service("ns", text))
    assert literals(statement)[:2] == [text, "y"]
    assert re.sub(r'"(?:\\.|[^"\\])*"', "#", statement).startswith("f(span.name, #, #) where (resource.attributes[#] == # and ")


def test_every_expression_is_one_that_re2_reads() -> None:
    data = configuration(part("chat", masks=privacy.ORDER))["processors"]
    found = [expanded(one) for one in (*data["redaction"]["blocked_values"], *data["redaction"]["blocked_key_patterns"])]
    found += [literal for group in data["transform/content"]["trace_statements"] for one in group["statements"]
              for literal in literals(expanded(one)) if len(literal) > 20 and "[content removed]" not in literal]
    for one in found:
        re.compile(one)
        assert not re.search(r"(?<!\\)\(\?(?!:|[is]+\))|\\[1-9]|[*+?}]\+", one), one


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_deployment_is_locked_down(replicas: int) -> None:
    objects = manifests(part("chat"), said=platform(replicas=replicas))
    pod = objects["collector-deployment.yaml"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                            "capabilities": {"drop": ["ALL"]}}
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}
    assert {"name": "GOMEMLIMIT", "value": "819MiB"} in container["env"]
    assert container["image"] == "otel/opentelemetry-collector-contrib:0.159.0"
    assert all(container[probe]["httpGet"]["port"] == "health" for probe in ("livenessProbe", "readinessProbe"))
    assert objects["collector-clusterrole.yaml"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["get", "list", "watch"]}]


def test_the_configuration_restarts_what_cannot_reload_it() -> None:
    def checksum(*parts: Part) -> str:
        template = manifests(*parts)["collector-deployment.yaml"]["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum(part("a")) == checksum(part("a"), part("b")) != checksum(part("a", 0.1))


def test_only_several_replicas_have_what_several_need() -> None:
    several = {"collector-headless.yaml", "collector-poddisruptionbudget.yaml", "collector-networkpolicy.yaml"}
    assert not several & set(manifests(said=platform(replicas=1)))
    objects = manifests(said=platform(replicas=2))
    assert several <= set(objects)
    assert objects["collector-headless.yaml"]["spec"]["clusterIP"] == "None"
    assert objects["collector-headless.yaml"]["metadata"]["name"] == "otel-collector-headless"
    inner = objects["collector-networkpolicy.yaml"]["spec"]["ingress"][1]
    assert inner["ports"] == [{"port": 14317, "protocol": "TCP"}]
    assert inner["from"] == [{"podSelector": objects["collector-networkpolicy.yaml"]["spec"]["podSelector"]}]
    assert 14317 not in [one["port"] for one in objects["collector-service.yaml"]["spec"]["ports"]]


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_operator_gets_the_same_configuration_and_address(replicas: int) -> None:
    said = platform(replicas=replicas, flavor="operator")
    objects = manifests(part("chat", 0.1), said=said)
    assert not [name for name in objects if name.startswith(("collector-deployment", "collector-config", "collector-service.yaml"))]
    one = objects["collector.yaml"]
    assert (one["apiVersion"], one["kind"]) == ("opentelemetry.io/v1beta1", "OpenTelemetryCollector")
    # The operator names a Collector's Services `<name>-collector` and `<name>-collector-headless`.
    assert one["metadata"]["name"] + "-collector" == "otel-collector"
    assert one["spec"]["config"] == configuration(part("chat", 0.1), said=said)
    assert one["spec"]["serviceAccount"] == objects["collector-serviceaccount.yaml"]["metadata"]["name"]
    assert one["spec"]["upgradeStrategy"] == "none"
    assert ("podDisruptionBudget" in one["spec"]) == (replicas > 1)


@pytest.mark.parametrize("replicas", [1, 2])
def test_no_policy_of_the_operators_opens_what_ours_closes(replicas: int) -> None:
    """Policies add up: the operator's own (since 0.158 unless it is switched off) admits everybody to every port that a receiver has."""
    objects = manifests(said=platform(replicas=replicas, flavor="operator"))
    ours = "collector-networkpolicy.yaml" in objects
    assert ours == (replicas > 1)
    assert objects["collector.yaml"]["spec"].get("networkPolicy") == ({"enabled": False} if ours else None)


def test_the_flavor_is_that_of_prometheus_unless_said() -> None:
    said = AIPlatform.model_validate({
        "apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"}, "prometheus": {"flavor": "operator"},
        "collector": {"version": "0.159.0"}, "jaeger": {"endpoint": "jaeger:4317"}})
    assert "collector.yaml" in manifests(said=said)


def test_configuration_with_variables_is_kept_from_flux() -> None:
    for flavor in ("config", "operator"):
        for name, data in manifests(said=platform(flavor=flavor)).items():
            if any("${" in text for text in strings(data)):
                assert data["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/substitute"] == "disabled", name


def test_same_input_same_bytes_in_any_order_of_services() -> None:
    parts = (part("a", 0.1), part("b", 0.2), part("c", 0.1, masks=privacy.ORDER))
    first, second = ([emit.encode(one) for one in collector.link("prod", given, platform(replicas=2), BUILT_IN)] for given in (parts, parts[::-1]))
    assert first == second
