"""What accelerators do with their time: power, memory, clocks; what holds them back, hangs or leaves them idle."""

from __future__ import annotations

from obsc.ir import AlertRule, Chart, Origin, Panel, Query, Unit
from obsc.promql import Binary, Expr, Number, aggregate, any_of, over, rate
from obsc.signals import devices
from obsc.signals.alert import INFO, WARNING, WHO, Contribution, Story, alert, share
from obsc.signals.offers import Offer, taken
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

THROTTLED = Default("GPUThrottled", WARNING, hold=600, enabled=False, needs=devices.NONE)
STUCK = Default("GPUStuck", WARNING, hold=300, enabled=False, needs=devices.NONE)
IDLE = Default("GPUIdleReserved", INFO, hold=0, threshold=0.02, kind="ratio", enabled=False, needs=devices.NONE)
_DAY, _TWO_HOURS = 86400.0, 7200.0
_SLOW_CLOCK, _BUSY, _ALL, _NO_POWER = 0.7, 0.8, 0.95, 0.4

_HELD_CHECKS = ("Compare clock, temperature and power with the other devices of the node.", "Is it heat, a power brake, or a cap?",
                "Move load away; have the cooling looked at.")
_STUCK_CHECKS = ("Does the engine make steps? Send one request for one token.", "Look for timeouts between devices in the pod's log.",
                 "Delete the pod; reset the device if it does not help.")
_IDLE_CHECKS = ("Does any request reach the pod?", "Fewer replicas, or scale to zero.")


def gpu_load(subject: Subject) -> Contribution:
    """GPUThrottled, GPUStuck and GPUIdleReserved, and panels of what is measured. None is on by default: none of them is
    an outage, and the first two are seen in the steps of the engine.
    """
    if subject.resolved.service.accelerators is None:
        return Contribution()
    held, busy = subject.readings("gpuHeldBack"), subject.readings("gpuUtilization")
    clock, power = subject.readings("gpuClock"), subject.readings("gpuPower")
    alerts, omitted = taken(subject, (
        Offer(THROTTLED, lambda said: _throttled(subject, said, held, clock, busy),
              "" if held or (clock and busy) else "no source tells what holds devices back, nor their clocks"),
        Offer(STUCK, lambda said: _stuck(subject, said, busy, power), "" if busy and power else "no source measures the power of devices"),
        Offer(IDLE, lambda said: _idle(subject, said, busy), "" if busy else "no source measures accelerators")))
    return Contribution(alerts=alerts, panels=tuple(("gpu", panel) for panel in _panels(subject, held, clock)), omitted=omitted)


def _highest(subject: Subject, found: tuple[Reading, ...], window: float) -> Expr:
    def one(reading: Reading) -> Expr:
        peak = aggregate("max", over("max_over_time", devices.series(subject, reading), window), *devices.by(subject, reading))
        return reading.scaled(devices.term_of(reading), peak)

    return any_of(*map(one, found))


def _holding(subject: Subject, reading: Reading) -> Expr:
    """What holds a device back: counted within a window, or a time that grows (units differ by source, so no share of it)."""
    if reading.measure.gauge is not None:
        return devices.one_level(subject, reading)
    return aggregate("sum", rate(subject.read(reading, devices.term_of(reading)), subject.span), *devices.by(subject, reading))


def _throttled(subject: Subject, settings: Settings, held: tuple[Reading, ...], clock: tuple[Reading, ...],
               busy: tuple[Reading, ...]) -> AlertRule:
    if held:
        expr: Expr = Binary(">", any_of(*(_holding(subject, one) for one in held)), Number(0))
    else:
        by = devices.by(subject, clock[0])
        slow = Binary("<", devices.level(subject, clock), Binary("*", Number(_SLOW_CLOCK), _highest(subject, clock, _DAY)), on=by)
        expr = Binary("and", slow, Binary(">", devices.level(subject, busy), Number(_BUSY)), on=by)
    return alert(subject, settings, Story(
        "gpuTemperature", "saturation", "gpu-clock" if clock else "gpu-held-back", (*WHO, " runs on an accelerator that is held back"),
        (*devices.where(subject, (held or clock)[0]), " lowers its clock while it has work."), "Tokens come slower.", _HELD_CHECKS), expr)


