"""Filebeat: one input file per service, and at link time the DaemonSet that reads them.

Lines are taken apart on the node: keys that carry content are deleted at any depth, and private values are masked in
every text (`_redact`). What that program did not work on to the end loses all its fields but its place on the node.
"""

from __future__ import annotations

from collections.abc import Sequence

from obsc import conventions, encode, k8s, sizes
from obsc.catalog import Catalog
from obsc.catalog.versions import at_least
from obsc.emit import Artifact, Recipe, to_yaml
from obsc.ir import LogInput, Service
from obsc.part import LOGS, Part
from obsc.pieces import Sized, divide
from obsc.spec.platform import AIPlatform
from obsc.targets._redact import MARK, parameters, program
from obsc.targets._shards import config_maps, of_parts

Data = dict[str, object]
_NAME = "filebeat"
# Two folders beside each other: a volume cannot be mounted inside of a read-only one.
_BASE, _INPUTS, _TLS = "/etc/filebeat", "/etc/filebeat-inputs", "/etc/filebeat-tls"
_CONFIG_FILE, _PROGRAM_FILE = "/etc/filebeat/filebeat.yml", "/etc/filebeat/redact.js"
_INPUT_FILES = "/etc/filebeat-inputs/*.yml"
_SHARDS = "filebeat-inputs"
_LOGS, _CONTAINERS = "/var/log", "^/+var/+log/+(containers|pods)/"
_PORT = 5066
# Release 9 tells files apart by their first bytes and reads none that is shorter than these; 64 are the least it takes.
# They suffice: a line of a container's log begins with a time in nanoseconds. Other files may begin alike.
_FINGERPRINT = 64
# Longer texts are cut, so that a full queue of entries fits the memory limit.
_LONGEST_TEXT = 262144
_LABELS: Data = {"app.kubernetes.io/name": _NAME, "app.kubernetes.io/part-of": "obsc"}


def compile_(service: Service, platform: AIPlatform) -> tuple[Artifact, ...]:
    """The input file of a service: a list, as `filebeat.config.inputs` reads it."""
    if not service.logs or platform.filebeat is None:
        return ()
    identity = service.identity
    folder = (identity.environment, identity.namespace, identity.name)
    fields: Data = {"data_stream": conventions.log_stream(identity)}
    inputs = [_input(one, platform.filebeat.version, fields) for one in service.logs]
    return tuple(Artifact(conventions.artifacts(*folder, conventions.piece_file(LOGS, piece)), list(some))
                 for piece, some in divide(inputs, _measure))


def _measure(one: Data) -> Sized:
    return Sized(str(one["id"]), sizes.plain_size(one))


def _input(one: LogInput, version: str, fields: Data) -> Data:
    # A link is read if its own name and that of the file that it leads to are both included. Where no name tells whose
    # a file is, links are not followed, and the containers' logs are out of reach whatever the glob.
    scanner: Data = {"symlinks": one.framed}
    included = [encode.beats(pattern) for pattern in (one.include, one.linked) if pattern]
    scanner |= {"include_files": included} if included else {}
    scanner |= {} if one.framed else {"exclude_files": [_CONTAINERS]}
    data: Data = {"type": "filestream", "id": encode.beats(one.id), "paths": [encode.beats(path) for path in one.files],
                  "prospector": {"scanner": scanner}}
    if at_least(version, 9):
        scanner["fingerprint"] = {"enabled": True, "offset": 0, "length": _FINGERPRINT} if one.framed else {"enabled": False}
        data["file_identity"] = {"fingerprint" if one.framed else "native": None}
    return {**data,
            # A pod that ends is read to its last line.
            "close.on_state_change.removed": False,
            "message_max_bytes": _LONGEST_TEXT,
            "parsers": _parsers(one), "processors": _processors(one, fields)}


def _parsers(one: LogInput) -> list[Data]:
    """JSON before multiline: its parser reads one value and forgets what follows, such as a stack trace after the line.

    The object goes below `json`, where it can overwrite neither the time of the line nor what Filebeat says itself.
    """
    parsers: list[Data] = [{"container": {"stream": "all", "format": "auto"}}] if one.framed else []
    if one.format != "text":
        parsers.append({"ndjson": {"target": "json", "add_error_key": False, "ignore_decoding_error": True}})
    if one.continuation:
        parsers.append({"multiline": {"type": "pattern", "pattern": encode.beats(one.continuation), "negate": False,
                                      "match": "after", "max_lines": 500, "timeout": "5s"}})
    return parsers


def _processors(one: LogInput, fields: Data) -> list[Data]:
    """Last of all the labels, so that no application can speak for another."""
    masks = tuple(mask.name for mask in one.masks)
    return [
        {"script": {"lang": "javascript", "file": _PROGRAM_FILE, "timeout": "5s",
                    "params": parameters(one.drop, masks)}},
        {"include_fields": {"when": {"not": {"equals": {MARK: True}}}, "fields": ["log.file.path", "log.offset", "stream"]}},
        {"add_fields": {"target": "", "fields": {**_nested(one.labels), **fields}}},
    ]


