"""The dashboard asks the one data source, in PromQL that parses, for metrics that something reports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendered import MANIFESTS, needs_promtool, promtool, rules

GRAFANA = MANIFESTS / "monitoring" / "grafana"
DASHBOARD = json.loads((GRAFANA / "armillary.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]

# What the stages push (components/common/telemetry.py and what it uses), with the labels of each.
REPORTED = {
    "armillary_stage_duration_seconds": set(),
    "armillary_stage_cpu_seconds": set(),
    "armillary_stage_gpu_seconds": set(),
    "armillary_stage_peak_memory_bytes": set(),
    "armillary_stage_rows": {"kind"},
    "armillary_stage_bytes": set(),
    "armillary_stage_rows_per_second": set(),
    "armillary_epoch_loss": {"split"},
    "armillary_epochs_done": set(),
    "armillary_score": {"score", "origin", "kind"},
    "armillary_stage_failed": set(),
    "armillary_stage_last_success_timestamp_seconds": set(),
    "armillary_stage_last_failure_timestamp_seconds": set(),
    "armillary_build_info": {"version", "contents"},
}
GROUP = {"exercise", "preset", "stage", "job", "instance"}
ELSEWHERE = {"up", "ALERTS", "resource_manager_workflow_runs_success", "resource_manager_workflow_runs_failed"}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
WORDS = {
    *("max", "min", "sum", "avg", "by", "on", "and", "or", "unless", "time", "absent", "vector", "group_left"),
    "avg_over_time",
}


def names(expression: str) -> set[str]:
    """Names of metrics in an expression."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|group_left)\s*\([^)]*\)", " ", bare)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - WORDS


def labels(expression: str) -> set[tuple[str, str]]:
    """Pairs of metric and label that selectors in an expression use."""
    selectors = re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression)
    return {
        (metric, label) for metric, inside in selectors for label in re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", inside)
    }


@pytest.mark.parametrize("expression", [*QUERIES, *(rule["expr"] for rule in rules())])
def test_only_metrics_that_something_reports(expression: str) -> None:
    assert names(expression) <= REPORTED.keys() | RECORDED | ELSEWHERE
    assert {
        (m, label) for m, label in labels(expression) if m in REPORTED and label not in REPORTED[m] | GROUP
    } == set()


def test_every_metric_is_drawn() -> None:
    assert REPORTED.keys() - {name for expression in QUERIES for name in names(expression)} == set()


@needs_promtool
def test_queries_parse(tmp_path: Path) -> None:
    as_rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(QUERIES)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": as_rules}]}))
    assert f"{len(QUERIES)} rules found" in promtool("check", "rules", tmp_path / "rules.yml")


def sources(node: Any) -> set[str]:
    """Data sources named anywhere in a document."""
    if isinstance(node, dict):
        own = {node["datasource"]["uid"]} if "datasource" in node else set()
        return own.union(*(sources(value) for value in node.values()))
    return set().union(*(sources(value) for value in node)) if isinstance(node, list) else set()


def test_one_data_source() -> None:
    provisioned = yaml.safe_load((GRAFANA / "datasource.yaml").read_text())["datasources"]
    assert sources(DASHBOARD) == {source["uid"] for source in provisioned}
    assert len(provisioned) == 1


def test_panels_are_placed_without_overlap() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_scores_say_what_they_were_measured_on() -> None:
    quality = [t for panel in PANELS for t in panel["targets"] if "armillary_score" in t["expr"]]
    assert len(quality) == 4
    assert all("{{preset}}" in target["legendFormat"] for target in quality)
    assert all("{{origin}}" in target["legendFormat"] for target in quality)


@pytest.mark.parametrize("expression", [*QUERIES, *(rule["expr"] for rule in rules())])
def test_nothing_is_put_together_over_presets(expression: str) -> None:
    """A trial run on the gateway of the scheduled ones would hide or spoil what they reported."""
    grouped = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
    by_exercise = [labels for labels in grouped if "exercise" in labels]
    assert [labels for labels in by_exercise if "preset" not in labels] == []
