"""What an outage looks like to Prometheus, and what promtool says of the rules in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from conformance import checks


@dataclass(frozen=True)
class Case:
    """Series from minute 0 on (one sample a minute), and which alert fires or is silent at a minute.

    `service` names the rules: a folder of out/, or a spec of the test's own. `alert` is a name, or a pattern of names. `where` are
    further matchers of the alert.
    """

    name: str
    service: str
    alert: str
    series: dict[str, str]
    fires: tuple[int, ...] = ()
    silent: tuple[int, ...] = ()
    where: str = ""

    @property
    def title(self) -> str:
        """Name of the test."""
        return f"{self.alert}: {self.name}"


def twice(case: Case, label: str) -> Case:
    """The same, where each series is there twice: seen by two instances of its exporter."""
    series = {name[:-1] + f',{label}="{one}"}}': values for name, values in case.series.items() for one in ("a", "b")}
    return replace(case, series=series, name=f"{case.name}, seen twice")


def judged(case: Case, rules: Path, promtool: Path, folder: Path) -> checks.Verdict:
    """What promtool says of a case."""
    (folder / "rules.yaml").write_text(rules.read_text())
    firing = f'ALERTS{{alertname=~"{case.alert}",alertstate="firing"{"," if case.where else ""}{case.where}}}'
    fires = [{"expr": f"count({firing}) > bool 0", "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": 1}]}
             for minute in case.fires]
    silent = [{"expr": firing, "eval_time": f"{minute}m", "exp_samples": []} for minute in case.silent]
    test = {"rule_files": ["rules.yaml"], "evaluation_interval": "30s", "tests": [
        {"interval": "1m", "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
         "promql_expr_test": fires + silent}]}
    (folder / "test.json").write_text(json.dumps(test))
    return checks.promtool_test_rules(promtool, [folder / "test.json"])
