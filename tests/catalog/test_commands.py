"""`obsc catalog list`, `show` and `diff`, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from catalog.test_own import ENTRY, OWN
from catalog.test_scrapes import QUIET
from obsc import cli
from obsc.catalog import load_runtime, names

ENVIRONMENTS = OWN + "environments: {prod: {}, staging: {catalogs: []}}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog/own-server.yaml").write_text(ENTRY)
    (tmp_path / "platform.yaml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner(catch_exceptions=False).invoke(cli.main, ["catalog", *arguments])


def data(*arguments: str) -> Any:  # noqa: ANN401
    said = run(*arguments, "--form", "json")
    assert (said.exit_code, said.stderr) == (0, "")
    return json.loads(said.stdout)


def test_the_list_has_every_entry_and_whose_it_is(place: Path) -> None:
    assert [one["name"] for one in data("list")] == list(names())
    found = {one["name"]: one for one in data("list", "--platform", "platform.yaml")}
    assert found["own-server"] == {"name": "own-server", "title": "Own server", "class": "llm", "metrics": 3,
                                   "releases": ["1.0.0", "2.0.0"], "origin": "own"}
    assert {one["origin"] for name, one in found.items() if name != "own-server"} == {"built-in"}
    lines = run("list", "--platform", "platform.yaml").stdout.splitlines()
    assert lines[0].split() == ["NAME", "CLASS", "METRICS", "ORIGIN", "RELEASES"]
    assert ["own-server", "llm", "3", "own", "1.0.0,", "2.0.0"] in [line.split() for line in lines]
    assert len(lines) == len(names()) + 2


@pytest.mark.parametrize("name", names())
def test_every_entry_can_be_shown(name: str) -> None:
    entry = load_runtime(name)
    assert entry is not None
    found = data("show", name)
    assert [one["name"] for one in found["metrics"]] == [one.name for one in entry.metrics]
    text = run("show", name).stdout
    assert all(f"  {one.name}  {one.type}, {one.unit}: " in text for one in entry.metrics)


def test_a_metric_is_shown_with_all_that_is_known_of_it(place: Path) -> None:
    found = {one["name"]: one for one in data("show", "own-server", "--version", "2.0.0", "--platform", "platform.yaml")["metrics"]}
    requests, new, old = (found[f"own_{name}"] for name in ("requests_total", "request_seconds", "latency_seconds"))
    assert (requests["labels"], requests["lazy"], requests["signals"]) == ({"model": [], "status": ["ok", "error"]}, True, ["traffic", "availability"])
    assert (new["presence"], new["since"], new["buckets"]) == ("yes", {"absent": "1.0.0", "seen": "2.0.0"}, [0.1, 0.5, 1, 2.5, 5, 10])
    assert (old["presence"], old["until"]) == ("no", {"seen": "1.0.0", "absent": "2.0.0"})
    [between] = {one["presence"] for one in data("show", "own-server", "--version", "1.5", "--platform", "platform.yaml")["metrics"] if one["buckets"]}
    assert between == "unknown"
    text = run("show", "own-server", "--version", "1.5", "--platform", "platform.yaml").stdout
    assert "own_request_seconds  histogram, seconds: not known whether there" in text
    assert "when: since 2.0.0 (not in 1.0.0)" in text


def test_a_condition_is_shown_with_its_flag_and_source(place: Path) -> None:
    Path("catalog/own-server.yaml").write_text(ENTRY + QUIET)
    found = {one["name"]: one for one in data("show", "own-server", "--platform", "platform.yaml")["metrics"]}
    assert found["own_cache_ratio"]["condition"] == {"option": "cache", "value": "true", "state": "", "flag": "--cache", "source": "docs/cache.md"}
    assert found["own_queue"]["condition"] is None
    assert "when: with `cache: true` (--cache) (docs/cache.md)" in run("show", "own-server", "--platform", "platform.yaml").stdout


def test_a_renamed_metric_is_told_with_the_signal_that_reads_it() -> None:
    found = data("diff", "vllm", "0.9.2", "0.15.0")
    assert {(one["old"], one["new"], one["signal"]) for one in found["renamed"]} >= {
        ("vllm:time_per_output_token_seconds", "vllm:inter_token_latency_seconds", "interTokenLatency")}
    assert "interTokenLatency" in {one["signal"] for one in found["signals"]}
    text = run("diff", "vllm", "0.9.2", "0.15.0").stdout
    assert "~ vllm:time_per_output_token_seconds -> vllm:inter_token_latency_seconds (interTokenLatency)" in text
    assert run("diff", "vllm", "0.15.0", "0.15.0").stdout == "nothing that is known of the two is different\n"


def test_what_comes_and_goes_and_is_not_the_same(place: Path) -> None:
    new = ENTRY.replace("buckets: {time: [0.1", "buckets: {other: [0.2, 4], time: [0.1").replace("unit: seconds, of: model, buckets: time", "unit: milliseconds, labels: {shard: []}, buckets: other") \
        + '  - {name: own_gone, type: gauge, unit: requests, until: {seen: "1.0.0", absent: "2.0.0"}, help: Gone.}\n' \
        + '  - {name: own_come, type: gauge, unit: requests, since: {absent: "1.0.0", seen: "2.0.0"}, help: Come.}\n'
    Path("catalog/own-server.yaml").write_text(new)
    found = data("diff", "own-server", "1.0.0", "2.0.0", "--platform", "platform.yaml")
    assert (found["appear"], found["vanish"]) == (["own_come"], ["own_gone"])
    assert found["renamed"] == [{
        "old": "own_latency_seconds", "new": "own_request_seconds", "signal": "requestDuration", "labels_gone": ["shard"],
        "labels_new": ["model"], "buckets": ["0.2, 4", "0.1, 0.5, 1, 2.5, 5, 10"], "unit": ["milliseconds", "seconds"], "type": None}]
    assert found["signals"] == [{"signal": "requestDuration", "before": ["own_latency_seconds"], "after": ["own_request_seconds"]}]
    text = run("diff", "own-server", "1.0.0", "2.0.0", "--platform", "platform.yaml").stdout
    assert text.splitlines() == [
        "~ own_latency_seconds -> own_request_seconds (requestDuration)", "    label shard goes", "    label model comes",
        "    unit: milliseconds -> seconds", "    buckets: 0.2, 4 -> 0.1, 0.5, 1, 2.5, 5, 10", "+ own_come", "- own_gone",
        "signal requestDuration: own_latency_seconds -> own_request_seconds"]
    between = data("diff", "own-server", "1.0.0", "1.5.0", "--platform", "platform.yaml")
    assert {one["name"]: (one["before"], one["after"]) for one in between["unknown"]}["own_come"] == ("no", "unknown")


def test_environments_that_know_other_things_are_asked_about(place: Path) -> None:
    Path("platform.yaml").write_text(ENVIRONMENTS)
    said = run("list", "--platform", "platform.yaml")
    assert (said.exit_code, "--env" in said.stderr) == (2, True)
    assert run("show", "own-server", "--platform", "platform.yaml", "--env", "prod").exit_code == 0
    assert run("show", "own-server", "--platform", "platform.yaml", "--env", "staging").exit_code == 2
    assert run("list", "--platform", "platform.yaml", "--env", "elsewhere").exit_code == 2


def test_mistakes_of_entries_end_the_command(place: Path) -> None:
    Path("catalog/own-server.yaml").write_text(ENTRY.replace("unit: requests", "unit: request"))
    said = run("list", "--platform", "platform.yaml")
    assert (said.exit_code, said.stdout, "catalog/own-server.yaml:22:" in said.stderr) == (1, "", True)


@pytest.mark.parametrize(("arguments", "hint"), [
    (("show", "vlm"), "did you mean `vllm`?"), (("show", "../vllm"), "no entry"), (("show", "vllm", "--version", "new"), "no release"),
    (("diff", "vllm", "0.9", "later"), "no release"), (("check", "--scrape", "no.prom", "--runtime", "vllm"), "does not exist")])
def test_a_wrong_command_says_what_was_meant(place: Path, arguments: tuple[str, ...], hint: str) -> None:
    said = run(*arguments)
    assert (said.exit_code, hint in said.stderr) == (2, True), said.stderr
