"""What `obsc verify` calls broken, the real consumers refuse; what it calls good, they take.

The breakages are those of tests/verify. Left out are those that their consumer takes and then fails with, or that only
another consumer sees: each is named below with its reason.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from conformance.cluster import Cluster
from obsc.diagnostics import Severity
from verify.test_breakages import BREAKAGES, GOOD, Break

Tool = Callable[[str], Path]
OBJECTS = ("deployment.yaml", "service.yaml", "operator.yaml")
# Judged by the API server: schemas, names, labels, quantities, selectors, ports and mounts.
BY_SERVER = frozenset({"X603", "X604", "X605", "X606", "X608", "X610", "X611", "X612", "X613", "X614", "X615", "X623"})
# The server knows no ports by name; the kubelet looks for them.
NOT_BY_SERVER = frozenset({"              port: https"})
# Prometheus loads an expression that gives no result, and one in a form that promql-parser does not know.
NOT_BY_PROMETHEUS = frozenset({"X621", "X622"})

pytestmark = pytest.mark.conformance


def cases(*files: str, codes: frozenset[str] | None = None, section: str = "") -> list[Break]:
    text = (GOOD / files[0]).read_text()
    return [one for one in BREAKAGES if one.file in files and one.severity is Severity.ERROR and one.code.startswith("X")
            and (codes is None or one.code in codes) and (not section or one.old in _section(text, section))]


def _section(text: str, key: str) -> str:
    """The lines of a ConfigMap's key."""
    lines = text.partition(f"\n  {key}: |\n")[2].split("\n")
    end = next((index for index, line in enumerate(lines) if line.startswith("  ") and line[2] != " "), len(lines))
    return "\n".join(lines[:end])


def broken(one: Break) -> str:
    return (GOOD / one.file).read_text().replace(one.old, one.new, 1)


def names(found: list[Break]) -> list[str]:
    return [f"{one.code}-{one.file}-{index}" for index, one in enumerate(found)]


SERVER = [one for one in cases(*OBJECTS, codes=BY_SERVER) if one.new not in NOT_BY_SERVER]
PROMETHEUS = cases("configmap.yaml", section="prometheus.yml")
ALERTMANAGER = cases("configmap.yaml", section="alertmanager.yml")
RULES = [one for one in cases("rules.yaml") if one.code not in NOT_BY_PROMETHEUS]


def dry_run(cluster: Cluster, text: str) -> subprocess.CompletedProcess[str]:
    cluster.ensure_namespaces("ai-chat")
    return cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text, check=False)


@pytest.mark.parametrize("file", [*OBJECTS, "configmap.yaml"])
def test_the_server_takes_the_good_objects(file: str, cluster: Cluster) -> None:
    done = dry_run(cluster, (GOOD / file).read_text())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("one", SERVER, ids=names(SERVER))
def test_the_server_refuses_what_verify_refuses(one: Break, cluster: Cluster) -> None:
    assert dry_run(cluster, broken(one)).returncode != 0


def check(program: Path, words: tuple[str, ...], text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "config.yml").write_text(text)
    return subprocess.run([program, *words, folder / "config.yml"], capture_output=True, text=True, check=False)


def held(text: str, key: str) -> str:
    return str(YAML(typ="safe").load(text)["data"][key])


PROMTOOL, RULES_TOOL, AMTOOL = ("check", "config", "--syntax-only"), ("check", "rules"), ("check-config",)


def test_promtool_and_amtool_take_the_good_files(tool: Tool, tmp_path: Path) -> None:
    text = (GOOD / "configmap.yaml").read_text()
    for program, words, good in ((tool("promtool"), PROMTOOL, held(text, "prometheus.yml")),
                                 (tool("promtool"), RULES_TOOL, (GOOD / "rules.yaml").read_text()),
                                 (tool("amtool"), AMTOOL, held(text, "alertmanager.yml"))):
        done = check(program, words, good, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("one", PROMETHEUS, ids=names(PROMETHEUS))
def test_promtool_refuses_the_configuration(one: Break, tool: Tool, tmp_path: Path) -> None:
    assert check(tool("promtool"), PROMTOOL, held(broken(one), "prometheus.yml"), tmp_path).returncode != 0


@pytest.mark.parametrize("one", RULES, ids=names(RULES))
def test_promtool_refuses_the_rules(one: Break, tool: Tool, tmp_path: Path) -> None:
    assert check(tool("promtool"), RULES_TOOL, broken(one), tmp_path).returncode != 0


@pytest.mark.parametrize("one", ALERTMANAGER, ids=names(ALERTMANAGER))
def test_amtool_refuses_the_configuration(one: Break, tool: Tool, tmp_path: Path) -> None:
    assert check(tool("amtool"), AMTOOL, held(broken(one), "alertmanager.yml"), tmp_path).returncode != 0
