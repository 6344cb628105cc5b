"""Layers → one service in one environment, with the layer and place of every value.

catalog < built-in < platform.defaults < profile < document < environments.<env> < platform.enforced:
the catalog and the built-in defaults are what the models and signals assume; the other five are trees.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from obsc.advice import listed, nearest
from obsc.catalog import BUILT_IN, Catalog, source_name
from obsc.catalog.lookup import look_up
from obsc.catalog.own import Library
from obsc.catalog.profile import Profile
from obsc.catalog.versions import Range
from obsc.components import component_tree, components
from obsc.diagnostics import Place, Related, Sink, render
from obsc.enforced import contradictions
from obsc.ir import Identity, Origin
from obsc.merge import merge, name_of, present, without_nulls
from obsc.source import Document, Node, Path, at, place_of
from obsc.spec.components import PART_KEYS
from obsc.spec.platform import AIPlatform
from obsc.spec.platform_backends import Sources
from obsc.spec.service import UNIONS, AIService
from obsc.unique import unique
from obsc.validate import Accepted, build

MAIN = "main"  # the first component of a service that has several


@dataclass(frozen=True, slots=True)
class Origins:
    """Where each value of a merged tree comes from. Values that no layer gives are built-in defaults."""

    tree: Node
    layers: Mapping[int, str] = field(repr=False)

    def layer(self, path: Path) -> str:
        """Name of the layer that gave the value at this path, or `built-in`."""
        node = at(self.tree, path)
        while node is not None and id(node) not in self.layers and isinstance(node.value, dict | tuple) and node.value:
            node = next(iter(node.value.values() if isinstance(node.value, dict) else node.value))
        return self.layers.get(id(node), "built-in") if node is not None else "built-in"

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Place of the value (or its key), or of the nearest thing around it that is written."""
        return place_of(self.tree, path, key=key)

    def origin(self, *path: str | int) -> Origin:
        """The same as the IR carries it: without line numbers."""
        return Origin(render(path), self.layer(path))


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment: its platform, resolved, and what it knows of runtimes and exporters."""

    name: str
    platform: AIPlatform
    origins: Origins
    document: Document
    recovered: frozenset[Path]
    catalog: Catalog = BUILT_IN


@dataclass(frozen=True, slots=True)
class Resolved:
    """One component of a service in one environment: the only one, or the first with the further ones in `components`.

    `recovered` are paths whose value is a stand-in for a bad one. `component` is "" where there is only one; `own_keys`
    are the keys that a further one says for itself.
    """

    identity: Identity
    service: AIService
    environment: Environment
    profile: Profile
    versions: Range
    origins: Origins
    file: str
    lines: range
    recovered: frozenset[Path]
    failed: bool
    component: str = ""
    components: tuple[Resolved, ...] = ()
    own_keys: frozenset[str] = frozenset()
    empty: Mapping[tuple[str, str], Place] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Resolved, ...]:
        """Every component, the first one first."""
        return (self, *self.components)

    @property
    def first(self) -> bool:
        """Whether this is the only or the first component, which stands for the service."""
        return self.component in {"", MAIN}

    @property
    def further(self) -> str:
        """Name of a component behind the first one, "" for that."""
        return "" if self.first else self.component

    @property
    def named(self) -> Place:
        """Where the service's name stands."""
        return self.origins.place(("metadata", "name"))

    @property
    def sure(self) -> bool:
        """Whether name and namespace are the author's."""
        return self.sound("metadata", "name") and self.sound("metadata", "namespace")

    @property
    def full_name(self) -> str:
        """Name of what a component is by default: `<service>`, of a further component `<service>-<component>`."""
        name = self.service.metadata.name
        return name if self.first else f"{name}-{self.component}"

    def written(self, path: str) -> str:
        """Where a path of this component stands in the document: in `components`, if the component says it itself."""
        key = path.partition(".")[0]
        return f"components.{self.component}.{path}" if key in self.own_keys else path

    @property
    def platform(self) -> AIPlatform:
        """The environment's platform."""
        return self.environment.platform

    @property
    def catalog(self) -> Catalog:
        """What the environment knows of runtimes and exporters."""
        return self.environment.catalog

    def emptied(self, block: str, key: str) -> Place | None:
        """Where a layer emptied a list of what must not leave with `[]`, whatever the layers after it added."""
        return self.empty.get((block, key))

    def sound(self, *path: str | int) -> bool:
        """Whether the value at this path is the author's (or a default), not a stand-in."""
        return not any(path[:len(bad)] == bad or bad[:len(path)] == path for bad in self.recovered)


