"""Every generated name in one place: folders, files, groups, shards, addresses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from obsc import durations, encode
from obsc.ir import Field, Identity, Requirement, Text, Unit

# Services whose files share one object, on average, on a platform of its full capacity. Each has 60 KiB of rules, a page of 40 KiB
# and 3 KiB of jobs or inputs: an object of average services is full to a fifth, for chance and large services need the rest.
_SHARED = {"prometheus-rules": 3, "grafana-dashboards": 4, "prometheus-scrape": 64, "filebeat-inputs": 64}
_FEWEST = 4
PLATFORM = "platform"
RESERVED_NAMES = frozenset({PLATFORM})
_GATHERED = re.compile(rf"(?:^|/)manifests/(?:{PLATFORM}/(?:{'|'.join(_SHARED)})-[0-9]+|kustomization)\.yaml$")
SECRETS_PROMETHEUS = "/etc/prometheus/secrets"
SECRETS_ALERTMANAGER = "/etc/alertmanager/secrets"
_FORMATS = {Unit.RATIO: "{{ $value | humanizePercentage }}", Unit.SECONDS: "{{ $value | humanizeDuration }}",
            Unit.BYTES: "{{ $value | humanize1024 }}B"}


def artifacts(environment: str, *rest: str) -> str:
    """Path of a file that is no Kubernetes object."""
    return "/".join((environment, "artifacts", *rest))


def manifests(environment: str, *rest: str) -> str:
    """Path of a Kubernetes object."""
    return "/".join((environment, "manifests", *rest))


def of_service(identity: Identity) -> tuple[str, str]:
    """The two folders of a service below `artifacts` and `manifests`, relative to its environment."""
    tail = (identity.namespace, identity.name)
    return "/".join(("artifacts", *tail)), "/".join(("manifests", *tail))


def shards(base: str, capacity: int, servers: int = 1) -> int:
    """How many objects of a kind the services' files are divided among: a power of two for each server, by what the platform is
    laid out for and never by what it has, so that no service ever changes it.
    """
    wanted = max(_FEWEST, -(-capacity // (_SHARED[base] * servers)))
    return servers << (wanted - 1).bit_length()


def shard(identity: Identity, count: int) -> int:
    """The shard of a service among `count`: a digest of its identity, so that no other service ever moves it."""
    return _digest(identity.environment, identity.namespace, identity.name) % count


def shard_of_piece(identity: Identity, piece: str, count: int, servers: int) -> int:
    """The shard of a piece of what a service has too much of: any of those that the service's own server mounts."""
    if not piece:
        return shard(identity, count)
    own = _digest(identity.environment, identity.namespace, identity.name, piece)
    return shard(identity, servers) + servers * (own % (count // servers))


def _digest(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:4], "little")


def capacity_of(base: str, objects: int) -> int:
    """The capacity that asks for so many objects of a kind."""
    return objects * _SHARED[base]


def shard_of(file: str) -> str | None:
    """What a file of the platform's is a shard of, or None."""
    base, dash, number = file.removesuffix(".yaml").rpartition("-")
    return base if dash and base in _SHARED and number.isdigit() else None


def shard_name(base: str, number: int) -> str:
    """Name of a shard's object: `prometheus-rules-2`."""
    return f"{base}-{number}"


def is_gathered(path: str) -> bool:
    """Whether an output gathers what several services have: the object of a shard, or an environment's list of folders."""
    return _GATHERED.search(path) is not None


def shard_key(identity: Identity, end: str, piece: str = "") -> str:
    """Key of a service's file in a shard; no part can hold a dot, so no two services share one."""
    return f"{pieced(f'{identity.namespace}.{identity.name}', piece)}{end}"


def pieced(name: str, piece: str) -> str:
    """Name of a piece of what has that name: `chat.01`, which no service can be called."""
    return f"{name}.{piece}" if piece else name


def piece_file(name: str, piece: str) -> str:
    """File of a piece: `rules.01.yaml` of `rules.yaml`."""
    stem, _, end = name.partition(".")
    return f"{pieced(stem, piece)}.{end}"


def group(identity: Identity, kind: str, piece: str = "") -> str:
    """Name of a rule group, unique in its environment."""
    return f"obsc/{identity.namespace}/{identity.name}/{kind}" + (f"/{piece}" if piece else "")


def secret_file(root: str, name: str, key: str) -> str:
    """Where a key of a Secret is mounted."""
    return f"{root}/{name}/{key}"


def label_selector(wanted: Iterable[Requirement]) -> str:
    """A label selector as the Kubernetes API takes it. It knows no expressions: of those only that the label is there."""
    return ",".join(one.key if not one.values else f"{one.key}={one.values[0]}" if len(one.values) == 1 else
                    f"{one.key} in ({','.join(one.values)})" for one in wanted)


def globs(names: Iterable[str]) -> bool:
    """Whether any of several names is a glob."""
    return any("*" in name for name in names)


def meta_label(kind: str, label: str) -> str:
    """Discovery's name of a Kubernetes label: everything but letters and digits becomes `_`."""
    plain = "".join(char if char.isalnum() and char.isascii() else "_" for char in label)
    return f"__meta_kubernetes_{kind}_label_{plain}"


def annotation(text: Text) -> str:
    """A text as an alert's template: literals stand for themselves, fields are filled in when it fires."""
    return "".join(encode.go_template(part) if isinstance(part, str) else _field(part) for part in text)


def _field(field: Field) -> str:
    if field.label:
        return encode.go_field(field.label, field.other)
    return _FORMATS.get(field.unit, "{{ $value | humanize }}")


def file_name(path: str) -> str:
    """A path's last part."""
    return path.rpartition("/")[2]


def titled(what: str, which: str) -> str:
    """Name of one of several of a kind."""
    return f"{what}: {which}"


def listed(words: Iterable[str]) -> str:
    """Words one after the other."""
    return ", ".join(words)


def numbered(lines: Iterable[str]) -> str:
    """Lines as a numbered list."""
    return "\n".join(f"{number}. {encode.go_template(line)}" for number, line in enumerate(lines, 1))


def dashboard_url(base: str, uid: str, namespace: str) -> str:
    """Address of a dashboard with its namespace chosen, if there is but one."""
    chosen = f"?var-namespace={encode.url_part(namespace)}" if namespace else ""
    return f"{base.rstrip('/')}/d/{encode.url_part(uid)}{chosen}"


def runbook_url(base: str, alert: str) -> str:
    """Address of an alert's page below a base address."""
    return f"{base.rstrip('/')}/{encode.url_part(alert.lower())}"


def seconds(value: float) -> str:
    """A duration as all consumers read it."""
    return durations.show(value)


def mebibytes(count: int) -> str:
    """An amount of memory as Kubernetes writes it."""
    return f"{count}Mi"


def go_mebibytes(count: int) -> str:
    """An amount of memory as programs in Go read it."""
    return f"{count}MiB"


def image(repository: str, tag: str) -> str:
    """An image by tag."""
    return f"{repository}:{tag}"


def in_cluster(name: str, namespace: str, port: int) -> str:
    """Address of a Service inside the cluster."""
    return f"{name}.{namespace}.svc:{port}"


def bundled(environment: str, path: str) -> str:
    """A path relative to its environment."""
    return path.removeprefix(environment + "/")


def manifest_file(name: str) -> str:
    """File of an object."""
    return f"{name}.yaml"


def source_job(name: str) -> str:
    """Name of the scrape job of a platform's exporter; a service's job name has three parts, so they never meet."""
    return f"obsc/{name}"


def api_version(group: str, version: str) -> str:
    """An object's apiVersion."""
    return f"{group}/{version}"


GRAFANA_FOLDER = "/var/lib/grafana/dashboards/obsc"
GRAFANA_PROVISIONING = f"""\
apiVersion: 1
providers:
  - name: obsc
    orgId: 1
    folder: AI services
    type: file
    disableDeletion: false
    updateIntervalSeconds: 30
    allowUiUpdates: false
    options:
      path: {GRAFANA_FOLDER}
"""


def fleet_uid(environment: str) -> str:
    """Uid of the page about all services of an environment."""
    return f"obsc-fleet-{hashlib.sha256(environment.encode()).hexdigest()[:16]}"


def page(uid: str) -> str:
    """Path of a dashboard."""
    return f"/d/{encode.url_part(uid)}"


PAGE_IN_CELL = "/d/${__value.raw}"  # the path of a dashboard whose uid is what a table's cell holds


def query_letter(index: int) -> str:
    """Name of a panel's query: A to Z, then AA and so on."""
    rest, last = divmod(index, 26)
    return (query_letter(rest - 1) if rest else "") + chr(ord("A") + last)


def value_column(letter: str) -> str:
    """Name of a query's column before it has a heading; that of the only query of a table has no letter."""
    return f"Value #{letter}" if letter else "Value"


def dashboard_file(uid: str) -> str:
    """File of a dashboard, unique since its uid is."""
    return f"{uid}.json"


def row_key(key: str) -> str:
    """Key of a row, which no panel has."""
    return f"row:{key}"


def label_values(selector: str, label: str) -> str:
    """A dashboard variable's query: the values of a label on a selector's series."""
    return f"label_values({selector}, {label})"


def legend_label(label: str) -> str:
    """A label's place in a legend."""
    return "{{" + label + "}}"


def joined(parts: Iterable[str]) -> str:
    """Encoded parts in a row."""
    return "".join(parts)


def log_stream(identity: Identity) -> dict[str, str]:
    """The data stream of a service's logs, `logs-obsc.<namespace>.<service>-<environment>`.

    Its parts may hold no dash; names have no `_`, so no two services share a stream (nor the types of its fields).
    """
    parts = (identity.environment, identity.namespace, identity.name)
    environment, namespace, name = (part.replace("-", "_") for part in parts)
    return {"type": "logs", "dataset": f"obsc.{namespace}.{name}", "namespace": environment}


def host_folder(namespace: str, name: str) -> str:
    """A folder on the node for what a shared agent must remember; no two platforms on a cluster share it."""
    return f"/var/lib/obsc/{namespace}/{name}"


def literal_folder(path: str) -> str:
    """The folder that a path lies in as far as it is literal: `/srv` for `/srv/*/logs`."""
    steps = path.strip("/").split("/")
    literal = next((number for number, step in enumerate(steps) if any(char in step for char in "*?[{")), len(steps))
    return "/" + "/".join(step for step in steps[:literal] if step)


def lies_in(path: str, folder: str) -> bool:
    """Whether a path is a folder or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def volume(kind: str, path: str) -> str:
    """Name of the volume of a folder on the node, made of the folder alone."""
    return f"{kind}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def component(name: str, label: str) -> str:
    """Id of a Collector component: `otlp/jaeger`."""
    return f"{name}/{label}" if label else name


def pod_port(port: int) -> str:
    """Address to listen on: the pod's own, since the default is the loopback; in brackets, for both families."""
    return "[${env:POD_IP}]:" + str(port)


def headless(name: str, namespace: str) -> str:
    """DNS name of a Service that resolves to every pod; the cluster's domain is the resolver's to add."""
    return f"{name}.{namespace}.svc"


def sampling_class(baseline: float, *, errors: bool, slow: float | None) -> str:
    """Name of a class of sampling policies, made of what it keeps, so that another class never renames it."""
    parts = (f"keep-{durations.number(round(baseline * 100, 6))}pct", "errors" if errors else "", durations.show(slow or 0))
    return "-".join(part for part in parts if part not in {"", "0s"})


def policy(name: str, part: str) -> str:
    """Name of a sampling policy of a class."""
    return f"{name}/{part}"


def instance(namespace: str, name: str) -> str:
    """How the operator's labels tell one Collector from another."""
    return f"{namespace}.{name}"
