"""The alerts fire where they should, name a remedy, and know every score whose better side is known."""

import re

import pytest
import yaml
from rendered import MANIFESTS, ROOT, RULES, needs_promtool, promtool, rules

from components.promote.champion.kinds import KINDS

HERE = ROOT / "tests" / "manifests"
ALERTS = [rule for rule in rules() if "alert" in rule]


@needs_promtool
def test_prometheus_understands_its_configuration() -> None:
    assert "SUCCESS" in promtool("check", "config", MANIFESTS / "monitoring" / "prometheus" / "prometheus.yml")


@needs_promtool
def test_prometheus_understands_the_rules() -> None:
    promtool("check", "rules", *RULES)


@needs_promtool
@pytest.mark.parametrize("name", ["alerts_test.yml", "quality_test.yml"])
def test_alerts_fire_where_they_should(name: str) -> None:
    promtool("test", "rules", HERE / name)


def test_every_alert_is_tested() -> None:
    tested = "".join((HERE / name).read_text() for name in ("alerts_test.yml", "quality_test.yml"))
    assert [rule["alert"] for rule in ALERTS if rule["alert"] not in tested] == []


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_alerts_say_what_is_wrong_and_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    assert rule["labels"]["severity"] in {"warning", "critical"}
    page, section = rule["annotations"]["runbook"].split("#")
    assert section == rule["alert"].lower()  # type: ignore[attr-defined]
    assert f"#### {rule['alert']}\n" in (ROOT / page).read_text(encoding="utf-8")


def test_a_fall_in_quality_knows_which_side_is_better() -> None:
    """Each score with a better side is in its own alert and not in the other; those with a target are in none."""
    patterns = {
        rule["labels"]["better"]: set(re.findall(r'score=~"([^"]+)"', rule["expr"]))
        for rule in ALERTS
        if rule["alert"] == "QualityFell"
    }
    assert {side: len(found) for side, found in patterns.items()} == {"higher": 1, "lower": 1}
    for definition in (definition for kind in KINDS.values() for definition in kind.scores):
        sides = [side for side, (pattern,) in patterns.items() if re.fullmatch(pattern, definition.name)]
        assert sides == [definition.direction][: definition.direction != "target"], definition.name


def test_rules_of_the_pod_are_those_of_the_tests() -> None:
    mounted = yaml.safe_load((MANIFESTS / "monitoring" / "kustomization.yaml").read_text())["configMapGenerator"][
        0
    ]
    assert {f"prometheus/{path.name}" for path in RULES} == set(mounted["files"][1:])