def environments(platforms: Sequence[Accepted], sink: Sink, library: Library | None = None) -> tuple[Environment, ...]:
    """The environments of all platform documents, sorted by name; one name twice is an error with both places.

    Without a library they know what is built in, whatever their `catalogs`.
    """
    found: dict[str, Environment] = {}
    for accepted in platforms:
        _somewhere(accepted, sink)
        for name, tree, layers, place in _platform_trees(accepted):
            model, recovered = build(AIPlatform, tree, sink, pruned=accepted.pruned)
            if not isinstance(model, AIPlatform):
                continue
            new = _known(Environment(name, model, Origins(tree, layers), accepted.document, recovered), library)
            if name in found:
                # Nobody can say which one is meant: what is known of either is not compiled.
                other = found[name].origins.place(("metadata", "name"))
                found[name] = replace(found[name], recovered=found[name].recovered | {("metadata", "name")})
                sink.error("R201", f"environment `{name}` is defined twice", place, path="metadata.name",
                           hint="give each environment one platform", related=(Related(other, "also here"),))
            else:
                found[name] = new
    return tuple(found[name] for name in sorted(found))


def _known(environment: Environment, library: Library | None) -> Environment:
    """The environment with its catalog. All of its services rest on its exporters: nothing is compiled if one of them is not known."""
    lost = any(path[:1] == ("catalogs",) for path in environment.recovered)
    if library is None or not (environment.platform.catalogs or lost):
        return environment
    said = [(word, environment.origins.place(("catalogs", index))) for index, word in enumerate(environment.platform.catalogs)]
    catalog = library.catalog(environment.document.file, said)
    sources = environment.platform.sources
    watching = {"target", *(info.alias or name for name, info in Sources.model_fields.items() if getattr(sources, name).enabled)}
    catalog = replace(catalog, partial=catalog.partial or lost)
    unwatched = any(source_name(key) in catalog.broken for key in watching)
    return replace(environment, catalog=catalog, recovered=environment.recovered | ({("catalogs",)} if unwatched else set()))


def _somewhere(accepted: Accepted, sink: Sink) -> None:
    said = at(accepted.tree, ("environments",))
    if said is not None and isinstance(said.value, dict) and said.value and all(one.null_word for one in said.value.values()):
        sink.error("R202", "the platform has no environment left: `null` takes each away",
                   place_of(accepted.tree, ("environments",), key=True), path="environments",
                   hint="write `{}` for an environment where nothing is different")


def _platform_trees(accepted: Accepted) -> Iterator[tuple[str, Node, dict[int, str], Place]]:
    overlays = at(accepted.tree, ("environments",))
    base = _without(accepted.tree, "environments")
    name = at(base, ("metadata", "name"))
    alone = name.value if name is not None and isinstance(name.value, str) else "unnamed"
    place = place_of(accepted.tree, ("metadata", "name"))
    if overlays is None or not isinstance(overlays.value, dict) or not overlays.value:
        tree = without_nulls(base)
        if tree is not None:
            yield alone, present(tree), _layers(("platform", base)), place
        return
    for key, overlay in overlays.value.items():
        tree = merge(without_nulls(base), overlay)
        if tree is not None:
            layers = _layers(("platform", base), (f"environments.{key}", overlay))
            yield key, present(tree), layers, (overlays.keys or {}).get(key, place)


def each_once(found: Iterable[tuple[Resolved, Sink]], sink: Sink) -> tuple[tuple[Resolved, Sink], ...]:
    """Services that were placed, sorted by identity; of those that claim one identity only the first, and that has failed."""
    ordered = sorted(found, key=lambda pair: (pair[0].identity, pair[0].file, pair[0].lines.start))
    first, doubled = unique([pair[0] for pair in ordered], sink)
    kept = {id(one) for one in first}
    return tuple((replace(one, failed=True) if one.identity in doubled else one, own) for one, own in ordered if id(one) in kept)


