"""Fixtures of the conformance tests: the real consumers, and the table of what they took and refused.

A tool that is missing skips its tests on a developer's machine; where CI=true or REQUIRE_CONFORMANCE=1 it fails them,
since a skipped proof proves nothing.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from conformance import runners, tools
from conformance.cluster import Binaries, Cluster, start_cluster
from conformance.processes import Daemon
from conformance.records import Consumers

HERE = Path(__file__).parent


CONSUMERS = pytest.StashKey[Consumers]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the table of this run."""
    config.stash[CONSUMERS] = Consumers()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.conformance)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of consumers, if any was used."""
    lines = config.stash[CONSUMERS].lines()
    if lines:
        terminalreporter.section("real consumers")
        terminalreporter.write_line("\n".join(lines))


def _found(name: str) -> Path:
    place = tools.find(name)
    if place is not None:
        return place
    why = f"{name} is missing or out of date: run python tests/conformance/tools.py {name}"
    if os.environ.get("CI") == "true" or os.environ.get("REQUIRE_CONFORMANCE") == "1":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def consumers(pytestconfig: pytest.Config) -> Consumers:
    """The table of this run."""
    return pytestconfig.stash[CONSUMERS]


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Path]:
    """The path of a tool by its name in tools.py."""
    return functools.cache(_found)


@pytest.fixture(scope="session")
def cluster(tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One API server for all tests of a run; a test keeps to namespaces of its own."""
    binaries = Binaries(tool("etcd"), tool("kube-apiserver"), tool("kubectl"), tool("prometheus-operator"), tool("openssl"),
                        tool(tools.CRDS))
    with start_cluster(binaries, tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def run_prometheus(tool: Callable[[str], Path]) -> Callable[..., AbstractContextManager[runners.Server]]:
    """runners.run_prometheus without its first argument."""
    return functools.partial(runners.run_prometheus, tool("prometheus"))


@pytest.fixture(scope="session")
def run_alertmanager(tool: Callable[[str], Path]) -> Callable[..., AbstractContextManager[runners.Server]]:
    """runners.run_alertmanager without its first argument."""
    return functools.partial(runners.run_alertmanager, tool("alertmanager"))


@pytest.fixture(scope="session")
def run_collector(tool: Callable[[str], Path]) -> Callable[..., AbstractContextManager[Daemon]]:
    """runners.run_collector without its first argument."""
    return functools.partial(runners.run_collector, tool("otelcol"))


@pytest.fixture(scope="session")
def run_filebeat(tool: Callable[[str], Path]) -> Callable[..., AbstractContextManager[runners.Filebeat]]:
    """runners.run_filebeat without its first argument."""
    return functools.partial(runners.run_filebeat, tool("filebeat"))
