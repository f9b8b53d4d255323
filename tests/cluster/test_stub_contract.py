"""The stub itself: what it must not let through."""

import pytest
from wire import RefusedError, as_json, check_cron, check_model, check_parameters, read_pipeline

from pipelines.compilation import compile_exercise

pytestmark = pytest.mark.contract


@pytest.mark.parametrize(
    "body",
    [
        {"display_name": "x", "pipeline": "y"},
        {"display_name": 3},
        {"no_catchup": "true"},
        {"trigger": {"cron_schedule": {"cron": "0 0 3 * * *", "zone": "UTC"}}},
        {"mode": "ON"},
        {"max_concurrency": 1},
    ],
)
def test_fields_and_types_that_the_published_models_lack_are_refused(body: dict[str, object]) -> None:
    with pytest.raises(RefusedError):
        check_model(body, "V2beta1RecurringRun")


def test_a_model_comes_back_as_it_went() -> None:
    body = {"display_name": "x", "trigger": {"cron_schedule": {"cron": "0 0 3 * * *"}}, "no_catchup": True}
    assert as_json(check_model(body, "V2beta1RecurringRun")) == body


def test_files_that_the_protocol_buffers_do_not_know_are_refused() -> None:
    import toy

    text = compile_exercise(toy.DEFINITION, "smoke").text
    assert read_pipeline(text.encode())["pipelineInfo"]["name"] == "toy"
    for wrong in (text.replace("dag:", "graph:", 1), text.replace("emptyDirMounts", "emptyDirs", 1)):
        assert wrong != text
        with pytest.raises(RefusedError):
            read_pipeline(wrong.encode())


def test_parameters_are_held_against_the_inputs() -> None:
    inputs = {
        "rows": {"parameterType": "NUMBER_INTEGER"},
        "deep": {"parameterType": "BOOLEAN", "isOptional": True},
    }
    specification = {"root": {"inputDefinitions": {"parameters": inputs}}}
    check_parameters(specification, {"rows": 3, "deep": False})
    for wrong in ({}, {"rows": "3"}, {"rows": True}, {"rows": 3, "other": 1}):
        with pytest.raises(RefusedError):
            check_parameters(specification, wrong)
    with pytest.raises(RefusedError):
        check_cron("0 3 * * *")
