"""The table of effects: for each leaf of the language a base that uses it, another value, and what is then seen.

    own:                                   base (a file in bases/)
      metadata.team: web                   the base has a value here; with this one the value itself stands in an added line
      logs.multiline: {value: go, shows: goroutine}
      traces.enabled: {value: false, hides: keep-10pct}        what stands in a line that goes
      policy.targets[]: {value: x, code: P404}                 what only refuses: found with this value, not with the base's
      kubernetes.version: {value: "1.25", code: X603, verify: autoscaler.yaml}      what steers `verify`

`[]` is the first item and `<name>` the first entry, unless `at` says where. `values` are two to try instead of the base's and
another, and `set` is changed besides with both.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from obsc import pipeline
from obsc.diagnostics import Diagnostic, Severity, Sink
from obsc.part import FILE
from obsc.source import load
from obsc.spec.base import Block
from obsc.spec.components import PART_KEYS
from obsc.spec.platform import AIPlatform
from obsc.spec.service import AIService
from obsc.write import MANIFEST

HERE = Path(__file__).parent
CATALOGS = HERE / "catalogs"  # folders that a base's platform can name
LANGUAGES: Mapping[str, type[Block]] = {"service": AIService, "platform": AIPlatform}
# What a component says like a service: such leaves are tried there with the same values.
PARTS = tuple(f"components[].{key}" for key in PART_KEYS)
# The first component where a case is tried in a second one.
FRONT: Mapping[str, Any] = {"runtime": {"name": "custom"}, "workload": {"kind": "None"}, "logs": {"enabled": False},
                            "metrics": {"discovery": "none", "matchers": ['app="front"']}}
UNSAID: Any = object()
Document = dict[str, Any]
Documents = tuple[Document, ...]


@dataclass(frozen=True)
class Case:
    """A leaf and how its effect is seen."""

    language: str
    base: str
    leaf: str
    values: tuple[Any, ...]
    at: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)
    shows: str = ""
    hides: str = ""
    code: str = ""
    verify: str = ""

    def __str__(self) -> str:
        return f"{self.language}.{self.leaf}"


@cache
def cases(language: str) -> tuple[Case, ...]:
    """The table of a language."""
    text = (HERE / f"{language}.yaml").read_text()
    return tuple(_case(language, base, leaf, said) for base, entries in yaml.safe_load(text).items() for leaf, said in entries.items())


def _case(language: str, base: str, leaf: str, said: Any) -> Case:  # noqa: ANN401
    entry = said if isinstance(said, dict) else {"value": said}
    values = tuple(entry["values"]) if "values" in entry else (entry["value"],)
    usual = "" if {"hides", "code"} & set(entry) else str(values[-1])
    return Case(language, base, leaf, values, entry.get("at", ""), entry.get("set", {}), str(entry.get("shows", usual)),
                entry.get("hides", ""), entry.get("code", ""), entry.get("verify", ""))


@cache
def documents(base: str) -> Documents:
    """The documents of a base: a platform and a service."""
    return tuple(yaml.safe_load_all((HERE / f"bases/{base}.yaml").read_text()))


def variants(case: Case) -> tuple[Documents, Documents]:
    """The case's base with its leaf's one value, and with the other."""
    base = copy.deepcopy(documents(case.base))
    own = _own(case, base)
    for path, value in case.set.items():
        put(own, path, value)
    where = case.at or case.leaf
    before = put(own, where, case.values[0]) if len(case.values) == 2 else UNSAID
    after = copy.deepcopy(base)
    said = put(_own(case, after), where, case.values[-1])
    assert said is not UNSAID, f"the base {case.base} says nothing of {case.leaf}: name two `values`"
    assert before != case.values[-1]
    assert said != case.values[-1], f"the base {case.base} has this value already"
    return base, after


def _own(case: Case, found: Documents) -> Document:
    return next(one for one in found if one["kind"] == LANGUAGES[case.language].__name__)


def put(document: Document, path: str, value: Any) -> Any:  # noqa: ANN401
    """Set a value in a document; mappings on the way that are not there are made. Gives what was there."""
    *steps, last = path.replace("[]", ".0").split(".")
    at: Any = document
    for step in steps:
        at = at[_step(at, step)] if isinstance(at, list) or step.startswith("<") else at.setdefault(step, {})
    step = _step(at, last)
    there = step in at if isinstance(at, dict) else step < len(at)
    before, at[step] = at[step] if there else UNSAID, value
    return before


def _step(at: Any, step: str) -> Any:  # noqa: ANN401
    if isinstance(at, list):
        return int(step)
    return next(iter(at)) if step.startswith("<") else step


def in_component(found: Documents) -> Documents:
    """The same with all that a component can say said by a second one; the first is a program that is scraped already."""
    def moved(one: Document) -> Document:
        if one["kind"] != "AIService":
            return one
        part = {key: one[key] for key in PART_KEYS if key in one}
        rest = {key: value for key, value in one.items() if key not in PART_KEYS and key != "components"}
        return {**rest, **FRONT, "components": [{"name": "second", **part}]}

    return tuple(moved(one) for one in found)


def compiled(found: Documents) -> tuple[Mapping[str, bytes], list[Diagnostic]]:
    """Files that somebody reads (what is kept for a later run is not), and findings."""
    return _compiled("".join(f"---\n{json.dumps(one)}\n" for one in found))


@lru_cache(maxsize=20)
def _compiled(text: str) -> tuple[Mapping[str, bytes], list[Diagnostic]]:
    sink = Sink()
    texts = {"specs.yaml": text}
    if '"catalogs"' in text:
        texts |= {path.relative_to(CATALOGS).as_posix(): path.read_text() for path in sorted(CATALOGS.rglob("*.yaml"))}
    tree = pipeline.compile_specs({name: load(name, one.encode(), sink) for name, one in texts.items()}, sink).tree
    return {path: raw for path, raw in tree.items() if not path.endswith((FILE, MANIFEST))}, list(sink)


def errors(found: list[Diagnostic]) -> list[str]:
    return [f"{one.code} {one.message}" for one in found if one.severity is Severity.ERROR]


def difference(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Lines that go and lines that come, by file; quotes stand without their escapes."""
    gone, new = [], []
    for path in sorted({*before, *after}):
        old, now = (Counter(tree.get(path, b"").decode().replace("\\", "").splitlines()) for tree in (before, after))
        gone += [f"{path}: {line.strip()}" for line in (old - now).elements()]
        new += [f"{path}: {line.strip()}" for line in (now - old).elements()]
    return gone, new
