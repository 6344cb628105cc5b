"""Every kind of name that a user can mistype is answered with the one that was meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from conftest import Compile
from obsc import cli
from samples import SPEC

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: production}
alertmanager:
  receivers: [{name: pager, webhookConfigs: [{urlSecret: {name: hook, key: url}}]}]
  routing: {critical: [pager], warning: [pager], info: [pager]}
  teams:
    ml: {critical: [pager], warning: [pager]}
    search: {critical: [pager], warning: [pager]}
profiles: {interactive: {alerts: {rules: {GPUHot: {enabled: false}}}}}
sources: {blackbox: {enabled: true, address: "blackbox:9115", modules: [http_2xx, tcp_connect]}}
"""


class Slip(NamedTuple):
    """What is mistyped in a spec, the code, the name that was meant; `platform`: the slip is in the platform, in place of a text."""

    text: str
    code: str
    meant: str
    platform: tuple[str, str] = ("", "")
    spec: tuple[str, str] = ("", "")


SLIPS = {
    "a key": Slip("wrokload: {name: x}\n", "V101", "workload"),
    "a key in a block": Slip("workload: {replicsa: {min: 1}}\n", "V101", "replicas"),
    "a key of a platform": Slip("", "V101", "grafana", ("sources:", "grafanna: {}\nsources:")),
    "a key that is spelled as elsewhere": Slip("workload: {start_up: 5m}\n", "V101", "startup"),
    "a kind of document": Slip("", "V104", "AIService", spec=("kind: AIService", "kind: AiServise")),
    "a kind of workload": Slip("workload: {kind: Deploymnt}\n", "V104", "Deployment"),
    "a role": Slip("role: gatway\n", "V104", "gateway"),
    "a discovery": Slip("metrics: {discovery: servce}\n", "V104", "service"),
    "a type of series": Slip("metrics: {series: [{name: x, type: guage}]}\n", "V104", "gauge"),
    "a signal": Slip("metrics: {series: [{name: x, type: gauge, signal: requestsWaitng}]}\n", "V104", "requestsWaiting"),
    "a severity": Slip("alerts: {rules: {ServiceDown: {severity: critcal}}}\n", "V104", "critical"),
    "a format of logs": Slip("logs: {format: jsno}\n", "V104", "json"),
    "a kind of private value": Slip("logs: {redact: [emial]}\n", "V104", "email"),
    "a type of panel": Slip("dashboards: {panels: [{title: t, expr: up, type: lnies}]}\n", "V104", "lines"),
    "a resource": Slip("accelerators: {resource: nvidia.com/gpus}\n", "V104", "nvidia.com/gpu"),
    "a flavor": Slip("", "V104", "operator", ("sources:", "prometheus: {flavor: operater}\nsources:")),
    "an exporter of a platform": Slip("", "V101", "blackbox", ("blackbox:", "blackbocks:")),
    "an alert": Slip("alerts: {rules: {HighInferencLatency: {threshold: 5s}}}\n", "S301", "HighInferenceLatency"),
    "an alert in other letters": Slip("alerts: {rules: {ServicedDown: {for: 5m}}}\n", "S301", "ServiceDown"),
    "a runtime": Slip("", "R205", "vllm", spec=("name: vllm", "name: vlmm")),
    "a runtime of an endpoint": Slip("metrics: {endpoints: [{name: x, port: 80, runtime: tritn}]}\n", "R205", "triton"),
    "a runtime of a component": Slip("components: [{name: w, runtime: {name: trition}}]\n", "R205", "triton"),
    "an engine": Slip("", "R214", "vllm", spec=("name: vllm", "name: ray-serve, engine: vlmm")),
    "an option": Slip("", "S341", "max-model-len", spec=('version: "0.15"', 'version: "0.15", options: {max-modell-len: 1}')),
    "a profile": Slip("profile: interactiv\n", "R203", "interactive"),
    "an environment": Slip("environments: {producton: {}}\n", "R202", "production"),
    "a team": Slip("", "R212", "search", spec=("team: ml", "team: serch")),
    "a team of a rule": Slip("alerts: {rules: {ServiceDown: {team: serch}}}\n", "R212", "search"),
    "a team of a custom alert": Slip("alerts: {custom: [{name: Mine, summary: s, expr: up, team: serch}]}\n", "R212", "search"),
    "a team of a component": Slip("components: [{name: w, team: Search}]\n", "R212", "search"),
    "a receiver": Slip("", "R213", "pager", ("info: [pager]", "info: [pagr]")),
    "a receiver of a team": Slip("", "R213", "pager", ("ml: {critical: [pager]", "ml: {critical: [Pager]")),
    "a metric": Slip("alerts: {custom: [{name: Mine, summary: s, expr: 'vllm:num_request_runing > 1'}]}\n", "S351", "vllm:num_requests_running"),
    "a metric of an indicator": Slip("indicators: [{name: x, value: 'vllm:num_request_runing', max: 3}]\n", "S351", "vllm:num_requests_running"),
    "a metric of a panel": Slip("dashboards: {panels: [{title: t, expr: 'vllm:num_request_runing'}]}\n", "S351", "vllm:num_requests_running"),
    "an endpoint": Slip("metrics: {endpoints: [{name: router, port: 80}], series: [{name: x, type: gauge, endpoint: ruoter}]}\n", "R210", "router"),
    "a module of probes": Slip("probes: [{name: x, module: http_2x}]\n", "S357", "http_2xx"),
    "a code in a comment": Slip("alerts: {rules: {ServiceDown: {for: 30s}}}  # obsc: ignore S3017 -- why not\n", "L024", "S317"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS.keys())
def test_the_name_that_was_meant_is_told(slip: Slip, compile_texts: Compile) -> None:
    texts = {"chat.yaml": SPEC.replace(*slip.spec) + slip.text, "platform.yaml": PLATFORM.replace(*slip.platform)}
    assert texts != {"chat.yaml": SPEC, "platform.yaml": PLATFORM}
    _, found = compile_texts(texts)
    hints = [one.hint for one in found if one.code == slip.code]
    wanted = {f"did you mean `{slip.meant}`?", f"write `kind: {slip.meant}`"}
    assert wanted & set(hints), [(one.code, one.message, one.hint) for one in found]


@pytest.mark.parametrize(("words", "meant"), [
    (["explain", "S3017"], "S317"), (["explain", "s317"], "S317"), (["compil"], "compile"), (["validate", "--fromat", "json"], "--format"),
    (["validate", "--format", "sarf"], "sarif"), (["schema", "aiservce"], "aiservice"), (["compile", "--env", "producton"], "production"),
    (["catalog", "show", "vlmm"], "vllm")])
def test_names_on_the_command_line_are_told_too(words: list[str], meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/a.yaml").write_text(SPEC)
    (tmp_path / "specs/p.yaml").write_text(PLATFORM)
    run = CliRunner().invoke(cli.main, words)
    assert run.exit_code in {1, 2}
    assert re.search(rf"(?i)did you mean.*{re.escape(meant)}\b|is not one of .*{meant}|write `--env {meant}`", run.stderr), run.stderr
