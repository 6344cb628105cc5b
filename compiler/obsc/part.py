"""A service's part of what its platform links: what `part.json` says, and the files beside it.

`part.json` is IR, not a target's dialect, and has no line numbers. It is read back from a repository, so it is
untrusted: what it says is checked like a spec, and a file that it names must lie in its own folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from obsc import encode
from obsc.diagnostics import Place, Sink
from obsc.ir import Identity, Mask, Origin, Route, Service, Severity, TracePolicy
from obsc.spec.types import TEN_YEARS, DnsLabel, NamespacePattern, ServiceName

FILE = "part.json"
VERSION = 1
RULES, SCRAPE, DASHBOARD, LOGS = "rules.yaml", "scrape.yaml", "dashboard.json", "filebeat.yaml"
_PIECE = re.compile(r"(rules|scrape|filebeat)\.([01]{1,16})\.yaml")


class Texts(Sequence[tuple[str, str]]):
    """Texts by name that are read when they are asked for, with a mark for each: equal marks, equal texts."""

    __slots__ = ("marks", "read")

    def __init__(self, marks: Mapping[str, str], read: Callable[[str], str]) -> None:
        self.marks, self.read = marks, read

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401  as Sequence has it
        names = list(self.marks)[index]
        return (names, self.read(names)) if isinstance(names, str) else [(name, self.read(name)) for name in names]

    def __len__(self) -> int:
        return len(self.marks)


class Piece(NamedTuple):
    """A piece of a file: its name, a mark that tells its text from others, and the text when it is asked for."""

    name: str
    mark: str
    text: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Part:
    """What linking needs of one service. `files` are texts by name, `namespaces` those of its objects by name or glob."""

    identity: Identity
    team: str
    jobs: tuple[str, ...]
    log_ids: tuple[str, ...]
    dashboard: tuple[str, str, str]
    traces: TracePolicy | None
    routes: tuple[Route, ...]
    files: Sequence[tuple[str, str]] = ()
    namespaces: tuple[str, ...] = ()

    @property
    def scattered(self) -> bool:
        """Whether its objects are elsewhere than in its own namespace alone."""
        return self.namespaces != (self.identity.namespace,)

    def text(self, name: str) -> str | None:
        """The text of a file of the service, or None."""
        return next((one.text() for one in self.unread(name)), None)

    def pieces(self, name: str) -> Iterator[tuple[str, str]]:
        """Every piece of a file with its text; a file of usual size is one piece, called ""."""
        return ((one.name, one.text()) for one in self.unread(name))

    def unread(self, name: str) -> Iterator[Piece]:
        """The same, with texts that are not read yet."""
        if isinstance(self.files, Texts):
            read = self.files.read
            found = ((file, mark, partial(read, file)) for file, mark in self.files.marks.items() if _whole(file)[0] == name)
        else:
            found = ((file, sha256(text.encode()).hexdigest(), partial(str, text)) for file, text in self.files if _whole(file)[0] == name)
        return (Piece(_whole(file)[1], mark, text) for file, mark, text in found)


def part_of(service: Service, files: dict[str, str]) -> Part:
    """The part of a compiled service; `files` are the texts of its artifacts by name."""
    board = service.dashboard
    known = tuple((name, files[name]) for kind in (RULES, SCRAPE, DASHBOARD, LOGS) for name in sorted(files) if _whole(name)[0] == kind)
    return Part(service.identity, service.team, (*(job.name for job in service.jobs), *(probe.name for probe in service.probes)),
                tuple(one.id for one in service.logs), (board.uid, board.title, board.folder), service.traces,
                service.routes, known, service.namespaces or (service.identity.namespace,))


def to_data(part: Part) -> dict[str, object]:
    """Plain data of `part.json`; texts stay in their own files."""
    traces = None
    if part.traces is not None:
        traces = {key: value for key, value in asdict(part.traces).items() if key != "origin"}
        traces["masks"] = [one["name"] for one in traces["masks"]]
    return {
        "version": VERSION,
        "identity": {"environment": part.identity.environment, "namespace": part.identity.namespace,
                     "name": part.identity.name},
        **({"namespaces": list(part.namespaces)} if part.scattered else {}),
        "team": part.team, "jobs": list(part.jobs), "logs": list(part.log_ids),
        "dashboard": dict(zip(("uid", "title", "folder"), part.dashboard, strict=True)),
        "traces": traces,
        "routes": [{"team": one.team, "severity": one.severity.value, "receivers": list(one.receivers)} for one in part.routes],
        "files": [name for name, _ in part.files],
    }


def _whole(file: str) -> tuple[str, str]:
    """What a file is a piece of, and the piece's name: `rules.yaml` and `01` of `rules.01.yaml`."""
    found = _PIECE.fullmatch(file)
    return (f"{found[1]}.yaml", found[2]) if found else (file, "")


