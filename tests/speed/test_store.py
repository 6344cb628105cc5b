"""What is kept of earlier runs: whole or not at all, no more than so much, and nobody else's."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from obsc.store import Store, home, key

NAME = key("one")


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("??/*") if path.is_file())


def test_what_is_put_is_there_and_in_nobody_elses_reach(tmp_path: Path) -> None:
    Store(str(tmp_path / "cache")).put(NAME, b"content")
    assert Store(str(tmp_path / "cache")).get(NAME) == b"content"
    assert Store(str(tmp_path / "cache")).get(key("other")) is None
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    assert (tmp_path / "cache/CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_the_parts_of_a_key_are_told_apart() -> None:
    assert len({key("ab", "c"), key("a", "bc"), key("abc"), key("ab", b"c", ""), key("c", "ab")}) == 5


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(path.read_bytes()[:-1]),
    lambda path: path.write_bytes(path.read_bytes() + b"!"),
    lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    lambda path: path.write_bytes(b""),
    lambda path: (path.rename(path.with_name("moved")), path.symlink_to("moved")),
    lambda path: (path.unlink(), path.mkdir()),
    lambda path: (path.unlink(), os.mkfifo(path)),
])
def test_what_is_no_whole_entry_is_not_there(tmp_path: Path, spoil: object) -> None:
    store = Store(str(tmp_path))
    store.put(NAME, b"content")
    assert callable(spoil)
    spoil(entries(tmp_path)[0])
    assert store.get(NAME) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_another_users_entry_is_not_there(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.put(NAME, b"content")
    os.chown(entries(tmp_path)[0], 12345, 12345)
    assert store.get(NAME) is None


def test_where_nothing_can_be_written_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(str(tmp_path / "file/cache"))
    store.put(NAME, b"content")
    store.trim()
    assert store.get(NAME) is None


def test_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for number in range(10):
        store.put(key(str(number)), bytes(1000))
        path = tmp_path / key(str(number))[:2] / key(str(number))[2:]
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    assert store.get(key("0")) is not None  # used just now
    store.trim(5 * 1100)
    assert [number for number in range(10) if store.get(key(str(number))) is not None] == [0, 6, 7, 8, 9]


def _write(folder: str, which: int) -> None:
    store = Store(folder)
    for number in range(200):
        store.put(key(str(number % 20)), str(number % 20).encode() * 5000)
        found = store.get(key(str((number + which) % 20)))
        assert found in {None, str((number + which) % 20).encode() * 5000}
        if number % 50 == 49:
            store.trim(30_000)


def test_several_writers_leave_whole_entries(tmp_path: Path) -> None:
    processes = [multiprocessing.get_context("spawn").Process(target=_write, args=(str(tmp_path), which)) for which in range(3)]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    assert [one.exitcode for one in processes] == [0, 0, 0]
    assert all(Store(str(tmp_path)).get(key(str(number))) in {None, str(number).encode() * 5000} for number in range(20))
    assert [path for path in entries(tmp_path) if path.name.endswith(".new")] == []


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OBSC_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert home() == str(tmp_path / "obsc")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == str(tmp_path / ".cache/obsc")
    monkeypatch.setenv("OBSC_CACHE", str(tmp_path / "said"))
    assert home() == str(tmp_path / "said")
    assert home(str(tmp_path / "option")) == str(tmp_path / "option")
    monkeypatch.setenv("OBSC_CACHE", "")
    assert home() is None
