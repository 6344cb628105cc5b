"""All forms show the same findings in the same order, with the same caps; programs can read those that are made for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator

from diagnostics.run import CASES, DOORS, HERE, commands, lay_out
from obsc import cli, report
from obsc.cli.options import FORMS
from obsc.codes import CODES
from obsc.diagnostics import Diagnostic, Place, Related, Severity, Sink
from obsc.report.listing import MOST_IN_FILE, MOST_IN_RUN
from obsc.source import Source, load

BADYAML = Path(__file__).parents[3] / "shared" / "fixtures" / "badyaml"
# One case of each stage and all with several files are run in every form; each run is a compilation.
SOME = [code for code in CASES if code not in DOORS and not (HERE / code / "bad.sh").exists() and not code.startswith("X")][::3]
LEVELS = {"error": "error", "warning": "warning", "note": "info"}
Key = tuple[str, str, str, int, int]


@cache
def schema() -> Draft4Validator:
    found = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text())
    Draft4Validator.check_schema(found)
    return Draft4Validator(found, format_checker=Draft4Validator.FORMAT_CHECKER)


def unescaped(text: str) -> str:
    for escape, char in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def of_text(said: str) -> list[Key]:
    heads = re.findall(r"^(error|warning|info)\[(\w+)\]: .*\n  --> (.*)$", said, re.MULTILINE)
    return [(code, severity, *place(where)) for severity, code, where in heads]


def place(where: str) -> tuple[str, int, int]:
    found = re.fullmatch(r"(.*?):(\d+):(\d+)", where)
    return (found[1], int(found[2]), int(found[3])) if found else (where, 0, 0)


def of_json(said: str) -> list[Key]:
    return [(one["code"], one["severity"], one["place"]["file"], one["place"]["line"], one["place"]["column"])
            for one in json.loads(said)["findings"] if one["suppressed"] is None]


def of_github(said: str) -> list[Key]:
    return list(_annotations(said))


def _annotations(said: str) -> Iterator[Key]:
    for line in said.splitlines():
        found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
        assert found, line
        given = {name: unescaped(value) for name, value in (one.split("=", 1) for one in found[2].split(","))}
        if given["title"] == "obsc":
            continue
        code = given["title"].partition(":")[0]
        file = given.get("file") or unescaped(found[3]).partition(": ")[0]
        yield code, found[1].replace("notice", "info"), file, int(given.get("line", 0)), int(given.get("col", 0))


def of_sarif(said: str) -> list[Key]:
    log = json.loads(said)
    assert [error.message for error in schema().iter_errors(log)] == []
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == sorted({one["ruleId"] for one in run["results"]})
    return [_result(one, rules) for one in run["results"] if not one["suppressions"]]


def _result(one: Mapping[str, Any], rules: list[dict[str, Any]]) -> Key:
    assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
    [where] = one["locations"]
    physical = where["physicalLocation"]
    region = physical.get("region", {"startLine": 0, "startColumn": 0})
    file = unquote(physical["artifactLocation"]["uri"]).removeprefix("file://")
    return one["ruleId"], LEVELS[one["level"]], file, region["startLine"], region["startColumn"]


READERS = {"text": of_text, "json": of_json, "github": of_github, "sarif": of_sarif}


def placeless(found: list[Key], read: set[str]) -> list[Key]:
    """JSON has a line for everything; the other forms only for files that were read."""
    return [one if one[2] in read else (*one[:3], 0, 0) for one in found]


def test_every_form_can_be_asked_for() -> None:
    assert tuple(report.FORMS) == FORMS == tuple(READERS)


@pytest.mark.parametrize("code", SOME)
def test_cases_are_told_alike_in_every_form(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(code, tmp_path)
    monkeypatch.chdir(tmp_path)
    words = commands(code, "bad")[-1].split()[1:]
    said = {form: CliRunner(catch_exceptions=False).invoke(cli.main, [*words, "--infos", "--format", form]).stderr for form in FORMS}
    found = {form: READERS[form](text) for form, text in said.items()}
    read = {one[2] for one in found["text"] if one[3]}
    assert found["text"]
    assert found["json"] != []
    assert placeless(found["json"], read) == found["text"] == found["github"] == found["sarif"]


@pytest.mark.skipif(not BADYAML.is_dir(), reason="the fixtures are not here")
def test_files_that_are_no_yaml_are_told_alike_in_every_form() -> None:
    sink = Sink()
    sources = {path.name: load(path.name, path.read_bytes(), sink) for path in sorted(BADYAML.glob("*.yaml"))}
    found = {form: READERS[form](report.render(sink, sources, form)) for form in FORMS}
    assert len(found["text"]) > 20
    assert found["text"] == found["json"] == found["github"] == found["sarif"]


# Text that means something in one of the forms

HOSTILE = ("::error::x", "a%0Ab", "a\nb\r\nc", "x,line=9:y", "{0} {name, key}", "[click](https://example.com)", "\x1b[31mred", "</script>", "ü€😀", '"\\')


def told(message: str, *, file: str = "a.yaml", severity: Severity = Severity.WARNING, line: int = 1, **more: Any) -> Diagnostic:  # noqa: ANN401
    return Diagnostic("S312", severity, message, Place(file, line, 2, line, 5), **more)


def sources(*names: str) -> dict[str, Source]:
    return {name: load(name, b"kind: AIService\n" * 200, Sink()) for name in names}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["github", "sarif", "json", "text"])
def test_no_text_of_a_finding_breaks_out_of_its_form(form: str, text: str) -> None:
    name = text.replace("\n", "").replace("\r", "").replace("\x1b", "") + ".yaml"
    found = [told(text, file=name, hint=text, related=(Related(Place(name, 3, 1, 3, 2), text),)), told("plain", file="b.yaml")]
    said = report.render(found, sources(name, "b.yaml"), form)
    assert "\x1b" not in said
    keys = READERS[form](said)
    assert [one[:2] for one in keys] == [("S312", "warning"), ("S312", "warning")]
    if form == "text":
        return
    assert [one[2] for one in keys] == [name, "b.yaml"]


def test_a_workflow_command_is_escaped_exactly() -> None:
    found = told("50% of a, b: c\nd", file="a,b:c%.yaml", severity=Severity.ERROR, hint="x", line=4)
    assert report.render([found], sources("a,b:c%.yaml"), "github") == (
        "::error file=a%2Cb%3Ac%25.yaml,line=4,endLine=4,col=2,endColumn=5,title=S312%3A short hold"
        "::50%25 of a, b: c\\u000ad%0Ahelp: x\n")


def test_a_link_or_an_argument_in_a_sarif_message_is_text() -> None:
    log = json.loads(report.render([told("see [x](https://example.com) {0}")], sources("a.yaml"), "sarif"))
    assert log["runs"][0]["results"][0]["message"]["text"] == "see [x] (https://example.com) {{0}}"


# SARIF


def test_a_rule_has_the_page_of_its_code() -> None:
    [rule] = json.loads(report.render([told("x")], sources("a.yaml"), "sarif"))["runs"][0]["tool"]["driver"]["rules"]
    assert (rule["id"], rule["shortDescription"]["text"], rule["fullDescription"]["text"]) == ("S312", *CODES["S312"][:2])
    assert rule["defaultConfiguration"] == {"level": "warning"}


def test_a_result_names_its_other_places() -> None:
    one = told("x", path="alerts.rules", related=(Related(Place("b c.yaml", 3, 1, 3, 4), "the other"),))
    [result] = json.loads(report.render([one], sources("a.yaml", "b c.yaml"), "sarif"))["runs"][0]["results"]
    [other] = result["relatedLocations"]
    assert other["message"]["text"] == "the other"
    assert other["physicalLocation"] == {"artifactLocation": {"uri": "b%20c.yaml"},
                                         "region": {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 4}}
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "alerts.rules", "kind": "member"}]


def test_fingerprints_stay_when_lines_move_and_tell_findings_apart() -> None:
    def prints(*lines: int) -> list[str]:
        found = [told("a", line=lines[0]), told("b", line=lines[1]), told("a", line=lines[2]), told("a", file="b.yaml", line=lines[0])]
        log = json.loads(report.render(found, sources("a.yaml", "b.yaml"), "sarif"))
        return [one["partialFingerprints"]["obscFinding/v1"] for one in log["runs"][0]["results"]]

    assert prints(1, 2, 3) == prints(11, 15, 29)
    assert len(set(prints(1, 2, 3))) == 4


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_the_same_bytes_each_time(form: str) -> None:
    found = [told(f"m{number}", line=number) for number in range(1, 30)]
    assert report.render(found, sources("a.yaml"), form) == report.render(list(found), sources("a.yaml"), form)


# Caps

MANY = [told(f"m{number}", file=f"f{number % 4}.yaml", line=1 + number // 4) for number in range(400)]
FEW = [Diagnostic("V104", Severity.ERROR, "another", Place("f0.yaml", 150))]
NAMES = tuple(f"f{number}.yaml" for number in range(4))


@pytest.mark.parametrize("form", FORMS)
def test_one_mistake_made_often_hides_no_other(form: str) -> None:
    found = sorted([*MANY, *FEW], key=lambda one: one.order)
    said = READERS[form](report.render(found, sources(*NAMES), form))
    assert sum(code == "S312" for code, *_ in said) == 4 * MOST_IN_FILE
    assert sum(code == "V104" for code, *_ in said) == 1
    assert len(READERS[form](report.render(found, sources(*NAMES), form, every=True))) == 401


def test_a_code_has_a_cap_in_the_run_too() -> None:
    found = [told("m", file=f"f{number}.yaml") for number in range(3 * MOST_IN_RUN)]
    assert len(of_text(report.render(found, {}, "text"))) == MOST_IN_RUN


def test_what_is_not_listed_is_counted_in_every_form() -> None:
    found, more = [*MANY, *FEW], 400 - 4 * MOST_IN_FILE
    said = {form: report.render(found, sources(*NAMES), form) for form in FORMS}
    assert said["text"].endswith(f"{more} more of S312 (short hold)\n`--show-all` lists them\n1 error, 400 warnings\n")
    assert json.loads(said["json"])["more"] == {"S312": more}
    assert json.loads(said["json"])["counts"] == {"error": 1, "warning": 400}
    assert said["github"].splitlines()[-1] == (
        "::notice title=obsc::1 error, 400 warnings; GitHub shows the first 10 of each kind, the log has those that are listed; "
        f"not listed: {more} more of S312; `--show-all` lists them")
    [note] = json.loads(said["sarif"])["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == f"{more} more of S312: `--show-all` lists them"


def test_few_annotations_need_no_notice() -> None:
    assert "title=obsc" not in report.render(MANY[:10], sources(*NAMES), "github")
    assert "title=obsc" in report.render(MANY[:11], sources(*NAMES), "github")


def test_the_exit_code_counts_what_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keys = "".join(f"k{number}: 1\n" for number in range(30))
    Path("a.yaml").write_text("apiVersion: obsc.dev/v1alpha1\nkind: AIService\n" + keys)
    run = CliRunner().invoke(cli.main, ["validate", "a.yaml", "--format", "json"])
    data = json.loads(run.stderr)
    assert (run.exit_code, data["more"]) == (1, {"V101": 30 - MOST_IN_FILE})
    every = CliRunner().invoke(cli.main, ["validate", "a.yaml", "--show-all", "--format", "json"])
    assert json.loads(every.stderr)["more"] == {}


# Severities of codes


@pytest.mark.parametrize("code", CASES)
def test_findings_have_a_weight_that_their_code_names(code: str) -> None:
    heads = set(re.findall(r"^(error|warning|info)\[(\w+)\]: ", (HERE / code / "expected.txt").read_text(), re.MULTILINE))
    assert [(severity, other) for severity, other in heads if severity not in CODES[other].levels] == []
    strict = any("--strict" in line for line in (commands(code, "bad") if code not in DOORS else []))
    assert strict or {severity for severity, other in heads if other == code} & set(CODES[code].levels)
