"""Some outputs of a service, made again with other values: only as much is done as these outputs take.

A value that no stage reads on the way to an output decides nothing there: which values are read is watched once. For the
others the way is gone again as far as the output, and no further; that is how most of them are found to decide nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from obsc import conventions, pipeline
from obsc.diagnostics import Sink
from obsc.emit import encode
from obsc.lower import lower
from obsc.resolve import Resolved
from obsc.source import Path, Source
from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.service import AIService
from obsc.targets import Compile, compilers

Outputs = Mapping[str, bytes]
WHOLE = ""
_Watched = dict[tuple[int, str], Block]
# What is read before the watch begins: who and where a service is, the layers that it is merged from, and what it runs.
_EARLY = frozenset({
    "metadata", "profile", "environments", "components", "runtime", "workload", "defaults", "profiles", "enforced", "catalogs", "requires"})
_AT_ONCE = ("__dict__", "model_copy", "model_dump", "model_dump_json")
# What Python asks an object for any attribute of it.
_READ = "__getattribute__"


@dataclass(frozen=True, slots=True)
class Trial:
    """Outputs as they are, what makes them, and what was read meanwhile."""

    outputs: Outputs
    environment: str
    makers: tuple[Compile, ...]
    services: tuple[Resolved, ...]
    read: _Watched

    def again(self, sources: Mapping[str, Source]) -> Outputs | None:
        """The same outputs of other sources; None if these are not valid. What is not there any more is left out.

        That something comes of sources does not mean that they are valid: the checks that come last are not asked.
        """
        found = _services(sources, self.environment, self.outputs)
        return None if found is None else _made(found, self.makers, self.outputs)

    def may_decide(self, model: type[Block], path: Path) -> bool:
        """Whether another value at a path of a document (or of a part of one) can change these outputs."""
        if path[0] in _EARLY:
            return True
        models = [part.service for one in self.services for part in one.parts] if model is AIService else [
            one.platform for one in self.services]
        return any(_was_read(one, path, self.read) for one in models)


def trial(sources: Mapping[str, Source], environment: str, outputs: Collection[str]) -> Trial | None:
    """Prepare to make outputs of a service again; None if they are not a service's.

    What is put together of the others (its part, lists of files) is stood for by all of them and by what they are made from: as
    long as these are the same, so is it.
    """
    services = _services(sources, environment, outputs)
    if not services:
        return None
    every = _made(services, compilers(), None)
    wanted = {path for path in outputs if path in every} if every.keys() >= set(outputs) else every.keys()
    makers = tuple(maker for maker in compilers() if not wanted.isdisjoint(_made(services, (maker,), wanted).keys() - {WHOLE}))
    with _watching() as read:
        found = _made(services, makers, wanted)
    return Trial(found, environment, makers, services, read)


def _services(sources: Mapping[str, Source], environment: str, outputs: Collection[str]) -> tuple[Resolved, ...] | None:
    folders = {path.rpartition("/")[0] for path in outputs}
    sink = Sink()
    found = tuple(one for one in pipeline.resolved(sources, sink, environment=environment)
                  if any(f"{environment}/{folder}" in folders for folder in conventions.of_service(one.identity)))
    return None if sink.failed or any(one.failed or one.recovered for one in found) else found


def _made(services: Collection[Resolved], makers: Collection[Compile], wanted: Collection[str] | None) -> Outputs:
    """The outputs that are wanted, or all of them and, by the name `WHOLE`, what they are made from."""
    found = {}
    for one in services:
        service = lower(one)
        if wanted is None or WHOLE in wanted:
            found[WHOLE] = repr(service).encode()
        for maker in makers:
            found.update({made.path: encode(made) for made in maker(service, one.platform) if wanted is None or made.path in wanted})
    return found


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


def _was_read(model: AIService | AIPlatform, path: Path, read: _Watched) -> bool:
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
