"""The simulator before its consumers: Prometheus scrapes what it serves, promtool reads the series that it writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from conformance import tools
from conformance.records import Consumers
from conformance.runners import Server

RunPrometheus = Callable[..., AbstractContextManager[Server]]


@contextmanager
def simulated(*arguments: str) -> Iterator[str]:
    """`obsc simulate` on a free port; its address."""
    command = [sys.executable, "-m", "obsc", "simulate", *arguments, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr is not None
            found = re.match(r"http://(\S+)/ ", running.stderr.readline())
            assert found is not None
            yield found[1]
        finally:
            running.kill()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def result(server: Server, expression: str, wanted: int) -> dict[str, float]:
    """What an expression gives, once it gives as many series."""
    for _ in range(80):
        found = server.get(f"/api/v1/query?query={quote(expression)}")["data"]["result"]
        if len(found) >= wanted:
            break
        time.sleep(0.25)
    return {json.dumps(one["metric"], sort_keys=True): float(one["value"][1]) for one in found}


def test_prometheus_scrapes_what_is_simulated(run_prometheus: RunPrometheus, tmp_path: Path, consumers: Consumers) -> None:
    with simulated("vllm@0.15", "--speed", "60", "--fault", "engine-stall@30s") as at:
        config = get(f"http://{at}/").replace("scrape_interval: 15s", "scrape_interval: 1s")
        page = get(f"http://{at}/vllm/1/metrics")
        assert "vllm:request_success_total{" in page
        with run_prometheus(tmp_path, {"prometheus.yml": config}) as server:
            assert sorted(result(server, 'up{job="vllm"}', 2).values()) == [1, 1]
            up = result(server, "count by (job) (up == 1)", 4)
            assert up == {'{"job": "vllm"}': 2, '{"job": "kube-state-metrics"}': 1, '{"job": "kubelet"}': 1, '{"job": "dcgm-exporter"}': 1}
            # Labels of the page win where they are honored, and are exported where they are not.
            assert len(result(server, 'kube_pod_info{pod=~"vllm-.*"}', 2)) == 2
            assert len(result(server, 'DCGM_FI_DEV_GPU_TEMP{exported_pod=~"vllm-.*", pod="dcgm-exporter-0"}', 2)) == 2
            names = {name for name in re.findall(r"^([a-zA-Z_:]\w*(?::\w+)*)[{ ]", page, re.MULTILINE) if not name.startswith("#")}
            stored = set(server.get("/api/v1/label/__name__/values")["data"])
            assert names - stored == set()
            # The first replica stands still, the second works.
            moving = result(server, "increase(vllm:generation_tokens_total[10s]) > 0", 1)
            assert len(moving) == 1
            waiting = result(server, "vllm:num_requests_waiting > 100", 1)
            assert set(waiting) != set(moving)
            consumers.record("prometheus scrapes obsc simulate", tools.version("prometheus"), 1)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"http://{at}/nothing")


def test_promtool_reads_the_series_that_are_simulated(tool: Callable[[str], Path], tmp_path: Path, consumers: Consumers) -> None:
    command = [sys.executable, "-m", "obsc", "simulate", "vllm@0.15", "--fault", "replica-lost@5m-10m", "--series", "15m", "--dirty"]
    series = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rules = "groups: [{name: g, rules: [{record: r, expr: 'sum(rate(vllm:request_success_total[5m]))'}]}]\n"
    inside = "".join(f"    {line}\n" for line in series.splitlines())
    # Two replicas, then one, then two again, the new one of which is still starting.
    checks = "".join(f"      - {{expr: 'count(up{{job=\"vllm\"}})', eval_time: {at}, exp_samples: [{{value: {count}, labels: '{{}}'}}]}}\n"
                     for at, count in (("4m", 2), ("7m", 1), ("12m", 2)))
    checks += "      - {expr: 'r > bool 1', eval_time: 5m, exp_samples: [{value: 1, labels: '{}'}]}\n"
    (tmp_path / "rules.yaml").write_text(rules)

    def judged(text: str) -> subprocess.CompletedProcess[str]:
        body = f"rule_files: [rules.yaml]\nevaluation_interval: 30s\ntests:\n  - interval: 30s\n{inside}    promql_expr_test:\n{text}"
        (tmp_path / "tests.yaml").write_text(body)
        return subprocess.run([tool("promtool"), "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False)

    done = judged(checks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert judged(checks.replace("value: 1,", "value: 7,", 1)).returncode != 0
    consumers.record("promtool reads series of obsc simulate", tools.version("promtool"), 1)