def _nested(labels: Sequence[tuple[str, str]]) -> Data:
    """`service.name` as an object: dotted keys are Filebeat's own way to write one, but not in all of its places."""
    found: Data = {}
    for name, value in labels:
        *path, last = name.split(".")
        at = found
        for step in path:
            inner = at.setdefault(step, {})
            assert isinstance(inner, dict)
            at = inner
        at[last] = encode.beats(value)
    return found


def link(environment: str, parts: Sequence[Part], platform: AIPlatform, _: Catalog) -> tuple[Artifact, ...]:
    """Base configuration, input shards, DaemonSet and rights, if the platform ships logs."""
    if platform.filebeat is None or platform.elasticsearch is None:
        return ()
    namespace = platform.metadata.namespace
    files = {"filebeat.yml": to_yaml(_base(platform)), "redact.js": program()}
    role = k8s.object_name("obsc", namespace, _NAME)
    objects: dict[str, Data | Recipe] = {
        "filebeat-config.yaml": k8s.config_map("filebeat-config", namespace, files),
        "filebeat-serviceaccount.yaml": k8s.service_account(_NAME, namespace, token=True),
        "filebeat-clusterrole.yaml": k8s.cluster_role(role, [k8s.read_rule([""], ["pods", "namespaces", "nodes"])]),
        "filebeat-clusterrolebinding.yaml": k8s.cluster_role_binding(role, _NAME, namespace),
        "filebeat-daemonset.yaml": _daemonset(platform, k8s.checksum(*files.values())),
    }
    count = conventions.shards(_SHARDS, platform.capacity)
    objects |= config_maps(_SHARDS, count, namespace, of_parts(parts, LOGS, ".yml", (count, 1)))
    where = conventions.PLATFORM
    manifests = (Artifact(conventions.manifests(environment, where, name), data) for name, data in objects.items())
    plain = (Artifact(conventions.artifacts(environment, where, name), text, "text") for name, text in files.items())
    return (*manifests, *plain)


def _base(platform: AIPlatform) -> Data:
    store, said = platform.elasticsearch, platform.filebeat
    assert store is not None
    assert said is not None
    output: Data = {"hosts": [encode.beats(host) for host in store.hosts],
                    "index": "%{[data_stream.type]}-%{[data_stream.dataset]}-%{[data_stream.namespace]}"}
    if store.secret_name is not None:
        output |= {"api_key": "${ES_API_KEY}", "ssl": {"certificate_authorities": ["/etc/filebeat-tls/ca.crt"]}}
    # From 8.1 on Filebeat sends nothing to a store that is older than itself unless it may; from 8.11 on it may anyway
    # (elastic/beats, pull requests 29683 and 36884).
    strict = at_least(said.version, 8, 1) and not at_least(said.version, 8, 11)
    if strict and not at_least(store.version, *map(int, said.version.split("."))):
        output["allow_older_versions"] = True
    new = at_least(said.version, 8)
    return {
        "filebeat.config.inputs": {"enabled": True, "path": _INPUT_FILES,
                                   "reload": {"enabled": True, "period": "10s"}},
        "processors": [{"add_kubernetes_metadata": {
            "node" if new else "host": "${NODE_NAME}",
            # Names of owners would need the right to read them; the service's name is in the entry already.
            "add_resource_metadata": {"deployment": False, "cronjob": False},
            "default_indexers": {"enabled": False}, "default_matchers": {"enabled": False},
            "indexers": [{"container": {}}, {"pod_uid": {}}],
            "matchers": [{"logs_path": {"logs_path": "/var/log/containers/"}},
                         {"logs_path": {"logs_path": "/var/log/pods/", "resource_type": "pod"}}]}}],
        "queue": {"mem": {"events": 2048, "flush": {"min_events": 1024, "timeout": "1s"}}},
        # Templates and lifecycles are shipped apart: an agent on every node is no place to change an index from.
        "setup": {"template": {"enabled": False}, "ilm": {"enabled": False}},
        "output": {"elasticsearch": output},
        "logging": {"level": "info", "to_stderr": True, "to_files": False, **({} if new else {"json": True})},
        # On the pod's address, since the kubelet's probes do not reach the loopback; it tells counts, no entries.
        "http": {"enabled": True, "host": "${POD_IP}", "port": _PORT},
    }


