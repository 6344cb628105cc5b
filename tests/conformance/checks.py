"""What each consumer says about compiled files: plain functions from paths to a verdict.

`Verdict` is for what a consumer may refuse; a function that returns something else raises AssertionError with the
consumer's words instead. The layout that is expected is that of a compiled tree:
`out/<env>/manifests` for kustomize, `out/<env>/artifacts/…` for rule files and configurations.
"""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from conformance.cluster import Cluster, Rejection
from conformance.processes import StartError
from conformance.runners import NOTHING, StuckError, run_collector, run_filebeat

SECONDS = 180
# One failing start in four hangs without a reason given; six in a row have been seen on a busy machine.
FILEBEAT_TRIES = 15


@dataclass(frozen=True)
class Verdict:
    """Whether a consumer took what it was given, and what it said."""

    accepted: bool
    output: str

    def require(self) -> str:
        """What the consumer said. Raises AssertionError with it unless it accepted."""
        assert self.accepted, self.output
        return self.output

    def refusal(self, about: str) -> str:
        """What it said from `about` on, for the table of controls.

        Raises AssertionError if it accepted, or if it refused for a reason that is not the one looked for.
        """
        assert not self.accepted, f"accepted a file that is broken on purpose\n{self.output}"
        assert about in self.output, f"refused, but not for {about!r}\n{self.output}"
        return self.output[self.output.index(about):].splitlines()[0]


def run(*command: str | Path, stdin: str | None = None, environment: Mapping[str, str] | None = None) -> Verdict:
    """Run a checker: it accepts by exiting 0. One that has not ended after three minutes is killed and has not accepted."""
    try:
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, check=False,
                              timeout=SECONDS, env=environment)
    except subprocess.TimeoutExpired as late:
        return Verdict(accepted=False, output=f"{command[0]} did not end: {late}")
    return Verdict(done.returncode == 0, done.stdout + done.stderr)


def documents(text: str) -> list[dict[str, Any]]:
    """The YAML documents of a text, empty ones left out. Raises ruamel's DuplicateKeyError, which kubectl never does."""
    yaml = YAML(typ="safe", pure=True)
    # kustomize writes a lone `=` (a matcher's type) without quotes, which this reader takes for YAML 1.1's value tag.
    yaml.constructor.add_constructor("tag:yaml.org,2002:value", lambda constructor, node: constructor.construct_scalar(node))
    return [one for one in yaml.load_all(io.StringIO(text)) if one]


def lay_out(root: Path, files: Mapping[str, str], mounts: Sequence[str]) -> None:
    """Write files of a container (absolute path → text) under `root`, as its volume mounts would show them.

    In every text the mounts' paths are made to lie under `root` too, so that a program outside of the container finds
    what the configuration names: `/etc/prometheus/rules/*.yaml` becomes `<root>/etc/prometheus/rules/*.yaml`.
    """
    longest_first = sorted((mount.rstrip("/") for mount in mounts), key=len, reverse=True)
    either = "|".join(map(re.escape, longest_first))
    # A whole path at its beginning, neither the middle of another path nor the beginning of a longer name.
    pattern = re.compile(r"(?<![\w.})/-])(" + either + r")(?=[/\s\"',}\]]|$)")
    for name, text in files.items():
        assert any(f"{name}/".startswith(f"{mount}/") for mount in longest_first), f"{name} is under no mount"
        place = root / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(pattern.sub(lambda found: f"{root}{found[1]}", text))


def promtool_check_rules(promtool: Path, files: Sequence[Path]) -> Verdict:
    """Rule files: syntax of every expression and template, and no rule twice."""
    return run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *files)


def promtool_test_rules(promtool: Path, files: Sequence[Path]) -> Verdict:
    """Unit tests of alerts."""
    return run(promtool, "test", "rules", *files)


def promtool_check_config(promtool: Path, config: Path) -> Verdict:
    """A configuration in its place among the files that it names; it must name only what is there.

    promtool takes a pattern of rule files that matches nothing for a choice of its author; here it is a mistake.
    """
    verdict = run(promtool, "check", "config", "--lint=all", config)
    dead = dead_patterns(config) if verdict.accepted else []
    return Verdict(accepted=False, output=f"no file matches {', '.join(dead)}") if dead else verdict


def dead_patterns(config: Path) -> list[str]:
    """Patterns of rule and scrape files in a Prometheus configuration that match no file."""
    content = documents(config.read_text())[0]
    patterns = [str(one) for key in ("rule_files", "scrape_config_files") for one in content.get(key) or []]
    bases = [(one, Path("/") if one.startswith("/") else config.parent) for one in patterns]
    return [one for one, base in bases if not any(base.glob(one.lstrip("/")))]


def amtool_check_config(amtool: Path, config: Path) -> Verdict:
    """An Alertmanager configuration with its templates in their place."""
    return run(amtool, "check-config", config)


def amtool_route(amtool: Path, config: Path, labels: Mapping[str, str]) -> list[str]:
    """The receivers that an alert with these labels reaches, in order."""
    matchers = [f"{name}={value}" for name, value in labels.items()]
    said = run(amtool, "config", "routes", "test", f"--config.file={config}", *matchers).require()
    return [name for name in said.strip().split(",") if name]


