"""Filebeat's configuration: what it accepts and then ignores, so that no line ever arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from obsc.diagnostics import Sink
from obsc.source import Path, load, plain
from obsc.verify import grammars
from obsc.verify.problem import Problem, at, below, items, mapping, nearest, repeated, shown

_FILES = frozenset({"filestream", "log", "container"})


def check_config(data: object) -> Iterator[Problem]:
    """What is wrong with a filebeat.yml."""
    config = mapping(data)
    yield from _output(config)
    path, inputs = _find(config, "filebeat.inputs")
    yield from below(path, check_inputs(inputs))
    path, processors = _find(config, "processors")
    yield from below(path, _processors(processors))
    path, providers = _find(config, "filebeat.autodiscover.providers")
    for index, provider in enumerate(items(providers)):
        for number, template in enumerate(items(at(provider, "templates"))):
            yield from below((*path, index, "templates", number, "config"), check_inputs(at(template, "config")))


def check_inputs(data: object) -> Iterator[Problem]:
    """What is wrong with a list of inputs, in the configuration or in a file of `filebeat.config.inputs`."""
    inputs = items(data)
    ids = [at(one, "id") for one in inputs]
    for index, first in repeated(ids):
        yield Problem("X633", (index, "id"), f"{shown(ids[index])} is also the id of input {first + 1}",
                      "Filebeat would take the files of one for those of the other: rename one of them")
    for index, one in enumerate(inputs):
        yield from below((index,), _input(mapping(one)))


@lru_cache(maxsize=1)
def _names() -> Mapping[str, list[str]]:
    text = (files("obsc.verify") / "filebeat.yaml").read_bytes()
    return mapping(plain(load("filebeat.yaml", text, Sink()).documents[0].root))


def _find(config: Mapping[str, Any], name: str) -> tuple[Path, object]:
    """A setting, whether its name is written with dots or as nested mappings."""
    for key, value in config.items():
        if key == name:
            return (key,), value
        if name.startswith(key + ".") and isinstance(value, dict):
            path, found = _find(value, name[len(key) + 1:])
            if found is not None:
                return (key, *path), found
    return (), None


def _output(config: Mapping[str, Any]) -> Iterator[Problem]:
    nested = {name: ("output", name) for name in mapping(config.get("output"))}
    dotted = {key.split(".")[1]: (key,) for key in config if key.startswith("output.")}
    outputs: dict[str, Path] = {**nested, **dotted}
    enabled = [name for name, path in outputs.items() if at(config, *path, "enabled") is not False]
    for name, path in outputs.items():
        if name not in _names()["outputs"]:
            yield Problem("X633", path, f"there is no output {shown(name)}", nearest(name, _names()["outputs"]), key=True)
    if len(enabled) > 1:
        yield Problem("X633", outputs[enabled[1]], f"found the outputs {shown(enabled[0])} and {shown(enabled[1])}, Filebeat takes one",
                      "delete one", key=True)


def _input(one: Mapping[str, Any]) -> Iterator[Problem]:
    kind = one.get("type")
    if not isinstance(kind, str) or kind not in _names()["inputs"]:
        yield Problem("X633", ("type",) if "type" in one else (), f"there is no input of the type {shown(kind)}",
                      nearest(str(kind), _names()["inputs"]))
        return
    if kind in _FILES and not items(one.get("paths")):
        yield Problem("X633", (), f"the input of the type `{kind}` has no paths to read", "write `paths:`")
    if kind == "filestream" and not one.get("id"):
        yield Problem("X633", (), "the input has no id: what it has read is not remembered apart from other inputs", "write a unique `id:`")
    if "parser" in one:
        yield Problem("X633", ("parser",), "found `parser`, which Filebeat ignores", "did you mean `parsers`?", key=True)
    if kind == "filestream":
        yield from below(("parsers",), _parsers(one.get("parsers")))
        if _find(one, "file_identity.fingerprint")[0] and _find(one, "prospector.scanner.fingerprint.enabled")[1] is False:
            yield Problem("X633", (), "files are told by a fingerprint that the scanner does not take",
                          "write `prospector.scanner.fingerprint.enabled: true`")
    yield from below(("processors",), _processors(one.get("processors")))


def _parsers(parsers: object) -> Iterator[Problem]:
    for index, one in enumerate(items(parsers)):
        name = next(iter(mapping(one)), None)
        if name not in _names()["parsers"] or len(mapping(one)) != 1:
            yield Problem("X633", (index,), f"there is no parser {shown(name)}", nearest(str(name), _names()["parsers"]))
            continue
        form, pattern = at(one, "container", "format"), at(one, "multiline", "pattern")
        if form is not None and form not in _names()["formats"]:
            yield Problem("X633", (index, "container", "format"), f"found {shown(form)}, expected `auto`, `cri` or `docker`",
                          nearest(str(form), _names()["formats"]))
        if isinstance(pattern, str) and (wrong := grammars.regex(pattern)):
            yield Problem("X624", (index, "multiline", "pattern"), f"found {shown(pattern)}: {wrong}", "mend the expression")


def _processors(processors: object) -> Iterator[Problem]:
    for index, one in enumerate(items(processors)):
        names = list(mapping(one))
        if "if" in names:
            for branch in ("then", "else"):
                value = at(one, branch)
                yield from below((index, branch), _processors(value if isinstance(value, list) else []))
            continue
        unknown = [name for name in names if name not in _names()["processors"]]
        if unknown:
            yield Problem("X633", (index, unknown[0]), f"there is no processor {shown(unknown[0])}, and Filebeat sends nothing then",
                          nearest(unknown[0], _names()["processors"]), key=True)
        elif len(names) != 1:
            yield Problem("X633", (index,), f"found {len(names)} processors in an item, expected one", "write each as an item")
