"""Files of services → the ConfigMaps that a shared consumer mounts, projected into one folder.

There are as many as the platform is laid out for, all of them always: a pod that mounts them changes with the platform alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from obsc import conventions, k8s
from obsc.part import Part

Data = dict[str, object]


def of_parts(parts: Iterable[Part], name: str, end: str, counts: tuple[int, int]) -> Iterator[tuple[int, str, str]]:
    """Number of the shard, key and text of every file that services have under that name; keys have this end.

    `counts` are those of the shards, and of the servers that mount them.
    """
    for part in parts:
        for piece, text in part.pieces(name):
            yield conventions.shard_of_piece(part.identity, piece, *counts), conventions.shard_key(part.identity, end, piece), text


def config_maps(base: str, count: int, namespace: str, files: Iterable[tuple[int, str, str]]) -> dict[str, Data]:
    """`count` objects by file name, each with the files of its number. They may grow beyond what a client can apply."""
    data: list[dict[str, str]] = [{} for _ in range(count)]
    for number, key, text in files:
        data[number][key] = text
    names = [conventions.shard_name(base, number) for number in range(count)]
    return {conventions.manifest_file(name): k8s.config_map(name, namespace, one, annotations=k8s.SERVER_SIDE)
            for name, one in zip(names, data, strict=True)}
