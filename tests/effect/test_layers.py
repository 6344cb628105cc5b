"""A value means the same whichever layer says it: the document, an environment, a profile, the platform's defaults or what it enforces.

A sample by seed; `OBSC_EFFECT=all` tries every leaf.
"""

from __future__ import annotations

import copy
import os
import random
from typing import Any

import pytest

from effect.table import Case, Document, Documents, cases, compiled, difference, errors, variants
from obsc.spec.partial import FIXED_FOR_ALL
from obsc.spec.service import UNIONS

# Said by a platform it holds for more than this service's first component: traces of services that say nothing, components.
OF_PLATFORMS = {"defaults": ("traces.",), "enforced": ("traces.", "role")}
LAYERS = ("environment", "profile", "defaults", "enforced")
SAMPLE, SEED = 12, 20261125
# What such a layer cannot say, what another layer adds to and does not replace, and what replaces more than itself.
_OTHERS = {*FIXED_FOR_ALL, ("metadata",), ("profile",), *UNIONS, ("runtime", "name")}


def _fits(case: Case) -> bool:
    path = tuple(case.leaf.replace("[]", "").split("."))
    named = len(path) > 1 and path[-1] == "name"
    return not case.code and not named and not any(path[:length] in _OTHERS for length in range(1, len(path) + 1))


FITTING = [case for case in cases("service") if _fits(case)]
# What is left of an atomic mapping without its only entry is an empty one.
ATOMIC = [case for case in FITTING if case.leaf == "workload.selector.<name>"]
TRIED = FITTING if os.environ.get("OBSC_EFFECT") == "all" else [*ATOMIC, *random.Random(SEED).sample(FITTING, SAMPLE)]


@pytest.mark.parametrize(("case", "layer"), [(case, layer) for case in TRIED for layer in LAYERS
                                             if not case.leaf.startswith(OF_PLATFORMS.get(layer, ("\0",)))], ids=str)
def test_a_value_means_the_same_in_every_layer(case: Case, layer: str) -> None:
    _, wanted = variants(case)
    tree, found = compiled(wanted)
    assert errors(found) == []
    again, told = compiled(_elsewhere(case, layer, wanted))
    assert errors(told) == []
    assert difference(tree, again) == ([], [])


def _elsewhere(case: Case, layer: str, wanted: Documents) -> Documents:
    """The same documents with the value said by another layer: of lists, all of the list."""
    found = copy.deepcopy(wanted)
    platform, service = (next(one for one in found if one["kind"] == kind) for kind in ("AIPlatform", "AIService"))
    steps = _steps(case, service)
    value = _cut(service, steps)
    if layer == "environment":
        _put(service, ("environments", "prod", *steps), value)
    elif layer == "profile":
        profile = service.setdefault("profile", "other")
        _put(platform, ("profiles", profile, *steps), value)
    else:
        _put(platform, (layer, *steps), value)
    return found


def _steps(case: Case, document: Document) -> tuple[str, ...]:
    """Keys on the way to the leaf, as far as they lead through mappings."""
    steps: list[str] = []
    at: Any = document
    for key in (case.at or case.leaf).replace("[]", ".0").split("."):
        if not isinstance(at, dict):
            break
        steps.append(next(iter(at)) if key.startswith("<") else key)
        at = at[steps[-1]]
    return tuple(steps)


def _cut(document: Document, steps: tuple[str, ...]) -> Any:  # noqa: ANN401
    at = document
    for step in steps[:-1]:
        at = at[step]
    return at.pop(steps[-1])


def _put(document: Document, steps: tuple[str, ...], value: Any) -> None:  # noqa: ANN401
    at = document
    for step in steps[:-1]:
        at = at.setdefault(step, {})
    at[steps[-1]] = value
