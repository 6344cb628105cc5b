from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from ruamel.yaml import YAML

from conftest import Compile
from obsc import conventions, emit, ir, privacy
from obsc.catalog import BUILT_IN
from obsc.diagnostics import Severity
from obsc.part import LOGS, Part, part_of
from obsc.spec.platform import AIPlatform
from obsc.targets import filebeat
from obsc.targets._redact import parameters, program

VERSIONS = ("7.17.29", "8.15.0", "9.5.2")
HOSTILE = ("${file:/etc/passwd}", "${env:X}", "${SECRET}", "$(X)", "$$", "$}", "a$", "\\", '"', "'", "%{[x]}", "{{x}}", "a: b", "*x", "é")


def platform(version: str = "9.5.2", **store: object) -> AIPlatform:
    return AIPlatform.model_validate({
        "apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"}, "filebeat": {"version": version},
        "elasticsearch": {"version": version, "hosts": ("https://es.example.com:9200",), **store}})


def log_input(name: str = "chat", **changes: Any) -> ir.LogInput:  # noqa: ANN401
    said: dict[str, Any] = {
        "id": f"prod.ai-prod.{name}", "files": ("/var/log/containers/*_ai-prod_*.log",),
        "include": f"/{name}-[a-z]{{5}}_ai-prod_[a-z]+-[0-9a-f]{{64}}\\.log$", "format": "auto", "continuation": r"^\s",
        "drop": tuple(sorted({*privacy.CONTENT_KEYS, "customer_id"})), "masks": tuple(privacy.MASKS[one] for one in privacy.USUAL_MASKS),
        "labels": (("deployment.environment.name", "prod"), ("service.name", name), ("team", "ml")), "origin": ir.Origin("logs")}
    return ir.LogInput(**{**said, **changes})


def service(*inputs: ir.LogInput, name: str = "chat") -> ir.Service:
    board = ir.Dashboard("uid", name, "ml", "", (), (), (), (), ir.Origin("dashboards"))
    return ir.Service(identity=ir.Identity("prod", "ai-prod", name), team="ml", description="", runtime="custom", labels=(),
                      links=(), static_labels=(), jobs=(), recordings=(), alerts=(), dashboard=board, logs=inputs, traces=None,
                      routes=())


def compiled(one: ir.LogInput, version: str = "9.5.2") -> dict[str, Any]:
    (artifact,) = filebeat.compile_(service(one), platform(version))
    assert isinstance(artifact.data, list)
    return dict(artifact.data[0])


def part(name: str, text: str | None = None) -> Part:
    (artifact,) = filebeat.compile_(service(log_input(name), name=name), platform())
    return part_of(service(log_input(name), name=name), {LOGS: text or emit.encode(artifact).decode()})


def linked(*parts: Part, said: AIPlatform | None = None) -> dict[str, Any]:
    return {one.path.rpartition("/")[2]: one.data for one in filebeat.link("prod", parts, said or platform(), BUILT_IN)}


def base(version: str, **store: object) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(linked(said=platform(version, **store))["filebeat.yml"]))


def expanded(text: str) -> str:
    """What go-ucfg makes of a text (its lexer: `$$` and `$}` lose the dollar); a variable is an error."""
    out, at = "", 0
    while at < len(text):
        pair = text[at:at + 2]
        assert pair != "${", f"a variable in {text}"
        out += text[at + 1] if pair in {"$$", "$}"} else text[at]
        at += 2 if pair in {"$$", "$}"} else 1
    return out


def strings(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from (key, *strings(value))
    elif isinstance(data, list | tuple):
        for one in data:
            yield from strings(one)


SPEC = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: chat, namespace: ai, team: chat}
runtime: {name: vllm, version: "0.15"}
"""
PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: prod}
alertmanager:
  receivers: [{name: default, webhookConfigs: [{url: "https://alerts.example.com"}]}]
  routing: {critical: [default], warning: [default]}
elasticsearch: {version: 9.5.2, hosts: ["https://es.example.com:9200"]}
filebeat: {version: 9.5.2}
"""
ID = "0123456789abcdef" * 4
UID = "9b2d7a52-3f0c-4c57-9f0e-1f6d6a1f6b1e"


