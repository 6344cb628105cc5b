"""The values of documents one by one: those that are written, those that could be, and documents with others in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from obsc.conventions import PLATFORM
from obsc.diagnostics import Place
from obsc.resolve import leaves
from obsc.source import Document, Node, Path, Source, at
from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import scalars
from obsc.spec.service import AIService
from obsc.tree import graft, prune

_FIXED = frozenset({"apiVersion", "kind"})
_MODELS: Mapping[str, type[Block]] = {"AIService": AIService, "AIPlatform": AIPlatform}
Key = tuple[str, int, Path, str]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value: in which document, at which path and place. `written`: somebody wrote it, or else could have."""

    file: str
    index: int
    path: Path
    place: Place
    value: object
    written: bool = True

    @property
    def key(self) -> Key:
        """What tells it from others, with its value."""
        return (*self.spot, repr(self.value))

    @property
    def spot(self) -> tuple[str, int, Path]:
        """What tells it from others, whatever its value."""
        return self.file, self.index, self.path


def written(sources: Mapping[str, Source]) -> tuple[Leaf, ...]:
    """Every scalar of every document, but for what says of which kind a document is."""
    return tuple(Leaf(source.file, document.index, path, node.place, node.value)
                 for source in sources.values() for document in source.documents
                 for path, node in leaves(document.root)
                 if str(_kind(document)) in _MODELS and path[0] not in _FIXED and not isinstance(node.value, dict | tuple))


def unwritten(sources: Mapping[str, Source], alerts: Iterable[str]) -> tuple[Leaf, ...]:
    """Keys of the documents that nobody wrote and that have a default: each with an example for its value.

    `alerts` are the names of built-in alerts whose numbers could be written.
    """
    found = []
    for source in sources.values():
        for document in source.documents:
            model = _MODELS.get(str(_kind(document)))
            for path, example in _open(model, alerts) if model is not None else ():
                if at(document.root, path) is None:
                    found.append(Leaf(source.file, document.index, path, document.root.place, example, written=False))
    return tuple(found)


def _open(model: type[Block], alerts: Iterable[str]) -> Iterator[tuple[Path, object]]:
    yield from scalars(model)
    if model is AIService:
        for name in alerts:
            rule: Path = ("alerts", "rules", name)
            yield (*rule, "for"), "7m"
            yield (*rule, "keepFiringFor"), "7m"
            yield (*rule, "severity"), "info"
            yield from (((*rule, "threshold"), one) for one in ("3s", "3%", 3))


def site_of(sources: Mapping[str, Source], leaf: Leaf) -> tuple[type[Block], Path]:
    """The model and path that describe a value, also inside a partial document (overlays, defaults, profiles)."""
    source = sources[leaf.file]
    document = next(one for one in source.documents if one.index == leaf.index)
    return _inner(_MODELS[str(_kind(document))], leaf.path)


def _inner(model: type[Block], path: Path) -> tuple[type[Block], Path]:
    if path[:1] == ("environments",):
        return _inner(model, path[2:])
    if model is AIPlatform and path[:1] in {("defaults",), ("enforced",)}:
        return AIService, path[1:]
    if model is AIPlatform and path[:1] == ("profiles",):
        return AIService, path[2:]
    return model, path


def with_value(sources: Mapping[str, Source], leaf: Leaf) -> Mapping[str, Source]:
    """The sources with another value for a leaf: the one that it has here."""
    assert isinstance(leaf.value, bool | int | float | str)
    new = Node(leaf.value, leaf.place, None, str(leaf.value))
    source = sources[leaf.file]
    documents = tuple(replace(one, root=_replaced(one.root, leaf.path, leaf.value) if leaf.written else graft(one.root, leaf.path, new))
                      if one.index == leaf.index else one for one in source.documents)
    return {**sources, leaf.file: replace(source, documents=documents)}


def _replaced(node: Node, path: Path, value: object) -> Node:
    if not path:
        assert isinstance(value, bool | int | float | str)
        return replace(node, value=value, text=str(value))
    step, rest = path[0], path[1:]
    if isinstance(node.value, dict):
        return replace(node, value={key: _replaced(child, rest, value) if key == step else child for key, child in node.value.items()})
    assert isinstance(node.value, tuple)
    return replace(node, value=tuple(_replaced(child, rest, value) if number == step else child for number, child in enumerate(node.value)))


def concerned(sources: Mapping[str, Source], output: str) -> dict[str, Source]:
    """The documents, and the environment's parts of them, that can have a say in an output: of a service's folder, its own
    and the platform's.
    """
    parts = output.split("/")
    environment, wanted = parts[0], (parts[2], parts[3]) if len(parts) > 4 and parts[2] != PLATFORM else None
    documents = [one for source in sources.values() for one in source.documents]
    here = {id(one) for one in documents if _kind(one) == "AIPlatform" and environment in _environments(one)}
    if not here and any(_kind(one) == "AIPlatform" for one in documents):
        return dict(sources)

    def has_a_say(one: Document) -> bool:
        if _kind(one) == "AIPlatform":
            return id(one) in here
        return wanted is None or _kind(one) != "AIService" or _named(one) in {wanted, ("", wanted[1])}

    return {name: replace(source, documents=tuple(_in(environment, one) for one in source.documents if has_a_say(one)))
            for name, source in sources.items()}


def _environments(platform: Document) -> tuple[str, ...]:
    node = at(platform.root, ("environments",))
    if node is not None and isinstance(node.value, dict) and node.value:
        return tuple(node.value)
    name = at(platform.root, ("metadata", "name"))
    return (str(name.value),) if name is not None else ()


def _in(environment: str, document: Document) -> Document:
    """A document without what it says of other environments."""
    node = at(document.root, ("environments",))
    others = [key for key in node.value if key != environment] if node is not None and isinstance(node.value, dict) else ()
    return replace(document, root=prune(document.root, [("environments", key) for key in others])) if others else document


def _named(document: Document) -> tuple[str, str]:
    found = (at(document.root, ("metadata", key)) for key in ("namespace", "name"))
    namespace, name = (str(one.value) if one is not None else "" for one in found)
    return namespace, name


def _kind(document: Document) -> object:
    node = at(document.root, ("kind",))
    return node.value if node is not None else None
