"""Comments that keep findings quiet: where they are comments, what they are about, what they cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from conftest import Compile
from obsc import cli, report
from obsc.codes import CODES, can_be_suppressed
from obsc.diagnostics import Diagnostic, Severity, Sink
from obsc.source import load
from samples import PLATFORM, SPEC

WHY = "-- one sample is enough"


def found(text: str, *, strict: bool = False) -> list[Diagnostic]:
    from obsc import pipeline  # noqa: PLC0415

    sink = Sink(strict=strict)
    sources = {name: load(name, raw.encode(), sink) for name, raw in {"a.yaml": text, "p.yaml": PLATFORM}.items()}
    pipeline.compile_specs(sources, sink)
    return [one for one in sink if one.severity is not Severity.INFO]


def quiet(text: str) -> list[tuple[str, int, str]]:
    return [(one.code, one.place.line, one.suppressed) for one in found(text) if one.suppressed]


def loud(text: str, *, strict: bool = False) -> list[tuple[str, int]]:
    return [(one.code, one.place.line) for one in found(text, strict=strict) if not one.suppressed]


RULES = SPEC + "alerts:\n  rules:\n"  # what follows begins in line 8
REASON = "one sample is enough"


@pytest.mark.parametrize("lines", [
    f"    ServiceDown: {{for: 30s}}  # obsc: ignore S312 {WHY}\n",
    f"    ServiceDown: {{for: 30s}}  #obsc:ignore S312{WHY}\n",
    f"    ServiceDown: {{for: 30s}}  ## obsc:  ignore  s312, S317  {WHY} \n",
    f"    ServiceDown:\n      for: 30s # obsc: ignore S312 {WHY}\n",
    f"    # obsc: ignore S312 {WHY}\n    ServiceDown: {{for: 30s}}\n",
    f"    # obsc: ignore S312 {WHY}\n\n    # more words\n# elsewhere\n    ServiceDown: {{for: 30s}}\n",
    f"    # obsc: ignore S317 -- x\n    # obsc: ignore S312 {WHY}\n    ServiceDown: {{for: 30s}}\n",
    f"    ServiceDown: {{for: '30s'}}  # it's # obsc: ignore S312 {WHY}\n",
    f"    ServiceDown: {{keepFiringFor: 5m, # obsc: ignore S317 -- x\n      for: 30s}}  # obsc: ignore S312 {WHY}\n",
])
def test_a_comment_keeps_a_finding_of_its_line_or_the_next_quiet(lines: str) -> None:
    [(code, _, reason)] = quiet(RULES + lines)
    assert (code, reason) == ("S312", REASON)
    assert {code for code, _ in loud(RULES + lines)} <= {"L026"}


@pytest.mark.parametrize("lines", [
    f'    ServiceDown: {{for: 30s}}\ndashboards: {{title: "x # obsc: ignore S312 {WHY}"}}\n',
    f"    ServiceDown: {{for: 30s}}\ndashboards: {{title: 'x\n\n      # obsc: ignore S312 {WHY}'}}\n",
    f"    ServiceDown: {{for: 30s, severity: 'warning'}}#obsc: ignore S312 {WHY}\n",
    f"    ServiceDown: {{for: 30s}}\n    # obsc: ignore S312 {WHY}\n",
    f"    # obsc: ignore S312 {WHY}\n    GPUHot: {{enabled: false}}\n    ServiceDown: {{for: 30s}}\n",
    f"    # obsc: ignore S317 {WHY}\n    ServiceDown: {{for: 30s}}\n",
])
def test_other_texts_keep_nothing_quiet(lines: str) -> None:
    assert quiet(RULES + lines) == []


@pytest.mark.parametrize("style", ["|", ">-", "|2", "|+"])
def test_a_block_of_text_holds_no_comment_but_its_first_line_may_end_with_one(style: str) -> None:
    text = SPEC.replace("team: ml}", "team: ml,\n  description: x}") + f"""\
alerts:
  custom:
    - name: Mine
      summary: s
      expr: {style}  # obsc: ignore S351 -- recorded elsewhere
          sum(nowhere)
          # obsc: ignore S312 -- in a text
      for: 30s
"""
    assert ("S351", "recorded elsewhere") in [(code, reason) for code, _, reason in quiet(text)]
    assert "S312" not in [code for code, _, _ in quiet(text)]


def test_documents_of_a_file_are_told_apart_and_a_broken_one_spoils_no_other() -> None:
    first = RULES + f"    ServiceDown: {{for: 30s}}  # obsc: ignore S312 {WHY}\n"
    second = first.replace("name: chat", "name: other")
    text = f'{first}---\nbroken: "\n# obsc: ignore S312 -- in an open quote\n---\n{second}'
    assert [(code, line) for code, line, _ in quiet(text)] == [("S312", 8), ("S312", 20)]
    assert loud(text) == [("L010", 10)]


def test_with_strict_it_stays_quiet_and_its_service_is_compiled(compile_texts: Compile) -> None:
    line = "    ServiceDown: {for: 30s}"
    assert loud(RULES + line + "\n", strict=True) == [("S312", 8)]
    compiled, said = compile_texts({"a.yaml": f"{RULES}{line}  # obsc: ignore S312 {WHY}\n", "p.yaml": PLATFORM}, strict=True)
    assert [one.code for one in said if one.severity is Severity.ERROR] == []
    assert "default/artifacts/ai/chat/rules.yaml" in compiled.tree


def test_a_comment_changes_no_byte_of_the_outputs(compile_texts: Compile) -> None:
    line = "    ServiceDown: {for: 30s}"
    trees = [compile_texts({"a.yaml": RULES + line + comment, "p.yaml": PLATFORM})[0].tree
             for comment in ("\n", f"  # obsc: ignore S312 {WHY}\n", "  # obsc: ignore S999\n")]
    assert trees[0]
    assert trees[0] == trees[1] == trees[2]


# What cannot be suppressed


def test_an_error_stays_one_and_the_comment_is_told() -> None:
    text = SPEC + "alerts: {rules: {HighInferenceLatency: {threshold: 5000s}}}  # obsc: ignore S317 -- it is fine\n"
    said = found(text)
    assert [(one.code, one.severity) for one in said] == [("S317", Severity.ERROR), ("L025", Severity.WARNING)]
    assert said[1].related[0].place == said[0].place


TENANCY = [code for code in CODES if code.startswith("P") and code != "P409"] + ["R204", "R212", "S322", "L018"]


@pytest.mark.parametrize("code", TENANCY)
def test_what_protects_other_tenants_cannot_be_suppressed(code: str) -> None:
    assert not can_be_suppressed(code)
    text = SPEC.rstrip() + f"  # obsc: ignore {code} -- let me\n"
    assert loud(text) == [("L025", 5)]


def test_a_hostile_spec_stays_an_error_whatever_its_comments_say() -> None:
    text = SPEC + """\