def node(pod: str = "chat-5d9f8c7b6-x2x4z", namespace: str = "ai", container: str = "vllm", uid: str = UID) -> tuple[str, str]:
    """A container's log on a node: the link that the runtime makes, and the file that it leads to."""
    return (f"/var/log/containers/{pod}_{namespace}_{container}-{ID}.log", f"/var/log/pods/{namespace}_{pod}_{uid}/{container}/0.log")


def reads(inputs: list[Any], path: str, leads_to: str = "") -> list[str]:
    """Ids of the inputs that read a file. Filebeat's scanner asks of a link that its own name is included, and of the file
    that it leads to as well (getIngestTarget in filebeat/input/filestream/fswatch.go, 7.17 to 9).
    """
    return [one["id"] for one in inputs if any(fnmatchcase(path, glob) for glob in one["paths"]) and all(
        any(re.search(expanded(each), name) for each in one["prospector"]["scanner"].get("include_files", [""]))
        for name in (path, leads_to) if name)]


def inputs_of(compile_texts: Compile, more: str = "", platform: str = "") -> list[Any]:
    texts = {"chat.yaml": SPEC + more, **({"platform.yaml": platform} if platform else {})}
    compiled, found = compile_texts(texts)
    assert [one.message for one in found if one.severity is Severity.ERROR] == []
    loaded: list[Any] = YAML(typ="safe").load(next(raw for path, raw in compiled.tree.items() if path.endswith("ai/chat/filebeat.yaml")))
    return loaded


def test_a_services_own_files_are_read_by_the_links_that_lead_to_them(compile_texts: Compile) -> None:
    inputs = inputs_of(compile_texts)
    assert reads(inputs, *node()) == ["default.ai.chat"]
    # A static pod has a digest in place of an identifier.
    assert reads(inputs, *node(uid="0123456789abcdef0123456789abcdef")) == ["default.ai.chat"]
    for other in (node(namespace="other"), node(pod="chat-api-5d9f8c7b6-x2x4z"), node(pod="rag-5d9f8c7b6-x2x4z")):
        assert reads(inputs, *other) == []
        assert reads(inputs, node()[0], other[1]) == [], "a link of the service's name to a file of another"


def test_a_named_container_is_told_by_link_and_file(compile_texts: Compile) -> None:
    inputs = inputs_of(compile_texts, "logs: {containers: [{name: vllm}]}\n")
    assert reads(inputs, *node()) == ["default.ai.chat.vllm"]
    assert reads(inputs, *node(container="istio-proxy")) == []


@pytest.mark.parametrize("paths", [
    ["/var/log/containers/*.log"], ["/var/log/pods/*/*/*.log"], ["/var/log/pods/**/*.log"], ["/var/log/pods/other_*/*/*.log"],
    ["/var/log/containers/*.log", "/var/log/app/*.log"], ["/var/log/containers/*_other_*.log", "/var/log/pods/*/*/*.log"],
])
def test_no_path_reads_the_pods_of_another_tenant(paths: list[str], compile_texts: Compile) -> None:
    policy = "policy: {logPaths: [/var/log/containers, /var/log/pods, /var/log/app]}\n"
    inputs = inputs_of(compile_texts, f"logs: {{paths: {json.dumps(paths)}}}\n", PLATFORM + policy)
    for link, file in (node(namespace="other"), node(pod="rag-5d9f8c7b6-x2x4z")):
        assert reads(inputs, link, file) == []
        assert reads(inputs, file) == []


def test_the_runtimes_own_files_can_be_read_too(compile_texts: Compile) -> None:
    inputs = inputs_of(compile_texts, "logs: {paths: ['/var/log/pods/*/*/*.log']}\n")
    assert reads(inputs, node()[1]) == ["default.ai.chat._pods"]
    assert next(iter(inputs[0]["parsers"][0])) == "container"


