"""Linking parts without specs: what is wrong with a part or the platform leaves the outputs as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from obsc import cli

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: test}
alertmanager:
  receivers: [{name: hook, webhookConfigs: [{url: "https://hook.example.com/alerts"}]}]
  routing: {critical: [hook], warning: [hook]}
"""
SERVICE = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: chat, namespace: ai, team: chat}
runtime: {name: vllm, version: "0.15"}
"""


def _obsc(*arguments: str) -> Result:
    return CliRunner(catch_exceptions=False).invoke(cli.main, arguments)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("platform.yaml").write_text(PLATFORM)
    Path("chat.yaml").write_text(SERVICE)
    assert _obsc("compile", "chat.yaml", "platform.yaml").exit_code == 0
    return tmp_path / "out"


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_linking_again_changes_nothing(out: Path) -> None:
    before = _files(out)
    assert _obsc("link", "out", "--platform", "platform.yaml").exit_code == 0
    assert _files(out) == before


def test_a_part_that_cannot_be_read_takes_no_service_off_the_platform(out: Path) -> None:
    (out / "test/artifacts/ai/chat/part.json").write_text("{}")
    before = _files(out)
    result = _obsc("link", "out", "--platform", "platform.yaml")
    assert result.exit_code == 1
    assert "W910" in result.stderr
    assert _files(out) == before


@pytest.mark.parametrize(("old", "new", "code"), [
    ("critical: [hook]", "critical: [pager]", "R213"), ("receivers:", "recievers:", "V101"), ("kind: ", "kind:", "L010"),
])
def test_a_platform_with_an_error_is_not_linked(out: Path, old: str, new: str, code: str) -> None:
    Path("platform.yaml").write_text(PLATFORM.replace(old, new))
    before = _files(out)
    result = _obsc("link", "out", "--platform", "platform.yaml")
    assert result.exit_code == 1
    assert code in result.stderr
    assert _files(out) == before


def test_an_environment_that_no_platform_defines_is_named(out: Path) -> None:
    result = _obsc("link", "out", "--platform", "platform.yaml", "--env", "tset")
    assert result.exit_code == 1
    assert "R208" in result.stderr
    assert "write `--env test`" in result.stderr


@pytest.mark.parametrize("given", ["platform.yaml", "platfrom.yaml"], ids=["syntax", "mistyped"])
def test_a_platform_that_cannot_be_read_is_not_replaced_by_the_built_in_one(out: Path, given: str) -> None:
    Path("platform.yaml").write_text(PLATFORM.replace("kind: ", "kind:"))
    Path("chat.yaml").write_text(SERVICE + "environments: {test: {}}\n")
    before = _files(out)
    result = _obsc("compile", "chat.yaml", given)
    assert result.exit_code == 1
    assert result.stderr.count("error[") == 1
    assert _files(out) == before


def test_many_repositories_link_as_one_does(out: Path) -> None:
    """What docs/gitops.md says: services compile each on their own, the platform's repository links their parts."""
    together = _files(out)
    (out / "test/artifacts/platform").rename("elsewhere")
    assert _obsc("link", "out/test/artifacts", "--platform", "platform.yaml", "--out", "out").exit_code == 0
    assert _files(out) == together
