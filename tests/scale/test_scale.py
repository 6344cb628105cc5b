"""Fleets: no object over its limit, lists sorted and complete, and a service that comes, goes or grows moves no other.

CI compiles 100 services (and 30 of them again and again); `make scale` all of 2,000, and says how large everything becomes.
"""

from __future__ import annotations

import os
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath

import pytest

from obsc import conventions, pipeline, sizes
from obsc.diagnostics import Severity, Sink
from obsc.source import load
from samples import read
from scale import fleet

WANTED = int(os.environ.get("OBSC_SCALE", "100"))
# What is compiled several times to see what a change does.
SOME = WANTED if "OBSC_SCALE" in os.environ else 30
FLAVORS = ("config", "operator")
SHARDS = re.compile(r"prod/manifests/platform/(prometheus-rules|prometheus-scrape|filebeat-inputs|grafana-dashboards)-\d+\.yaml")
Tree = Mapping[str, bytes]


def compiled(texts: Mapping[str, str]) -> Tree:
    sink, start = Sink(), time.process_time()
    done = pipeline.compile_specs({name: load(name, text.encode(), sink) for name, text in texts.items()}, sink)
    assert [(one.code, one.message, one.place) for one in sink if one.severity is Severity.ERROR or one.code in {"W909", "W916"}] == []
    print(f"\n{len(texts) - 1} services: {len(done.tree)} files, {sum(map(len, done.tree.values())) / 1e6:.1f} MB, "
          f"{time.process_time() - start:.1f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at most")
    return done.tree


@cache
def whole(flavor: str) -> Tree:
    return compiled(fleet.texts(range(WANTED), flavor))


@cache
def some(flavor: str) -> Tree:
    return whole(flavor) if SOME == WANTED else compiled(fleet.texts(range(SOME), flavor, WANTED))


def objects(tree: Tree) -> Iterator[tuple[str, str, bytes]]:
    """Path, kind and bytes of every object."""
    for path, raw in tree.items():
        found = re.search(rb"^kind: (\w+)$", raw[:200], re.MULTILINE)
        if "/manifests/" in path and found and found[1] != b"Kustomization":
            yield path, found[1].decode(), raw


@pytest.mark.parametrize("flavor", FLAVORS)
def test_no_object_is_over_its_limit(flavor: str) -> None:
    largest: dict[str, tuple[int, str]] = {}
    for path, kind, raw in objects(whole(flavor)):
        largest[kind] = max(largest.get(kind, (0, "")), (len(raw), path))
        assert len(raw) <= (480 << 10 if kind == "PrometheusRule" else 900 << 10), path
        if len(raw) > 100 << 10 and b"ServerSideApply=true" not in raw[:2000]:
            assert sizes.copy_size(read(raw)) <= 250 << 10, path
    assert len(largest) >= 5
    for kind, (size, path) in sorted(largest.items()):
        print(f"{kind:24} {size / 1024:8.1f} KiB  {path}")


@pytest.mark.parametrize("flavor", FLAVORS)
def test_every_list_is_sorted_and_complete(flavor: str) -> None:
    tree = whole(flavor)
    lists = [path for path in tree if path.endswith("/kustomization.yaml")]
    listed = set()
    for path in lists:
        resources = read(tree[path])["resources"]
        assert resources == sorted(set(resources)), path
        listed |= {str(PurePosixPath(path).parent / one) for one in resources}
    folders = {str(PurePosixPath(path).parent) for path in lists} - {"prod/manifests"}
    files = {path for path in tree if "/manifests/" in path and not path.endswith(("/kustomization.yaml", "/.obsc.json"))}
    assert listed == folders | files


@pytest.mark.parametrize("flavor", FLAVORS)
def test_no_two_objects_share_a_name_and_no_two_rules_a_group(flavor: str) -> None:
    seen: dict[object, str] = {}
    for path, kind, raw in objects(whole(flavor)):
        name, namespace = (re.search(rb"^  " + key + rb": (\S+)$", raw[:400], re.MULTILINE) for key in (b"name", b"namespace"))
        assert name is not None
        key = (kind, namespace and namespace[1], name[1])
        assert seen.setdefault(key, path) == path
    groups = [name for path, raw in whole(flavor).items() if "/artifacts/" in path and "/rules." in path
              for name in re.findall(rb"^  - name: (\S+)$", raw, re.MULTILINE)]
    assert len(groups) >= 2 * WANTED
    assert len(groups) == len(set(groups))


