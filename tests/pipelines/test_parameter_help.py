"""Whoever sets a parameter, on the command line or on Kubeflow's pages, is told what it means."""

import inspect

import pytest
import toy
from command_line import Armillary

from pipelines.catalogue import EXERCISES, Exercise
from pipelines.parameter_help import explain
from pipelines.placement import GPUS, placed


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
def test_every_parameter_is_explained_here_and_on_a_cluster(exercise: Exercise) -> None:
    definition = exercise.load()
    explained = explain(definition)
    names = list(inspect.signature(definition.pipeline.pipeline_func).parameters)
    assert sorted(parameter.name for parameter in explained) == sorted(names)
    assert [parameter.name for parameter in explained if not parameter.text.endswith((".", '".'))] == []
    declared = placed(definition, "full").pipeline_spec.root.input_definitions.parameters
    assert {name: declared[name].description for name in names} == {p.name: p.text for p in explained}
    assert declared[GPUS].description


def test_parameters_come_stage_by_stage_with_what_presets_make_of_them() -> None:
    explained = {parameter.name: parameter for parameter in explain(toy.DEFINITION)}
    stages = list(dict.fromkeys(parameter.stage for parameter in explained.values()))
    assert stages == sorted(stages, key=["ingest", "preprocess", "train", "evaluate", "promote"].index)
    assert explained["rows"].presets["demo"] == 7


def test_show_prints_them(armillary: Armillary) -> None:
    shown = armillary("show", "galaxy-spectra").stdout
    assert "source = semi-empirical   full: skyserver" in shown
    assert 'location = ""\n' in shown
    assert "Regressors to train" in shown
    assert armillary("show", "galaxy-spectr").returncode == 2


def test_what_explains_several_parameters_is_printed_once(armillary: Armillary) -> None:
    lines = armillary("show", "star-clusters").stdout.splitlines()
    about = next(number for number, line in enumerate(lines) if "instead of a name: a circle" in line)
    assert [line.split()[0] for line in lines[about - 3 : about]] == ["ra", "dec", "radius_deg"]
    assert sum("instead of a name: a circle" in line for line in lines) == 1