def test_files_that_no_runtime_writes_have_no_frame_and_are_mounted(compile_texts: Compile) -> None:
    policy = "policy: {logPaths: [/var/log/containers, /data/logs, '/srv/*/logs']}\n"
    texts = {"chat.yaml": SPEC + "logs: {paths: ['/data/logs/chat/*.log', '/var/log/containers/chat-*.log']}\n",
             "platform.yaml": PLATFORM + policy}
    compiled, found = compile_texts(texts)
    assert [one.message for one in found if one.severity is Severity.ERROR] == []
    yaml = YAML(typ="safe")
    inputs = yaml.load(compiled.tree["prod/artifacts/ai/chat/filebeat.yaml"])
    assert reads(inputs, "/data/logs/chat/a.log") == ["prod.ai.chat._files"]
    assert reads(inputs, *node()) == ["prod.ai.chat"]
    parsers = {one["id"]: [next(iter(parser)) for parser in one["parsers"]] for one in inputs}
    assert parsers == {"prod.ai.chat": ["container", "ndjson", "multiline"], "prod.ai.chat._files": ["ndjson", "multiline"]}
    pod = yaml.load(compiled.tree["prod/manifests/platform/filebeat-daemonset.yaml"])["spec"]["template"]["spec"]
    mounted = {one["mountPath"]: one for one in pod["containers"][0]["volumeMounts"]}
    volumes = {one["name"]: one for one in pod["volumes"]}
    for folder in ("/data/logs", "/srv"):
        assert mounted[folder]["readOnly"] is True
        assert volumes[mounted[folder]["name"]]["hostPath"] == {"path": folder, "type": "DirectoryOrCreate"}
    assert sorted(mounted) == ["/data/logs", "/etc/filebeat", "/etc/filebeat-inputs", "/srv", "/usr/share/filebeat/data", "/var/log"]


def test_a_service_outside_of_the_cluster_has_no_files_on_a_node(compile_texts: Compile) -> None:
    outside = "workload: {kind: External}\nmetrics: {staticConfigs: [{targets: ['chat.ai.svc:8000']}]}\n"
    compiled, found = compile_texts({"chat.yaml": SPEC + outside})
    assert [one.message for one in found if one.severity is Severity.ERROR] == []
    assert not [path for path in compiled.tree if path.endswith("ai/chat/filebeat.yaml")]


def test_without_filebeat_or_without_logs_there_is_nothing() -> None:
    bare = AIPlatform.model_validate({"apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"}})
    assert filebeat.compile_(service(log_input()), bare) == ()
    assert filebeat.compile_(service(), platform()) == ()
    assert filebeat.link("prod", [], bare, BUILT_IN) == ()


def test_the_input_file_is_beside_the_services_other_artifacts() -> None:
    (artifact,) = filebeat.compile_(service(log_input(), log_input("chat.b")), platform())
    assert artifact.path == conventions.artifacts("prod", "ai-prod", "chat", LOGS)
    assert isinstance(artifact.data, list)
    assert [one["id"] for one in artifact.data] == ["prod.ai-prod.chat", "prod.ai-prod.chat.b"]


@pytest.mark.parametrize("version", VERSIONS)
def test_release_9_tells_files_apart_by_a_short_beginning(version: str) -> None:
    data = compiled(log_input(), version)
    assert data["prospector"]["scanner"]["symlinks"] is True
    fingerprint = data["prospector"]["scanner"].get("fingerprint")
    if version.startswith("9"):
        assert fingerprint == {"enabled": True, "offset": 0, "length": 64}
        assert data["file_identity"] == {"fingerprint": None}
    else:
        assert fingerprint is None
        assert "file_identity" not in data


def test_files_that_may_begin_alike_are_told_apart_by_their_inodes() -> None:
    data = compiled(log_input(files=("/data/logs/*.log",), include="", framed=False))
    assert data["prospector"]["scanner"] == {"symlinks": False, "exclude_files": ["^/+var/+log/+(containers|pods)/"],
                                             "fingerprint": {"enabled": False}}
    assert data["file_identity"] == {"native": None}


@pytest.mark.parametrize(("form", "expected"), [
    ("auto", ["container", "ndjson", "multiline"]), ("json", ["container", "ndjson", "multiline"]), ("text", ["container", "multiline"])])
def test_parsers_stand_in_the_order_that_loses_nothing(form: str, expected: list[str]) -> None:
    parsers = compiled(log_input(format=form))["parsers"]
    assert [next(iter(one)) for one in parsers] == expected
    assert not any(one.get("ndjson", {}).get("overwrite_keys") for one in parsers)


def test_no_continuation_no_multiline() -> None:
    assert [next(iter(one)) for one in compiled(log_input(continuation=""))["parsers"]] == ["container", "ndjson"]