# obsc: ignore P404, P410 -- trust me
metrics: {discovery: static, staticConfigs: [{targets: ["169.254.169.254:80"]}]}  # obsc: ignore P404 -- trust me
"""
    said = loud(text)
    assert ("P404", 7) in said
    assert quiet(text) == []


def test_owners_speak_of_their_own_backends() -> None:
    platform = PLATFORM + "policy: {allowInsecure: true}\njaeger: {endpoint: 'j:4317'}  # obsc: ignore P409, T502 -- a test cluster\n"
    sink = Sink(strict=True)
    from obsc import pipeline  # noqa: PLC0415

    pipeline.compile_specs({name: load(name, raw.encode(), sink) for name, raw in {"a.yaml": SPEC, "p.yaml": platform}.items()}, sink)
    assert not sink.failed
    assert {(one.code, one.suppressed) for one in sink if one.place.line == 8} == {("P409", "a test cluster"), ("T502", "a test cluster")}


# Dead ones


def test_a_dead_one_is_told_and_with_strict_an_error_of_its_service(compile_texts: Compile) -> None:
    text = RULES + f"    ServiceDown: {{for: 5m}}  # obsc: ignore S312 {WHY}\n"
    assert loud(text) == [("L026", 8)]
    compiled, _ = compile_texts({"a.yaml": text, "p.yaml": PLATFORM}, strict=True)
    assert not [path for path in compiled.tree if "/ai/chat/" in path]


def test_none_is_called_dead_where_an_error_may_hide_what_it_is_about() -> None:
    text = RULES + f"    ServiceDown: {{for: 5m}}  # obsc: ignore S312 {WHY}\n"
    assert loud(text + "nonsense: 1\n") == [("V101", 9)]


@pytest.mark.parametrize("block", ["defaults", "enforced"])
def test_what_a_platform_says_of_services_is_not_called_dead(block: str, compile_texts: Compile) -> None:
    text = f"{block}:\n  alerts:\n    rules:\n      ServiceDown: {{for: %s}}  # obsc: ignore S312 {WHY}\n"
    said = [compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + text % wait})[1] for wait in ("5m", "30s")]
    assert [[(one.code, bool(one.suppressed)) for one in found if one.severity is Severity.WARNING] for found in said] == [
        [], [("S312", True)]]


# How they are shown


def test_suppressed_findings_are_counted_in_text_and_listed_with_their_reason_for_programs() -> None:
    said = found(RULES + f"    ServiceDown: {{for: 30s}}  # obsc: ignore S312 {WHY}\n    HighErrorRate: {{for: 30s}}\n")
    text = report.render(said, {}, "text")
    assert text.count("[S312]") == 1
    assert text.endswith("\n1 warning, 1 suppressed\n")
    data = json.loads(report.render(said, {}, "json"))
    assert [one["suppressed"] for one in data["findings"]] == [REASON, None]
    assert data["counts"] == {"warning": 1, "suppressed": 1}
    results = json.loads(report.render(said, {}, "sarif"))["runs"][0]["results"]
    assert [one["suppressions"] for one in results] == [[{"kind": "inSource", "justification": REASON}], []]
    assert report.render(said, {}, "github").count("S312") == 1


@pytest.mark.parametrize("form", report.FORMS)
def test_a_credential_in_a_reason_is_never_printed(form: str) -> None:
    secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    text = RULES + f"    ServiceDown: {{for: 30s}}  # obsc: ignore S312 -- {secret}\n    GPUHot: {{}} # obsc: ignore {secret} -- x\n"
    sink = Sink()
    sources = {"a.yaml": load("a.yaml", text.encode(), sink)}
    from obsc import pipeline  # noqa: PLC0415

    pipeline.compile_specs(sources, sink)
    assert secret not in report.render(sink, sources, form)


def test_a_run_with_nothing_but_suppressed_findings_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(RULES + f"    ServiceDown: {{for: 30s}}  # obsc: ignore S312 {WHY}\n")
    Path("p.yaml").write_text(PLATFORM)
    run = CliRunner().invoke(cli.main, ["validate", "a.yaml", "p.yaml", "--strict"])
    assert (run.exit_code, run.stderr) == (0, "1 suppressed\n")
