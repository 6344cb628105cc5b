"""Work on many items by several processes: results in the order of the items, whatever their number.

Each process has every n-th item and a pipe of its own, so that it ends with the one that reads from it, however that ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
_DONE, _FAILED = b"\0", b"\1"
_PAYS = 16  # so many items are worth a process


class LostError(Exception):
    """A process ended, or failed, before its work was done."""


def paying(items: int) -> int:
    """How many processes so many items are worth, of those that can run at once."""
    return max(1, min(_processors(), items // _PAYS))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(work: Callable[[T], bytes], items: Sequence[T], jobs: int) -> Iterator[bytes]:
    """The result of every item, in order. Raises LostError if a process dies; then, or if nobody reads on, the others end too.

    The first item is worked on here: what it loads, the processes have from their beginning.
    """
    if jobs < 2 or len(items) < 3:
        yield from map(work, items)
        return
    yield work(items[0])
    yield from _shared(work, items[1:], jobs)


def _shared(work: Callable[[T], bytes], items: Sequence[T], jobs: int) -> Iterator[bytes]:
    import multiprocessing  # noqa: PLC0415  not for one process

    context = multiprocessing.get_context("fork")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    gc.collect()
    gc.freeze()  # what is shared with the children is not looked through there, which would copy it
    pipes = [context.Pipe(duplex=False) for _ in range(min(jobs, len(items)))]
    processes = [context.Process(target=_serve, args=(number, pipes, work, items), daemon=True) for number in range(len(pipes))]
    try:
        for process in processes:
            process.start()
        for _, sending in pipes:
            sending.close()
        for index in range(len(items)):
            yield _received(pipes[index % len(pipes)][0])
    finally:
        for process in processes:
            if process.pid is not None:
                process.terminate()
                process.join()
        gc.unfreeze()


def _received(pipe: Connection) -> bytes:
    try:
        raw = pipe.recv_bytes()
    except EOFError:
        raise LostError("a worker process died") from None
    if raw[:1] == _FAILED:
        raise LostError(raw[1:].decode("utf-8", "replace"))
    return raw[1:]


def _serve(number: int, pipes: Sequence[tuple[Connection, Connection]], work: Callable[[T], bytes], items: Sequence[T]) -> None:
    """Work on the items of one process, in that process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks for the end tells the parent, and it tells us
    for other, (reading, sending) in enumerate(pipes):
        reading.close()
        if other != number:
            sending.close()
    mine = pipes[number][1]
    with contextlib.suppress(BrokenPipeError):
        for item in items[number::len(pipes)]:
            try:
                raw = _DONE + work(item)
            except Exception as error:  # noqa: BLE001  the parent raises it
                mine.send_bytes(_FAILED + f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
                return
            mine.send_bytes(raw)
