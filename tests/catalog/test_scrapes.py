"""Pages of metrics against entries: real ones (`scrapes.yaml` says what is found and why), and small ones for each kind of finding."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from catalog.small import entry
from catalog.test_own import ENTRY, OWN
from obsc import cli
from obsc.catalog.profile import Presence
from obsc.catalog.scrape import Findings, check, parse_page
from obsc.catalog.versions import Range, parse
from obsc.catalog.words import there

SCRAPES = Path(__file__).parents[3] / "shared/fixtures/scrapes"
TABLE: dict[str, dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("scrapes.yaml").read_text())
PAGE = """\
# HELP own_requests_total Requests.
# TYPE own_requests_total counter
own_requests_total{model="m",status="ok"} 3
own_requests_total{model="m",status="error"} 1
# TYPE own_request_seconds histogram
own_request_seconds_bucket{model="m",le="0.1"} 1
own_request_seconds_bucket{model="m",le="0.5"} 1
own_request_seconds_bucket{model="m",le="1"} 1
own_request_seconds_bucket{model="m",le="2.5"} 1
own_request_seconds_bucket{model="m",le="5"} 1
own_request_seconds_bucket{model="m",le="10.0"} 1
own_request_seconds_bucket{model="m",le="+Inf"} 1
own_request_seconds_sum{model="m"} 1
own_request_seconds_count{model="m"} 1
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1
"""
QUIET = """\
  - {name: own_queue, type: gauge, unit: requests, help: Requests that wait.}
  - {name: own_cache_ratio, type: gauge, unit: ratio, when: {option: cache, flag: --cache, source: docs/cache.md}, help: Share.}
