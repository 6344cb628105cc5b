"""Entries that a platform brings along: they count wherever built-in ones do, and a mistake in one is told like one in a spec."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from obsc import cli, explain_report, inputs, pipeline
from obsc.diagnostics import Diagnostic, Severity, Sink
from obsc.source import load
from samples import PLATFORM, SPEC, told

ENTRY = """\
name: own-server
title: Own server
class: llm
startup: 5m
scrape: {port: 9000, path: /stats}
modelLabel: model
readings: ["1.0.0", "2.0.0"]
needs: [{option: stats, flag: --stats}]
entities: {model: [model]}
buckets: {time: [0.1, 0.5, 1, 2.5, 5, 10]}
signals:
  traffic:
    - {source: the server, counters: [{metric: own_requests_total}]}
  availability:
    - source: the server
      errors: [{metric: own_requests_total, match: ['status="error"']}]
      total: [{metric: own_requests_total}]
  requestDuration:
    - {source: the server, histogram: {metric: own_request_seconds}}
    - {source: the server, histogram: {metric: own_latency_seconds}}
metrics:
  - {name: own_requests_total, type: counter, unit: requests, of: model, labels: {status: [ok, error]}, lazy: true, help: Requests.}
  - name: own_request_seconds
    type: histogram
    unit: seconds
    of: model
    buckets: time
    since: {absent: "1.0.0", seen: "2.0.0"}
    help: Time to answer.
  - {name: own_latency_seconds, type: histogram, unit: seconds, of: model, buckets: time, until: {seen: "1.0.0", absent: "2.0.0"}, help: Time.}
"""
OWN = PLATFORM.replace("metadata: {name: default}", "metadata: {name: default}\ncatalogs: [catalog]")
SERVICE = SPEC.replace('vllm, version: "0.15"', 'own-server, version: "2.0", options: {stats: true}')
OTHER = SPEC.replace("name: chat", "name: other")
TREE = {"specs/platform.yaml": OWN, "specs/chat.yaml": SERVICE, "specs/other.yaml": OTHER, "specs/catalog/own-server.yaml": ENTRY}


def compiled(texts: Mapping[str, str], out: Path | None = None) -> tuple[pipeline.Compiled, list[Diagnostic]]:
    sink = Sink()
    sources = {name: load(name, text.encode(), sink) for name, text in texts.items()}
    return pipeline.compile_specs(sources, sink, out=out), list(sink)


def shown(done: pipeline.Compiled) -> str:
    """The service's rules and dashboard, without escapes."""
    return "".join(done.tree[f"default/artifacts/ai/chat/{name}"].decode() for name in ("rules.yaml", "dashboard.json")).replace("\\", "")


def errors(found: list[Diagnostic]) -> list[tuple[str, str, int]]:
    return [(one.code, one.place.file, one.place.line) for one in found if one.severity is Severity.ERROR]


