"""Some outputs, made again with other values: only as much is done as these outputs take.

A value that no stage reads on the way to an output decides nothing there: which values are read is watched once. For the
others the way is gone again as far as the output, and no further, for the services that are not the same any more; that is how
most of them are found to decide nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from obsc import assembly, conventions, pipeline
from obsc.diagnostics import Sink
from obsc.fitting import fitted
from obsc.ir import Identity
from obsc.lower import lower
from obsc.memory import Memory
from obsc.part import Part, part_of
from obsc.resolve import Resolved
from obsc.source import Path, Source
from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.service import AIService
from obsc.targets import Compile, compilers
from obsc.translate import emitted, folder

Outputs = Mapping[str, bytes]
_Watched = dict[tuple[int, str], Block]
# What is read before the watch begins: who and where a service is, the layers that it is merged from, and what it runs.
_EARLY = frozenset({
    "metadata", "profile", "environments", "components", "runtime", "workload", "defaults", "profiles", "enforced", "catalogs", "requires"})
_AT_ONCE = ("__dict__", "model_copy", "model_dump", "model_dump_json")
# What Python asks an object for any attribute of it.
_READ = "__getattribute__"


@dataclass(frozen=True, slots=True)
class _Shared:
    """How files that services share are made: of the parts of services, with the texts that `makers` make (None: all of them).

    `linked` is what is read of the platform when that is done, and `folders` are those of services with objects.
    """

    parts: Mapping[Identity, Part]
    folders: Collection[str]
    linked: _Watched
    makers: tuple[Compile, ...] | None


@dataclass(frozen=True, slots=True)
class Trial:
    """Outputs as they are, what makes them, and what was read meanwhile.

    Files of services are made by `makers`, or all at once without any; files that these share as `shared` says.
    """

    outputs: Outputs
    environment: str
    memory: Memory
    services: tuple[Resolved, ...]
    read: _Watched
    makers: tuple[Compile, ...] = ()
    shared: _Shared | None = None

    def again(self, sources: Mapping[str, Source], *, far: bool = True) -> Outputs | None:
        """The same outputs of other sources; None if these are not valid. What is not there any more is left out.

        That something comes of sources does not mean that they are valid: the checks that come last are not asked. Unless `far`,
        services are the same.
        """
        found = _services(sources, self.environment, None if self.shared is not None else self.outputs, self.memory)
        if found is None:
            return None
        if self.shared is None:
            return _own(found, self.makers, self.outputs)
        return self._linked(found, self.shared, far=far) if found else {}

    def _linked(self, found: Collection[Resolved], shared: _Shared, *, far: bool) -> Outputs | None:
        same, parts, folders = {id(one) for one in self.services}, [], set[str]()
        for one in found:
            known = shared.parts.get(one.identity) if id(one) in same or not far else None
            part, has_objects = (known, _home(one) in shared.folders) if known is not None else _part(one, shared.makers)
            if part is None:
                return None
            parts.append(part)
            folders |= {_home(one)} if has_objects else set()
        environment = next(iter(found)).environment
        if environment is self.services[0].environment and parts == list(shared.parts.values()):
            return self.outputs
        sink = Sink()
        made = assembly.shared(environment, parts, shared.folders if shared.makers is not None else folders, sink, wanted=self.outputs)
        return None if sink.failed else {path: made[path] for path in self.outputs if path in made}

    def may_decide(self, model: type[Block], path: Path) -> bool:
        """Whether another value at a path of a document (or of a part of one) can change these outputs."""
        linked = self.shared is not None and model is AIPlatform and _may_be_read(self.services[0].platform, path, self.shared.linked)
        return linked or self.may_reach_services(model, path)

    def may_reach_services(self, model: type[Block], path: Path) -> bool:
        """Whether another value at a path can change what services have to do with these outputs."""
        if path[0] in _EARLY:
            return True
        models = [part.service for one in self.services for part in one.parts] if model is AIService else [
            one.platform for one in self.services]
        return any(_may_be_read(one, path, self.read) for one in models)


def trial(sources: Mapping[str, Source], environment: str, outputs: Collection[str], memory: Memory) -> Trial | None:
    """Prepare to make outputs again, of services or of what they share; None if they are of both, or of neither."""
    every = _services(sources, environment, None, memory)
    if not every:
        return None
    services = _services(sources, environment, outputs, memory)
    return _of_services(services, environment, outputs, memory) if services else _of_all(every, environment, outputs, memory)


def _of_services(services: tuple[Resolved, ...], environment: str, outputs: Collection[str], memory: Memory) -> Trial | None:
    makers = tuple(maker for maker in compilers() if _own(services, (maker,), outputs))
    if _own(services, makers, outputs).keys() < set(outputs):
        makers = ()  # some are put together of the others
    with _watching() as read:
        found = _own(services, makers, outputs)
    return Trial(found, environment, memory, services, read, makers) if found.keys() >= set(outputs) else None


def _own(services: Collection[Resolved], makers: Collection[Compile], wanted: Collection[str]) -> Outputs:
    """Those outputs of services that are wanted."""
    found: dict[str, bytes] = {}
    for one in services:
        service = lower(one)
        if makers:
            made = [artifact for maker in makers for artifact in maker(service, one.platform) if artifact.path in wanted]
            fitted(made, one.origins, None, Sink(), found)
        else:
            found.update((path, raw) for path, raw in emitted(one, service, Sink())[0].items() if path in wanted)
    return found


def _of_all(services: tuple[Resolved, ...], environment: str, outputs: Collection[str], memory: Memory) -> Trial | None:
    where, sink = services[0].environment, Sink()
    with _watching() as read:
        made = {one.identity: _part(one, None) for one in services}
    parts = {identity: part for identity, (part, _) in made.items() if part is not None}
    folders = frozenset(_home(one) for one in services if made[one.identity][1])
    with _watching() as linked:
        found = assembly.shared(where, list(parts.values()), folders, sink, wanted=outputs)
    if sink.failed or len(parts) < len(services) or not found.keys() >= set(outputs):
        return None
    found = {path: found[path] for path in outputs}
    # Often few of the texts have a say, or only what is known of services: that is made sooner, and reads less.
    is_list = conventions.manifests(where.name, "kustomization.yaml") in outputs
    for makers in () if is_list else ((), *((one,) for one in compilers())):
        with _watching() as less:
            some = {one.identity: part for one in services if (part := _part(one, makers)[0]) is not None}
        fewer = assembly.shared(where, list(some.values()), folders, Sink(), wanted=outputs)
        if all(fewer.get(path) == raw for path, raw in found.items()):
            return Trial(found, environment, memory, services, less, shared=_Shared(some, folders, linked, makers))
    return Trial(found, environment, memory, services, read, shared=_Shared(parts, folders, linked, None))


def _part(one: Resolved, makers: tuple[Compile, ...] | None) -> tuple[Part | None, bool]:
    """A service's part with the texts that `makers` make, None if it cannot be written; and whether the service has objects."""
    service = lower(one)
    if makers is None:
        files, part = emitted(one, service, Sink())
        return part, any(path.startswith(folder(one.identity, 1)) for path in files)
    made: dict[str, bytes] = {}
    home = folder(one.identity, 0)
    artifacts = (artifact for maker in makers for artifact in maker(service, one.platform) if artifact.path.startswith(home))
    fitted(artifacts, one.origins, None, Sink(), made)
    return part_of(service, {path.rpartition("/")[2]: raw.decode() for path, raw in made.items()}), False