@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_short_spec_takes_little_room(flavor: str) -> None:
    """300 KB for each service and environment, its share of what is shared included."""
    tree = whole(flavor)
    shared: dict[str, int] = {}
    whose: Counter[tuple[str, ...]] = Counter()
    for path, raw in tree.items():
        whose[tuple(path.split("/")[2:4])] += len(raw)
        if SHARDS.fullmatch(path):
            shared |= {key: len(text.encode()) for key, text in read(raw)["data"].items()}
    found = {}
    for number in range(WANTED):
        if set(fleet.service(number)) <= {"kind", "metadata", "runtime", "models", "accelerators"}:
            namespace, name = fleet.name(number)
            board = read(tree[f"prod/artifacts/{namespace}/{name}/part.json"])["dashboard"]["uid"]
            keys = [f"{namespace}.{name}.yaml", f"{namespace}.{name}.yml", f"{board}.json"]
            found[number] = whose[namespace, name] + sum(shared.get(key, 0) for key in keys)
    assert len(found) > WANTED // 2
    print(f"{flavor}: {sum(found.values()) / len(found) / 1000:.0f} KB on average, {max(found.values()) / 1000:.0f} KB at most")
    assert max(found.values()) <= 300_000


@pytest.mark.parametrize("flavor", FLAVORS)
def test_who_comes_and_goes_moves_no_other(flavor: str) -> None:
    gone = random.Random(fleet.SEED).sample(range(SOME), 3)
    before = compiled(fleet.texts((number for number in range(SOME) if number not in gone), flavor, WANTED))
    after = some(flavor)
    may = [_own(number) for number in gone]
    _only(before, after, may, _shards_of(gone))
    assert len(after) - len(before) == sum(any(mine in path for mine in may) for path in after)


@pytest.mark.parametrize("flavor", FLAVORS)
def test_who_grows_moves_no_other(flavor: str) -> None:
    grown = random.Random(fleet.SEED + 1).sample([number for number in range(SOME) if "components" not in fleet.service(number)], 2)
    texts = fleet.texts(range(SOME), flavor, WANTED)
    for number, count in zip(grown, (30, 330), strict=True):
        data = fleet.service(number)
        texts[f"services/{number:04}.yaml"] = fleet.written({**data, **fleet.with_alerts(data["metadata"]["name"], count)})
    before, after = some(flavor), compiled(texts)
    _only(before, after, [_own(number) for number in grown], _shards_of(grown))
    assert len([path for path in after if "/rules." in path and _own(grown[1]) in path]) > 1


def _own(number: int) -> str:
    namespace, name = fleet.name(number)
    return f"/{namespace}/{name}/"


def _shards_of(numbers: list[int]) -> set[str]:
    """Keys of these services in what is shared, by how they begin."""
    return {"{}.{}.".format(*fleet.name(number)) for number in numbers}


def _only(before: Tree, after: Tree, may: list[str], keys: set[str]) -> None:
    """What differs is the services' own, the list of services, and in shards their own keys."""
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    others = [path for path in changed if not any(mine in path for mine in may)]
    print(f"{len(changed)} files change; not in the services' own folders: {', '.join(others) or 'none'}")
    listing = {"prod/manifests/kustomization.yaml", "prod/artifacts/platform/.obsc.json"}
    shared = [path for path in others if SHARDS.fullmatch(path)]
    # Traces that are sampled in a service's own way are told by name.
    collector = {path for path in others if "/platform/collector" in path}
    assert set(others) <= {*listing, *shared, *collector}
    for path in shared:
        old, new = (read(tree[path])["data"] for tree in (before, after))
        moved = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        assert moved
        boards = {key for key in moved if key.endswith(".json")}
        assert all(key.startswith(tuple(keys)) for key in moved - boards), path
        assert all(any(key.startswith(mine.split("/")[2][:23]) for mine in may) for key in boards), path


def test_a_platform_is_divided_by_what_it_is_laid_out_for() -> None:
    counts = {capacity: conventions.shards("prometheus-rules", capacity) for capacity in (1, 32, 33, 100, 2000)}
    assert counts == {1: 4, 32: 16, 33: 16, 100: 64, 2000: 1024}
    # Each server has as many as another: number k of n mounts those that leave k.
    assert conventions.shards("prometheus-rules", 100, 3) == 48
