"""What a change means: each kind of change has its line, and what means nothing has none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import samples
from conftest import Compile
from obsc import plan_report
from obsc.plan import Change, Effect, Plan, plan

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: default}
alertmanager:
  receivers:
    - {name: one, webhookConfigs: [{urlSecret: {name: hook, key: url}}]}
    - {name: two, webhookConfigs: [{urlSecret: {name: hook, key: other}}]}
  routing: {critical: [one], warning: [one], info: [one]}
filebeat: {version: 9.5.2}
elasticsearch: {version: 9.5.2, hosts: ["https://es.example.com:9200"]}
collector: {version: 0.159.0}
jaeger: {endpoint: "jaeger.example.com:4317"}
"""


# Without promises, whose budgets would watch instead.
SPEC = samples.SPEC + "objectives: []\n"


def rules(text: str) -> str:
    return SPEC + f"alerts: {{rules: {{{text}}}}}\n"


@pytest.fixture
def planned(compile_texts: Compile):  # noqa: ANN201
    """The plan between two specs, or two platforms."""

    def run(old: str, new: str, before: str = PLATFORM, after: str = PLATFORM) -> Plan:
        return plan(compile_texts({"a.yaml": old, "p.yaml": before})[0], compile_texts({"a.yaml": new, "p.yaml": after})[0])

    return run


def told(found: Plan) -> list[tuple[str, str, Effect, str, str]]:
    return [(one.kind, one.name, one.effect, one.before, one.after) for one in found.changes]


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("HighErrorRate: {threshold: 5%}", "HighErrorRate: {threshold: 2%}", ("HighErrorRate: threshold", Effect.MORE, "0.05", "0.02")),
    ("HighErrorRate: {threshold: 5%}", "HighErrorRate: {threshold: 9%}", ("HighErrorRate: threshold", Effect.LESS, "0.05", "0.09")),
    ("SlowFirstToken: {threshold: 1s}", "SlowFirstToken: {threshold: 2.5s}", ("SlowFirstToken: threshold", Effect.LESS, "1", "2.5")),
    ("ReplicasBelowDesired: {threshold: 75%}", "ReplicasBelowDesired: {threshold: 50%}",
     ("ReplicasBelowDesired: threshold", Effect.LESS, "0.75", "0.5")),
    ("HighErrorRate: {for: 5m}", "HighErrorRate: {for: 2m}", ("HighErrorRate: for", Effect.MORE, "5m", "2m")),
    ("HighErrorRate: {severity: critical}", "HighErrorRate: {severity: warning}",
     ("HighErrorRate: severity", Effect.LESS, "critical", "warning")),
])
def test_alerts_become_more_or_less_sensitive(old: str, new: str, expected: tuple[str, Effect, str, str], planned) -> None:  # noqa: ANN001
    found = [one for one in told(planned(rules(old), rules(new))) if one[0] == "alert" and "keepFiringFor" not in one[1]]
    assert [(name, effect, before, after) for _, name, effect, before, after in found] == [expected]


def test_alerts_come_and_go(planned) -> None:  # noqa: ANN001
    found = told(planned(SPEC, rules("HighErrorRate: {enabled: false}")))
    assert ("alert", "HighErrorRate", Effect.REMOVED, "critical", "") in found
    assert ("alert", "HighErrorRate", Effect.ADDED, "", "critical") in told(planned(rules("HighErrorRate: {enabled: false}"), SPEC))


def test_a_wider_window_is_told(planned) -> None:  # noqa: ANN001
    found = told(planned(SPEC, SPEC + "metrics: {endpoints: [{interval: 3m}]}\n"))
    assert ("alert", "SlowFirstToken: window", Effect.LESS, "5m", "12m") in found
    assert any(kind == "scrape" and "interval 180" in after for kind, _, _, _, after in found)


def test_routes_that_move_are_told(planned) -> None:  # noqa: ANN001
    found = told(planned(SPEC, SPEC, PLATFORM, PLATFORM.replace("critical: [one]", "critical: [two]")))
    assert found == [("route", "critical of ml", Effect.CHANGED, "one", "two")]


def test_what_leaves_the_node_is_told(planned) -> None:  # noqa: ANN001
    found = told(planned(SPEC, SPEC + "logs: {format: json, dropFields: [customer_id]}\ntraces: {sampling: {baseline: 50%}}\n"))
    kinds = {kind: (before, after) for kind, _, _, before, after in found}
    assert "customer_id" in kinds["log input"][1]
    assert kinds["traces"] == ("baseline 0.05", "baseline 0.5")