def otelcol_validate(otelcol: Path, configs: Sequence[Path], environment: Mapping[str, str] | None = None) -> Verdict:
    """What the Collector can tell without starting: names, types, OTTL, regular expressions."""
    return run(otelcol, "validate", *(f"--config=file:{path}" for path in configs), environment=environment)


def otelcol_start(otelcol: Path, home: Path, config: str, *, overlays: Sequence[str] = (),
                  environment: Mapping[str, str] | None = None) -> Verdict:
    """Whether the Collector starts with `home`/`config`: sampling policies, certificates and ports are read only then."""
    try:
        with run_collector(otelcol, home, NOTHING, config=config, overlays=overlays, environment=environment) as running:
            return Verdict(accepted=True, output=running.log())
    except StartError as error:
        return Verdict(accepted=False, output=error.log)


def filebeat_events(filebeat: Path, home: Path, config: str, count: int, *, seconds: float = 20,
                    settings: Mapping[str, str] | None = None,
                    environment: Mapping[str, str] | None = None) -> tuple[Verdict, list[dict[str, Any]]]:
    """Run Filebeat until it has sent `count` events, and the events.

    That is the only real check of its configuration: much that is wrong starts well and sends nothing.
    """
    verdict, events = Verdict(accepted=False, output="not tried"), list[dict[str, Any]]()
    for _ in range(FILEBEAT_TRIES):
        with run_filebeat(filebeat, home, config=config, settings=settings, environment=environment) as running:
            try:
                events = running.wait(count, seconds)
                return Verdict(accepted=True, output=running.log()), events
            except StartError as error:
                verdict, events = Verdict(accepted=False, output=f"{error}\n"), running.events()
                if not isinstance(error, StuckError):
                    break
    return verdict, events


def kustomize_build(kubectl: Path, folder: Path) -> str:
    """What a folder with a kustomization.yaml builds."""
    done = subprocess.run([str(kubectl), "kustomize", str(folder)], capture_output=True, text=True, check=False,
                          timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def apply(cluster: Cluster, text: str) -> Verdict:
    """Apply manifests for real, as a GitOps controller does, and find nothing left to change afterwards.

    Namespaces that the objects name and do not bring along are made first.
    """
    objects = documents(text)
    brought = {one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"}
    named = {one["metadata"].get("namespace", "default") for one in objects}
    cluster.ensure_namespaces(*(named - brought - {"default"}))
    if brought:
        # The server refuses an object whose namespace comes later in the same stream.
        cluster.ensure_namespaces(*brought)
    manner = ("--server-side", "--force-conflicts", "--field-manager=conformance", "-f", "-")
    done = cluster.kubectl("apply", "--validate=strict", *manner, stdin=text, check=False)
    if done.returncode:
        return Verdict(accepted=False, output=done.stdout + done.stderr)
    left = cluster.kubectl("diff", *manner, stdin=text, check=False)
    return Verdict(left.returncode == 0 and not left.stdout, done.stdout + left.stdout + left.stderr)


EVERYTHING: dict[str, object] = {
    f"{kind}{what}": {} for kind in ("serviceMonitor", "podMonitor", "probe", "scrapeConfig", "rule")
    for what in ("Selector", "NamespaceSelector")
}


def operator_scrape_config(cluster: Cluster, namespace: str, name: str,
                           spec: Mapping[str, object] = NOTHING) -> dict[str, Any]:
    """The configuration that prometheus-operator makes for a Prometheus that selects everything there is.

    The Prometheus exists during this call only, with `spec` on top of its selectors. Apply the monitors and rules first.
    """
    content = {"replicas": 1, "serviceAccountName": "default", **EVERYTHING, **spec}
    secret = (f"prometheus-{name}", "prometheus.yaml.gz")
    return _generated(cluster, "Prometheus", (namespace, name), content, secret)


def operator_alertmanager_config(cluster: Cluster, namespace: str, name: str,
                                 spec: Mapping[str, object] = NOTHING) -> dict[str, Any]:
    """The configuration that prometheus-operator makes for an Alertmanager that selects every AlertmanagerConfig.

    The Alertmanager exists during this call only, with `spec` on top of its selectors. Apply what it is to select first,
    with the Secrets that it names.
    """
    content = {"replicas": 1, "alertmanagerConfigSelector": {}, "alertmanagerConfigNamespaceSelector": {}, **spec}
    secret = (f"alertmanager-{name}-generated", "alertmanager.yaml.gz")
    return _generated(cluster, "Alertmanager", (namespace, name), content, secret)


def _generated(cluster: Cluster, kind: str, identity: tuple[str, str], spec: Mapping[str, object],
               secret: tuple[str, str]) -> dict[str, Any]:
    namespace, name = identity
    cluster.ensure_namespaces(namespace)
    cluster.operator()
    metadata = {"name": name, "namespace": namespace}
    cluster.create({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": metadata, "spec": {**spec}})
    try:
        return documents(cluster.secret(namespace, *secret))[0]
    finally:
        # It would judge what other tests apply later; nothing in this cluster collects its Secret.
        cluster.delete(f"{kind.lower()}.monitoring.coreos.com", namespace, name)
        cluster.delete("secret", namespace, secret[0])


def operator_rejections(cluster: Cluster) -> list[Rejection]:
    """What the operator has refused in this run; read after one of the configurations above, which make it judge."""
    return cluster.rejections()
