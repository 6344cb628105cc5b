"""Specs are untrusted: each known attack ends in a diagnostic, or as harmless text in the outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from conftest import Compile
from obsc import inputs, pipeline
from obsc.diagnostics import Diagnostic, Severity, Sink

HOSTILE = ("${file:/etc/passwd}", "${env:HOME}", "$(HOME)", '{{ query "up" }}', "[[namespace]]", "$namespace", "<script>x</script>",
           "](https://evil.example)", "a: b", "- x", "%s", "'; rm -rf /", "::error::x", '\\" OR 1=1', "`id`", "|", "#x", "*x", "&x")
SPEC = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {{name: chat, namespace: ai, team: chat, description: {text}}}
runtime: {{name: vllm, version: "0.15"}}
models: [{{name: m, servedName: {text}}}]
dashboards: {{title: {text}, folder: {text}}}
alerts: {{rules: {{HighInferenceLatency: {{threshold: 5s}}}}}}
"""

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {{name: default}}
prometheus: {{flavor: {flavor}, replicas: 2, externalLabels: {{cluster: {text}}}}}
alertmanager:
  receivers: [{{name: default, webhookConfigs: [{{url: "https://alerts.example.com"}}]}}]
  routing: {{critical: [default], warning: [default]}}
grafana: {{delivery: {delivery}}}
elasticsearch: {{version: 9.5.2, hosts: ["https://es.example.com:9200"]}}
filebeat: {{version: 9.5.2}}
collector: {{version: 0.159.0}}
jaeger: {{endpoint: "jaeger:4317"}}
"""


def errors(found: list[Diagnostic]) -> list[tuple[str, int]]:
    return [(one.code, one.place.line) for one in found if one.severity is Severity.ERROR]


def texts(compiled: pipeline.Compiled) -> Iterator[tuple[str, str]]:
    yaml = YAML(typ="safe")
    yaml.constructor.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))
    for path, raw in compiled.tree.items():
        if path.endswith((".yaml", ".yml")):
            pending = [yaml.load(raw)]
        elif path.endswith(".json"):
            pending = [json.loads(raw)]
        else:
            continue
        while pending:
            one = pending.pop()
            if isinstance(one, dict):
                pending += [*one.values(), *one]
            elif isinstance(one, list):
                pending += one
            elif isinstance(one, str):
                yield path, one


@pytest.mark.parametrize("text", HOSTILE)
def test_free_text_reaches_every_output_as_text(text: str, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"chat.yaml": SPEC.format(text=json.dumps(text))})
    assert errors(found) == []
    # Labels and annotations of alerts are templates; labels of recorded series are not.
    groups = YAML(typ="safe").load(compiled.tree["default/artifacts/ai/chat/rules.yaml"])["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    templates = [one for rule in alerts for one in (*rule["labels"].values(), *rule["annotations"].values())]
    actions = {action for one in templates for action in re.findall(r"\{\{.*?\}\}", one)}
    assert actions
    assert all(re.fullmatch(r'\{\{ (\$value \| \w+|\$labels\.\w+|"\{\{") \}\}', action) for action in actions), actions
    for path, one in texts(compiled):
        if "collector" in path or path.endswith(("filebeat.yaml", "filebeat.yml")):
            expanded = re.findall(r"(?<!\$)\$\{[^}]*\}", one)
            assert set(expanded) <= {"${env:POD_IP}", "${POD_IP}", "${NODE_NAME}", "${ES_API_KEY}"}, (path, expanded)


@pytest.mark.parametrize("text", ["${TOKEN}", "a$$b", "${TOKEN:-x}", "$${x}"])
@pytest.mark.parametrize("flavor", ["config", "operator"])
def test_flux_fills_nothing_into_what_a_spec_says(text: str, flavor: str, compile_texts: Compile) -> None:
    """Its `postBuild.substitute` works on every object but those that say no: a variable of the cluster would get out."""
    platform = PLATFORM.format(flavor=flavor, delivery={"config": "files", "operator": "sidecar"}[flavor], text=json.dumps(text))
    compiled, found = compile_texts({"chat.yaml": SPEC.format(text=json.dumps(text)), "platform.yaml": platform})
    assert errors(found) == []
    manifests = [raw for path, raw in compiled.tree.items() if path.startswith("default/manifests/")]
    told = [raw for raw in manifests if re.search(rb"\$[{$]", raw)]
    assert len(told) > 3
    assert all(re.search(rb"^    kustomize\.toolkit\.fluxcd\.io/substitute: disabled$", raw, re.MULTILINE) for raw in told)


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "..", "/etc", "A", "a\\b", "platform", "a" * 41, "x.y", "-x", "con "])
def test_a_name_leads_nowhere_else(name: str, compile_texts: Compile) -> None:
    spec = SPEC.format(text='"x"').replace("name: chat,", f"name: {json.dumps(name)},")
    compiled, found = compile_texts({"chat.yaml": spec})
    assert errors(found)
    assert not [path for path in compiled.tree if path.startswith("default/artifacts/ai")]


def test_a_namespace_cannot_be_the_folder_of_what_services_share(compile_texts: Compile) -> None:
    compiled, found = compile_texts({"chat.yaml": SPEC.format(text='"x"').replace("namespace: ai", "namespace: platform")})
    assert errors(found) == [("R211", 3)]
    assert not [path for path in compiled.tree if path.startswith("default/artifacts/platform/chat")]


@pytest.mark.parametrize("matcher", ['app=~"(?=x)"', 'app=~"(a)\\\\1"', 'app=~"("'])
def test_an_expression_that_is_not_re2_is_refused_at_its_line(matcher: str, compile_texts: Compile) -> None:
    spec = SPEC.format(text='"x"') + f"metrics:\n  discovery: none\n  matchers:\n    - {json.dumps(matcher)}\n"
    _, found = compile_texts({"chat.yaml": spec})
    assert ("S324", 11) in errors(found)


def test_a_selector_cannot_read_another_tenant(compile_texts: Compile) -> None:
    spec = SPEC.format(text='"x"') + "metrics: {discovery: none, matchers: ['namespace=\"other\"']}\n"
    _, found = compile_texts({"chat.yaml": spec})
    assert errors(found) == [("P410", 8)]


@pytest.mark.parametrize("target", ["169.254.169.254:80", "[fe80::1]:80", "[::ffff:169.254.169.254]:80", "example.com:80", "localhost:9090",
                                    "10.0.0.1:80"])
def test_targets_stay_inside_the_cluster(target: str, compile_texts: Compile) -> None:
    spec = SPEC.format(text='"x"') + f"metrics: {{discovery: static, staticConfigs: [{{targets: [{json.dumps(target)}]}}]}}\n"
    _, found = compile_texts({"chat.yaml": spec})
    assert {line for _, line in errors(found)} == {8}
    assert {code for code, _ in errors(found)} <= {"P404", "V104"}


@pytest.mark.parametrize("label", ["__address__", "__scheme__", "__metrics_path__", "__param_target"])
def test_target_labels_cannot_turn_the_scrape_elsewhere(label: str, compile_texts: Compile) -> None:
    spec = SPEC.format(text='"x"') + f"""metrics:
  discovery: static
  staticConfigs:
    - targets: ["chat:80"]
      labels: {{{label}: "169.254.169.254"}}
