"""Alerts that a family has to offer: those that can be made and are wanted are made, the others are left out with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from obsc.ir import AlertRule
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

OFF = "off by default: a page of few alerts is read; `enabled: true` turns it on"


@dataclass(frozen=True, slots=True)
class Offer:
    """An alert, how it is made, and what it lacks here ("" for nothing)."""

    default: Default
    make: Callable[[Settings], AlertRule]
    lacking: str = ""


def taken(subject: Subject, offers: Sequence[Offer]) -> tuple[tuple[AlertRule, ...], tuple[tuple[str, str], ...]]:
    """The alerts that are made, and the names of the rest with the reason; what the spec switches off needs none."""
    made: list[AlertRule] = []
    omitted: list[tuple[str, str]] = []
    for one in offers:
        settings = subject.settings(one.default)
        if one.lacking:
            omitted.append((one.default.name, one.lacking))
        elif settings is not None:
            made.append(one.make(settings))
        elif not one.default.enabled:
            omitted.append((one.default.name, OFF))
    return tuple(made), tuple(omitted)
