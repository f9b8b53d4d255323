"""A small pipeline of real components, run by the real `kfp.local`: what the runner does is tested on it."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output

from components.common.component import component
from pipelines.definition import Definition


@component(image="cpu")
def ingest_numbers(dataset: Output[Dataset], rows: int, data_version: str):
    """Write the numbers below `rows`."""
    import json
    from pathlib import Path

    from components.common.files import whole
    from components.common.telemetry import report_counts, report_progress, stage

    with stage("ingest", Path(dataset.path)):
        with whole(Path(dataset.path)) as folder:
            folder.mkdir()
            (folder / "numbers.json").write_text(json.dumps(list(range(rows))))
        report_progress(rows, rows, "numbers")
        report_counts(rows_out=rows)


@component(image="cpu")
def train_slowly(dataset: Input[Dataset], model: Output[Dataset], seconds: float, fail: str):
    """Wait, writing into a folder that is not whole yet, or fail as told."""
    import os
    import signal
    import time
    from pathlib import Path

    from components.common.download import NotInArchiveError
    from components.common.errors import ArchiveError, ParameterError
    from components.common.files import whole
    from components.common.telemetry import report_progress, stage, warn

    if fail == "settings":
        raise ParameterError("There is no such fail.", "Choose another.")
    with stage("train"), whole(Path(model.path)) as folder:
        folder.mkdir()
        (folder / "half.txt").write_text("half written")
        if fail == "archive":
            raise ArchiveError("The archive at 127.0.0.1 does not answer.", "Try again later.")
        if fail == "absent":
            raise NotInArchiveError("x.fits is not in the archive.", "Check the name.")
        if fail == "bug":
            raise ZeroDivisionError("division by zero")
        if fail == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        warn("These are only numbers.")
        for step in range(4):
            report_progress(step + 1, 4, "epochs", loss=1 / (step + 1))
            time.sleep(seconds / 4)


@component(image="cpu")
def evaluate_numbers(
    dataset: Input[Dataset], model: Input[Dataset], results: Output[Dataset], metrics: Output[Metrics]
):
    """Write scores and a report."""
    import json
    from pathlib import Path

    from components.common.dashboard import show_scalars
    from components.common.files import write_json
    from components.common.telemetry import report_scores, stage

    with stage("evaluate"):
        rows = len(json.loads((Path(dataset.path) / "numbers.json").read_text()))
        score = {"value": rows / 10, "low": 0.1, "high": 0.9, "baseline": 0.05, "published": 0.97}
        scores = {"accuracy": score}
        write_json(Path(results.path) / "metrics.json", {"origin": "simulated", "scores": scores, "external": {}})
        report_scores(scores, "simulated")
        show_scalars(metrics, {"accuracy": score["value"]})
        (Path(results.path) / "report.html").write_text("<!doctype html><title>Numbers</title>")


@dsl.pipeline(name="toy", description="Numbers.")
def toy(
    rows: int = 5,
    seconds: float = 0.0,
    fail: str = "",
    kernels: list[int] = [3, 2],  # noqa: B006
    deep: bool = False,
    location: str = "",
    data_version: str = "",
):
    """Count."""
    numbers = ingest_numbers(rows=rows, data_version=data_version)
    trained = train_slowly(dataset=numbers.outputs["dataset"], seconds=seconds, fail=fail)
    evaluate_numbers(dataset=numbers.outputs["dataset"], model=trained.outputs["model"])


DEFINITION = Definition(
    pipeline=toy,
    predictor=None,
    presets={"smoke": {"rows": 3}, "demo": {"rows": 7, "seconds": 8.0}},
    headline="accuracy",
    scores=("accuracy",),
    comparability="Not to be compared.",
)