"""


def releases(said: dict[str, Any]) -> tuple[Range, Range]:
    versions, any_release = parse(said.get("version")), parse(None)
    assert versions is not None
    assert any_release is not None
    return versions, any_release


def judged(name: str) -> Findings:
    file, said = SCRAPES / name, TABLE[name]
    if not file.exists():
        pytest.skip(f"{name} is not here")
    return check(entry(said["runtime"]), parse_page(file.read_text()), *releases(said))


def explained(found: Iterable[str], reasons: dict[str, str], what: str) -> None:
    """Each of what was found has a reason, and each reason stands for something."""
    names = set(found)
    unexplained = {name for name in names if not any(re.fullmatch(one, name) for one in reasons)}
    idle = [one for one in reasons if not any(re.fullmatch(one, name) for name in names)]
    assert (unexplained, idle) == (set(), []), what


@pytest.mark.parametrize("name", TABLE)
def test_what_a_real_page_lacks_and_adds_is_known_with_its_reason(name: str) -> None:
    found, said = judged(name), TABLE[name]
    assert found.known == said["known"]
    explained((one.name for one in found.missing), said.get("lacks", {}), "lacks")
    explained((one.name for one in found.foreign), said.get("adds", {}), "adds")
    for what, key in (("type", "types"), ("labels", "labels"), ("buckets", "buckets")):
        explained((one.name for one in found.mismatches if one.what == what), said.get(key, {}), what)
    assert found.unexpected == ()
    assert found.failed == bool(said.get("lacks") or said.get("types"))


@pytest.mark.parametrize("name", [name for name in TABLE if entry(TABLE[name]["runtime"]).measures])
def test_what_signals_read_is_on_the_page_or_has_its_reason(name: str) -> None:
    """docs/runtimes.md shows these counts."""
    found, said = judged(name), TABLE[name]
    read = {term.metric for _, ways in entry(said["runtime"]).measures for way in ways for term in way.terms}
    missing = {one.name for one in found.missing} & read
    explained = {one for one in missing if any(re.fullmatch(reason, one) for reason in said.get("lacks", {}))}
    conditional = {one.name for one in (*found.conditional, *found.unseen, *found.unsure)} & read
    gone = {one.name for one in entry(said["runtime"]).metrics if one.name in read and there(one, *releases(said)) is Presence.NO} - missing
    seen = len(read) - len(missing) - len(conditional) - len(gone)
    counts = {"all": len(read), "seen": seen, "conditional": len(conditional) + len(gone), "explained": len(explained),
              "missing": len(missing - explained)}
    assert counts == said["read"]
    assert counts["missing"] == 0


def test_every_real_page_is_in_the_table() -> None:
    if not SCRAPES.exists():
        pytest.skip("there are no pages here")
    assert {path.name for path in SCRAPES.glob("*.prom")} == set(TABLE)


# --- small pages ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog/own-server.yaml").write_text(ENTRY + QUIET)
    (tmp_path / "platform.yaml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner(catch_exceptions=False).invoke(cli.main, ["catalog", *arguments])


def checked(page: str, version: str = "2.0.0") -> tuple[int, dict[str, Any]]:
    Path("page.prom").write_text(page)
    said = run("check", "--scrape", "page.prom", "--runtime", "own-server", "--version", version, "--platform", "platform.yaml", "--form", "json")
    assert said.stderr == ""
    return said.exit_code, json.loads(said.stdout)


def names(found: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in found]


def test_what_must_be_there_is_missing(place: Path) -> None:
    code, found = checked(PAGE)
    assert (code, names(found["missing"])) == (1, ["own_queue"])
    assert found["conditional"] == [{"name": "own_cache_ratio", "reason": "with `cache: true` (--cache)"}]
    assert found["library"] == ["process_cpu_seconds_total"]
    assert found["mismatches"] == found["foreign"] == found["unseen"] == found["unexpected"] == []
    code, found = checked(PAGE + "own_queue 0\n")
    assert (code, found["missing"], found["known"]) == (0, [], 3)


def test_what_begins_with_an_event_may_be_missing(place: Path) -> None:
    page = "\n".join(line for line in PAGE.split("\n") if "own_requests_total" not in line) + "own_queue 0\n"
    code, found = checked(page)
    assert (code, names(found["unseen"])) == (0, ["own_requests_total"])


def test_what_nobody_knows_of_the_release_may_be_missing(place: Path) -> None:
    code, found = checked("own_queue 0\n", "1.5.0")
    assert (code, names(found["unknown"])) == (0, ["own_request_seconds", "own_latency_seconds"])
    assert found["unknown"][0]["reason"] == "since 2.0.0 (not in 1.0.0)"
    code, found = checked(PAGE + "own_queue 0\n", "1.0.0")
    assert (code, names(found["missing"]), names(found["unexpected"])) == (1, ["own_latency_seconds"], ["own_request_seconds"])


@pytest.mark.parametrize(("good", "bad", "code", "told"), [
    ("# TYPE own_requests_total counter", "# TYPE own_requests_total gauge", 1, ("type", "counter", "gauge")),
    ('{model="m",status="error"}', '{model="m",status="error",tenant="a"}', 0, ("labels", "", "tenant")),
    ('seconds_sum{model="m"}', 'seconds_sum{shard="1"}', 0, ("labels", "", "shard")),
    ('own_request_seconds_bucket{model="m",le="2.5"} 1\n', "", 0, ("buckets", "0.1, 0.5, 1, 2.5, 5, 10", "0.1, 0.5, 1, 5, 10")),
])
def test_what_is_not_as_the_entry_says(place: Path, good: str, bad: str, code: int, told: tuple[str, str, str]) -> None:
    page = PAGE + "own_queue 0\n"
    assert good in page
    exit_code, said = checked(page.replace(good, bad))
    assert exit_code == code
    assert [(one["what"], one["expected"], one["found"]) for one in said["mismatches"]] == [told]


def test_a_label_that_no_sample_has_is_told(place: Path) -> None:
    _, said = checked(PAGE.replace('model="m",', "").replace('{model="m"}', "") + "own_queue 0\n")
    assert [(one["name"], one["expected"]) for one in said["mismatches"]] == [("own_requests_total", "model"), ("own_request_seconds", "model")]


def test_what_the_entry_does_not_know_is_told(place: Path) -> None:
    code, found = checked(PAGE + 'own_queue 0\n# TYPE other gauge\nother{a="b"} 1\n')
    assert (code, found["foreign"]) == (0, [{"name": "other", "type": "gauge", "labels": ["a"]}])


def test_counters_without_the_usual_ending_keep_their_names(place: Path) -> None:
    assert [one.name for one in parse_page("# TYPE a counter\na 1\n# TYPE b_total counter\nb_total 1\n")] == ["a", "b_total"]


@pytest.mark.parametrize("page", ["own_queue\n", "own_queue{ 1\n", "{}\n", "a b c d e f\n", "\x00\n", 'a{b="c} 1\n', "a 1 x\n"])
def test_what_is_no_page_is_a_wrong_use(place: Path, page: str) -> None:
    Path("page.prom").write_text(page)
    said = run("check", "--scrape", "page.prom", "--runtime", "bentoml")
    assert (said.exit_code, "no exposition text" in said.stderr) == (2, True), said.output


def test_an_empty_page_lacks_everything(place: Path) -> None:
    code, found = checked("")
    assert (code, found["known"], names(found["missing"])) == (1, 0, ["own_request_seconds", "own_queue"])


def test_without_the_library_it_is_said_what_to_install(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client.parser", None)
    Path("page.prom").write_text(PAGE)
    said = run("check", "--scrape", "page.prom", "--runtime", "bentoml")
    assert (said.exit_code, "pip install 'obsc[catalog]'" in said.stderr) == (2, True)
