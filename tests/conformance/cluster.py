"""A Kubernetes API of one's own: etcd and kube-apiserver on loopback ports, with the operators' definitions applied.

Nothing else of a cluster runs: no pod starts, no endpoint appears, nothing is collected as garbage. What the API server
itself decides (schemas, enums, CEL rules, selectors, quantities, field ownership) is decided for real.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import secrets
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.processes import PAUSE, Command, Daemon, daemon, free_port

FLAGS = (
    "--bind-address=127.0.0.1", "--cert-dir=certificates", "--service-account-issuer=https://conformance.invalid",
    "--service-account-key-file=accounts.key", "--service-account-signing-key-file=accounts.key",
    "--token-auth-file=tokens.csv", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
    # No controller makes the default service account, without which pods would be refused.
    "--disable-admission-plugins=ServiceAccount", "--allow-privileged",
)


@dataclass(frozen=True)
class Binaries:
    """The programs that a cluster consists of, and the folder of definitions that are applied to it."""

    etcd: Path
    apiserver: Path
    kubectl: Path
    operator: Path
    openssl: Path
    definitions: Path


@dataclass(frozen=True)
class Rejection:
    """One object that an operator refused, and why."""

    namespace: str
    kind: str
    name: str
    message: str


class Cluster:
    """A running API server, seen by an administrator."""

    def __init__(self, binaries: Binaries, home: Path, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.home = home
        self._binaries = binaries
        self._started = contextlib.ExitStack()
        self._operator: Daemon | None = None

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl. Raises AssertionError with what it said if it fails, unless `check` is false."""
        command = [str(self._binaries.kubectl), f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.home / 'discovery'}",
                   *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=180)
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done

    def objects(self, kind: str, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, in one namespace or in all."""
        where = ("-n", namespace) if namespace else ("-A",)
        listed: dict[str, list[dict[str, Any]]] = json.loads(self.kubectl("get", kind, *where, "-o", "json").stdout)
        return listed["items"]

    def ensure_namespaces(self, *names: str) -> None:
        """Make these namespaces where they are missing."""
        docs = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(set(names))]
        if docs:
            self.apply_objects(docs)

    def apply_objects(self, objects: list[dict[str, Any]]) -> None:
        """Apply objects given as data. Raises AssertionError with the server's reasons if it refuses one."""
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-", stdin=json.dumps(listed))

    def create(self, content: Mapping[str, object]) -> None:
        """Make one object given as data. Raises AssertionError if the server refuses it or has one of that name."""
        self.kubectl("create", "--validate=strict", "-f", "-", stdin=json.dumps(content))

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete one object and wait until it is gone; nothing if there is none."""
        self.kubectl("delete", kind, name, "-n", namespace, "--ignore-not-found", "--timeout=30s")

    def operator(self) -> Daemon:
        """prometheus-operator working on this cluster; started when it is first asked for."""
        if self._operator is None:
            home = self.home / "operator"
            home.mkdir()
            port = free_port()
            command = (self._binaries.operator, f"-web.listen-address=127.0.0.1:{port}")
            environment = {"KUBECONFIG": str(self.kubeconfig)}
            # It says so once for each of its controllers: Prometheus, agent, Alertmanager, ruler.
            ready = 'msg="successfully synced all caches"'
            self._operator = self._started.enter_context(
                daemon(command, home, lambda running: running.log().count(ready) >= 4, 60, environment))
        return self._operator

    def secret(self, namespace: str, name: str, key: str, seconds: float = 30) -> str:
        """A value of a Secret that the operator writes, unpacked, once it has stayed the same for a second.

        Raises AssertionError with the operator's log if there is none in time.
        """
        end = time.monotonic() + seconds
        seen, since = "", time.monotonic()
        while time.monotonic() < end:
            packed = self.kubectl("get", "secret", name, "-n", namespace, "--ignore-not-found", "-o", "json").stdout
            value = json.loads(packed).get("data", {}).get(key, "") if packed else ""
            if value != seen:
                seen, since = value, time.monotonic()
            elif value and time.monotonic() - since > 1.0:
                return gzip.decompress(base64.b64decode(value)).decode()
            time.sleep(4 * PAUSE)
        raise AssertionError(f"no Secret {namespace}/{name}\n{self.operator().log()[-4000:]}")

    def rejections(self) -> list[Rejection]:
        """What an operator has refused so far, by its Events."""
        events = [event for event in self.objects("events") if event.get("reason") == "InvalidConfiguration"]
        found = {Rejection(event["involvedObject"].get("namespace", ""), event["involvedObject"]["kind"],
                           event["involvedObject"]["name"], event["message"]) for event in events}
        return sorted(found, key=lambda one: (one.namespace, one.kind, one.name, one.message))

    def close(self) -> None:
        """Stop what was started on demand."""
        self._started.close()


@contextlib.contextmanager
def start_cluster(binaries: Binaries, home: Path) -> Iterator[Cluster]:
    """A cluster in `home` (empty), with every definition established; all of it is gone afterwards."""
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(_etcd(binaries.etcd, home))
        port = free_port()
        token = secrets.token_hex(16)
        (home / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
        key = (str(binaries.openssl), "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "accounts.key")
        subprocess.run(key, cwd=home, check=True, capture_output=True)
        command: Command = (binaries.apiserver, f"--etcd-servers={etcd}", f"--secure-port={port}", *FLAGS)
        stack.enter_context(daemon(command, home, lambda _: _ready(f"https://127.0.0.1:{port}/readyz", token), 90))
        cluster = Cluster(binaries, home, _kubeconfig(home, port, token))
        stack.callback(cluster.close)
        cluster.kubectl("apply", "--server-side", "-f", str(binaries.definitions))
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=90s")
        yield cluster


@contextlib.contextmanager
def _etcd(binary: Path, home: Path) -> Iterator[str]:
    url, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    # What it keeps is worth nothing after the run, so that it need not wait for the disk.
    command: Command = (
        binary, "--data-dir", home / "etcd-data", "--unsafe-no-fsync",
        "--listen-client-urls", url, "--advertise-client-urls", url,
        "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}",
    )
    with daemon(command, home, lambda running: "ready to serve client requests" in running.log(), 30):
        yield url


def _ready(url: str, token: str) -> bool:
    # The server makes its certificate when it starts; this machine is the only party to the connection.
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with contextlib.suppress(OSError), opener.open(request, timeout=2):
        return True
    return False


def _kubeconfig(home: Path, port: int, token: str) -> Path:
    def named(name: str, kind: str, value: Mapping[str, object]) -> list[dict[str, object]]:
        return [{"name": name, kind: value}]

    server = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": "conformance",
        "clusters": named("conformance", "cluster", server),
        "users": named("conformance", "user", {"token": token}),
        "contexts": named("conformance", "context", {"cluster": "conformance", "user": "conformance"}),
    }
    place = home / "kubeconfig.json"
    place.write_text(json.dumps(content))
    place.chmod(0o600)
    return place
