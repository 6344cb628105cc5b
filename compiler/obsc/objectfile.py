"""What one file of specs compiles to, as it is passed between processes and kept from run to run.

Nothing in it is of another file: it is made of the file, the platforms and the catalog alone. Its bytes are

    length of the head (4 bytes) · head: JSON · files of all units, each compressed on its own

so that a run reads only the texts that it needs, and a thousand services fit into the memory of a hundred.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any

from obsc import privacy
from obsc.diagnostics import Diagnostic, Place, Related, Severity, Sink, Suppression
from obsc.ir import Identity, Service
from obsc.part import FILE, Part, Texts, from_text
from obsc.rules import Member
from obsc.rules.fleet import Files

_LENGTH = struct.Struct(">I")
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Unit:
    """A service in an environment: its files by path, and what is asked of it when all services are known.

    `named` is where its name stands, and `sure` whether that is the author's. A unit with errors (`failed`), or of an
    environment that is not wanted, has neither files nor a part. Only one that was compiled here has its IR.
    """

    file: str
    lines: range
    named: Place
    sure: bool
    member: Member
    failed: bool = False
    findings: tuple[Diagnostic, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    part: Part | None = None
    counts: tuple[int, int] = (0, 0)  # alerts, panels
    service: Service | None = None

    @property
    def identity(self) -> Identity:
        """Whose it is."""
        return self.member.identity


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """The units of a file, what was found in it before it was known whose they are, and what its comments keep quiet."""

    file: str
    units: tuple[Unit, ...]
    findings: tuple[Diagnostic, ...]
    suppressions: tuple[Suppression, ...]

    @property
    def failed(self) -> bool:
        """Whether anything in it is an error."""
        found = (*self.findings, *(finding for unit in self.units for finding in unit.findings))
        return any(unit.failed for unit in self.units) or any(one.severity is Severity.ERROR for one in found)


class Packed(Mapping[str, bytes]):
    """Files by path, compressed."""

    __slots__ = ("_raw", "_spans")

    def __init__(self, raw: bytes, spans: Mapping[str, tuple[int, int]]) -> None:
        self._raw, self._spans = raw, spans

    def mark(self, path: str) -> str:
        """What tells a file's content from others, without reading it."""
        start, end = self._spans[path]
        return hashlib.sha256(self._raw[start:end]).hexdigest()

    def __getitem__(self, path: str) -> bytes:
        start, end = self._spans[path]
        return zlib.decompress(self._raw[start:end])

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)


class Packing(MutableMapping[str, bytes]):
    """Files by path as they come, compressed."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: dict[str, bytes] = {}

    def __getitem__(self, path: str) -> bytes:
        return zlib.decompress(self._pieces[path])

    def mark(self, path: str) -> str:
        """What tells a file's content from others, without reading it."""
        return hashlib.sha256(self._pieces[path]).hexdigest()

    def __setitem__(self, path: str, raw: bytes) -> None:
        self._pieces[path] = zlib.compress(raw, _LEVEL)

    def __delitem__(self, path: str) -> None:
        del self._pieces[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)


class Renamed(Mapping[str, bytes]):
    """Files by other names; `names` has the old one of each."""

    __slots__ = ("_files", "_names")

    def __init__(self, files: Mapping[str, bytes], names: Mapping[str, str]) -> None:
        self._files, self._names = files, names

    def __getitem__(self, name: str) -> bytes:
        return self._files[self._names[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def pack(one: ObjectFile) -> bytes:
    """The bytes of what a file compiles to, without IR."""
    blobs: list[bytes] = []
    units = []
    for unit in one.units:
        compressed = {path: zlib.compress(raw, _LEVEL) for path, raw in unit.files.items()}
        blobs += compressed.values()
        units.append({
            "lines": [unit.lines.start, unit.lines.stop], "named": unit.named, "sure": unit.sure, "failed": unit.failed,
            "identity": asdict(unit.identity), "logs": [[files.files, files.include] for files in unit.member.logs],
            "place": unit.member.place, "findings": [_plain(found) for found in unit.findings], "counts": unit.counts,
            "files": {path: len(blob) for path, blob in compressed.items()},
            "part": _part_path(unit) if unit.part is not None else None})
    head = json.dumps({"file": one.file, "units": units, "findings": [_plain(found) for found in one.findings],
                       "suppressions": one.suppressions}, separators=(",", ":")).encode()
    return b"".join((_LENGTH.pack(len(head)), head, *blobs))


def unpack(raw: bytes) -> ObjectFile:
    """The reverse of `pack`. Raises ValueError for other bytes."""
    try:
        (length,) = _LENGTH.unpack_from(raw)
        start = _LENGTH.size + length
        head = json.loads(raw[_LENGTH.size:start])
        units = []
        for data in head["units"]:
            ends = accumulate(data["files"].values(), initial=start)
            files = Packed(raw, dict(zip(data["files"], pairwise(ends), strict=True)))
            start += sum(data["files"].values())
            units.append(_unit(head["file"], data, files))
        return ObjectFile(head["file"], tuple(units), tuple(map(_diagnostic, head["findings"])),
                          tuple(Suppression(one[0], Place(*one[1]), *one[2:]) for one in head["suppressions"]))
    except (struct.error, LookupError, TypeError, AttributeError, zlib.error) as error:
        raise ValueError("no object file") from error


def _unit(file: str, data: Mapping[str, Any], files: Packed) -> Unit:
    identity = Identity(**data["identity"])
    member = Member(identity, tuple(Files(tuple(paths), include) for paths, include in data["logs"]), Place(*data["place"]))
    return Unit(file, range(*data["lines"]), Place(*data["named"]), data["sure"], member, data["failed"],
                tuple(map(_diagnostic, data["findings"])), files, _part(data["part"], files), tuple(data["counts"]))


def _part_path(unit: Unit) -> str:
    return next(path for path in unit.files if path.endswith(f"/{FILE}"))


def _part(path: str | None, files: Packed) -> Part | None:
    """The part that is among the files, whose texts stay where they are."""
    if path is None:
        return None
    found = from_text(path, files[path].decode(), privacy.MASKS, Sink())
    if found is None:
        raise ValueError("no part")
    return replace(found[0], files=_texts(files, path.removesuffix(FILE), found[1]))


def _texts(files: Packed, home: str, names: Sequence[str]) -> Texts:
    return Texts({name: files.mark(home + name) for name in names}, lambda name: files[home + name].decode())


def _plain(found: Diagnostic) -> list[object]:
    return [found.code, found.severity, found.message, found.place, found.path, found.hint, found.related, found.suppressed]


def _diagnostic(data: Sequence[Any]) -> Diagnostic:
    code, severity, message, place, path, hint, related, suppressed = data
    return Diagnostic(code, Severity(severity), message, Place(*place), path, hint,
                      tuple(Related(Place(*where), said) for where, said in related), suppressed)
