"""The service and the platform that many tests begin with, and what they read of a compilation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from obsc.diagnostics import Diagnostic, Severity

# Five lines: what a test adds begins in line 6.
SPEC = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: chat, namespace: ai, team: ml}
runtime: {name: vllm, version: "0.15"}
models: [{name: llama}]
"""
# Six lines, and everybody is told of everything: what a test adds begins in line 7.
PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: default}
alertmanager:
  receivers: [{name: all, webhookConfigs: [{urlSecret: {name: hook, key: url}}]}]
  routing: {critical: [all], warning: [all], info: [all]}
"""


def read(raw: bytes) -> Any:  # noqa: ANN401
    """An output as data."""
    return YAML(typ="safe").load(raw)


def rules(tree: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Every rule of the service."""
    return [rule for group in read(tree["default/artifacts/ai/chat/rules.yaml"])["groups"] for rule in group["rules"]]


def told(found: list[Diagnostic], severity: Severity = Severity.ERROR) -> list[tuple[str, int]]:
    """Code and line of every finding of a severity."""
    return [(one.code, one.place.line) for one in found if one.severity is severity]
