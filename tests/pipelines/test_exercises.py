"""Every exercise of the catalogue: its presets, its compiled form, and a whole run of `smoke`."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from command_line import Armillary
from kfp import compiler
from real_cases import CASES

from components.common import clustering_scores
from components.common.component import content_hash
from components.evaluate.model_comparison import scores as spectra
from components.evaluate.posterior import scores as posterior
from components.evaluate.reconstruction import scores as reconstruction
from components.evaluate.regression import photometric, redshift
from pipelines.catalogue import EXERCISES, Exercise
from pipelines.parameters import DATA_PARAMETERS, resolve
from pipelines.stages import find_stage
from pipelines.tasks import stage_name, tasks_in_order

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
# The others have a test file of their own, `test_<module>_exercise.py`: they are shown other files in other ways.
on_real_files = pytest.mark.parametrize(
    "exercise", [e for e in EXERCISES if e.slug in CASES], ids=lambda exercise: exercise.slug
)
HEADLINES = {
    "quasar-redshift": redshift.HEADLINE,
    "galaxy-spectra": spectra.HEADLINE,
    "galaxy-photoz": photometric.HEADLINE,
    "star-clusters": clustering_scores.HEADLINE,
    "initial-conditions": reconstruction.HEADLINE,
    "cosmic-parameters": posterior.HEADLINE,
}
SCORE = {"value", "low", "high", "baseline", "published"}


@each_exercise
def test_presets_set_parameters_that_exist_to_values_of_their_type(exercise: Exercise) -> None:
    definition = exercise.load()
    assert set(definition.presets) >= {"smoke", "demo", "full"}
    for name, preset in definition.presets.items():
        as_text = {key: json.dumps(v) if isinstance(v, list) else str(v) for key, v in preset.items()}
        assert resolve(definition, name, as_text) == resolve(definition, name, {})


@each_exercise
def test_recurring_parameters_have_their_names(exercise: Exercise) -> None:
    parameters = inspect.signature(exercise.load().pipeline.pipeline_func).parameters
    wanted = {"source", "seed", "epochs", "test_fraction", *DATA_PARAMETERS, *DATA_PARAMETERS.values()}
    assert wanted <= set(parameters)


@each_exercise
def test_stages_are_the_five_of_the_design(exercise: Exercise) -> None:
    names = [stage_name(task) for task in tasks_in_order(exercise.load().pipeline)]
    assert names == ["ingest", "preprocess", "train", "evaluate", "promote"]


@each_exercise
def test_the_champion_is_chosen_afresh(exercise: Exercise) -> None:
    definition = exercise.load()
    stage = find_stage(definition, "promote", resolve(definition, "smoke", {}))
    assert stage.arguments["slug"] == exercise.slug
    tasks = definition.pipeline.pipeline_spec.root.dag.tasks
    assert not tasks["promote-champion"].caching_options.enable_cache


@each_exercise
def test_the_headline_is_the_one_that_the_evaluation_names(exercise: Exercise) -> None:
    """Reports lead with it, and champions are chosen by it."""
    definition = exercise.load()
    stage = find_stage(definition, "evaluate", resolve(definition, "smoke", {}))
    assert definition.headline == stage.arguments.get("headline", HEADLINES.get(exercise.slug))
    assert definition.headline in definition.scores


@each_exercise
def test_the_compiled_pipeline_is_reproducible_ascii_and_names_the_image_by_its_contents(
    exercise: Exercise, tmp_path: Path
) -> None:
    pipeline = exercise.load().pipeline
    for name in ("a.yaml", "b.yaml"):
        compiler.Compiler().compile(pipeline, str(tmp_path / name))
    text = (tmp_path / "a.yaml").read_text(encoding="utf-8")
    assert text == (tmp_path / "b.yaml").read_text(encoding="utf-8")
    assert text.isascii()
    images = set(re.findall(r"image: (\S+)", text))
    assert images <= {f"armillary-python-{kind}:{content_hash()}" for kind in ("cpu", "gpu")}
    assert "pip install" not in text, "the image holds everything"


@each_exercise
def test_stages_pass_every_setting_on(exercise: Exercise) -> None:
    definition = exercise.load()
    pipeline_parameters = set(inspect.signature(definition.pipeline.pipeline_func).parameters)
    used = set()
    for task in definition.pipeline.pipeline_spec.root.dag.tasks.values():
        sources = task.inputs.parameters.values()
        used |= {source.component_input_parameter for source in sources} - {""}
    assert used == pipeline_parameters, "a parameter that no stage reads would be set in vain"
    for name in ("ingest", "preprocess", "train", "evaluate", "promote"):
        stage = find_stage(definition, name, resolve(definition, "smoke", {}))
        signature = inspect.signature(stage.face.python_func).parameters
        given = {*stage.arguments, *stage.inputs, *stage.outputs}
        assert given <= set(signature)
        left_out = [signature[parameter] for parameter in set(signature) - given]
        assert all(parameter.default is not inspect.Parameter.empty for parameter in left_out)


@on_real_files
def test_external_spectra_are_looked_over_before_anything_runs(
    exercise: Exercise, armillary: Armillary, real_data: Path, tmp_path: Path
) -> None:
    star = real_data / "sdss" / "spectra" / "spec-9367-57758-0500.fits"
    (tmp_path / star.name).symlink_to(star)
    run = armillary("run", exercise.slug, "--preset", "smoke", "--external", tmp_path)
    case = CASES[exercise.slug]
    assert run.returncode == case.refusal.exit_code
    assert case.refused.format(tmp_path) in run.stderr.replace("\n", " ")
    assert "ingest" not in run.stderr + run.stdout


@each_exercise
def test_every_exercise_is_run(exercise: Exercise) -> None:
    own = Path(__file__).with_name(f"test_{exercise.slug.replace('-', '_')}_exercise.py")
    assert (exercise.slug in CASES) != own.exists()


@pytest.mark.slow
@on_real_files
def test_smoke_runs_whole_is_cached_and_predicts(
    exercise: Exercise, armillary: Armillary, real_data: Path, tmp_path: Path
) -> None:
    case = CASES[exercise.slug]
    external = ["--external", real_data / case.folder] if case.external else []
    arguments = ["run", exercise.slug, "--preset", "smoke", *external, "--json"]
    first = armillary(*arguments)
    assert first.returncode == 0, first.stderr
    result: dict[str, Any] = json.loads(first.stdout.splitlines()[-1])
    definition = exercise.load()
    assert result["origin"] in ("simulated", "semi-empirical")
    assert set(definition.scores) <= set(result["scores"])
    assert not case.external or set(definition.scores) <= set(result["external"])
    assert all(set(score) == SCORE for group in ("scores", "external") for score in result[group].values())
    assert Path(result["report"]).stat().st_size > 10_000
    published = any(score["published"] is not None for score in result["scores"].values())
    assert (definition.comparability in first.stderr) == published
    assert re.search(r"^champion: \S+ \(first model\)$", first.stderr, flags=re.MULTILINE)

    second = armillary(*arguments)
    assert json.loads(second.stdout.splitlines()[-1])["scores"] == result["scores"]
    assert re.findall(r"^(\w+): cached", second.stderr, flags=re.MULTILINE) == [
        "ingest", "preprocess", "train", "evaluate"
    ]  # fmt: skip
    assert re.search(r"^champion: \S+ \(this same model\)$", second.stderr, flags=re.MULTILINE)

    files = case.choose(real_data)
    predicted = armillary(
        "predict", exercise.slug, *files, "--out", tmp_path / "z.csv", "--plots", tmp_path / "plots"
    )
    assert predicted.returncode == 0, predicted.stderr
    assert re.search(r"^model: champion \S+, tested on \S+ data, trained by the run", predicted.stderr, re.M)
    rows = len((tmp_path / "z.csv").read_text().splitlines()) - 1
    assert rows == len(list((tmp_path / "plots").iterdir())) == (case.rows or rows) > 0
    assert predicted.stdout.splitlines()[0].split()[:3] == case.shown