def obsc(*arguments: str) -> Result:
    return CliRunner(catch_exceptions=False, env={"NO_COLOR": "1"}).invoke(cli.main, list(arguments))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the specs and the entry."""
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- they count wherever built-in ones do ------------------------------------------------------------------------------------


def test_a_runtime_of_ones_own_is_compiled_from_its_facts() -> None:
    done, found = compiled(TREE)
    assert errors(found) == []
    rules, scrape = shown(done), done.tree["default/artifacts/ai/chat/scrape.yaml"].decode()
    assert "own_request_seconds_bucket" in rules
    assert "own_latency_seconds" not in rules
    assert 'own_requests_total{job="chat",namespace="ai",status="error"}' in rules
    assert "metrics_path: /stats" in scrape
    assert "$1:9000" in scrape
    assert "own_" not in done.tree["default/artifacts/ai/other/rules.yaml"].decode()


@pytest.mark.parametrize(("version", "names"), [
    ("1.0.0", {"own_latency_seconds"}), ("2.0", {"own_request_seconds"}), ("1.5", {"own_latency_seconds", "own_request_seconds"}),
    (None, {"own_latency_seconds", "own_request_seconds"}),
])
def test_the_two_readings_decide_which_name_is_read(version: str | None, names: set[str]) -> None:
    said = f', version: "{version}"' if version else ""
    done, _ = compiled(TREE | {"specs/chat.yaml": SERVICE.replace(', version: "2.0"', said)})
    rules = shown(done)
    assert {name for name in ("own_latency_seconds", "own_request_seconds") if f"{name}_bucket" in rules} == names


def test_options_and_names_are_judged_by_it() -> None:
    bare = SERVICE.replace(", options: {stats: true}", "")
    _, found = compiled(TREE | {"specs/chat.yaml": bare})
    assert told(found, Severity.WARNING) == [("S340", 4)]
    assert "--stats" in next(one.message for one in found if one.code == "S340")
    _, found = compiled(TREE | {"specs/chat.yaml": SERVICE.replace("own-server", "own-servr")})
    assert [(one.code, one.hint) for one in found if one.severity is Severity.ERROR] == [("R205", "did you mean `own-server`?")]


def test_a_further_page_may_be_of_it() -> None:
    spec = SPEC + "metrics: {endpoints: [{name: default}, {name: side, port: 9000, runtime: own-server}]}\n"
    spec += "alerts: {custom: [{name: TooMany, expr: 'sum(own_requests_total) > 1', summary: Many.}]}\n"
    done, found = compiled(TREE | {"specs/chat.yaml": spec})
    assert errors(found) == []
    assert [one.code for one in found if one.code == "S351"] == []
    assert 'own_requests_total{job="chat-side",namespace="ai"}' in shown(done)


def test_it_comes_before_a_built_in_one_of_its_name() -> None:
    texts = {"platform.yaml": OWN, "chat.yaml": SPEC, "catalog/vllm.yaml": ENTRY.replace("own-server", "vllm").replace('"1.0.0", "2.0.0"', '"0.1.0", "0.2.0"').replace('"1.0.0"', '"0.1.0"').replace('"2.0.0"', '"0.2.0"')}
    done, found = compiled(texts)
    assert errors(found) == []
    assert [(one.place.file, one.place.line, one.severity) for one in found if one.code == "R282"] == [("catalog/vllm.yaml", 1, Severity.INFO)]
    assert "own_requests_total" in shown(done)
    assert "vllm:" not in shown(done)


def test_an_exporter_of_ones_own_is_scraped_and_read() -> None:
    entry = (Path(pipeline.__file__).parent / "catalog/kube-state-metrics.yaml").read_text()
    own = entry.replace('job="kube-state-metrics"', 'job="ksm-of-ours"')
    assert own != entry
    done, found = compiled({"platform.yaml": OWN, "chat.yaml": SPEC, "catalog/kube-state-metrics.yaml": own})
    assert errors(found) == []
    assert b"ksm-of-ours" in done.tree["default/manifests/platform/prometheus-config.yaml"] or any(
        b"ksm-of-ours" in raw for path, raw in done.tree.items() if "/platform/" in path)
    assert 'job="ksm-of-ours"' in shown(done)


def test_the_first_folder_has_the_first_say() -> None:
    texts = {name: text for name, text in TREE.items() if "catalog/" not in name}
    texts |= {"specs/platform.yaml": OWN.replace("[catalog]", "[first, second]"),
              "specs/first/own-server.yaml": ENTRY.replace("9000", "9001"), "specs/second/own-server.yaml": ENTRY}
    done, found = compiled(texts)
    assert errors(found) == []
    assert "$1:9001" in done.tree["default/artifacts/ai/chat/scrape.yaml"].decode()
    assert [one.place.file for one in found if one.code == "R282"] == ["specs/second/own-server.yaml"]


def test_environments_have_entries_of_their_own() -> None:
    platform = PLATFORM + "catalogs: [old]\nenvironments: {prod: {}, staging: {catalogs: [new]}}\n"
    texts = {"p.yaml": platform, "chat.yaml": SERVICE, "old/own-server.yaml": ENTRY, "new/own-server.yaml": ENTRY.replace("9000", "9001")}
    done, found = compiled(texts)
    assert errors(found) == []
    for environment, port in (("prod", "$1:9000"), ("staging", "$1:9001")):
        assert port in done.tree[f"{environment}/artifacts/ai/chat/scrape.yaml"].decode()


def test_a_plan_reads_the_entries_of_the_revision(place: Path) -> None:
    for command in (("init", "-q"), ("add", "-A"), ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x")):
        subprocess.run(["git", *command], check=True, cwd=place)
    (place / "specs/catalog/own-server.yaml").write_text(ENTRY.replace("9000", "9001"))
    for paths in ((), ("specs/chat.yaml", "specs/platform.yaml")):
        said = obsc("plan", "HEAD", *paths)
        assert (said.exit_code, "port 9000 -> port 9001" in said.stdout) == (0, True), said.output


def test_linking_needs_the_platform_and_its_entries(place: Path) -> None:
    assert obsc("compile", "specs").exit_code == 0
    before = {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()}
    said = obsc("link", "out/default/artifacts", "--platform", "specs/platform.yaml")
    assert said.exit_code == 0, said.output
    assert {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()} == before


def test_an_output_is_explained_beside_an_entry() -> None:
    sources = {name: load(name, text.encode(), Sink()) for name, text in TREE.items()}
    done, _ = compiled(TREE)
    line = done.tree["default/artifacts/ai/chat/scrape.yaml"].decode().split("\n").index("    metrics_path: /stats") + 1
    said = explain_report.output(sources, Path("out/default/artifacts/ai/chat/scrape.yaml"), Path("out"), line)
    assert said is not None
    assert "/stats" in said


# --- which files they are ----------------------------------------------------------------------------------------------------


def test_they_are_read_beside_a_platform_that_is_given_alone(place: Path) -> None:
    said = obsc("validate", "specs/chat.yaml", "specs/platform.yaml")
    assert (said.exit_code, said.stderr) == (0, "")


def test_they_are_no_specs_and_neither_are_outputs(place: Path) -> None:
    assert obsc("compile", ".", "--out", "out").exit_code == 0
    for command in (("compile", ".", "--out", "out", "--check"), ("validate", "."), ("compile", ".", "-o", "other")):
        said = obsc(*command)
        assert (said.exit_code, said.stderr) == (0, ""), command
    said = obsc("compile", ".", "--out", "out", "--check")
    assert said.exit_code == 0, said.output
    assert "other" not in {one.parts[0] for one in inputs.find_specs([Path()], Sink())}


def test_a_folder_that_only_looks_like_outputs_is_one_of_specs(place: Path) -> None:
    shutil.copytree(place / "specs", place / "repo/artifacts/ai")
    assert len(inputs.find_specs([Path("repo")], Sink())) == 4


def test_an_entry_that_no_platform_asks_for_is_told(place: Path) -> None:
    (place / "specs/platform.yaml").write_text(PLATFORM)
    said = obsc("validate", "specs/other.yaml", "specs/platform.yaml", "specs/catalog")
    assert (said.exit_code, said.stderr.count("warning[R283]")) == (0, 1)


@pytest.mark.parametrize("folder", ["/etc", "..", "../..", ".", "", "catalog/../..", "~", "$HOME", "a b", ".git", "catalog/../catalog", "x" * 300])
def test_a_folder_is_named_below_the_platform(place: Path, folder: str) -> None:
    (place / "specs/platform.yaml").write_text(OWN.replace("[catalog]", json.dumps([folder])))
    said = obsc("validate", "specs")
    assert said.exit_code == 1
    assert any(f"error[{code}]" in said.stderr for code in ("V104", "V107", "R281"))
    assert "platform.yaml:4:" in said.stderr
    assert "R205" not in said.stderr


@pytest.mark.parametrize(("given", "folder"), [("specs", "../outside"), ("specs", "../../outside"), ("specs/platform.yaml", "../outside")])
def test_nothing_outside_of_what_was_given_is_opened(place: Path, given: str, folder: str) -> None:
    (place / "outside").mkdir()
    (place / "outside/own-server.yaml").write_text(ENTRY)
    (place / "specs/platform.yaml").write_text(OWN.replace("[catalog]", f"[{folder}]"))
    said = obsc("validate", given)
    assert (said.exit_code, "error[R281]" in said.stderr, "platform.yaml:4:12" in said.stderr) == (1, True, True)


def test_what_was_given_may_hold_both(place: Path) -> None:
    shutil.move(place / "specs/catalog", place / "entries")
    (place / "specs/platform.yaml").write_text(OWN.replace("[catalog]", "[../entries]"))
    assert obsc("validate", ".").exit_code == 0
    assert obsc("validate", "specs", "entries").exit_code == 0


@pytest.mark.parametrize("whole", [True, False])
def test_links_that_lead_out_are_refused(place: Path, *, whole: bool) -> None:
    shutil.move(place / "specs/catalog", place / "outside")
    if whole:
        (place / "specs/catalog").symlink_to(place / "outside")
    else:
        (place / "specs/catalog").mkdir()
        (place / "specs/catalog/own-server.yaml").symlink_to(place / "outside/own-server.yaml")
    for given in (("specs",), ("specs/platform.yaml", "specs/chat.yaml")):
        said = obsc("validate", *given)
        assert said.exit_code == 1
        assert "error[L018]" in said.stderr or "error[R281]" in said.stderr
        assert "own_requests" not in said.stderr


def test_a_folder_without_entries_is_an_error(place: Path) -> None:
    (place / "specs/platform.yaml").write_text(OWN.replace("[catalog]", "[catalog, none, empty]"))
    (place / "specs/empty").mkdir()
    (place / "specs/empty/README.md").write_text("nothing here")
    said = obsc("validate", "specs")
    assert (said.exit_code, said.stderr.count("error[R281]")) == (1, 2)


def test_they_are_in_the_files_of_a_run_by_content(place: Path) -> None:
    """A cache by the texts of what was read has them."""
    before = inputs.gather([Path("specs/platform.yaml")], Sink())
    assert "specs/catalog/own-server.yaml" in before
    (place / "specs/catalog/own-server.yaml").write_text(ENTRY.replace("9000", "9001"))
    assert inputs.gather([Path("specs/platform.yaml")], Sink())["specs/catalog/own-server.yaml"].lines != before["specs/catalog/own-server.yaml"].lines


# --- mistakes ----------------------------------------------------------------------------------------------------------------

MISTAKES = {
    "title: Own server": ("tittle: Own server", [("V101", 2), ("V103", 1)]),
    "class: llm": ("class: lmm", [("V104", 3)]),
    "startup: 5m": ("startup: 5", [("V104", 4)]),
    "port: 9000": ("port: 900000", [("V104", 5)]),
    "path: /stats": ("path: stats", [("V104", 5)]),
    "modelLabel: model": ("modelLabel: __name__", [("V104", 6)]),
    '["1.0.0", "2.0.0"]': ('["2.0.0", "1.0.0"]', [("R280", 7)]),
    "startup: 5m\nscrape": ("startup:\nscrape", [("V107", 4)]),
    "entities: {model: [model]}": ("entities: {modell: [model]}", [("R280", 22), ("R280", 23 + 3), ("R280", 30)]),
    "0.5, 1, 2.5": ("1, 0.5, 2.5", [("R280", 27), ("R280", 30)]),
    "  traffic:": ("  trafic:", [("R280", 12)]),
    "{metric: own_requests_total}]}": ("{metric: own_request_total}]}", [("R280", 13)]),
    "'status=\"error\"'": ("'status=\"failed\"'", [("R280", 16)]),
    "match: ['status": ("match: ['state", [("R280", 16)]),
    "['status=\"error\"']": ("['status=~\"(?=e).*\"']", [("S324", 16)]),
    "total: [{metric": ("totals: [{metric", [("V101", 17)]),
    "histogram: {metric: own_request_seconds}": ("gauge: {metric: own_request_seconds}", [("R280", 19)]),
    "name: own_requests_total, type: counter": ("name: 'own requests', type: counter", [("V104", 22)]),
    "type: counter": ("type: meter", [("V104", 22)]),
    "unit: requests": ("unit: request", [("V104", 22)]),
    "lazy: true": ("lazy: yes", [("V104", 22)]),
    "labels: {status": ("labels: {__status", [("V105", 22)]),
    "buckets: time": ("buckets: times", [("R280", 27)]),
    'seen: "2.0.0"': ('seen: "3.0.0"', [("R280", 28)]),
    "name: own-server": ("name: other-server", [("R280", 1)]),
    "help: Requests.": ("help: ''", [("V104", 22)]),
    "title: Own": ("title: ghp_0123456789abcdefghijABCDEFGHIJ0123 ", [("P401", 2)]),
    "readings:": ("readings: [\nreadings:", [("L010", 9)]),
    "class:": ("title: Again\nclass:", [("L007", 3)]),
}


@pytest.mark.parametrize("good", MISTAKES)
def test_a_mistake_is_told_at_its_line_and_holds_back_whom_it_concerns(good: str, tmp_path: Path) -> None:
    bad, expected = MISTAKES[good]
    assert good in ENTRY
    file = "specs/catalog/own-server.yaml"
    done, found = compiled(TREE | {file: ENTRY.replace(good, bad, 1)})
    assert [one for one in errors(found) if one[1] != file] == []
    assert sorted((code, line) for code, _, line in errors(found)) == sorted(expected)
    assert all(one.hint or "expected" in one.message for one in found if one.severity is Severity.ERROR)
    assert [one.identity.name for one in done.services] == ["other"]


def test_all_mistakes_come_in_one_run() -> None:
    text = ENTRY.replace("class: llm", "class: lmm").replace("total: [{metric", "totals: [{metric").replace("buckets: time", "buckets: times") \
        .replace("unit: requests", "unit: request").replace("  traffic:", "  trafic:")
    _, found = compiled(TREE | {"specs/catalog/own-server.yaml": text})
    assert [(code, line) for code, _, line in errors(found)] == [
        ("V104", 3), ("R280", 12), ("V101", 17), ("V104", 22), ("R280", 27), ("R280", 30)]


def test_a_service_with_a_broken_entry_keeps_its_committed_files(place: Path) -> None:
    assert obsc("compile", "specs").exit_code == 0
    before = {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()}
    (place / "specs/catalog/own-server.yaml").write_text(ENTRY.replace("unit: requests", "unit: request"))
    (place / "specs/other.yaml").write_text(OTHER + "alerts: {rules: {ServiceDown: {for: 9m}}}\n")
    said = obsc("compile", "specs", "--infos")
    assert said.exit_code == 1
    assert "info[R205]: nothing is known of `own-server`" in said.stderr
    changed = [path.relative_to(place / "out").as_posix() for path, raw in before.items() if path.read_bytes() != raw]
    assert any("/other/" in path for path in changed)
    assert not any("/chat/" in path for path in changed)


def test_a_broken_entry_is_not_replaced_by_a_built_in_one() -> None:
    done, found = compiled({"platform.yaml": OWN, "chat.yaml": SPEC, "catalog/vllm.yaml": "name: vllm\n"})
    assert {code for code, _, _ in errors(found)} == {"V103"}
    assert done.services == ()


def test_a_broken_exporter_holds_back_the_environment() -> None:
    done, found = compiled({"platform.yaml": OWN, "chat.yaml": SPEC, "catalog/kube-state-metrics.yaml": "name: kube-state-metrics\n"})
    assert {code for code, _, _ in errors(found)} == {"V103"}
    assert done.tree == {}


# --- attacks -----------------------------------------------------------------------------------------------------------------

ATTACKS = ['{{ query "up" }}', "${env:HOME}", "$(cat /etc/passwd)", "<script>alert(1)</script>", "[x](javascript:alert(1))",
           "::error::x", "]] [[ $var", "\u202eevil", "\\x1b[31m", "a'b\"c`d"]


@pytest.mark.parametrize("text", ATTACKS)
def test_what_an_entry_says_is_text_wherever_it_lands(text: str) -> None:
    quoted = json.dumps(text, ensure_ascii=False)
    entry = ENTRY.replace("title: Own server", f"title: {quoted}").replace("source: the server", f"source: {quoted}") \
        .replace("help: Requests.", f"help: {quoted}").replace("flag: --stats", f"flag: {quoted}") \
        .replace("labels: {status: [ok, error]}", f"labels: {{status: [ok, error, {quoted}]}}")
    done, found = compiled(TREE | {"specs/catalog/own-server.yaml": entry})
    if any(one.severity is Severity.ERROR for one in found):
        assert {code for code, _, _ in errors(found)} <= {"L005", "V104", "L004"}
        return
    files = {path.rpartition("/")[2]: raw.decode() for path, raw in done.tree.items() if "/chat/" in path}
    assert "{{ query" not in files["rules.yaml"]
    for bad in ("<script>", "[x](", "${env", "[[ $var", "\u202e", "$(cat"):
        assert bad not in files["dashboard.json"]
    assert [name for name, body in files.items() if name not in {"rules.yaml", "dashboard.json", "tests.yaml"} and text in body] == []


@pytest.mark.parametrize("rule", [
    "{kind: decades, start: 1.0e-300, upTo: tokens}", "{kind: power, factor: 1.0000001, upTo: tokens}", "{kind: linear, step: 1.0e+308, count: 10000}",
    "{kind: product, factor: 1.0e+300, count: 10000}", "{kind: linear, step: 1, count: 10000}", "{kind: decades, start: 1.0e+308, upTo: tokens}",
])
def test_no_rule_of_bounds_is_endless(rule: str) -> None:
    entry = ENTRY.replace("    buckets: time\n", f"    bucketRule: {rule}\n", 1)
    spec = SERVICE.replace("stats: true", "stats: true, tokens: 900000000000000")
    spec += "alerts: {rules: {HighInferenceLatency: {threshold: 1s}}}\n"
    _, found = compiled(TREE | {"specs/catalog/own-server.yaml": entry, "specs/chat.yaml": spec})
    assert all(one.place.file for one in found)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x", "((a*)*)*b", "(a{1,30}){1,30}b", "(a|aa)+b", "(a|aa)(a|aa)(a|aa)" + "(a|a)" * 60 + "b", "a*a*a*a*a*a*b", "(((a|a)|(a|a))|((a|a)|a))" * 12])
def test_no_expression_of_an_entry_takes_for_ever(pattern: str) -> None:
    known = "a" * 150
    entry = ENTRY.replace("labels: {status: [ok, error]}", f"labels: {{status: [ok, error, {known}]}}") \
        .replace("'status=\"error\"'", f"'status=~\"{pattern}\"'")
    compiled(TREE | {"specs/catalog/own-server.yaml": entry})


@pytest.mark.parametrize("text", [
    "", "[]", "- a\n", "a: " + "[" * 70 + "]" * 70 + "\n", "x: &x [*x]\n", "name: {a: b}\nmetrics: {}\nsignals: []\n",
    "metrics: [[], 1, null, {}]\nsignals: {traffic: [1, {counters: 2}]}\nbuckets: {a: b, c: [d]}\n", "name: 1\ntitle: 2\nclass: 3\nstartup: 4\n",
    "\x00", "\ufeffname: x\n", "name: own-server\n---\nname: own-server\n", "a: " + "b" * 2_000_000,
    "bucketRules: {a: {kind: power, start: -1, factor: .inf, count: 0}}\n", "companions: {a: [b]}\nranks: {a: b}\nscope: {a: 1}\nneeds: [a]\n",
])
def test_whatever_lies_there_is_told(text: str) -> None:
    done, found = compiled(TREE | {"specs/catalog/own-server.yaml": text})
    assert any(one.severity is Severity.ERROR and one.place.file == "specs/catalog/own-server.yaml" for one in found)
    assert [one.identity.name for one in done.services] == ["other"]


def test_a_reserved_name_is_refused() -> None:
    _, found = compiled(TREE | {"specs/catalog/custom.yaml": ENTRY.replace("own-server", "custom")})
    assert errors(found) == [("R211", "specs/catalog/custom.yaml", 1)]


def test_entries_that_cannot_be_read_are_told(place: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (place / "specs/catalog/own-server.yaml").chmod(0)
    said = obsc("validate", "specs")
    assert (said.exit_code, "error[L019]" in said.stderr) == (1, True)