_LONGEST_SHOWN = 80


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


_Text = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Plain = Annotated[str, StringConstraints(max_length=120, pattern=r"^[A-Za-z0-9_.-]*$")]
_File = Annotated[str, StringConstraints(pattern=r"^((rules|scrape|filebeat)(\.[01]{1,16})?\.yaml|dashboard\.json)$")]


class _Identity(_Form):
    environment: DnsLabel
    namespace: DnsLabel
    name: ServiceName


class _Dashboard(_Form):
    uid: Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
    title: _Text
    folder: _Text


class _Traces(_Form):
    services: Annotated[list[_Plain], Field(min_length=1)]
    baseline: Annotated[float, Field(ge=0, le=1)]
    keep_errors: bool
    slower_than: Annotated[float, Field(gt=0, le=TEN_YEARS)] | None
    drop: list[_Text]
    masks: list[_Plain]
    spans: list[_Text]


class _Route(_Form):
    team: _Plain
    severity: Severity
    receivers: list[_Plain]


class _Part(_Form):
    version: Literal[1]
    identity: _Identity
    namespaces: Annotated[list[NamespacePattern], Field(min_length=1)] | None = None
    team: _Plain
    jobs: list[_Text]
    logs: list[_Text]
    dashboard: _Dashboard
    traces: _Traces | None
    routes: list[_Route]
    files: list[_File]


def from_text(file: str, text: str, masks: dict[str, Mask], sink: Sink) -> tuple[Part, tuple[str, ...]] | None:
    """A part without its texts, and the names of its files; None (with an error) if it cannot be read."""
    try:
        form = _Part.model_validate_json(text)
        traces = _traces(form.traces, masks)
    except (ValidationError, KeyError) as error:
        sink.error("W910", f"the part cannot be read: {_first(error)}", Place(file),
                   hint="compile the service again, or restore the file from version control")
        return None
    board = form.dashboard
    identity = Identity(form.identity.environment, form.identity.namespace, form.identity.name)
    routes = tuple(Route(one.team, one.severity, tuple(one.receivers)) for one in form.routes)
    return Part(identity, form.team, tuple(form.jobs), tuple(form.logs), (board.uid, board.title, board.folder),
                traces, routes, (), tuple(form.namespaces or (identity.namespace,))), tuple(form.files)


def _first(error: ValidationError | KeyError) -> str:
    if isinstance(error, KeyError):
        return "an unknown mask"
    one = error.errors(include_url=False, include_input=False)[0]
    where = encode.terminal(".".join(str(step) for step in one["loc"]))[:_LONGEST_SHOWN]
    return one["msg"] + (f" at `{where}`" if where else "")


def _traces(form: _Traces | None, masks: dict[str, Mask]) -> TracePolicy | None:
    if form is None:
        return None
    return TracePolicy(tuple(form.services), form.baseline, form.keep_errors, form.slower_than, tuple(form.drop),
                       tuple(masks[name] for name in form.masks), tuple(form.spans), Origin("traces"))