def _daemonset(platform: AIPlatform, checksum: str) -> Data:
    said, store = platform.filebeat, platform.elasticsearch
    assert said is not None
    assert store is not None
    return k8s.obj(
        "apps/v1", "DaemonSet", _NAME, platform.metadata.namespace, own_labels=k8s.labels(_NAME),
        spec={"selector": {"matchLabels": _LABELS},
              "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
              "template": {
                  # Inputs are reloaded; only the base configuration and the program need a new process.
                  "metadata": {"labels": k8s.labels(_NAME), "annotations": {"checksum/config": checksum}},
                  "spec": {"serviceAccountName": _NAME, "automountServiceAccountToken": True,
                           "terminationGracePeriodSeconds": 30,
                           "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                           "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
                           "containers": [_container(platform, said.version, store.secret_name)],
                           "volumes": _volumes(platform, store.secret_name)}}})


def _container(platform: AIPlatform, version: str, secret: str | None) -> Data:
    probe: Data = {"httpGet": {"path": "/", "port": "stats"}, "timeoutSeconds": 5}
    environment = [_from_field("NODE_NAME", "spec.nodeName"), _from_field("POD_IP", "status.podIP"),
                   # Four fifths of the memory limit: the collector of garbage works before the kernel does.
                   {"name": "GOMEMLIMIT", "value": conventions.go_mebibytes(_memory(platform) * 4 // 5)}]
    mounts: list[Data] = [{"name": "config", "mountPath": _BASE, "readOnly": True},
                          {"name": "inputs", "mountPath": _INPUTS, "readOnly": True},
                          {"name": "data", "mountPath": "/usr/share/filebeat/data"},
                          {"name": "varlog", "mountPath": _LOGS, "readOnly": True},
              *({"name": conventions.volume("logs", folder), "mountPath": folder, "readOnly": True}
                for folder in _more_folders(platform))]
    if secret is not None:
        environment.append({"name": "ES_API_KEY", "valueFrom": {"secretKeyRef": {"name": secret, "key": "api_key"}}})
        mounts.append({"name": "tls", "mountPath": _TLS, "readOnly": True})
    return {
        "name": _NAME, "image": _image(version), "args": ["-c", _CONFIG_FILE, "-e"], "env": environment,
        "ports": [{"name": "stats", "containerPort": _PORT, "protocol": "TCP"}],
        # Logs of the node belong to root. Of root's powers only that of reading is kept.
        "securityContext": {"runAsUser": 0, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}},
        "resources": {"requests": {"cpu": "100m", "memory": conventions.mebibytes(_memory(platform) * 2 // 5)},
                      "limits": {"cpu": "1", "memory": conventions.mebibytes(_memory(platform))}},
        "livenessProbe": {**probe, "initialDelaySeconds": 20, "periodSeconds": 20, "failureThreshold": 3},
        "readinessProbe": {**probe, "periodSeconds": 10},
        "volumeMounts": mounts}


def _memory(platform: AIPlatform) -> int:
    """MiB at most. Every agent has the inputs of all services: 9.5.2 at rest took 60 MiB with 100 of them, 125 with 500 and 370 with
    2,000; entries on their way need the rest.
    """
    return -(-(450 + platform.capacity // 5) // 100) * 100


def _from_field(name: str, field: str) -> Data:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}}


def _image(version: str) -> str:
    hardened = at_least(version, 9)
    repository = "docker.elastic.co/beats/filebeat-wolfi" if hardened else "docker.elastic.co/beats/filebeat"
    return conventions.image(repository, version)


def _more_folders(platform: AIPlatform) -> list[str]:
    """Folders of the policy's that the usual mount does not have: what a spec may name, an agent must see."""
    literal = {conventions.literal_folder(path) for path in platform.policy.log_paths} - {"/"}
    return sorted(one for one in literal if not any(conventions.lies_in(one, other) for other in {*literal, _LOGS} - {one}))


def _volumes(platform: AIPlatform, secret: str | None) -> list[Data]:
    namespace = platform.metadata.namespace
    shards = [{"configMap": {"name": conventions.shard_name(_SHARDS, number)}}
              for number in range(conventions.shards(_SHARDS, platform.capacity))]
    more: list[Data] = [{"name": conventions.volume("logs", folder), "hostPath": {"path": folder, "type": "DirectoryOrCreate"}}
                        for folder in _more_folders(platform)]
    volumes: list[Data] = [
        # Filebeat refuses configuration that others may write, and nobody else needs to read it.
        {"name": "config", "configMap": {"name": "filebeat-config", "defaultMode": 0o400}},
        {"name": "inputs", "projected": {"defaultMode": 0o400, "sources": shards}},
        {"name": "varlog", "hostPath": {"path": _LOGS, "type": "Directory"}},
        *more,
        {"name": "data", "hostPath": {"path": conventions.host_folder(namespace, _NAME), "type": "DirectoryOrCreate"}}]
    if secret is not None:
        volumes.append({"name": "tls", "secret": {"secretName": secret, "defaultMode": 0o400,
                                                  "items": [{"key": "ca.crt", "path": "ca.crt"}]}})
    return volumes
