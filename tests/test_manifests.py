"""The committed manifests: sound by Kubernetes' own schemas, least privilege in every pod, no secret, small enough."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from conftest import ROOT

OUT = ROOT / "out"
KUBERNETES = "1.33"
FILES = sorted(path for path in OUT.glob("*/manifests/**/*.yaml") if path.name != "kustomization.yaml")
CORE = ("v1", "apps/v1", "policy/v1", "rbac.authorization.k8s.io/v1", "networking.k8s.io/v1")
OPERATED = {"PrometheusRule", "PodMonitor", "ServiceMonitor", "ScrapeConfig", "AlertmanagerConfig", "OpenTelemetryCollector"}
# Filebeat reads the node's logs, which belong to root; of root's powers it keeps that of reading.
ROOT_READERS = {"filebeat"}


def read(path: Path) -> Any:  # noqa: ANN401
    return YAML(typ="safe").load(path)


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FILES:
        one = read(path)
        if one["kind"] in {"Deployment", "DaemonSet"}:
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


PODS = list(pods())
every_pod = pytest.mark.parametrize(("name", "pod"), PODS, ids=[name for name, _ in PODS])
every_file = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(OUT)) for path in FILES])


@every_file
def test_a_file_holds_one_object_that_its_schema_accepts(path: Path) -> None:
    one = read(path)
    if one["apiVersion"] in CORE:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
    else:
        assert one["kind"] in OPERATED
    assert one["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "obsc"
    assert one["kind"] != "Secret"


@every_file
def test_an_object_fits_its_consumer(path: Path) -> None:
    limit = 480 if read(path)["kind"] == "PrometheusRule" else 900
    assert path.stat().st_size <= limit * 1024


@every_pod
def test_a_pod_has_the_least_privilege(name: str, pod: dict[str, Any]) -> None:
    assert pod["serviceAccountName"] == name
    assert not pod.get("hostNetwork")
    assert not pod.get("hostPID")
    general = pod.get("securityContext", {})
    assert general["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"]["drop"] == ["ALL"]
        assert set(own["capabilities"].get("add", ())) <= ({"DAC_READ_SEARCH"} if name in ROOT_READERS else set())
        if name not in ROOT_READERS:
            assert general["runAsNonRoot"] is True
            assert general["runAsUser"] > 0


@every_pod
def test_a_pod_is_bounded_and_probed(name: str, pod: dict[str, Any]) -> None:
    for container in pod["containers"]:
        assert set(container["resources"]) == {"requests", "limits"}
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        assert container["livenessProbe"]
        assert container["readinessProbe"]
        assert not [mount for mount in container["volumeMounts"] if "subPath" in mount], "a subPath never updates"
        assert not container["image"].endswith(":latest")
        assert ":" in container["image"]


@every_pod
def test_what_a_pod_mounts_from_a_config_map_exists(name: str, pod: dict[str, Any]) -> None:
    known = {read(path)["metadata"]["name"] for path in FILES if read(path)["kind"] == "ConfigMap"}
    sources = [source for volume in pod["volumes"] for source in (volume, *volume.get("projected", {}).get("sources", ()))]
    wanted = {source["configMap"]["name"] for source in sources if "configMap" in source}
    assert wanted
    assert wanted <= known


def test_rights_are_to_read_and_nothing_else() -> None:
    roles = [one for path in FILES if (one := read(path))["kind"] in {"ClusterRole", "Role"}]
    assert roles
    for role in roles:
        for rule in role["rules"]:
            assert set(rule["verbs"]) <= {"get", "list", "watch"}
            assert "*" not in (*rule["resources"], *rule["apiGroups"])
            assert "secrets" not in rule["resources"]


def test_a_binding_has_its_role_and_its_account() -> None:
    objects = [(path.relative_to(OUT).parts[0], read(path)) for path in FILES]
    names = {(environment, one["kind"], one["metadata"]["name"]) for environment, one in objects}
    bindings = [(environment, one) for environment, one in objects if one["kind"].endswith("Binding")]
    assert bindings
    for environment, one in bindings:
        assert (environment, one["roleRef"]["kind"], one["roleRef"]["name"]) in names
        for subject in one["subjects"]:
            assert (environment, "ServiceAccount", subject["name"]) in names


def test_every_folder_lists_exactly_its_objects() -> None:
    lists = sorted(OUT.glob("*/manifests/*/**/kustomization.yaml"))
    assert lists
    for path in lists:
        named = set(read(path)["resources"])
        assert named == {one.name for one in path.parent.iterdir() if one != path}


@pytest.mark.parametrize("environment", ["default", "prod"])
def test_a_ten_line_service_costs_at_most_300_kilobytes(environment: str) -> None:
    folders = [OUT / environment / kind / "ai-prod/support-chat" for kind in ("artifacts", "manifests")]
    size = sum(path.stat().st_size for folder in folders if folder.exists() for path in folder.iterdir())
    assert 0 < size <= 300 * 1024
