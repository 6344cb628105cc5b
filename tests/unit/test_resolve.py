"""Layers in their order, each value with its layer and place; environments; identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from obsc import resolve
from obsc.diagnostics import Diagnostic, Sink
from obsc.resolve import Resolved
from obsc.source import load
from obsc.spec.base import Block
from obsc.validate import check

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: prod}
defaults: {workload: {startup: 1m}}
profiles:
  slow: {workload: {startup: 2m, container: profiled}}
  other: {workload: {startup: 9m}}
enforced: {traces: {sampling: {keepErrors: true}}}
environments:
  prod: {}
  dev: {enforced: {workload: {startup: 5m}}}
"""
SPEC = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: chat, namespace: ai, team: chat}
runtime: {name: custom}
"""


def resolved(*texts: str) -> tuple[tuple[Resolved, ...], list[tuple[str, int]]]:
    found, sink = _resolved(texts)
    return found, [(one.code, one.place.line) for one in sink]


def findings(*texts: str) -> list[Diagnostic]:
    return list(_resolved(texts)[1])


def _resolved(texts: Sequence[str]) -> tuple[tuple[Resolved, ...], Sink]:
    sink = Sink()
    accepted = [check(document, sink) for number, text in enumerate(texts)
                for document in load(f"{number}.yaml", text.encode(), sink).documents]
    found = resolve.environments([one for one in accepted if one.kind == "AIPlatform"], sink)
    pairs = resolve.each_once(resolve.placed([one for one in accepted if one.kind == "AIService"], found, sink), sink)
    for _, own in pairs:
        sink.extend(own)
    return tuple(one for one, _ in pairs), sink


def startup(found: Sequence[Resolved], environment: str) -> tuple[float | None, str]:
    one = next(one for one in found if one.identity.environment == environment)
    return one.service.workload.startup, one.origins.layer(("workload", "startup"))


@pytest.mark.parametrize(("more", "expected"), [
    ("", (60.0, "platform.defaults")),
    ("profile: slow\n", (120.0, "profile slow")),
    ("profile: slow\nworkload: {startup: 3m}\nenvironments: {prod: {}}\n", (180.0, "document")),
    ("profile: slow\nworkload: {startup: 3m}\nenvironments: {prod: {workload: {startup: 4m}}}\n", (240.0, "environments.prod")),
])
def test_a_later_layer_wins_and_is_known_by_name(more: str, expected: tuple[float, str]) -> None:
    found, errors = resolved(PLATFORM, SPEC + more)
    assert errors == []
    assert startup(found, "prod") == expected


def test_what_the_platform_enforces_wins_over_everything_else() -> None:
    found, _ = resolved(PLATFORM, SPEC + "profile: slow\n")
    assert startup(found, "dev") == (300.0, "platform.enforced")


def test_contradicting_what_is_enforced_is_an_error_at_the_line() -> None:
    _, errors = resolved(PLATFORM, SPEC + "workload: {startup: 3m}\nenvironments: {dev: {}}\n")
    assert errors == [("R204", 5)]


def test_repeating_what_is_enforced_is_none() -> None:
    _, errors = resolved(PLATFORM, SPEC + "traces: {sampling: {keepErrors: true}}\n")
    assert errors == []


@pytest.mark.parametrize(("enforced", "said", "path"), [
    ("logs: {paths: [/var/log/containers/a]}", "logs: {paths: [/var/log/containers/b]}", "logs.paths"),
    ("logs: {paths: []}", "logs: {paths: [/var/log/containers/b]}", "logs.paths"),
    ("workload: {selector: {app: x}}", "workload: {selector: {tier: y}}", "workload.selector"),
    ("metrics: {endpoints: [{interval: 30s}]}", "metrics: {endpoints: [{name: a}, {port: 1, interval: 15s}]}", "metrics.endpoints[1].interval"),
    ("logs: {enabled: true}", "components: [{name: router, logs: {enabled: false}}]", "components.router.logs.enabled"),
    ("logs: {enabled: true}", "environments: {prod: {logs: {enabled: false}}}", "logs.enabled"),
])
def test_whatever_contradicts_the_platform_is_told_and_names_both_lines(enforced: str, said: str, path: str) -> None:
    platform = f"apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {{name: prod}}\nenforced: {{{enforced}}}\n"
    found = [one for one in findings(platform, SPEC + said + "\n") if one.code == "R204"]
    assert [(one.path, one.place.file, one.place.line) for one in found] == [(path, "1.yaml", 5)]
    assert [(one.place.file, one.place.line) for one in found[0].related] == [("0.yaml", 4)]


@pytest.mark.parametrize(("enforced", "said"), [
    ("traces: {sampling: {baseline: 5%, slowerThan: 60s}}", "traces: {sampling: {baseline: 0.05, slowerThan: 1m}}"),
    ("logs: {redact: [ip]}", "logs: {redact: [email]}"),
    ("metrics: {endpoints: [{name: a, interval: 30s}]}", "metrics: {endpoints: [{name: b, interval: 15s}]}"),
    ("workload: {selector: {app: x}}", "workload: {selector: {app: x}}"),
    ("traces: {sampling: {keepErrors: true}}", "traces: null"),
])
def test_the_same_in_other_words_is_no_contradiction(enforced: str, said: str) -> None:
    platform = f"apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {{name: prod}}\nenforced: {{{enforced}}}\n"
    assert findings(platform, SPEC + said + "\n") == []


def test_no_component_loses_what_must_not_leave_or_evades_what_is_enforced() -> None:
    platform = PLATFORM.replace("defaults: {", "defaults: {logs: {dropFields: [customer_id]}, ").replace(
        "enforced: {", "enforced: {logs: {format: json}, ")
    found, errors = resolved(platform, SPEC + "components: [{name: router, runtime: {name: custom}}, {name: pool, logs: null}]\n")
    assert errors == []
    said = [(part.component, part.service.logs.drop_fields, part.service.logs.format) for one in found for part in one.parts]
    assert said == [(name, ("customer_id",), "json") for name in ("main", "router", "pool")] * 2


def test_the_profile_of_an_environment_is_resolved_first() -> None:
    found, errors = resolved(PLATFORM, SPEC + "profile: slow\nenvironments: {prod: {profile: other}}\n")
    assert errors == []
    assert startup(found, "prod") == (540.0, "profile other")


def test_what_no_layer_gives_is_built_in() -> None:
    found, _ = resolved(PLATFORM, SPEC)
    assert found[0].origins.layer(("logs", "enabled")) == "built-in"


def test_an_unknown_profile_names_the_nearest() -> None:
    _, errors = resolved(PLATFORM, SPEC + "profile: slw\n")
    assert set(errors) == {("R203", 5)}


def test_without_environments_a_service_is_everywhere() -> None:
    found, _ = resolved(PLATFORM, SPEC)
    assert [one.identity.environment for one in found] == ["dev", "prod"]


def test_with_environments_it_is_only_there() -> None:
    found, _ = resolved(PLATFORM, SPEC + "environments: {prod: {}}\n")
    assert [one.identity.environment for one in found] == ["prod"]


def test_an_environment_that_nobody_defines_is_an_error_at_its_key() -> None:
    _, errors = resolved(PLATFORM, SPEC + "environments:\n  prod: {}\n  prd: {}\n")
    assert errors == [("R202", 7)]


def test_null_takes_a_service_out_of_an_environment_but_not_out_of_all() -> None:
    found, errors = resolved(PLATFORM, SPEC + "environments: {dev: {}, prod: null}\n")
    assert errors == []
    assert [one.identity.environment for one in found] == ["dev"]
    _, errors = resolved(PLATFORM, SPEC + "environments: {dev: null}\n")
    assert errors == [("R202", 5)]
    _, errors = resolved("apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {name: x}\nenvironments: {dev: null}\n")
    assert errors == [("R202", 4)]


def test_two_platforms_of_one_environment_are_an_error() -> None:
    other = "apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {name: prod}\n"
    _, errors = resolved(PLATFORM, other)
    assert [code for code, _ in errors] == ["R201"]


def test_two_services_of_one_identity_are_an_error_and_two_namespaces_are_none() -> None:
    _, errors = resolved(PLATFORM, SPEC, SPEC)
    assert {code for code, _ in errors} == {"R207"}
    _, errors = resolved(PLATFORM, SPEC, SPEC.replace("namespace: ai", "namespace: other"))
    assert errors == []


def test_an_unknown_runtime_or_an_exporter_is_no_runtime() -> None:
    for name in ("vlm", "dcgm-exporter"):
        _, errors = resolved(PLATFORM, SPEC.replace("custom", name) + "environments: {prod: {}}\n")
        assert errors == [("R205", 4)]


def test_an_environment_can_switch_off_an_item() -> None:
    more = "metrics: {endpoints: [{port: 1}, {name: gpu, port: 2}]}\nenvironments: {prod: {metrics: {endpoints: [{name: gpu, enabled: false}]}}, dev: {}}\n"
    found, errors = resolved(PLATFORM, SPEC + more)
    assert errors == []
    names = {one.identity.environment: [endpoint.name for endpoint in one.service.metrics.endpoints] for one in found}
    assert names == {"dev": ["default", "gpu"], "prod": ["default"]}


# The language's rules of layers and of merging (language, 0.1 and 0.2): by layer what it says, and the value that results.
# `env` is an overlay of the document, `enforced` a layer of the platform's; the path leads into the resolved service.
Layers = dict[str, str]
MERGING: dict[str, tuple[Layers, str, object]] = {
    "built-in defaults hold where no layer says anything": ({}, "workload.replicas.min", 1),
    "the platform's defaults win over what is built in": ({"defaults": "workload: {replicas: {min: 2}}"}, "workload.replicas.min", 2),
    "a profile wins over the platform's defaults": (
        {"defaults": "workload: {replicas: {min: 2}}", "profile": "workload: {replicas: {min: 3}}"}, "workload.replicas.min", 3),
    "the document wins over its profile": (
        {"profile": "workload: {replicas: {min: 3}}", "document": "workload: {replicas: {min: 4}}"}, "workload.replicas.min", 4),
    "an environment wins over the document": (
        {"document": "workload: {replicas: {min: 4}}", "env": "workload: {replicas: {min: 5}}"}, "workload.replicas.min", 5),
    "what is enforced wins over the platform's own defaults": (
        {"defaults": "workload: {replicas: {min: 2}}", "enforced": "workload: {replicas: {min: 6}}"}, "workload.replicas.min", 6),
    "what is enforced wins over a profile": (
        {"profile": "workload: {replicas: {min: 3}}", "enforced": "workload: {replicas: {min: 6}}"}, "workload.replicas.min", 6),
    "maps merge": ({"defaults": "workload: {container: engine}", "document": "workload: {startup: 3m}"}, "workload.container", "engine"),
    "scalars replace": ({"defaults": "workload: {startup: 1m}", "document": "workload: {startup: 3m}"}, "workload.startup", 180.0),
    "lists of scalars replace": (
        {"defaults": "metrics: {podTargetLabels: [a, b]}", "document": "metrics: {podTargetLabels: [c]}"}, "metrics.pod_target_labels", ("c",)),
    "named items merge by name": (
        {"document": "probes: [{name: a, path: /a}, {name: b}]", "env": "probes: [{name: a, interval: 1m}]"},
        "probes.0", {"name": "a", "path": "/a", "interval": 60.0}),
    "named items that are new are added": (
        {"document": "probes: [{name: a}]", "env": "probes: [{name: b}]"}, "probes.1", {"name": "b"}),
    "an item without a name is `default`": (
        {"document": "metrics: {endpoints: [{port: 1}]}", "env": "metrics: {endpoints: [{name: default, path: /x}]}"},
        "metrics.endpoints.0", {"name": "default", "port": 1, "path": "/x"}),
    "an empty list empties": ({"document": "models: [{name: a}]", "env": "models: []"}, "models", ()),
    "an empty map changes nothing": (
        {"document": "workload: {replicas: {min: 4}}", "env": "workload: {replicas: {}}"}, "workload.replicas.min", 4),
    "the word null removes": ({"defaults": "workload: {startup: 1m}", "document": "workload: {startup: null}"}, "workload.startup", None),
    "the word null removes a block": ({"profile": "workload: {container: a, startup: 1m}", "document": "workload: null"}, "workload.container", None),
    "a selector is replaced whole": (
        {"defaults": "workload: {selector: {app: a, tier: b}}", "document": "workload: {selector: {app: c}}"}, "workload.selector", {"app": "c"}),
    "a Service's selector is replaced whole": (
        {"defaults": "metrics: {serviceSelector: {app: a, tier: b}}", "document": "metrics: {serviceSelector: {app: c}}"},
        "metrics.service_selector", {"app": "c"}),
    "another runtime replaces the whole one": (
        {"document": 'runtime: {name: vllm, version: "0.15", options: {x: 1}}', "env": "runtime: {name: triton}"}, "runtime",
        {"name": "triton", "version": None, "options": {}}),
    "the same runtime merges": (
        {"document": 'runtime: {name: vllm, version: "0.15"}', "env": "runtime: {name: vllm, options: {x: 1}}"}, "runtime",
        {"name": "vllm", "version": "0.15", "options": {"x": 1}}),
    "dropped fields of all layers are united": (
        {"defaults": "logs: {dropFields: [a]}", "profile": "logs: {dropFields: [b]}", "document": "logs: {dropFields: [c]}",
         "env": "logs: {dropFields: [d]}", "enforced": "logs: {dropFields: [e]}"}, "logs.drop_fields", ("a", "b", "c", "d", "e")),
    "masks of logs are united": (
        {"defaults": "logs: {redact: [ip]}", "document": "logs: {redact: [email]}", "enforced": "logs: {redact: [card]}"},
        "logs.redact", ("ip", "email", "card")),
    "masks of traces are united": (
        {"profile": "traces: {redact: [ip]}", "env": "traces: {redact: [phone]}"}, "traces.redact", ("ip", "phone")),
    "null removes no mask": ({"defaults": "logs: {redact: [ip]}", "document": "logs: {redact: null}"}, "logs.redact", ("ip",)),
    "the profile that an environment names is the one": (
        {"profile": "workload: {startup: 1m}", "other": "workload: {startup: 2m}", "document": "profile: given", "env": "profile: other"},
        "workload.startup", 120.0),
    "a profile of the platform's defaults is one too": (
        {"defaults": "profile: other", "other": "workload: {startup: 2m}"}, "workload.startup", 120.0),
    "an item that is switched off is not there": (
        {"document": "probes: [{name: a}, {name: b}]", "env": "probes: [{name: a, enabled: false}]"}, "probes.0", {"name": "b"}),
    "alerts merge by name": (
        {"defaults": "alerts: {rules: {GPUHot: {for: 9m}}}", "document": "alerts: {rules: {GPUHot: {threshold: 80}}}"},
        "alerts.rules.GPUHot", {"for_": 540.0, "threshold": (80.0, "number")}),
    "environments apply before components inherit": (
        {"document": "components: [{name: pool}]\nworkload: {startup: 1m}", "env": "workload: {startup: 2m}"}, "pool:workload.startup", 120.0),
    "a component's own words win over what it inherits": (
        {"document": "components: [{name: pool, workload: {startup: 4m}}]\nworkload: {startup: 1m}"}, "pool:workload.startup", 240.0),
    "a pool inherits no name of an object": (
        {"document": "components: [{name: pool}]\nworkload: {name: x, startup: 1m}"}, "pool:workload.name", None),
    "a component with a runtime of its own inherits no workload": (
        {"document": "components: [{name: pool, runtime: {name: custom}}]\nworkload: {startup: 1m}"}, "pool:workload.startup", None),
}


def layered(layers: Layers) -> tuple[str, str]:
    """A platform and a document that say in each layer what is given."""
    blocks = {"defaults": layers.get("defaults"), "enforced": layers.get("enforced")}
    profiles = {"given": layers.get("profile"), "other": layers.get("other")}
    platform = "apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {name: prod}\n"
    platform += "".join(f"{key}:\n  {text}\n" for key, text in blocks.items() if text)
    platform += "profiles:\n  none: {}\n" + "".join(f"  {key}:\n    {text}\n" for key, text in profiles.items() if text)
    spec = SPEC.replace("runtime: {name: custom}\n", "") + layers.get("document", "") + "\n"
    spec += "runtime: {name: custom}\n" if "\nruntime:" not in spec else ""
    spec += "profile: given\n" if "profile" in layers and "\nprofile:" not in spec else ""
    return platform, spec + (f"environments:\n  prod:\n    {layers['env']}\n" if "env" in layers else "")


@pytest.mark.parametrize("rule", MERGING)
def test_a_rule_of_merging(rule: str) -> None:
    layers, path, expected = MERGING[rule]
    [found], errors = resolved(*layered(layers))
    assert errors == []
    component, _, steps = path.rpartition(":")
    part = next(one for one in found.parts if one.component == component) if component else found
    value: Any = part.service
    for step in steps.split("."):
        value = value[int(step)] if step.isdigit() else value[step] if isinstance(value, dict) else getattr(value, step)
    if isinstance(expected, dict) and isinstance(value, Block):
        assert {key: getattr(value, key) for key in expected} == expected
    else:
        assert value == expected


def test_a_key_without_a_value_is_an_error() -> None:
    _, errors = resolved(*layered({"defaults": "workload: {startup: 1m}", "document": "workload:\n  startup:"}))
    assert errors == [("V107", 5)]


def test_a_spec_that_says_otherwise_than_what_is_enforced_is_told_both_lines() -> None:
    [found] = findings(*layered({"document": "workload: {startup: 3m}", "enforced": "workload: {startup: 5m}"}))
    assert (found.code, found.place.line, [(one.place.file, one.place.line) for one in found.related]) == ("R204", 4, [("0.yaml", 5)])