def test_what_was_not_redacted_loses_its_fields_and_labels_come_last() -> None:
    script, guard, labels = compiled(log_input())["processors"]
    assert script["script"]["file"] == "/etc/filebeat/redact.js"
    assert guard["include_fields"]["when"] == {"not": {"equals": {"@metadata.redacted": True}}}
    assert "message" not in guard["include_fields"]["fields"]
    assert labels["add_fields"]["fields"] == {
        "deployment": {"environment": {"name": "prod"}}, "service": {"name": "chat"}, "team": "ml",
        "data_stream": {"type": "logs", "dataset": "obsc.ai_prod.chat", "namespace": "prod"}}


def test_parameters_name_only_what_the_program_does_not_know() -> None:
    assert parameters((*privacy.CONTENT_KEYS, "customer_id"), ("email",)) == {
        "content": True, "drop": ["customer_id"], "masks": ["email"]}
    assert parameters(privacy.CONTENT_KEYS, ()) == {"content": True}
    assert parameters((), ()) == {"content": False}
    assert parameters(("prompt",), ()) == {"content": False, "drop": ["prompt"]}


def test_the_program_holds_every_pattern_and_is_ascii() -> None:
    text = program()
    assert text.isascii()
    constants = dict(re.findall(r"^var ([A-Z_]+) = (.*);$", text, re.MULTILINE)[:3])
    assert json.loads(constants["CONTENT"]) == list(privacy.CONTENT_KEYS)
    assert json.loads(constants["MASKS"]) == {name: privacy.MASKS[name].pattern for name in privacy.ORDER}
    assert json.loads(constants["CREDENTIAL_KEYS"]) == privacy.CREDENTIAL_KEYS
    # ECMAScript 5 is all that Beats runs.
    assert not re.search(r"\b(let|const|class|=>|for \(.* of )\b|`[^`]*\$\{", text)


@pytest.mark.parametrize("text", HOSTILE)
def test_strings_of_a_spec_reach_filebeat_as_they_are(text: str) -> None:
    data = compiled(log_input(id=text, files=(text,), include=text, continuation=text, labels=(("service.name", text), ("team", text)),
                              drop=(*privacy.CONTENT_KEYS, text)))
    fields = data["processors"][2]["add_fields"]["fields"]
    for found in (data["id"], data["paths"][0], data["prospector"]["scanner"]["include_files"][0], fields["service"]["name"],
                  fields["team"], data["parsers"][2]["multiline"]["pattern"], data["processors"][0]["script"]["params"]["drop"][0]):
        assert expanded(found) == text


def test_streams_of_services_never_meet() -> None:
    identities = [ir.Identity("prod", "a-b", "c"), ir.Identity("prod", "a", "b-c"), ir.Identity("prod-a", "b", "c"), ir.Identity("prod", "a", "b")]
    streams = ["-".join(conventions.log_stream(one).values()) for one in identities]
    assert len(set(streams)) == len(streams)
    assert all(stream.count("-") == 2 for stream in streams)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_base_fits_its_release(version: str) -> None:
    data = base(version)
    assert data["filebeat.config.inputs"] == {"enabled": True, "path": "/etc/filebeat-inputs/*.yml",
                                              "reload": {"enabled": True, "period": "10s"}}
    metadata = data["processors"][0]["add_kubernetes_metadata"]
    assert ("host" in metadata, "node" in metadata) == (version.startswith("7"), not version.startswith("7"))
    assert data["logging"].get("json", False) == version.startswith("7")
    assert data["setup"] == {"template": {"enabled": False}, "ilm": {"enabled": False}}
    assert data["output"]["elasticsearch"]["index"] == "%{[data_stream.type]}-%{[data_stream.dataset]}-%{[data_stream.namespace]}"


def test_credentials_come_from_a_secret_and_only_from_there() -> None:
    output = base("9.5.2", secretName="es")["output"]["elasticsearch"]
    assert output["api_key"] == "${ES_API_KEY}"
    assert output["ssl"] == {"certificate_authorities": ["/etc/filebeat-tls/ca.crt"]}
    assert "api_key" not in base("9.5.2")["output"]["elasticsearch"]
    pod = linked(said=platform(secretName="es"))["filebeat-daemonset.yaml"]["spec"]["template"]["spec"]
    assert {"name": "ES_API_KEY", "valueFrom": {"secretKeyRef": {"name": "es", "key": "api_key"}}} in pod["containers"][0]["env"]
    assert [one for one in pod["volumes"] if one["name"] == "tls"][0]["secret"]["secretName"] == "es"  # noqa: RUF015


