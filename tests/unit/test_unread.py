"""What the loader could not read stops its service, and nothing else; and it is told once."""

from __future__ import annotations

import pytest

from conftest import Compile
from obsc.diagnostics import Severity

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
metadata: {name: NAME, namespace: ai, team: chat}
runtime: {name: vllm, version: "0.15"}
"""
MISTAKES = {
    "L004": "models: [{name: lla\x07ma}]\n",
    "L005": "models: [{name: lla\u200bma}]\n",
    "L007": "logs: {format: json}\nlogs: {multiline: python}\n",
    "L008": "runtime: {name: vllm, options: {1: true}}\n",
    "L009": "dashboards: {title: *gone}\n",
    "L011": "logs: &usual {format: json}\ntraces: {<<: *usual}\n",
    "L013": "accelerators: {resource: nvidia.com/gpu, perPod: 02}\n",
    "L014": "accelerators: {resource: nvidia.com/gpu, perPod: 1e999}\n",
    "L016": "accelerators: {resource: nvidia.com/gpu, perPod: !pods 2}\n",
}


def _service(name: str, more: str = "") -> str:
    text = SERVICE.replace("NAME", name)
    return text.replace('runtime: {name: vllm, version: "0.15"}\n', "") + more if more.startswith("runtime") else text + more


@pytest.mark.parametrize("end", ["", "\n"], ids=["last-line-open", "last-line-closed"])
@pytest.mark.parametrize("code", MISTAKES)
def test_a_service_that_was_not_read_whole_is_not_written(code: str, end: str, compile_texts: Compile) -> None:
    text = "---\n".join((_service("first"), _service("bad", MISTAKES[code]), _service("last"))) + end
    compiled, found = compile_texts({"platform.yaml": PLATFORM, "all.yaml": text})
    assert [one.code for one in found if one.severity is Severity.ERROR] == [code]
    assert [one.identity.name for one in compiled.services] == ["first", "last"]
    alone, _ = compile_texts({"platform.yaml": PLATFORM, "bad.yaml": _service("bad", MISTAKES[code]).rstrip("\n") + end})
    assert alone.services == ()


def test_other_mistakes_of_the_document_are_told_too(compile_texts: Compile) -> None:
    text = _service("bad", MISTAKES["L013"] + "logs: {format: yaml}\n")
    _, found = compile_texts({"platform.yaml": PLATFORM, "bad.yaml": text})
    assert [one.code for one in found if one.severity is Severity.ERROR] == ["L013", "V104"]