"""
    _, found = compile_texts({"chat.yaml": spec})
    assert errors(found)


def test_two_services_cannot_read_one_log_file(compile_texts: Compile) -> None:
    first = SPEC.format(text='"x"')
    second = first.replace("name: chat,", "name: other,") + "workload: {name: chat}\n"
    _, found = compile_texts({"a.yaml": first, "b.yaml": second})
    assert [code for code, _ in errors(found)] == ["S322"]


@pytest.mark.parametrize("secret", ["sk-proj-T3BlbkFJ9x8Qw7Zr5Yt2Vu1Np", "AKIAIOSFODNN7EXAMPLE", "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
                                    "https://user:hunter2hunter2@example.com/x"])
def test_a_pasted_secret_is_refused_and_never_repeated(secret: str, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"chat.yaml": SPEC.format(text=json.dumps(secret))})
    assert {code for code, _ in errors(found)} == {"P401"}
    assert not [one for one in found if secret in one.message or secret in one.hint]
    assert not [path for path, raw in compiled.tree.items() if secret.encode() in raw]


def test_switching_privacy_off_needs_the_platform(compile_texts: Compile) -> None:
    spec = SPEC.format(text='"x"') + "logs: {redact: [], dropFields: []}\ntraces: {redact: []}\n"
    _, found = compile_texts({"chat.yaml": spec})
    assert [code for code, _ in errors(found)] == ["P407", "P407", "P407"]


PRIVATE = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: default}
defaults: {logs: {dropFields: [customer_id]}}
filebeat: {version: 9.5.2}
elasticsearch: {version: 9.5.2, hosts: ["https://es.example.svc:9200"]}
alertmanager: {receivers: [{name: pager, pagerdutyConfigs: [{routingKey: {name: pagerduty, key: key}}]}],
               routing: {critical: [pager], warning: [pager]}}
"""


@pytest.mark.parametrize("said", ["logs: {dropFields: null}", "logs: null", "logs: {dropFields: [other]}", "environments: {default: {logs: null}}"])
def test_no_spec_takes_back_what_the_platform_drops(said: str, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"platform.yaml": PRIVATE, "chat.yaml": SPEC.format(text='"x"') + said + "\n"})
    assert errors(found) == []
    assert b"customer_id" in compiled.tree["default/artifacts/ai/chat/filebeat.yaml"]


def test_an_emptied_list_is_told_even_if_a_later_layer_fills_it(compile_texts: Compile) -> None:
    said = "logs: {dropFields: []}\nenvironments: {default: {logs: {dropFields: [other]}}}\n"
    _, found = compile_texts({"platform.yaml": PRIVATE, "chat.yaml": SPEC.format(text='"x"') + said})
    assert errors(found) == [("P407", 8)]


def test_an_empty_selector_reads_no_other_pods(compile_texts: Compile) -> None:
    compiled, found = compile_texts({"chat.yaml": SPEC.format(text='"x"') + "workload: {selector: {}}\n"})
    assert errors(found) == []
    assert b"app.kubernetes.io/name=chat" in compiled.tree["default/artifacts/ai/chat/scrape.yaml"]


def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "secret.yaml").write_text("password: x\n")
    (tmp_path / "specs/chat.yaml").symlink_to(tmp_path / "secret.yaml")
    sink = Sink()
    assert inputs.find_specs([tmp_path / "specs"], sink) == ()
    assert [one.code for one in sink] == ["L018"]
