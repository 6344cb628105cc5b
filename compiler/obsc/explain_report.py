"""What `obsc explain` says, as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from obsc import encode, pipeline
from obsc.codes import CODES
from obsc.detection import Clock, parts, promise
from obsc.diagnostics import Sink, render
from obsc.explain import Influence, Question, Spot, ask, default_of, influence, influences, suggested
from obsc.ir import Service
from obsc.leaves import concerned, unwritten, written
from obsc.lower import lower
from obsc.resolve import Origins
from obsc.rules.promptness import clock_of
from obsc.rules.verdicts import Verdict, verdicts
from obsc.secrets import masked
from obsc.source import Node, Source, at
from obsc.source import Path as Steps

# A value that changes so many lines says what is observed, not why a line is as it is: defaults are looked at too.
_BROAD = 60
_MOST = 12


def code(name: str) -> str:
    """What a code means and what to do about it."""
    one = CODES[name]
    return f"{name}: {one.title}\n\n{one.explanation}"


def alerts(sources: Mapping[str, Source], file: str, environment: str | None) -> str | None:
    """Every alert of a spec's service in each environment: whether it is on and why, and when it tells of a total fault."""
    lines = []
    for one in pipeline.resolved(sources, Sink(), environment=environment):
        if one.file != file:
            continue
        service = lower(one)
        for part, of_part in zip(one.parts, service.parts or (service,), strict=True):
            lines.append(one.identity.environment + (f", {part.component}" if part.component else "") + ":")
            clock = clock_of(part)
            lines += [_verdict(verdict, service, clock) for verdict in verdicts(part, of_part)]
    return "".join(f"{line}\n" for line in lines) or None


def _verdict(one: Verdict, service: Service, clock: Clock) -> str:
    where = f" at {one.place.file}:{one.place.line}:{one.place.column}" if one.place is not None else ""
    promised = sorted({promise(rule, service, clock) for rule in one.rules}, key=lambda found: found.total)
    told = f"; told within {parts(promised[0])}" if promised else ""
    told += f" to {parts(promised[-1])}" if len(promised) > 1 else ""
    return f"  {'on ' if one.on else 'off'} {one.alert}: {one.reason}{where}{told}"


def value(sources: Mapping[str, Source], file: str, path: str, environment: str | None) -> str | None:
    """The value that holds at a path of a service or a platform, its layer and place in each environment, and what it causes."""
    steps = _steps(path)
    services = ((one.identity.environment, one.origins) for one in pipeline.resolved(sources, Sink(), environment=environment)
                if one.file == file)
    platforms = ((one.name, one.origins) for one in pipeline.platforms(sources, Sink(), environment=environment)
                 if one.document.file == file)
    lines = [_held(name, origins, path) for name, origins in (*services, *platforms)]
    if not lines:
        return None
    leaf = next((one for one in written(sources) if one.file == file and one.path == steps), None)
    question = ask(sources) if leaf is not None else None
    found = influence(question, leaf) if leaf is not None and question is not None else None
    return "".join(f"{line}\n" for line in lines) + (_effects(found) if found is not None else "")


def _held(environment: str, origins: Origins, path: str) -> str:
    steps = _steps(path)
    node, where = at(origins.tree, steps), origins.place(steps)
    if node is None:
        return f"{environment}: `{path}` is a default; nobody writes it"
    return f"{environment}: {_shown(node, path)} from {origins.layer(steps)} at {where.file}:{where.line}:{where.column}"


def output(sources: Mapping[str, Source], file: Path, out: Path, line: int) -> str | None:
    """What a line of an output comes from: the values that change it, and the key of a default that would."""
    root = out.resolve()
    if not file.resolve().is_relative_to(root):
        return None
    name = file.resolve().relative_to(root).as_posix()
    mine = concerned(sources, name)
    question = ask(mine, name.partition("/")[0], (name,))
    raw = question.before.get(name, b"").split(b"\n") if question is not None else []
    if question is None or not 0 < line <= len(raw):
        return None
    found = influences(question, written(mine), (name, line))
    said = [f"{name}:{line}: {encode.terminal(raw[line - 1].decode().strip())}"]
    said += [f"  {_cause(one)}" for one in found[:_MOST]]
    if not found or (found[0].width > _BROAD and question.trial is not None):
        said += _default(question, (name, line), is_all=not found)
    return "".join(f"{one}\n" for one in said)


def _default(question: Question, spot: Spot, *, is_all: bool) -> list[str]:
    """What a line is called that no value of a spec is about."""
    hint = suggested(question, unwritten(question.sources, question.alerts), spot)
    if hint is not None:
        return [f"  default; `{render(hint.leaf.path)}` in {hint.leaf.file} would change it"]
    return [f"  {default_of(spot[0])}"] if is_all else []


def _cause(one: Influence) -> str:
    place = one.leaf.place
    return f"{place.file}:{place.line}:{place.column}: `{render(one.leaf.path)}` ({one.width} lines depend on it)"


def _effects(found: Influence) -> str:
    lines = [f"  {path}: {len(numbers)} lines, first {min(numbers)}" for path, numbers in sorted(found.lines.items())]
    return "It decides:\n" + "".join(f"{line}\n" for line in lines)


def _steps(path: str) -> Steps:
    """`alerts.rules.X` → its steps; items of lists by number: `models[0].name`."""
    steps: list[str | int] = []
    for word in path.split("."):
        name, _, rest = word.partition("[")
        steps.append(name)
        steps += [int(one) for one in rest.rstrip("]").split("][") if one.isdigit()]
    return tuple(steps)


def _shown(node: Node, path: str) -> str:
    if isinstance(node.value, dict | tuple):
        return f"`{path}`"
    return f"`{path}` = `{encode.terminal(masked(str(node.value)))}`"