def _home(one: Resolved) -> str:
    return f"{one.identity.namespace}/{one.identity.name}"


def _services(sources: Mapping[str, Source], environment: str, outputs: Collection[str] | None,
              memory: Memory) -> tuple[Resolved, ...] | None:
    """The services that outputs are of, or all; None if they are not valid."""
    folders = {path.rpartition("/")[0] for path in outputs} if outputs is not None else set()
    sink = Sink()
    found = tuple(one for one in pipeline.resolved(sources, sink, environment=environment, memory=memory)
                  if outputs is None or any(f"{environment}/{folder}" in folders for folder in conventions.of_service(one.identity)))
    return None if sink.failed or any(one.failed or one.recovered for one in found) else found


@contextmanager
def _watching() -> Iterator[_Watched]:
    """While this is open, every value that is read from a block is noted, with the block, which so stays the one it is."""
    seen: _Watched = {}
    plain = Block.__getattribute__

    def watched(block: Block, name: str) -> object:
        seen[id(block), name] = block
        return plain(block, name)

    setattr(Block, _READ, watched)
    try:
        yield seen
    finally:
        delattr(Block, _READ)


def _may_be_read(model: AIService | AIPlatform, path: Path, read: _Watched) -> bool:
    """Whether the value at a path may have been read. Of a list it is not known which item a path means: any of them counts."""
    here: list[object] = [model]
    for step in path:
        below: list[object] = []
        for one in here:
            inner = _below(one, step, read)
            if inner is None:
                return True
            below += inner
        here = below
    return bool(here)


def _below(value: object, step: str | int, read: _Watched) -> list[object] | None:
    """What may stand at a step below a value that was read; None where that cannot be told, nothing where it was not read."""
    if isinstance(value, tuple) and value:
        return list(value)
    if isinstance(value, dict) and step in value:
        return [value[step]]
    if not isinstance(value, Block) or any((id(value), word) in read for word in _AT_ONCE):
        return None
    name = next((name for name, info in type(value).model_fields.items() if step in {name, info.alias}), None)
    if name is None:
        return None
    return [getattr(value, name)] if (id(value), name) in read else []