def placed(accepted: Sequence[Accepted], found: Sequence[Environment], sink: Sink) -> tuple[tuple[Resolved, Sink], ...]:
    """Every service in every environment where it exists, each with findings of its own, whatever other services there are."""
    by_name = {environment.name: environment for environment in found}
    result: list[tuple[Resolved, Sink]] = []
    for one in accepted:
        for name in _where(one, by_name, sink):
            own = sink.fresh()
            resolved = _service(one, by_name[name], own)
            if resolved is None:
                sink.extend(own)
            else:
                result.append((resolved, own))
    return tuple(result)


def _where(one: Accepted, known: Mapping[str, Environment], sink: Sink) -> list[str]:
    node = at(one.tree, ("environments",))
    if node is None or not isinstance(node.value, dict) or not node.value:
        return sorted(known)
    for key in node.value:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1) or sorted(known)[:1]
            sink.error("R202", f"no platform defines the environment `{key}`; known are {listed(known)}",
                       place_of(one.tree, ("environments", key), key=True), path=f"environments.{key}",
                       hint=f"did you mean `{near[0]}`?" if near else "add a platform for it")
    if all(overlay.null_word for overlay in node.value.values()):
        sink.error("R202", "the service exists nowhere: `null` takes away every environment that it names",
                   place_of(one.tree, ("environments",), key=True), path="environments",
                   hint="write `{}` for an environment where nothing is different, or delete the service's file")
    return sorted(key for key, overlay in node.value.items() if key in known and not overlay.null_word)


def _service(one: Accepted, environment: Environment, sink: Sink) -> Resolved | None:
    stack = _stack(one, environment, sink)
    merged: Node | None = None
    for _, tree in stack:
        merged = merge(merged, tree)
    if merged is None:
        return None
    merged = present(merged)
    layers = _layers(*stack)
    _enforced(one, environment, sink)
    items = components(merged)
    main = _part(one, environment, Origins(_without(merged, "components"), layers), sink)
    empty = _emptied(stack, {mark[-3:-1] for mark in one.pruned})
    main = replace(main, empty=empty.get("", {})) if main is not None else None
    if main is None or not items:
        return main
    main = replace(main, component=MAIN)
    parts = (_component(one, merged, item, main, sink) for item in items)
    found = tuple(replace(part, empty={**main.empty, **empty.get(part.component, {})}) for part in parts if part is not None)
    return replace(main, components=found, failed=main.failed or len(found) < len(items) or any(p.recovered for p in found))


def _emptied(stack: Sequence[tuple[str, Node]], spoilt: Collection[Path]) -> dict[str, dict[tuple[str, str], Place]]:
    """By component ("": the first one), the lists of what must not leave that a layer says `[]` for, and where.

    `spoilt` are lists that only look empty, since bad items were taken out of them.
    """
    found: dict[str, dict[tuple[str, str], Place]] = {}
    for _, tree in stack:
        for whose, part in [("", tree), *((name_of(item), item) for item in components(tree))]:
            for block, key in UNIONS:
                node = at(part, (block, key))
                if node is not None and node.value == () and (block, key) not in spoilt:
                    found.setdefault(whose, {})[block, key] = node.place
    return found


def _part(one: Accepted, environment: Environment, origins: Origins, sink: Sink) -> Resolved | None:
    """The model of a component's own tree, which has no components in it."""
    model, recovered = build(AIService, origins.tree, sink, pruned=one.pruned, home=one.tree)
    if not isinstance(model, AIService):
        return None
    found = look_up(model, origins.place, environment.catalog, sink)
    identity = Identity(environment.name, model.metadata.namespace, model.metadata.name)
    return Resolved(identity, model, environment, found.profile, found.versions, origins, one.document.file, one.document.lines,
                    recovered | found.unknown | one.pruned, one.failed)


