"""A plan → text for a terminal, Markdown for a pull request, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby

from obsc import encode
from obsc.plan import Change, Effect, Plan

# Longest lists of a kind of change that a reader is shown whole; the rest is counted.
_LONGEST = 40
_SIGNS = {Effect.ADDED: "+", Effect.REMOVED: "-", Effect.MORE: "^", Effect.LESS: "v", Effect.CHANGED: "~"}


def text(plan: Plan) -> str:
    """A line for each change, grouped by service, and what it costs at the end."""
    lines: list[str] = []
    for title, changes in _by_service(plan.changes):
        lines.append(title)
        lines += [f"  {_SIGNS[one.effect]} {encode.terminal(_line(one))}" for one in changes]
    lines += _totals(plan)
    return "".join(f"{line}\n" for line in lines)


def markdown(plan: Plan) -> str:
    """A table for each service. What a spec says stands in it as text."""
    parts = ["## Observability plan", ""]
    for title, changes in _by_service(plan.changes):
        listed = list(changes)
        parts += [f"### {encode.markdown(title)}", "", "| | what | before | after |", "|---|---|---|---|"]
        for one in listed[:_LONGEST]:
            cells = (one.effect.value, f"{one.kind} {one.name}", one.before, one.after)
            parts.append("| " + " | ".join(encode.markdown(cell) for cell in cells) + " |")
        if len(listed) > _LONGEST:
            parts += ["", f"… and {len(listed) - _LONGEST} more."]
        parts.append("")
    parts += [encode.markdown(line) + "  " for line in _totals(plan)]
    return "".join(f"{line}\n" for line in parts)


def to_json(plan: Plan) -> str:
    """The plan as data; its keys are stable."""
    changes = [{"environment": one.identity.environment, "namespace": one.identity.namespace, "service": one.identity.name,
                "kind": one.kind, "name": one.name, "effect": one.effect.value, "before": one.before, "after": one.after}
               for one in plan.changes]
    return json.dumps({
        "changes": changes,
        "recordedSeries": [{"environment": name, "before": old, "after": new} for name, old, new in plan.recorded],
        "bytes": [{"environment": name, "before": old, "after": new} for name, old, new in plan.size],
        "restarts": [{"object": path, "kind": kind} for path, kind in plan.restarts]}, indent=2, ensure_ascii=False) + "\n"


def _by_service(changes: Iterable[Change]) -> Iterable[tuple[str, Iterable[Change]]]:
    for identity, found in groupby(changes, key=lambda one: one.identity):
        yield f"{identity.environment}: {identity.namespace}/{identity.name}", list(found)


def _line(one: Change) -> str:
    words = f"{one.kind} {one.name}"
    if one.before and one.after:
        return f"{words}: {one.before} -> {one.after} ({one.effect.value})"
    said = one.before or one.after
    return f"{words} ({one.effect.value}" + (f": {said})" if said else ")")


def _totals(plan: Plan) -> list[str]:
    if not plan.changes and not plan.restarts and all(old == new for _, old, new in (*plan.recorded, *plan.size)):
        return ["No change."]
    lines = [f"{name}: recorded series {_signed(old, new)}, bytes {_signed(*size[1:])}"
             for (name, old, new), size in zip(plan.recorded, plan.size, strict=True)]
    return lines + [f"pods restart: {kind} {path}" for path, kind in plan.restarts]


def _signed(old: int, new: int) -> str:
    return f"{old} -> {new} ({new - old:+d})"
