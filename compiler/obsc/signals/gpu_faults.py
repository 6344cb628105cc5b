"""Faults of accelerators: what their drivers report, devices that fall silent, memory and links that wear out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Text, Unit
from obsc.promql import Binary, Expr, Number, aggregate, any_of, increase
from obsc.signals import devices
from obsc.signals.alert import CRITICAL, WARNING, WHO, Contribution, Story, alert, figure
from obsc.signals.offers import Offer, taken
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

HARDWARE = Default("GPUXidHardware", CRITICAL, hold=0, needs=devices.NONE)
APPLICATION = Default("GPUXidApplication", WARNING, hold=0, enabled=False, needs=devices.NONE)
LOST = Default("GPUFellOffOrMissing", CRITICAL, hold=300, needs=devices.NONE)
UNHEALTHY = Default("GPUUnhealthy", CRITICAL, hold=120, needs=devices.NONE)
REMAP = Default("GPURowRemapFailure", CRITICAL, hold=0, enabled=False, needs=devices.NONE)
UNCORRECTABLE = Default("GPUUncorrectableECC", WARNING, hold=0, enabled=False, needs=devices.NONE)
LINKS = Default("NVLinkDegraded", WARNING, hold=900, enabled=False, needs=devices.NONE)
_TEN_MINUTES, _QUARTER, _HOUR = 600.0, 900.0, 3600.0
_KEPT = 1800.0  # a fault is a moment, and whoever is called needs to find it still there
_CODES = ("xid", "err_code")

_DRAIN = ("Look up the number in NVIDIA's catalogue of XID errors, and the kernel's log of the node (`NVRM: Xid`).",
          "Cordon and drain the node, reset the device; if it comes back, have the device replaced.",
          "Look at the other pods of the node: the device is not theirs alone to lose.")
_PROGRAM = ("Read the log of the pod at that time: a kernel that failed, or an access to memory that is not its own.",
            "Was the model, the runtime or the driver changed?", "Restart the pod if it does not answer any more.")
_MEMORY = ("Look at the device's XID errors and at its remapped rows.", "Drain the node and reset the device: rows are replaced then.",
           "If a row cannot be replaced, have the device replaced.")


def gpu_faults(subject: Subject) -> Contribution:
    """GPUXidHardware asks for a new number: the plain field holds the last one for ever, so its value alone means nothing."""
    if subject.resolved.service.accelerators is None:
        return Contribution()
    present = tuple(one for one in subject.readings("gpuTemperature") or subject.readings("gpuUtilization") if one.exporter)
    offers = [
        (HARDWARE, subject.readings("gpuHardwareFault"), _hardware, "faults of devices by their numbers"),
        (APPLICATION, subject.readings("gpuApplicationFault"), _application, "faults of programs on devices"),
        (LOST, present, _lost, "accelerators of pods"),
        (UNHEALTHY, subject.readings("gpuHealthy"), _unhealthy, "the health of devices"),
        (REMAP, subject.readings("gpuRowRemapFailure"), _remap, "rows that cannot be replaced"),
        (UNCORRECTABLE, subject.readings("gpuUncorrectable"), _uncorrectable, "errors of their memory"),
        (LINKS, subject.readings("gpuLinkErrors"), _links, "errors on links between devices")]
    alerts, omitted = taken(subject, [_offer(subject, *one) for one in offers])
    return Contribution(alerts=alerts, panels=_panels(subject), omitted=omitted)


Make = Callable[[Subject, Settings, tuple[Reading, ...]], AlertRule]


def _offer(subject: Subject, default: Default, found: tuple[Reading, ...], make: Make, what: str) -> Offer:
    return Offer(default, lambda said: make(subject, said, found), "" if found else f"no source tells {what}")


def _code(found: tuple[Reading, ...]) -> Text:
    """The number of a fault, under the label that the exporter gives it."""
    known = [label for label in _CODES if any(label in _facts(one) for one in found)]
    return ("XID ", *(Field(label=label, other="") for label in known)) if known else ("a fault",)


def _facts(reading: Reading) -> tuple[str, ...]:
    return reading.metric(devices.term_of(reading)).labels


def _new(subject: Subject, reading: Reading) -> Expr:
    """A fault that was not there ten minutes ago. What counts within a window falls again by itself; a field that holds the
    last number is compared with itself, where the device was this pod's already.
    """
    by, selector = devices.by(subject, reading), devices.series(subject, reading)
    code = tuple(label for label in _CODES if label in _facts(reading))
    now = Binary(">", aggregate("max", selector, *by, *code), Number(0))
    if reading.metric(devices.term_of(reading)).unit != "code":
        return now
    fresh = Binary("unless", now, aggregate("max", replace(selector, offset=_TEN_MINUTES), *by, *code), on=(*by, *code))
    any_code = replace(selector, matchers=tuple(one for one in selector.matchers if one.label not in _CODES), offset=_TEN_MINUTES)
    return Binary("and", fresh, aggregate("max", any_code, *by), on=by)


def _fault(subject: Subject, settings: Settings, found: tuple[Reading, ...], impact: str, checks: tuple[str, ...]) -> AlertRule:
    return alert(subject, _kept(subject, settings), Story(
        "gpuFaults", "saturation", "gpu-faults", (*WHO, " has an accelerator that reports ", *_code(found)),
        (*devices.where(subject, found[0]), " reports ", *_code(found), "."), impact, checks),
        any_of(*(_new(subject, one) for one in found)))


def _kept(subject: Subject, settings: Settings) -> Settings:
    rule = subject.resolved.service.alerts.rules.get(settings.name)
    said = rule is not None and rule.keep_firing_for is not None
    return settings if said else replace(settings, keep=max(settings.keep, _KEPT))


def _hardware(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    return _fault(subject, settings, found, "Work on the device fails or is wrong until it is reset or replaced.", _DRAIN)


def _application(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    return _fault(subject, settings, found, "A program failed on the device; the device itself is well.", _PROGRAM)


def _lost(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    accelerators = subject.resolved.service.accelerators
    least = accelerators.per_pod if accelerators is not None else 1
    pod = devices.pod(subject, found[0])
    now, before = (aggregate("count", _each(subject, found, offset), *pod) for offset in (0.0, _HOUR))
    fewer = any_of(Binary("<", now, Number(least)), Binary("<", now, before, on=pod))
    return alert(subject, settings, Story(
        "gpuFaults", "availability", "gpu-reporting", (*WHO, " has lost an accelerator"),
        ("Only ", figure(), " devices of pod ", Field(label=pod[-1]), f" report; it should have {least}, or had more an hour ago."),
        "A device that fell off the bus says nothing any more: the model's parts on it are gone.", _DRAIN), fewer)


def _each(subject: Subject, found: tuple[Reading, ...], offset: float) -> Expr:
    """A sample for each device that reports, or did so `offset` seconds ago."""
    return any_of(*(aggregate("max", replace(devices.series(subject, one), offset=offset), *devices.by(subject, one)) for one in found))


def _unhealthy(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    return alert(subject, settings, Story(
        "gpuFaults", "saturation", "gpu-health", (*WHO, " has an accelerator that is not healthy"),
        (*devices.where(subject, found[0]), " says that it is not well."), "Work on the device fails or is wrong.", _DRAIN),
        Binary("==", devices.level(subject, found), Number(0)))


def _remap(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    return alert(subject, settings, Story(
        "gpuFaults", "saturation", "gpu-memory-errors", (*WHO, " has an accelerator whose memory cannot be mended"),
        (*devices.where(subject, found[0]), " could not replace a row of its memory."), "The device is to be replaced.", _MEMORY),
        Binary(">", devices.level(subject, found), Number(0)))


def _grown(subject: Subject, found: tuple[Reading, ...], window: float) -> Expr:
    """Growth of counters by device: of several, that of any."""
    return any_of(*(aggregate("sum", increase(subject.read(one, term), max(window, subject.window)), *devices.by(subject, one))
                    for one in found for term in one.measure.counters))


def _uncorrectable(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    return alert(subject, settings, Story(
        "gpuFaults", "saturation", "gpu-memory-errors", (*WHO, " has an accelerator with errors in its memory"),
        (*devices.where(subject, found[0]), " had ", figure(), " errors within an hour that could not be corrected."),
        "What was computed from that memory is wrong or was aborted.", _MEMORY),
        Binary(">", _grown(subject, found, _HOUR), Number(0)))


def _links(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    return alert(subject, settings, Story(
        "gpuFaults", "saturation", "gpu-links", (*WHO, " has accelerators whose link has errors"),
        (*devices.where(subject, found[0]), " repeats transfers to its neighbours."),
        "Models that are spread over devices slow down or hang.",
        ("Compare with the other devices of the node.", "Drain the node and have its links looked at.")),
        Binary(">", _grown(subject, found, _QUARTER), Number(0)))


def _panels(subject: Subject) -> tuple[tuple[str, Panel], ...]:
    """One panel for each kind of fault that somebody tells; those of alerts that are off by default come with the alert."""
    seen = subject.viewed

    def on(default: Default) -> bool:
        return subject.settings(default) is not None

    hardware, program = subject.readings("gpuHardwareFault"), subject.readings("gpuApplicationFault")
    healthy, remap = subject.readings("gpuHealthy"), subject.readings("gpuRowRemapFailure")
    memory, links = subject.readings("gpuUncorrectable"), subject.readings("gpuLinkErrors")
    panels = []
    if hardware or (program and on(APPLICATION)):
        queries = tuple(Query(any_of(*(_new(seen, one) for one in found)), (name, *_code(found), " on ", *devices.legend(seen, found[0])))
                        for found, name in ((hardware, "hardware: "), (program if on(APPLICATION) else (), "program: ")) if found)
        panels.append(Panel("gpu-faults", "GPU Faults (XID)", Chart.LINES, Unit.COUNT, queries,
                            "New numbers of faults. Empty is good. GPUXidHardware watches those of devices.", Origin("gpu"), empty="None"))
    if healthy:
        panels.append(Panel("gpu-health", "GPU Health", Chart.STATES, Unit.BOOL,
                            (Query(devices.level(seen, healthy), devices.legend(seen, healthy[0])),),
                            "Whether each device says that it is well. GPUUnhealthy watches it.", Origin("gpu")))
    wrong = [Query(_grown(seen, memory, _HOUR), ("errors, ", *devices.legend(seen, memory[0])))] if memory and on(UNCORRECTABLE) else []
    wrong += [Query(devices.level(seen, remap), ("cannot be replaced, ", *devices.legend(seen, remap[0])))] if remap and on(REMAP) else []
    if wrong:
        panels.append(Panel("gpu-memory-errors", "GPU Memory Errors", Chart.LINES, Unit.COUNT, tuple(wrong),
                            "Errors of the hour before that could not be corrected, and rows that could not be replaced.",
                            Origin("gpu"), minimum=0))
    if links and on(LINKS):
        panels.append(Panel("gpu-links", "GPU Link Errors", Chart.LINES, Unit.COUNT,
                            (Query(_grown(seen, links, _QUARTER), devices.legend(seen, links[0])),),
                            "Errors on links between devices in the quarter of an hour before.", Origin("gpu"), minimum=0))
    return tuple(("gpu", panel) for panel in panels)
