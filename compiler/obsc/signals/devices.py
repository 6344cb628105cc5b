"""Accelerators as readings tell them: which device of which pod, and numbers of a signal for each of them."""

from __future__ import annotations

from obsc.catalog.profile import Term
from obsc.ir import Field, Text
from obsc.promql import Expr, Selector, aggregate, any_of
from obsc.signals.reading import Reading
from obsc.signals.subject import Subject

NONE = "the spec names no `accelerators`"  # why alerts on devices are left out
# Labels that tell one device from another, the most readable first; a part of a partitioned one has its own number.
_DEVICE = ("gpu_id", "gpu", "gpu_uuid", "UUID", "GPU_I_ID", "DeviceId")


def level(subject: Subject, found: tuple[Reading, ...]) -> Expr:
    """A gauge by device."""
    return any_of(*(one_level(subject, reading) for reading in found))


def one_level(subject: Subject, reading: Reading) -> Expr:
    """One reading's gauge by device; a device that is scraped twice counts once."""
    term = term_of(reading)
    return reading.scaled(term, aggregate("max", subject.read(reading, term), *by(subject, reading)))


def series(subject: Subject, reading: Reading) -> Selector:
    """The series of a reading's gauge."""
    return subject.read(reading, term_of(reading))


def term_of(reading: Reading) -> Term:
    """The metric of a reading that is about devices: its gauge, or the first of its counters."""
    return reading.measure.gauge or reading.measure.counters[0]


def labels(reading: Reading) -> tuple[str, ...]:
    """Labels that tell devices apart."""
    return tuple(label for label in _DEVICE if label in reading.metric(term_of(reading)).labels)


def by(subject: Subject, reading: Reading) -> tuple[str, ...]:
    """Labels that tell a device of a pod, as the exporter's scrape leaves them."""
    if not reading.exporter:
        return ("namespace", *labels(reading))
    return (*labels(reading), *pod(subject, reading))


def pod(subject: Subject, reading: Reading) -> tuple[str, ...]:
    """Labels that tell the pod of a device."""
    if not reading.exporter:
        return ("namespace",)
    site = (subject.label("namespace", reading.exporter),) if subject.scattered else ()
    return (*site, subject.label("pod", reading.exporter))


def where(subject: Subject, reading: Reading) -> Text:
    """Which device, and of which pod where an exporter tells it."""
    found = labels(reading)
    device: Text = ("Device ", Field(label=found[0])) if found else ("The device",)
    return (*device, " of pod ", Field(label=subject.label("pod", reading.exporter))) if reading.exporter else device


def legend(subject: Subject, reading: Reading) -> Text:
    """A device by its name; its number starts anew on every node, so an exporter's has its pod beside it."""
    found = labels(reading)
    device: Text = (Field(label=found[0]),) if found else ("GPU",)
    return (*device, " of ", Field(label=subject.label("pod", reading.exporter))) if reading.exporter else device
