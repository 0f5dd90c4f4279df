"""Alerts that fire when they should and not otherwise, evaluated by promtool; a dashboard of metrics that exist."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import kube_tools
from workbench.chart import (
    DASHBOARD,
    SERVICE,
    alerts,
    asked_metrics,
    dashboard_expressions,
    named,
    of,
    render,
)

GOOGLE = ("metrics.alerts.enabled=true", "metrics.podMonitoring.enabled=true")
OPERATIONS = ("operations.md", "operations.ko.md")

POLLER = 'namespace="ns",job="eventstorming-generator-jobs",component="poller",pod="p"'
EXECUTOR = 'namespace="ns",job="eventstorming-generator-executor-headless",component="executor",pod="e"'
STILL = "0x120"
"""Two hours of a value, one reading a minute."""

WELL = {
    "jobs{P}": "3x120",
    'jobs_by_state{P,state="queued"}': "2x120",
    "executors{P}": "1x120",
    'claims_total{P,outcome="won"}': "0+1x120",
    'jobs_ended_total{P,outcome="completed"}': "0+1x120",
    'jobs_ended_total{P,outcome="failed"}': STILL,
    "repeated_calls_total{P}": STILL,
    'rtdb_operations_total{P,method="PUT",outcome="ok"}': "0+60x120",
    'rtdb_operations_total{P,method="PUT",outcome="error"}': "0+1x120",
    "rtdb_sweep_findings_total{P}": STILL,
    'llm_calls_total{E,model="m",outcome="answered"}': "0+60x120",
    'llm_calls_total{E,model="m",outcome="none"}': "0+1x120",
    'llm_calls_total{E,model="m",outcome="recalled"}': "0+600x120",
    'llm_retries_total{E,model="m",reason="throttled"}': "0+6x120",
    'loop_lag_seconds_bucket{E,le="0.1"}': "0+60x120",
    'loop_lag_seconds_bucket{E,le="1"}': "0+60x120",
    'loop_lag_seconds_bucket{E,le="+Inf"}': "0+60x120",
    'leases_total{P,outcome="lost"}': STILL,
    'attempts_total{P,kind="crash"}': STILL,
}
FAULTS: dict[str, dict[str, str]] = {
    "PollerDown": {"jobs{P}": "", 'jobs_by_state{P,state="queued"}': "", "executors{P}": ""},
    "NoExecutor": {"executors{P}": STILL},
    "QueueStuck": {'claims_total{P,outcome="won"}': "7x120"},
    "JobsFailing": {'jobs_ended_total{P,outcome="failed"}': "0+0.5x120"},
    "RepeatedCalls": {"repeated_calls_total{P}": "0x80 1x40"},
    "RtdbErrors": {'rtdb_operations_total{P,method="PUT",outcome="error"}': "0+20x120"},
    "SweepFindings": {"rtdb_sweep_findings_total{P}": "0x80 1x40"},
    "LlmErrors": {'llm_calls_total{E,model="m",outcome="none"}': "0+20x120"},
    "LlmThrottled": {'llm_retries_total{E,model="m",reason="throttled"}': "0+30x120"},
    "LoopLag": {'loop_lag_seconds_bucket{E,le="0.1"}': STILL},
    "LeaseLost": {'leases_total{P,outcome="lost"}': "0x110 1x10"},
    "Crashes": {'attempts_total{P,kind="crash"}': "0+0.1x120"},
}
NAMES = {f"Eventstorming{name}" for name in FAULTS}


# ── what is there ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_made_unless_asked_for() -> None:
    kinds = {it["kind"] for it in render()}
    assert not kinds & {"PrometheusRule", "Rules"}
    assert "eventstorming-generator-dashboard" not in named(render(), "ConfigMap")


def test_both_kinds_of_monitoring_get_the_same_alerts() -> None:
    assert {it["alert"] for it in alerts(*SERVICE)} == NAMES
    assert alerts(*SERVICE) == alerts(*GOOGLE)
    labels = of(render(*SERVICE, "metrics.serviceMonitor.labels.release=mine"), "PrometheusRule")["metadata"][
        "labels"
    ]
    assert labels["release"] == "mine"


def test_each_alert_says_what_it_means_and_where_to_read_on() -> None:
    for it in alerts(*SERVICE):
        assert it["labels"]["severity"] in ("critical", "warning")
        assert it["annotations"].keys() == {"summary", "description", "runbook"}
        assert all("\n" not in text for text in it["annotations"].values())
        assert it["annotations"]["runbook"].endswith(f"docs/operations.md#{it['alert'].lower()}")


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_runbook_has_its_section(name: str) -> None:
    page = kube_tools.ROOT / "docs" / name
    headings = {it.strip("`# \n") for it in re.findall(r"(?m)^#+ .*$", page.read_text())}
    assert headings >= NAMES


def test_a_second_release_watches_its_own_series() -> None:
    for it in alerts(*SERVICE, "fullnameOverride=other"):
        assert 'job=~"other(' in it["expr"]
        assert "eventstorming-generator" not in it["expr"]


def test_no_executor_is_well_while_there_is_no_work_and_none_is_asked_for() -> None:
    idle = alerts(*SERVICE, "autoscaling.mode=keda", "autoscaling.minReplicas=0")
    expression = next(it["expr"] for it in idle if it["alert"] == "EventstormingNoExecutor")
    assert "and max(eventstorming_jobs" in expression


# ── what they are made of ────────────────────────────────────────────────────────────────────────────────────────────


def test_every_metric_asked_for_is_one_of_a_program() -> None:
    asked = asked_metrics()
    sources = [kube_tools.ROOT / program / "metrics.py" for program in ("poller", "executor", "process")]
    declared = "\n".join(it.read_text() for it in sources)
    known = {f"eventstorming_{name}" for name in re.findall(r'"(?:eventstorming_)?([a-z][a-z_]+)"', declared)}
    missing = {name for name in asked if name not in known and name.removesuffix("_total") not in known}
    assert not missing


def test_the_dashboard_fits_grafana() -> None:
    panels = DASHBOARD["panels"]
    assert len({it["id"] for it in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or panel["description"]
    shipped = of(render("metrics.dashboard.enabled=true"), "ConfigMap", "eventstorming-generator-dashboard")
    assert shipped["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(shipped["data"]["eventstorming.json"]) == DASHBOARD
    assert len(json.dumps(shipped)) < 250_000  # an annotation of `kubectl apply` must hold it


# ── what promtool says ───────────────────────────────────────────────────────────────────────────────────────────────


def promtool(*arguments: str) -> str:
    program = kube_tools.promtool()
    if program is None:
        pytest.skip("promtool is not on the PATH, and apt cannot give it")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def series(values: Mapping[str, str]) -> list[dict[str, str]]:
    spelled = {
        it.replace("{P", f"{{{POLLER}").replace("{E", f"{{{EXECUTOR}"): text for it, text in values.items()
    }
    return [{"series": f"eventstorming_{name}", "values": text} for name, text in spelled.items() if text]


def scenario(name: str, values: Mapping[str, str], firing: set[str]) -> Any:
    """What fires after two hours, and nothing else."""
    samples = [{"labels": f'{{alertname="{it}"}}', "value": 1} for it in sorted(firing)]
    question = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": "118m",
        "exp_samples": samples,
    }
    return {"name": name, "interval": "1m", "input_series": series(values), "promql_expr_test": [question]}


def test_each_alert_fires_for_its_fault_and_only_for_it(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": of(render(*SERVICE), "PrometheusRule")["spec"]["groups"]})
    )
    tests = [scenario("all is well", WELL, set())]
    tests += [scenario(name, WELL | fault, {f"Eventstorming{name}"}) for name, fault in FAULTS.items()]
    tests.append(scenario("before the first job", {"jobs{P}": STILL, "executors{P}": "1x120"}, set()))
    tests.append(
        scenario(
            "another namespace",
            {it.replace("{P", '{namespace="other"'): text for it, text in WELL.items()},
            {"EventstormingPollerDown"},
        )
    )
    (tmp_path / "tests.yaml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests})
    )
    promtool("check", "rules", str(tmp_path / "rules.yaml"))
    promtool("test", "rules", str(tmp_path / "tests.yaml"))


def test_every_query_of_the_dashboard_is_one(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__rate_interval", "5m", it)}
        for number, it in enumerate(dashboard_expressions())
        if it and not it.startswith("label_values")
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool(
        "check", "rules", "--lint=none", str(tmp_path / "rules.yaml")
    )
