"""Filebeat: one input file per service, and at link time the DaemonSet that reads them.

Lines are taken apart on the node: keys that carry content are deleted at any depth, private values are masked in
every text, and a structured line that cannot be parsed is replaced, since nobody can tell what it holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from obsc import conventions, encode, k8s
from obsc.emit import Artifact, to_yaml
from obsc.ir import LogInput, Service
from obsc.part import LOGS, Part
from obsc.spec.platform import AIPlatform

Data = dict[str, object]
_NAME = "filebeat"
_INPUTS = "/etc/filebeat-inputs"
_REMOVED = "(a structured line that could not be parsed was removed)"
# Files below this many bytes are not told apart by their beginning; the least that Filebeat allows.
_FINGERPRINT = 64


def compile_(service: Service, platform: AIPlatform) -> tuple[Artifact, ...]:
    """The input file of a service."""
    if not service.logs or platform.filebeat is None:
        return ()
    identity = service.identity
    path = conventions.artifacts(identity.environment, identity.namespace, identity.name, LOGS)
    return (Artifact(path, [_input(one, platform.filebeat.version) for one in service.logs]),)


def _input(one: LogInput, version: str) -> Data:
    data: Data = {"type": "filestream", "id": one.id, "paths": [encode.beats(path) for path in one.files]}
    if one.include:
        data["prospector.scanner.include_files"] = [encode.beats(one.include)]
    data["prospector.scanner.symlinks"] = True
    if conventions.at_least(version, 9):
        # Release 9 tells files apart by their first 1024 bytes, and reads none that is shorter.
        data |= {"prospector.scanner.fingerprint": {"enabled": True, "offset": 0, "length": _FINGERPRINT},
                 "file_identity.fingerprint": {}}
    # A pod that ends must be read to its last line.
    data["close.on_state_change.removed"] = False
    data["parsers"] = _parsers(one)
    return {**data, "processors": _processors(one)}


def _parsers(one: LogInput) -> list[Data]:
    parsers: list[Data] = [{"container": {"stream": "all", "format": "auto"}}]
    if one.continuation and one.format != "json":
        parsers.append({"multiline": {"type": "pattern", "pattern": encode.beats(one.continuation), "negate": False,
                                      "match": "after", "max_lines": 500, "timeout": "5s"}})
    if one.format != "text":
        parsers.append({"ndjson": {"target": "", "overwrite_keys": False, "add_error_key": one.format == "json",
                                   "message_key": "message", "ignore_decoding_error": one.format == "auto"}})
    return parsers


def _processors(one: LogInput) -> list[Data]:
    steps: list[Data] = []
    if one.drop:
        steps.append({"add_fields": {"when": {"regexp": {"message": "^\\s*[{\\[]"}}, "target": "",
                                     "fields": {"message": _REMOVED}}})
        steps.append({"drop_fields": {"fields": list(one.drop), "ignore_missing": True}})
    if one.drop or one.masks:
        steps.append({"script": {"lang": "javascript", "tag": "obsc-privacy", "timeout": "2s",
                                 "source": encode.beats_privacy_script(one.drop, [(m.name, m.pattern) for m in one.masks])}})
    steps.append({"add_fields": {"target": "", "fields": {key: encode.beats(value) for key, value in one.labels}}})
    return steps


def link(environment: str, parts: Sequence[Part], platform: AIPlatform) -> tuple[Artifact, ...]:
    """Base configuration, input shards, DaemonSet and rights, if the platform ships logs."""
    said, store = platform.filebeat, platform.elasticsearch
    if said is None or store is None:
        return ()
    namespace = platform.metadata.namespace
    base = to_yaml(_base(environment, platform))
    objects = {
        "filebeat-config.yaml": k8s.config_map("filebeat-config", namespace, {"filebeat.yml": base}),
        "filebeat-serviceaccount.yaml": k8s.service_account(_NAME, namespace, token=True),
        "filebeat-clusterrole.yaml": k8s.cluster_role(_NAME, [
            k8s.read_rule([""], ["pods", "namespaces", "nodes"]), k8s.read_rule(["apps"], ["replicasets"]),
            k8s.read_rule(["batch"], ["jobs"])]),
        "filebeat-clusterrolebinding.yaml": k8s.cluster_role_binding(_NAME, _NAME, namespace),
        "filebeat-daemonset.yaml": _daemonset(platform, base),
    }
    for number in range(conventions.SHARDS):
        name = conventions.shard_name("filebeat-inputs", number)
        data = {conventions.shard_key(part.identity, ".yml"): text for part in parts
                if conventions.shard(part.identity) == number and (text := part.text(LOGS)) is not None}
        objects[conventions.manifest_file(name)] = k8s.config_map(name, namespace, data)
    found = [Artifact(conventions.manifests(environment, conventions.PLATFORM, name), data) for name, data in objects.items()]
    return (*found, Artifact(conventions.artifacts(environment, conventions.PLATFORM, "filebeat.yml"), base, "text"))


def _base(environment: str, platform: AIPlatform) -> Data:
    store = platform.elasticsearch
    assert store is not None
    output: Data = {"hosts": [encode.beats(host) for host in store.hosts], "index": conventions.log_index(environment)}
    if store.secret_name is not None:
        output |= {"api_key": "${ES_API_KEY}", "ssl.certificate_authorities": ["/etc/filebeat-tls/ca.crt"]}
    return {
        "filebeat.config.inputs": {"enabled": True, "path": _INPUTS + "/*.yml", "reload.enabled": True, "reload.period": "10s"},
        "processors": [{"add_kubernetes_metadata": {
            "host": "${NODE_NAME}", "default_indexers.enabled": False, "default_matchers.enabled": False,
            "indexers": [{"container": {}}], "matchers": [{"logs_path": {"logs_path": "/var/log/containers/"}}]}}],
        "setup.template.enabled": False, "setup.ilm.enabled": False,
        "output.elasticsearch": output,
        "logging": {"level": "info", "to_stderr": True, "json": True},
        "http": {"enabled": True, "host": "127.0.0.1", "port": 5066},
    }


def _image(version: str) -> str:
    repository = "docker.elastic.co/beats/filebeat-wolfi" if conventions.at_least(version, 9) else "docker.elastic.co/beats/filebeat"
    return conventions.image(repository, version)


def _daemonset(platform: AIPlatform, base: str) -> Data:
    namespace, said, store = platform.metadata.namespace, platform.filebeat, platform.elasticsearch
    assert said is not None
    assert store is not None
    chosen = {"app.kubernetes.io/name": _NAME}
    return k8s.obj(
        "apps/v1", "DaemonSet", _NAME, namespace, own_labels=k8s.labels(_NAME),
        spec={"selector": {"matchLabels": chosen},
              "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
              "template": {
                  # Inputs are reloaded; only the base configuration needs a new process.
                  "metadata": {"labels": k8s.labels(_NAME), "annotations": {"checksum/config": k8s.checksum(base)}},
                  "spec": {"serviceAccountName": _NAME, "automountServiceAccountToken": True,
                           "terminationGracePeriodSeconds": 30, "priorityClassName": "system-node-critical",
                           "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                           "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
                           "containers": [_container(said.version, store.secret_name)],
                           "volumes": _volumes(store.secret_name)}}})


def _container(version: str, secret: str | None) -> Data:
    environment: list[Data] = [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    mounts: list[Data] = [{"name": "config", "mountPath": "/etc/filebeat", "readOnly": True},
                          {"name": "inputs", "mountPath": _INPUTS, "readOnly": True},
                          {"name": "data", "mountPath": "/usr/share/filebeat/data"},
                          {"name": "logs", "mountPath": "/usr/share/filebeat/logs"},
                          {"name": "varlog", "mountPath": "/var/log", "readOnly": True}]
    if secret is not None:
        environment.append({"name": "ES_API_KEY", "valueFrom": {"secretKeyRef": {"name": secret, "key": "api_key"}}})
        mounts.append({"name": "tls", "mountPath": "/etc/filebeat-tls", "readOnly": True})
    probe = {"exec": {"command": ["sh", "-c", "curl -fs http://127.0.0.1:5066/"]}}
    return {
        "name": _NAME, "image": _image(version), "args": ["-c", "/etc/filebeat/filebeat.yml", "-e"], "env": environment,
        # Logs of the node belong to root. Of root's powers only that of reading is kept.
        "securityContext": {"runAsUser": 0, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}},
        "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"cpu": "1", "memory": "400Mi"}},
        "livenessProbe": {**probe, "initialDelaySeconds": 20, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 3},
        "readinessProbe": {**probe, "initialDelaySeconds": 5, "periodSeconds": 10, "timeoutSeconds": 5},
        "volumeMounts": mounts}


def _volumes(secret: str | None) -> list[Data]:
    shards = [{"configMap": {"name": conventions.shard_name("filebeat-inputs", number)}} for number in range(conventions.SHARDS)]
    volumes: list[Data] = [
        {"name": "config", "configMap": {"name": "filebeat-config", "defaultMode": 0o600}},
        {"name": "inputs", "projected": {"defaultMode": 0o600, "sources": shards}},
        {"name": "varlog", "hostPath": {"path": "/var/log", "type": "Directory"}},
        {"name": "data", "hostPath": {"path": "/var/lib/filebeat-obsc", "type": "DirectoryOrCreate"}},
        {"name": "logs", "emptyDir": {"sizeLimit": "50Mi"}}]
    if secret is not None:
        volumes.append({"name": "tls", "secret": {"secretName": secret, "items": [{"key": "ca.crt", "path": "ca.crt"}]}})
    return volumes
