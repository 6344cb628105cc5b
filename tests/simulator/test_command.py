"""`obsc simulate`: what it prints, what it serves, what it refuses."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from obsc.cli import main
from obsc.simulator.plant import Plant
from obsc.simulator.scenario import Fault
from obsc.simulator.serving import Site
from simulator.pages import around, families, scenario


@pytest.mark.parametrize(("arguments", "told"), [
    (["nope"], "there are bentoml"), (["vllm@x"], "is no release"), (["ollama"], "no metrics page"), (["vllm", "--fault", "boom"], "there are total-outage"),
    (["vllm", "--fault", "oom=x"], "is no number"), (["vllm", "--fault", "oom@soon"], "is no duration"), (["vllm", "--option", "x"], "KEY=VALUE"),
    (["vllm", "--series", "1m", "--interval", "7s"], "no multiple"), (["sglang", "--option", "enable-metrics=false"], "no metrics page"),
])
def test_what_cannot_be_simulated_is_said(arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(main, ["simulate", *arguments])
    assert done.exit_code == 2
    assert told in done.output


def test_a_page_and_series_are_printed() -> None:
    page = CliRunner().invoke(main, ["simulate", "vllm@0.15", "--page", "2m", "--model", "m", "--rate", "5"])
    assert page.exit_code == 0
    assert any(family.name == "vllm:num_requests_running" for family in families(page.stdout))
    series = CliRunner().invoke(main, ["simulate", "vllm@0.15", "--series", "2m", "--replicas", "1", "--gpus", "0"])
    found = yaml.safe_load(series.stdout)["input_series"]
    assert {"series": 'up{instance="10.1.0.9:8080",job="kube-state-metrics",namespace="monitoring",pod="kube-state-metrics-0"}',
            "values": "1x4"} in found


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_passes_between_requests_and_targets_follow() -> None:
    clock = Clock()
    site = Site(Plant(scenario("vllm", "0.15", (Fault("replica-lost", 60), Fault("scrape-flapping", 0, 30, replica=1))), around()), clock, speed=10)

    def status(path: str) -> int:
        return site.get(path, "h:1")[0]

    assert [status("/vllm/1/metrics") for _ in range(4)] == [200, 503, 200, 503]
    pods = json.loads(site.get("/targets/pods", "h:1")[2])
    assert [one["labels"]["__metrics_path__"] for one in pods] == ["/vllm/0/metrics", "/vllm/1/metrics"]
    assert {one["targets"][0] for one in pods} == {"h:1"}
    assert [one["labels"]["job"] for one in json.loads(site.get("/targets/exported", "h:1")[2])] == ["dcgm-exporter"]
    clock.now = 7.0  # ten times as fast: 70 seconds
    assert len(json.loads(site.get("/targets/pods", "h:1")[2])) == 1
    assert status("/vllm/0/metrics") == 503
    assert status("/vllm/1/metrics") == status("/exporters/dcgm/metrics") == status("/") == 200
    assert status("/targets/else") == status("/vllm/2/metrics") == 404
    config = yaml.safe_load(site.get("/", "h:1")[2])
    assert [job["http_sd_configs"][0]["url"] for job in config["scrape_configs"]] == [
        "http://h:1/targets/pods", "http://h:1/targets/honored", "http://h:1/targets/exported"]