def _component(one: Accepted, merged: Node, item: Node, main: Resolved, sink: Sink) -> Resolved | None:
    name = name_of(item)
    if name == MAIN:
        sink.error("R211", f"the name `{MAIN}` is reserved for the first component", place_of(item, ("name",)), path="components",
                   hint="choose another name")
    own, tree = sink.fresh(), component_tree(merged, item)
    wanted = _holding(main.environment, item)
    if wanted is not None:
        _contradicted(wanted, item, ("components", name), own)
        tree = merge(tree, wanted) or tree
    part = _part(one, main.environment, Origins(tree, main.origins.layers), own)
    # What is wrong with an inherited value was said of the first component already.
    sink.extend(own)
    keys = frozenset(item.value) - {"name", "enabled"} if isinstance(item.value, dict) else frozenset()
    return replace(part, component=name, own_keys=keys) if part is not None else None


def _stack(one: Accepted, environment: Environment, sink: Sink) -> list[tuple[str, Node]]:
    platform = environment.origins.tree
    document = _without(one.tree, "environments")
    overlay = at(one.tree, ("environments", environment.name))
    layers: list[tuple[str, Node | None]] = [
        ("platform.defaults", at(platform, ("defaults",))),
        ("", None),
        ("document", document),
        (f"environments.{environment.name}", overlay),
        ("platform.enforced", at(platform, ("enforced",))),
    ]
    profile = next((node for _, tree in reversed(layers) if tree is not None
                    and (node := at(tree, ("profile",))) is not None), None)
    if profile is not None and isinstance(profile.value, str):
        layers[1] = (f"profile {profile.value}", _profile(profile, platform, sink))
    return [(name, tree) for name, tree in layers if tree is not None and isinstance(tree.value, dict)]


def _profile(wanted: Node, platform: Node, sink: Sink) -> Node | None:
    known = at(platform, ("profiles",))
    profiles = known.value if known is not None and isinstance(known.value, dict) else {}
    name = str(wanted.value)
    if name not in profiles:
        sink.error("R203", f"the platform has no profile `{name}`; it has {listed(profiles)}", wanted.place, path="profile",
                   hint=nearest(name, profiles, "add it to the platform's profiles, or leave it out"))
    return profiles.get(name)


def _enforced(one: Accepted, environment: Environment, sink: Sink) -> None:
    wanted = at(environment.origins.tree, ("enforced",))
    overlay = at(one.tree, ("environments", environment.name))
    for tree in (_without(one.tree, "environments"), overlay):
        if wanted is not None and tree is not None:
            _contradicted(wanted, tree, (), sink)


def _holding(environment: Environment, item: Node) -> Node | None:
    """What the platform enforces of a component: of every one how it is watched, of the rest what the component says."""
    wanted = at(environment.origins.tree, ("enforced",))
    if wanted is None or not isinstance(wanted.value, dict) or not isinstance(item.value, dict):
        return None
    keys = {"logs", "alerts", *item.value} & set(PART_KEYS)
    return replace(wanted, value={key: node for key, node in wanted.value.items() if key in keys})


def _contradicted(wanted: Node, said: Node, above: Path, sink: Sink) -> None:
    for found in contradictions(wanted, said):
        path = render((*above, *found.path))
        sink.error("R204", f"the platform enforces another value of `{path}`", found.said.place, path=path,
                   hint="leave it out: the platform's value holds", related=(Related(found.holds.place, "enforced here"),))


def leaves(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every scalar and every empty collection of a tree with its path."""
    if isinstance(node.value, dict) and node.value:
        for key, child in node.value.items():
            yield from leaves(child, (*path, key))
    elif isinstance(node.value, tuple) and node.value:
        for index, child in enumerate(node.value):
            yield from leaves(child, (*path, index))
    else:
        yield path, node


def _layers(*stack: tuple[str, Node]) -> dict[int, str]:
    return {id(node): name for name, tree in stack for _, node in leaves(tree)}


def _without(tree: Node, key: str) -> Node:
    assert isinstance(tree.value, dict)
    return replace(tree, value={k: v for k, v in tree.value.items() if k != key})
