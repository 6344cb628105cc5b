"""Artifacts → bytes that their consumers take: what is large is marked, what is too large is said where it can be changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Protocol

from obsc import conventions, k8s, sizes
from obsc.diagnostics import Place, Sink
from obsc.emit import Artifact, Recipe, encode
from obsc.encode import json_by_line as encode_page
from obsc.part import DASHBOARD
from obsc.resolve import Origins
from obsc.source import Path, at
from obsc.spec.platform import AIPlatform

Each = Callable[[Callable[[Artifact], bytes], Sequence[Artifact]], Iterable[bytes]]
_NAME: Path = ("metadata", "name")
_BOARD: tuple[Path, ...] = (("dashboards", "panels"), ("alerts", "custom"), ("components",))
_RULES: tuple[Path, ...] = (("alerts", "custom"), ("indicators",), ("components",))
_TARGETS: tuple[Path, ...] = (("metrics", "staticConfigs"), ("metrics", "endpoints"), ("components",))


class Memo(Protocol):
    """Bytes of earlier runs, by the words that they are made of."""

    def get(self, words: Sequence[str]) -> bytes | None:
        """The bytes, if they are known."""

    def put(self, words: Sequence[str], raw: bytes) -> None:
        """Keep bytes."""


def fitted(artifacts: Iterable[Artifact], origins: Origins, platform: AIPlatform | None, sink: Sink,  # noqa: PLR0913  one way to bytes
           found: MutableMapping[str, bytes], *, memo: Memo | None = None, each: Each = map) -> None:
    """The bytes of artifacts by path, put into `found`, with an error in the sink for each that is too large or whose path is taken.

    Objects that a client cannot apply say that the server has to. With a `platform` the artifacts are what services share. `each`
    makes those that no memo has, perhaps several at once.
    """
    artifacts, lengths, missing = list(artifacts), dict[int, int](), list[int]()
    for index, artifact in enumerate(artifacts):
        known = _known(artifact, memo)
        if known is None:
            missing.append(index)
        else:
            found[artifact.path], lengths[index] = known, len(known)
    for index, raw in zip(missing, each(_made, [artifacts[index] for index in missing]), strict=True):
        found[artifacts[index].path], lengths[index] = raw, len(raw)
        if memo is not None and (words := _words(artifacts[index])):
            memo.put(words, raw)
    taken = set[str]()
    for index, artifact in enumerate(artifacts):
        kind = _kind(artifact)
        if platform is None:
            _judge(artifact, kind, lengths[index], origins, sink)
        elif kind:
            _judge_shared(artifact, kind, lengths[index], (origins, platform), sink)
        if artifact.path in taken:
            sink.error("W902", f"two outputs are called `{artifact.path}`", origins.place(_NAME), hint="rename one of their sources")
        taken.add(artifact.path)


def _words(artifact: Artifact) -> tuple[str, ...]:
    """What decides an artifact's bytes; () if they are not worth remembering."""
    return (artifact.path, *artifact.data.of) if isinstance(artifact.data, Recipe) else ()


def _known(artifact: Artifact, memo: Memo | None) -> bytes | None:
    words = _words(artifact)
    return memo.get(words) if memo is not None and words else None


def _made(artifact: Artifact) -> bytes:
    artifact = replace(artifact, data=artifact.plain)
    raw = encode(artifact)
    if _kind(artifact) and sizes.needs_server(artifact.data, len(raw)):
        raw = encode(replace(artifact, data=k8s.on_server(artifact.data)))
    return raw


def _kind(artifact: Artifact) -> str:
    if isinstance(artifact.data, Recipe):
        return artifact.data.kind
    return str(artifact.data.get("kind", "")) if isinstance(artifact.data, dict) else ""


def _judge(artifact: Artifact, kind: str, size: int, origins: Origins, sink: Sink) -> None:
    """Of a service: its objects, and its files, each of which an object takes in whole (pages in fewer bytes)."""
    if not kind and artifact.path.endswith(DASHBOARD) and size > sizes.OBJECT_LIMIT and isinstance(artifact.data, dict):
        size = len(encode_page(artifact.data).encode())
    problem = sizes.problem(artifact.path, kind, size)
    if problem is None:
        return
    paths, hint = _RULES, "give it fewer alerts and indicators, or make it two services"
    if artifact.path.endswith(DASHBOARD) or "Dashboard" in kind or kind == "ConfigMap":
        paths, hint = _BOARD, "a dashboard cannot be divided: give it fewer panels, alerts or components, or make it two services"
    elif kind.endswith(("Monitor", "ScrapeConfig")) or "/scrape" in artifact.path:
        paths, hint = _TARGETS, "give it fewer targets, or make it two services"
    sink.error("W909", problem, _place(origins, paths), hint=hint)


def _judge_shared(artifact: Artifact, kind: str, size: int, whose: tuple[Origins, AIPlatform], sink: Sink) -> None:
    origins, platform = whose
    shard = conventions.shard_of(artifact.path.rpartition("/")[2])
    problem = sizes.problem(artifact.path, kind, size)
    if shard is None:
        if problem is not None:
            sink.error("W909", problem, origins.place(_NAME),
                       hint="give it fewer teams and receivers, and fewer services whose traces are sampled in their own way")
        return
    # From here on the platform is told: a few more services would fill the object.
    if problem is None and size <= sizes.OBJECT_LIMIT * 5 // 6:
        return
    count, largest, most = _filled(artifact)
    filled = f"it holds {count} files, of which `{largest}` is the largest with {-(-most // 1024)} KiB"
    place = _place(origins, (("capacity",),))
    hint = f"write `capacity: {_capacity(shard, size, platform)}`: files are then divided anew, once, and what mounts them starts anew"
    if most > sizes.OBJECT_LIMIT // 2:
        hint = (f"give the service of `{largest}` fewer panels, alerts or components, or make it two; "
                "a larger `capacity` may part others from it")
    if problem is not None:
        sink.error("W909", f"{problem}; {filled}", place, path="capacity", hint=hint)
    else:
        sink.warning("W916", f"{artifact.path} has {-(-size // 1024)} of at most {sizes.OBJECT_LIMIT // 1024} KiB; {filled}",
                     place, path="capacity", hint=hint)


def _filled(artifact: Artifact) -> tuple[int, str, int]:
    """How many files an object holds, which of them is the largest, and its bytes."""
    files = artifact.data.get("data") if isinstance(artifact.data, Mapping) else None
    held = {str(key): len(str(text).encode()) for key, text in files.items()} if isinstance(files, dict) else {}
    largest = max(sorted(held), key=lambda key: held[key], default="")
    return len(held), largest, held.get(largest, 0)


def _capacity(base: str, size: int, platform: AIPlatform) -> int:
    """A capacity with which such an object is at most half full."""
    times = 2
    while size // times > sizes.OBJECT_LIMIT // 2:
        times *= 2
    return conventions.capacity_of(base, conventions.shards(base, platform.capacity, platform.prometheus.shards) * times)


def _place(origins: Origins, paths: Iterable[Path]) -> Place:
    """The first of the paths that is written, else the name."""
    return next((origins.place(path) for path in paths if at(origins.tree, path) is not None), origins.place(_NAME))
