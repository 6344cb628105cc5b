"""Expressions judged as a service's own: what is told of each, by its number."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from conftest import Compile
from obsc.diagnostics import Diagnostic
from obsc.promql import problem
from obsc.verify.expressions import filled
from samples import PLATFORM

VERSIONS = {"vllm": "0.15"}
HEAD = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: chat, namespace: ai, team: ml}
workload: {replicas: {min: 2, max: 4}}
accelerators: {resource: nvidia.com/gpu}
"""
OPEN = PLATFORM + "sources: {dcgm: {enabled: true}}\n"
_PLACE = re.compile(r"(?:alerts\.custom|dashboards\.panels)\[(\d+)\]\.expr")


def judge(compile_texts: Compile, runtime: str, expressions: Sequence[str], *, alerts: bool = False, more: str = "",
          platform: str = OPEN) -> list[list[Diagnostic]]:
    """What is told of each expression, as an alert or a panel of a service with this runtime (`name` or `name@version`)."""
    name, _, version = runtime.partition("@")
    version = version or VERSIONS.get(name, "")
    text = HEAD + f"runtime: {{name: {name}" + (f', version: "{version}"' if version else "") + "}\n" + more
    if alerts:
        items = [{"name": f"Own{number}", "summary": "Odd", "expr": one} for number, one in enumerate(expressions)]
        text += f"alerts: {{custom: {json.dumps(items)}}}\n"
    else:
        panels = [{"title": f"Panel {number}", "expr": one} for number, one in enumerate(expressions)]
        text += f"dashboards: {{panels: {json.dumps(panels)}}}\n"
    _, found = compile_texts({"a.yaml": text, "p.yaml": platform})
    told: list[list[Diagnostic]] = [[] for _ in expressions]
    for one in found:
        place = _PLACE.fullmatch(one.path)
        if place is not None:
            told[int(place[1])].append(one)
        else:
            assert one.severity.name != "ERROR", one
    return told


def without_variables(text: str) -> str:
    """A panel's expression with words or numbers for its variables, whichever parses."""
    return next((one for word in ("x", "1") if problem(one := filled(text, word)) is None), text)