def test_services_come_and_go_with_what_they_bring(planned) -> None:  # noqa: ANN001
    other = SPEC.replace("name: chat,", "name: talk,")
    effects = {name: effect for kind, name, effect, _, _ in told(planned(SPEC, other)) if kind == "service"}
    assert effects == {"chat": Effect.REMOVED, "talk": Effect.ADDED}


def test_pods_that_restart_are_told(planned) -> None:  # noqa: ANN001
    found = planned(SPEC, SPEC + "traces: {sampling: {baseline: 50%}}\n")
    assert [kind for _, kind in found.restarts] == ["Deployment"]
    assert planned(SPEC, SPEC.replace("name: chat,", "name: talk,")).restarts == ()


def test_what_means_nothing_is_no_change(planned) -> None:  # noqa: ANN001
    found = planned(SPEC, "# A word.\n" + SPEC.replace("{name: chat, namespace: ai, team: ml}", "{namespace: ai, team: ml, name: chat}"))
    assert found.changes == ()
    assert plan_report.text(found) == "No change.\n"


def test_all_forms_tell_the_same(planned) -> None:  # noqa: ANN001
    found = planned(SPEC, rules("HighErrorRate: {threshold: 2%}, CPUThrottling: {enabled: false}"))
    assert len(json.loads(plan_report.to_json(found))["changes"]) == len(found.changes)
    assert sum(line.startswith("  ") for line in plan_report.text(found).splitlines()) == len(found.changes)
    table = [line for line in plan_report.markdown(found).splitlines() if line.startswith("| ") and "what" not in line]
    assert len(table) == len(found.changes)


def test_markdown_of_names_is_text(planned) -> None:  # noqa: ANN001
    found = planned(SPEC, SPEC)
    hostile = Change(next(iter(planned(SPEC, rules("HighErrorRate: {for: 9m}")).changes)).identity, "panel", "a | <img src=x> `b`", Effect.ADDED)
    text = plan_report.markdown(Plan((hostile,), found.recorded, found.size, ()))
    assert text.replace("\\<img", "").count("<img") == 0
    assert text.count("\n| added") == 1
    assert next(line for line in text.splitlines() if line.startswith("| added")).replace("\\|", "").count("|") == 5


def _obsc(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "obsc", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def _git(cwd: Path, *arguments: str) -> None:
    author = {f"GIT_{who}_{what}": f"{who}@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "-c", "init.defaultBranch=main", *arguments], cwd=cwd, check=True, capture_output=True, env={**os.environ, **author})


def test_a_revision_is_compared_with_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/a.yaml").write_text(SPEC)
    (tmp_path / "specs/p.yaml").write_text(PLATFORM)
    _git(tmp_path, "init")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-m", "x")
    (tmp_path / "specs/a.yaml").write_text(rules("HighErrorRate: {threshold: 2%}"))
    done = _obsc(tmp_path, "plan", "HEAD")
    assert done.returncode == 0, done.stderr
    assert "^ alert HighErrorRate: threshold: 0.05 -> 0.02 (more sensitive)" in done.stdout
    assert "HighErrorRate" not in _obsc(tmp_path, "plan", "specs", "specs").stdout


def test_git_runs_nothing_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/a.yaml").write_text(SPEC)
    (tmp_path / ".gitattributes").write_text("*.yaml filter=evil diff=evil\n")
    _git(tmp_path, "init")
    for key in ("filter.evil.smudge", "filter.evil.clean", "diff.evil.command", "core.fsmonitor"):
        _git(tmp_path, "config", key, "touch evil; cat")
    _git(tmp_path, "-c", "filter.evil.clean=cat", "-c", "core.fsmonitor=false", "add", ".")
    _git(tmp_path, "-c", "filter.evil.clean=cat", "-c", "core.fsmonitor=false", "commit", "-m", "x")
    (tmp_path / "evil").unlink(missing_ok=True)
    assert _obsc(tmp_path, "plan", "HEAD").returncode == 0
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("base", ["nowhere", "--output=x", "HEAD:specs"])
def test_what_is_no_revision_is_a_wrong_use(base: str, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/a.yaml").write_text(SPEC)
    _git(tmp_path, "init")
    assert _obsc(tmp_path, "plan", *(["--"] if base.startswith("-") else []), base).returncode == 2
