"""Why a program does not show a signal: the entry's own reason, else that of its class, else that nothing counts it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from obsc.catalog.profile import Profile
from obsc.catalog.vocabulary import OF_PROGRAMS
from obsc.diagnostics import Sink
from obsc.source import load, plain

FILE = "reasons.yaml"
_ANY, _NO_PAGE, _ELSE = "any", "no-page", "not-counted"


def reasons() -> Mapping[str, str]:
    """Every reason by its id, in words."""
    return _table().reasons


def lacks(profile: Profile) -> dict[str, str]:
    """The id of the reason for each signal that no metric of the program's own page shows, in the order of tables.

    What a condition or release decides is not among them. Nothing at all is said of a program that no entry describes.
    """
    if profile.has_page and not profile.metrics:
        return {}
    read, usual = {signal for signal, _ in profile.measures}, _table().usual
    own, of_class, of_all = dict(profile.lacks), usual.get(profile.kind, {}), usual[_ANY]
    return {signal: _NO_PAGE if not profile.has_page else own.get(signal) or of_class.get(signal) or of_all.get(signal, _ELSE)
            for signal in OF_PROGRAMS if signal not in read}


class _Table(NamedTuple):
    """The file: reasons by id, and by class the usual id for each signal."""

    reasons: Mapping[str, str]
    usual: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def _table() -> _Table:
    found = plain(load(FILE, (files("obsc.catalog") / FILE).read_bytes(), Sink()).documents[0].root)
    assert isinstance(found, dict)
    return _Table(found["reasons"], found["usual"])