def test_hosts_are_never_expanded() -> None:
    assert base("9.5.2", hosts=("https://$host.example.com",))["output"]["elasticsearch"]["hosts"] == ["https://$$host.example.com"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_agent_has_no_more_power_than_reading(version: str) -> None:
    spec = linked(said=platform(version))["filebeat-daemonset.yaml"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "runAsUser": 0, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}}
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    writable = [one["mountPath"] for one in container["volumeMounts"] if not one.get("readOnly")]
    assert writable == ["/usr/share/filebeat/data"]
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}
    assert {"livenessProbe", "readinessProbe"} <= set(container)
    assert container["image"] == {"9": "docker.elastic.co/beats/filebeat-wolfi:9.5.2"}.get(
        version[0], f"docker.elastic.co/beats/filebeat:{version}")


def test_an_agent_has_room_for_the_inputs_of_every_service() -> None:
    def memory(capacity: int) -> tuple[str, str, str]:
        said = platform().model_copy(update={"capacity": capacity})
        (container,) = linked(said=said)["filebeat-daemonset.yaml"]["spec"]["template"]["spec"]["containers"]
        limit = next(one["value"] for one in container["env"] if one["name"] == "GOMEMLIMIT")
        return container["resources"]["requests"]["memory"], container["resources"]["limits"]["memory"], limit

    assert memory(32) == ("200Mi", "500Mi", "400MiB")
    assert memory(2000) == ("360Mi", "900Mi", "720MiB")


def test_rights_are_for_reading_pods_and_what_they_lie_in() -> None:
    objects = linked()
    assert objects["filebeat-clusterrole.yaml"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods", "namespaces", "nodes"], "verbs": ["get", "list", "watch"]}]
    role = objects["filebeat-clusterrole.yaml"]["metadata"]["name"]
    assert objects["filebeat-clusterrolebinding.yaml"]["roleRef"]["name"] == role
    assert "observability" in role


def test_a_mount_never_lies_in_a_read_only_one() -> None:
    container = linked(said=platform(secretName="es"))["filebeat-daemonset.yaml"]["spec"]["template"]["spec"]["containers"][0]
    paths = [one["mountPath"] for one in container["volumeMounts"]]
    assert not [(one, other) for one in paths for other in paths if other.startswith(f"{one}/")]


def test_a_new_service_changes_one_shard_and_no_pod() -> None:
    before, after = linked(part("a")), linked(part("a"), part("b"))
    changed = [name for name in before if before[name] != after[name]]
    shard = conventions.shard(ir.Identity("prod", "ai-prod", "b"), conventions.shards("filebeat-inputs", 32))
    assert changed == [f"filebeat-inputs-{shard}.yaml"]
    assert after[changed[0]]["data"]["ai-prod.b.yml"] == part("b").text(LOGS)


def test_all_shards_are_mounted_in_one_folder() -> None:
    volumes = linked()["filebeat-daemonset.yaml"]["spec"]["template"]["spec"]["volumes"]
    projected = next(one["projected"] for one in volumes if one["name"] == "inputs")
    assert [one["configMap"]["name"] for one in projected["sources"]] == [
        f"filebeat-inputs-{number}" for number in range(conventions.shards("filebeat-inputs", 32))]
    # Not writable by others: Filebeat refuses such a file.
    assert projected["defaultMode"] & 0o022 == 0


def test_only_the_base_and_the_program_restart_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    def checksum() -> str:
        return str(linked()["filebeat-daemonset.yaml"]["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    before = checksum()
    monkeypatch.setitem(privacy.MASKS, "email", ir.Mask("email", "other"))
    assert checksum() != before


def test_configuration_with_variables_is_kept_from_flux() -> None:
    for name, data in linked(part("a")).items():
        if isinstance(data, dict) and any("${" in text for text in strings(data)):
            assert data["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/substitute"] == "disabled", name


def test_a_thousand_services_fit_the_shards() -> None:
    objects = linked(*(part(f"service-{number:04}-with-a-long-name") for number in range(1000)))
    for number in range(conventions.shards("filebeat-inputs", 32)):
        size = len(emit.to_yaml(objects[f"filebeat-inputs-{number}.yaml"].made()))
        assert size < 900 * 1024


def test_same_input_same_bytes() -> None:
    first, second = ([emit.encode(one) for one in filebeat.link("prod", [part("a"), part("b")], platform(), BUILT_IN)] for _ in range(2))
    assert first == second
