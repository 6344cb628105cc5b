"""The Collector's configuration: what its own validation misses and its start, or its silence, shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from obsc.diagnostics import Severity
from obsc.verify import forms, prometheus
from obsc.verify.problem import Problem, at, below, items, mapping, nearest, repeated, shown

_ID = re.compile(r"[a-zA-Z][0-9a-zA-Z_]{0,62}(/[^\s/][^/]{0,1023})?")
_SIGNALS = frozenset({"traces", "metrics", "logs", "profiles"})
_SECTIONS = ("receivers", "processors", "exporters", "extensions", "connectors")
# Of the contrib distribution's tail_sampling processor.
_POLICIES = frozenset({"always_sample", "latency", "numeric_attribute", "probabilistic", "status_code", "string_attribute",
                       "rate_limiting", "bytes_limiting", "span_count", "trace_state", "boolean_attribute", "ottl_condition",
                       "and", "not", "composite", "drop", "trace_flags"})
_NESTED = {"and": ("and", "and_sub_policy"), "composite": ("composite", "composite_sub_policy"), "drop": ("drop", "drop_sub_policy")}
_STATUS = frozenset({"OK", "ERROR", "UNSET"})


def check(data: object) -> Iterator[Problem]:
    """What is wrong with a configuration."""
    yield from forms.check("collector", data)
    for section in _SECTIONS:
        for name in mapping(at(data, section)):
            if not _ID.fullmatch(name):
                yield Problem("X634", (section, name), f"{shown(name)} is no component, expected `type` or `type/name`",
                              "rename it", key=True)
    pipelines = mapping(at(data, "service", "pipelines"))
    for name, pipeline in pipelines.items():
        yield from below(("service", "pipelines", name), _pipeline(name, mapping(pipeline), mapping(data)))
    yield from _extensions(mapping(data))
    yield from _unused(mapping(data), [mapping(one) for one in pipelines.values()])
    for name, processor in mapping(at(data, "processors")).items():
        if name.partition("/")[0] == "tail_sampling":
            yield from below(("processors", name, "policies"), _policies(items(at(processor, "policies"))))
    for name, receiver in mapping(at(data, "receivers")).items():
        if name.partition("/")[0] == "prometheus" and at(receiver, "config"):
            # Its dollars are doubled, since the Collector fills in variables before Prometheus' reader sees the text.
            yield from below(("receivers", name, "config"), prometheus.check_config(_single(at(receiver, "config"))))


def _single(data: Any) -> Any:  # noqa: ANN401
    if isinstance(data, dict):
        return {key: _single(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_single(item) for item in data]
    return data.replace("$$", "$") if isinstance(data, str) else data


def _pipeline(name: str, pipeline: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[Problem]:
    signal = name.partition("/")[0]
    if signal not in _SIGNALS:
        yield Problem("X634", (), f"{shown(name)} carries no signal, expected `traces`, `metrics`, `logs` or `profiles`",
                      nearest(signal, _SIGNALS), key=True)
    for section, homes in (("receivers", ("receivers", "connectors")), ("processors", ("processors",)),
                           ("exporters", ("exporters", "connectors"))):
        known = {one for home in homes for one in mapping(config.get(home))}
        names = items(pipeline.get(section))
        if not names and section != "processors" and pipeline.get(section) is not None:
            yield Problem("X634", (section,), f"a pipeline without {section} moves nothing", f"name its {section}")
        for index, one in enumerate(names):
            if isinstance(one, str) and one not in known:
                yield Problem("X634", (section, index), f"there is no {section[:-1]} {shown(one)}", nearest(one, known))
        for index, _ in repeated(names):
            yield Problem("X634", (section, index), f"{shown(names[index])} stands twice in the pipeline", "delete one")
    order = [str(one).partition("/")[0] for one in items(pipeline.get("processors"))]
    if "memory_limiter" in order[1:]:
        yield Problem("X634", ("processors", order.index("memory_limiter")), "memory_limiter comes too late to refuse what is too much",
                      "put it first", severity=Severity.WARNING)


def _extensions(config: Mapping[str, Any]) -> Iterator[Problem]:
    known = mapping(config.get("extensions"))
    enabled = items(at(config, "service", "extensions"))
    for index, one in enumerate(enabled):
        if isinstance(one, str) and one not in known:
            yield Problem("X634", ("service", "extensions", index), f"there is no extension {shown(one)}", nearest(str(one), known))
    for name in known:
        if name not in enabled:
            yield Problem("X634", ("extensions", name), f"the extension {shown(name)} is not enabled", "name it in `service.extensions`",
                          key=True, severity=Severity.WARNING)


def _unused(config: Mapping[str, Any], pipelines: list[Mapping[str, Any]]) -> Iterator[Problem]:
    used = {section: {one for pipeline in pipelines for one in items(pipeline.get(section)) if isinstance(one, str)}
            for section in ("receivers", "processors", "exporters")}
    for section, names in used.items():
        for name in mapping(config.get(section)):
            if name not in names:
                yield Problem("X634", (section, name), f"no pipeline has the {section[:-1]} {shown(name)}",
                              "name it in a pipeline, or delete it",
                              key=True, severity=Severity.WARNING)
    for name in mapping(config.get("connectors")):
        ends = [section for section in ("receivers", "exporters") if name in used[section]]
        if len(ends) < 2:
            missing = "as a receiver" if ends == ["exporters"] else "as an exporter" if ends else "in a pipeline"
            yield Problem("X634", ("connectors", name), f"the connector {shown(name)} is not used {missing}",
                          "a connector ends one pipeline and begins another", key=True)


def _policies(policies: list[Any]) -> Iterator[Problem]:
    names = [at(one, "name") for one in policies]
    for index, first in repeated(names):
        yield Problem("X634", (index, "name"), f"{shown(names[index])} is also the name of policy {first + 1}", "rename one of them")
    for index, one in enumerate(map(mapping, policies)):
        kind = one.get("type")
        if not isinstance(kind, str) or kind not in _POLICIES:
            yield Problem("X634", (index, "type") if "type" in one else (index,), f"there is no policy of the type {shown(kind)}",
                          nearest(str(kind), _POLICIES))
            continue
        if kind == "status_code":
            codes = items(at(one, "status_code", "status_codes"))
            for number, code in enumerate(codes):
                if not isinstance(code, str) or code not in _STATUS:
                    yield Problem("X634", (index, "status_code", "status_codes", number), f"{shown(code)} is no status of a span, "
                                  "expected `OK`, `ERROR` or `UNSET`", nearest(str(code).upper(), _STATUS))
        nested = _NESTED.get(kind)
        if nested:
            yield from below((index, *nested), _policies(items(at(one, *nested))))
