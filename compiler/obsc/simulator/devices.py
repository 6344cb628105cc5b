"""A pod's devices: how busy, hot and fast they are, what they count, what they report. Memory in bytes, energy in joules."""

from __future__ import annotations

from dataclasses import dataclass

from obsc.simulator.chance import Dice
from obsc.simulator.faults import HEALTHY, Effects

_MEMORY = 81559.0 * 2**20
_RESERVED = 551.0 * 2**20
_CLOCK, _MEMORY_CLOCK = 1980.0, 2619.0   # MHz
_WINDOW = 300.0       # seconds in which windowed counts of errors are told
_MESSAGES = {48.0: "Double Bit ECC Error", 79.0: "GPU has fallen off the bus", 13.0: "Graphics Engine Exception", 0.0: "No Error"}
NO_SENSOR = 9223372036854775794.0


@dataclass(slots=True)
class Device:
    """One device, or one part of a partitioned one: what it is called, its work now, counts since its driver was loaded."""

    facts: dict[str, str]
    dice: Dice
    work: float = 0.0
    is_used: bool = True
    state: Effects = HEALTHY
    energy: float = 0.0
    traffic: float = 0.0
    held_back: float = 0.0

    @property
    def is_first(self) -> bool:
        """Whether it is the one that faults of devices hit."""
        return self.facts["gpu"] == "0"

    @property
    def is_lost(self) -> bool:
        """Whether it has fallen off the bus."""
        return self.state.lost_device and self.is_first


def advance(device: Device, busy: float, load: float, state: Effects, step: float, *, is_used: bool) -> None:
    """One step of a device of a pod whose engines are busy for this share of the time, with this share of their slots."""
    device.state, device.is_used = state, is_used
    device.work = busy * (0.55 + 0.4 * min(1.0, load)) if is_used else 0.0
    device.energy += _power(device) * step
    device.traffic += device.work * step * 1e6
    device.held_back += step * (1 - state.clock)


def _power(device: Device) -> float:
    return 85.0 + 480.0 * device.work * (0.6 if device.state.clock < 1 else 1.0)


def figures(device: Device) -> dict[str, float]:
    """What can be read from the device now."""
    state, work, used = device.state, device.work, 0.9 * _MEMORY if device.is_used else 0.0
    hot = state.clock < 1
    temperature = 88.0 if hot else 36.0 + 34.0 * work
    told = state.xid if device.is_first else 0.0
    found = {
        "clock": _CLOCK * state.clock, "memory_clock": _MEMORY_CLOCK,
        "temperature": float(round(device.dice.around(temperature, 0.01))),
        "memory_temperature": float(round(temperature + 6)), "power": round(device.dice.around(_power(device), 0.01), 3),
        "power_limit": 700.0,
        "utilization": round(min(1.0, work * 1.05), 2), "engine_active": round(work, 6), "multiprocessor_active": round(work * 0.8, 6),
        "occupancy": round(work * 0.3, 6), "tensor_active": round(work * 0.25, 6), "memory_active": round(work * 0.6, 6),
        "copy_utilization": round(work * 0.5, 2), "memory_used": used, "memory_free": _MEMORY - _RESERVED - used,
        "memory_reserved": _RESERVED, "memory_total": _MEMORY,
        "memory_share": used / _MEMORY, "energy": float(round(device.energy)),
        "link_traffic": float(round(device.traffic)), "held_back": float(round(device.held_back)),
        "bus_out": work * 2e8, "bus_in": work * 1e8,
        "xid": told, "healthy": 0.0 if told else 1.0, "no_sensor": NO_SENSOR}
    if hot:
        found["held_back_now"] = 1.0
    if told and state.since < _WINDOW:
        found["xid_now"] = 1.0
    return found


def facts(device: Device) -> dict[str, str]:
    """Its labels, those of its last error too."""
    told = device.state.xid if device.is_first else 0.0
    return device.facts | {"xid": str(int(told)), "xid_text": _MESSAGES.get(told, "Unknown Error")}


def describe(host: str, index: int, part: int | None) -> dict[str, str]:
    """Labels of a device; `part` of it where it is partitioned."""
    serial = f"{sum(ord(letter) * 31 ** at for at, letter in enumerate(host)) % 16**8:08x}"
    found = {"gpu": str(index), "UUID": f"GPU-{serial}-0da5-6d26-a36a-{index:012x}", "device": f"nvidia{index}",
             "pci_bus_id": f"00000000:{index + 1:02X}:00.0", "modelName": "NVIDIA H100 80GB HBM3", "node": host,
             "driver": "550.54.15", "serial": f"{serial}{index}", "part": "", "part_profile": ""}
    return found if part is None else found | {"part": str(part + 7), "part_profile": "3g.40gb"}