def _stuck(subject: Subject, settings: Settings, busy: tuple[Reading, ...], power: tuple[Reading, ...]) -> AlertRule:
    by = devices.by(subject, power[0])
    full = Binary(">", devices.level(subject, busy), Number(_ALL))
    cold = Binary("<", devices.level(subject, power), Binary("*", Number(_NO_POWER), _highest(subject, power, _DAY)), on=by)
    return alert(subject, settings, Story(
        "engine", "availability", "gpu-power", (*WHO, " has an accelerator that seems to hang"),
        (*devices.where(subject, busy[0]), " is in full use and draws hardly any power."), "Requests hang.", _STUCK_CHECKS),
        Binary("and", full, cold, on=by))


def _idle(subject: Subject, settings: Settings, busy: tuple[Reading, ...]) -> AlertRule:
    return alert(subject, settings, Story(
        "gpuUtilization", "saturation", "gpu-utilization", (*WHO, " holds an accelerator that it does not use"),
        (*devices.where(subject, busy[0]), " was used ", share(), " of the time at most, for two hours."),
        "It costs, and nobody else has it.", _IDLE_CHECKS), Binary("<", _highest(subject, busy, _TWO_HOURS), Number(settings.threshold)))


_LEVELS: tuple[tuple[str, str, str, Unit, str], ...] = (
    ("gpuPower", "gpu-power", "GPU Power", Unit.WATTS, "Power that each device draws. Full use without power is a device that hangs."),
    ("gpuMemoryUsed", "gpu-memory", "GPU Memory", Unit.BYTES,
     "Memory in use. Engines take nearly all of it when they start: full is no fault."),
)
_FACTORS = {"mebibytes": 1048576.0, "megabytes": 1e6}


def _panels(subject: Subject, held: tuple[Reading, ...], clock: tuple[Reading, ...]) -> list[Panel]:
    seen = subject.viewed
    panels = [Panel(key, title, Chart.LINES, unit, (Query(_in_unit(seen, found), devices.legend(seen, found[0])),), text, Origin("gpu"),
                    minimum=0, maximum=1 if unit is Unit.RATIO else None)
              for signal, key, title, unit, text in _LEVELS if (found := subject.readings(signal))]
    active = [Query(devices.level(seen, found), (f"{name}, ", *devices.legend(seen, found[0])))
              for signal, name in (("gpuTensorActive", "tensor"), ("gpuMemoryActive", "memory")) if (found := subject.readings(signal))]
    if active:
        panels.append(Panel("gpu-active", "GPU Tensor Cores and Memory", Chart.LINES, Unit.RATIO, tuple(active),
                            "Shares of cycles in which tensor cores worked, which prompts need, and in which memory was read or written: "
                            "generating tokens is bound by it, so high is healthy.", Origin("gpu"), minimum=0, maximum=1))
    if subject.settings(THROTTLED) is None:
        return panels
    if clock:
        by = devices.by(seen, clock[0])
        part = Binary("/", devices.level(seen, clock), Binary(">", _highest(seen, clock, _DAY), Number(0)), on=by)
        panels.append(Panel("gpu-clock", "GPU Clock of the Day's Highest", Chart.LINES, Unit.RATIO,
                            (Query(part, devices.legend(seen, clock[0])),),
                            "Clock of each device over the highest of the day before. It falls when a device is idle, hot or short of "
                            "power.", Origin("gpu"), minimum=0, maximum=1))
    elif held:
        panels.append(Panel("gpu-held-back", "GPU Held Back", Chart.LINES, Unit.COUNT,
                            (Query(any_of(*(_holding(seen, one) for one in held)), devices.legend(seen, held[0])),),
                            "What lowers the clock of a device that has work. GPUThrottled watches it.", Origin("gpu"),
                            minimum=0))
    return panels


def _in_unit(subject: Subject, found: tuple[Reading, ...]) -> Expr:
    """Levels in the unit of the panel: exporters count memory in units of their own."""
    factor = _FACTORS.get(found[0].metric(devices.term_of(found[0])).unit, 1.0)
    value = devices.level(subject, found)
    return value if factor == 1 else Binary("*", value, Number(factor))
