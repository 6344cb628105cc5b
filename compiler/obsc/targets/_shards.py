"""Files of services → the ConfigMaps that a shared consumer mounts, projected into one folder.

There are as many as the platform is laid out for, all of them always: a pod that mounts them changes with the platform alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from obsc import conventions, k8s
from obsc.emit import Recipe
from obsc.part import Part


class File(NamedTuple):
    """A file in a shard: the shard's number, its key there, what tells its text from others, and the text."""

    number: int
    key: str
    mark: str
    text: Callable[[], str]


def of_parts(parts: Iterable[Part], name: str, end: str, counts: tuple[int, int]) -> Iterator[File]:
    """Every file that services have under that name; keys have this end.

    `counts` are those of the shards, and of the servers that mount them.
    """
    for part in parts:
        for piece, mark, text in part.unread(name):
            number = conventions.shard_of_piece(part.identity, piece, *counts)
            yield File(number, conventions.shard_key(part.identity, end, piece), mark, text)


def config_maps(base: str, count: int, namespace: str, files: Iterable[File]) -> dict[str, Recipe]:
    """`count` objects by file name, each with the files of its number. They may grow beyond what a client can apply."""
    held: list[list[File]] = [[] for _ in range(count)]
    for file in files:
        held[file.number].append(file)
    names = [conventions.shard_name(base, number) for number in range(count)]
    return {conventions.manifest_file(name): _config_map(name, namespace, one) for name, one in zip(names, held, strict=True)}


def _config_map(name: str, namespace: str, files: Sequence[File]) -> Recipe:
    of = (name, namespace, *(word for file in files for word in (file.key, file.mark)))
    return Recipe("ConfigMap", of, lambda: k8s.config_map(name, namespace, {file.key: file.text() for file in files},
                                                          annotations=k8s.SERVER_SIDE))
