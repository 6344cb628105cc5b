"""Metrics in written expressions at the service's releases and options: there, renamed, gone, or switched off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from obsc.advice import listed, nearest
from obsc.catalog import metric
from obsc.catalog.compare import instead
from obsc.catalog.profile import Metric, Presence, Profile
from obsc.catalog.versions import Range, order, presence
from obsc.signals.reading import Exporter, met, releases
from obsc.signals.subject import Subject
from obsc.signals.written import owner


class Gone(NamedTuple):
    """Why a metric is not there, and what to do."""

    message: str
    hint: str


def gone(subject: Subject, name: str) -> Gone | None:
    """Why a metric that the catalog knows (by its name in an expression) does not exist here; None if it may."""
    found = owner(subject, name)
    if found is None:
        return None
    exporter = found.subject.exporter(found.exporter) if found.exporter else None
    for profile in _profiles(found.subject, exporter):
        facts = metric(profile, name)
        if facts is not None:
            return _why(found.subject, profile, facts, exporter)
    return None


def _profiles(subject: Subject, exporter: Exporter | None) -> Iterator[Profile]:
    if exporter is not None:
        yield exporter.profile
    else:
        yield from (profile for profile in subject.profiles)


def _why(subject: Subject, profile: Profile, facts: Metric, exporter: Exporter | None) -> Gone | None:
    if facts.name in subject.series or (exporter is not None and facts.name in exporter.fields):
        return None
    versions = releases(facts, profile, subject.resolved, exporter)
    if versions is not None and presence(facts, versions) is Presence.NO:
        return _renamed(profile, facts, versions)
    if not met(facts, subject.resolved, exporter):
        return _switched_off(profile, facts)
    return None


def _renamed(profile: Profile, facts: Metric, versions: Range) -> Gone:
    """Of another release: what stands for it is what the same signal reads there, else what is called nearly so."""
    behind = bool(facts.absent_from) and versions.first >= order(facts.absent_from)
    said = f"is gone since {profile.title} {facts.absent_from}" if behind else f"begins with {profile.title} {facts.seen_from}"
    found = instead(profile, facts.name, versions)
    if found:
        return Gone(f"`{facts.name}` {said}", f"{listed(found)} is read there")
    alike = [one.name for one in profile.metrics
             if (one.type, one.unit) == (facts.type, facts.unit) and presence(one, versions) is Presence.YES]
    return Gone(f"`{facts.name}` {said}", nearest(facts.name, alike, "read another metric, or compile for that release"))


def _switched_off(profile: Profile, facts: Metric) -> Gone | None:
    if facts.condition is None:
        return Gone(f"`{facts.name}` exists only with the engine {facts.engine}", f"write `runtime.engine: {facts.engine}` if it is so")
    option, value = facts.condition
    if option == "fields":
        return Gone(f"{profile.title} has no `{facts.name}` unless its configuration names it",
                    "name it in `fields` of that source of the platform, and in the exporter's own list")
    flag = f" (`{facts.flag}`)" if facts.flag else ""
    return Gone(f"{profile.title} has no `{facts.name}` unless it is started with `{option}`{flag}",
                f'write `runtime.options: {{{option}: "{value}"}}` if the deployment sets it')
