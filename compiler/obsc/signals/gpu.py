"""Accelerators: how busy and how hot they are."""

from __future__ import annotations

from obsc.ir import AlertRule, Chart, Origin, Panel, Query, Threshold, Unit
from obsc.promql import Binary, Number, aggregate
from obsc.signals import devices
from obsc.signals.alert import CRITICAL, WARNING, WHO, Contribution, Story, alert, figure, lines, share
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

BUSY = Default("GPUUtilizationHigh", WARNING, hold=600, threshold=0.95, kind="ratio", enabled=False, needs=devices.NONE)
HOT = Default("GPUHot", WARNING, hold=600, threshold=85, needs=devices.NONE)
OVERHEATING = Default("GPUOverheating", CRITICAL, hold=300, threshold=90, needs=devices.NONE)

_HEAT_CHECKS = ("Compare with the other devices of the node: one of them, or airflow?",
                "Look at power draw and clocks: is the device throttled already?",
                "Move load away; cordon the node if the temperature does not fall.")
_BUSY_CHECKS = ("Do requests wait? Without a queue a busy device is what you pay for.",
                "Look at the batch size and at what else runs on the device.", "Add replicas if requests wait.")


def gpu(subject: Subject) -> Contribution:
    """GPUHot and GPUOverheating; GPUUtilizationHigh only where a spec asks for it, since utilisation is a duty
    cycle ("some kernel ran") and high on a healthy server.
    """
    if subject.resolved.service.accelerators is None and not subject.series:
        return Contribution()
    busy = _busy(subject, subject.readings("gpuUtilization"))
    hot = _hot(subject, subject.readings("gpuTemperature"))
    panels = busy.panels + hot.panels + _reporting(subject)
    return Contribution(alerts=busy.alerts + hot.alerts, panels=panels, omitted=busy.omitted + hot.omitted)


def _reporting(subject: Subject) -> tuple[tuple[str, Panel], ...]:
    """How many devices report, against what the spec's replicas have at least: a lost device falls silent."""
    said = subject.resolved.service.accelerators
    found = subject.readings("gpuTemperature") or subject.readings("gpuUtilization")
    if said is None or not found:
        return ()
    least = said.per_pod * subject.resolved.service.workload.replicas.min
    count = aggregate("count", devices.level(subject.viewed, found))
    return (("gpu", Panel(
        "gpu-reporting", "GPUs Reporting", Chart.NUMBER, Unit.COUNT, (Query(count, ("devices",)),),
        f"Devices that report a value; {least} or more are expected, {said.per_pod} for each replica.", Origin("gpu"),
        (Threshold(least, WARNING, above=False),), minimum=0, width=4)),)


def _busy(subject: Subject, found: tuple[Reading, ...]) -> Contribution:
    if not found:
        return Contribution(omitted=((BUSY.name, "no source measures accelerators"),))
    settings = subject.settings(BUSY)
    panel = Panel(
        "gpu-utilization", "GPU Utilization", Chart.BARS, Unit.RATIO,
        (Query(devices.level(subject.viewed, found), devices.legend(subject, found[0])),),
        "Share of time in which some kernel ran. High is good news unless requests wait.",
        Origin("gpu"), lines(settings), minimum=0, maximum=1)
    alerts: tuple[AlertRule, ...] = ()
    if settings is not None:
        alerts = (_rule(subject, settings, found, Story(
            "gpuUtilization", "saturation", "gpu-utilization", (*WHO, " keeps an accelerator busy all the time"),
            (*devices.where(subject, found[0]), " is busy ", share(), " of the time."), "More load turns into waiting.", _BUSY_CHECKS)),)
    omitted = () if settings is not None else ((BUSY.name, "off by default: a busy accelerator is no fault"),)
    return Contribution(alerts=alerts, panels=(("gpu", panel),), omitted=omitted)


def _hot(subject: Subject, found: tuple[Reading, ...]) -> Contribution:
    if not found:
        reason = "no source measures the temperature of accelerators"
        return Contribution(omitted=((HOT.name, reason), (OVERHEATING.name, reason)))
    both = (subject.settings(HOT), subject.settings(OVERHEATING))
    alerts = tuple(_rule(subject, settings, found, Story(
        "gpuTemperature", "saturation", "gpu-temperature", (*WHO, " runs on an accelerator that is too hot"),
        (*devices.where(subject, found[0]), " has ", figure(), " °C."), "The device slows down, then stops.", _HEAT_CHECKS))
        for settings in both if settings is not None)
    panel = Panel(
        "gpu-temperature", "GPU Temperature", Chart.LINES, Unit.CELSIUS,
        (Query(devices.level(subject.viewed, found), devices.legend(subject, found[0])),),
        "Temperature of each device. GPUHot and GPUOverheating fire above their lines.", Origin("gpu"), lines(*both))
    return Contribution(alerts=alerts, panels=(("gpu", panel),))


def _rule(subject: Subject, settings: Settings, found: tuple[Reading, ...], story: Story) -> AlertRule:
    return alert(subject, settings, story, Binary(">", devices.level(subject, found), Number(settings.threshold)))
