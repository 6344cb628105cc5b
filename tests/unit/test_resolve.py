"""Layers in their order, each value with its layer and place; environments; identity."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from obsc import resolve
from obsc.diagnostics import Diagnostic, Sink
from obsc.resolve import Resolved
from obsc.source import load
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
    pairs = resolve.services_with_findings([one for one in accepted if one.kind == "AIService"], found, sink)
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
