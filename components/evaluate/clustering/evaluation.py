"""The evaluate stage for clusters: against truth where there is one, against nulls and resamples always."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats as distributions

from components.common import clustering_scores
from components.common.clustering_scores import Reliability, reliability
from components.common.errors import ParameterError
from components.common.scores import INTERVAL_LEVEL, Score, to_json
from components.common.tables import column, write_table
from components.common.telemetry import stage
from components.evaluate import settings as common
from components.evaluate.clustering.comparison import MethodScores, compare_methods
from components.evaluate.clustering.external import External, search_files
from components.evaluate.clustering.naming import name_clusters
from components.evaluate.clustering.nulls import (
    CONTROL_ROWS,
    count_in_control_fields,
    count_in_shifted,
    is_simulated,
)
from components.evaluate.clustering.scene import Scene, read_scene
from components.evaluate.clustering.stability import Stability, resample
from components.evaluate.clustering.truth import Matched, match_clusters
from components.evaluate.metrics_file import publish_metrics
from components.ingest.gaia_folder.folder import look_over
from components.train.clustering.settings import Settings as SearchSettings

_FIELDS = (
    column("source_id", "int64", "Gaia's identifier"),
    column("id", "string", "the same as text"),
    column("cluster", "string", "the cluster that it most probably belongs to; empty for none"),
    column("probability", "float64", "of that"),
    column("truth", "string", "the cluster that it is known to belong to; empty for the field or where unknown"),
)


@dataclass(frozen=True)
class Settings(common.Settings):
    """How to evaluate; see also `components.evaluate.settings.Settings`. The stars are what is resampled.

    Attributes
    ----------
    control_fields : int
        Simulated fields without a cluster that are searched; only where the region is simulated itself.
    shifted_fields : int
        Copies of the region with shifted proper motions that are searched.
    samples : int
        Samples of the stars that are searched again.
    test_fraction : float
        Share of the stars that each of these leaves out.
    """

    control_fields: int = 10
    shifted_fields: int = 2
    samples: int = 5
    test_fraction: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.control_fields, self.shifted_fields, self.samples) < 0:
            raise ParameterError(
                "control_fields, shifted_fields and samples are at least 0.", "Give larger numbers."
            )
        if not 0 < self.test_fraction < 1:
            raise ParameterError(f"test_fraction is {self.test_fraction}.", "Give a share between 0 and 1.")
        if self.external:
            look_over(self.external)


@dataclass(frozen=True)
class Outcome:
    """All that the report tells.

    Attributes
    ----------
    scene : Scene
        Stars and clusters.
    scores : dict of str to Score
        Against truth, and the number of false clusters.
    matched : list of Matched
        True clusters beside found ones.
    names : list of str
        Known name of each found cluster.
    control, shifted : list of int
        Clusters in each field without one.
    stability : list of Stability
        Of each found cluster.
    strangers : float
        Mean number of further clusters in a sample.
    samples : int
        Samples of the stars.
    reliability : Reliability or None
        Of the probabilities.
    methods : list of MethodScores
        Each method, what it proposed and what became of it.
    external : External or None
        What was found among real stars.
    """

    scene: Scene
    scores: dict[str, Score]
    matched: list[Matched]
    names: list[str]
    control: list[int]
    shifted: list[int]
    stability: list[Stability]
    strangers: float
    samples: int
    reliability: Reliability | None
    methods: list[MethodScores]
    external: External | None

    @property
    def titles(self) -> list[str]:
        """Name of each found cluster, with that by which it is known."""
        known = zip(self.scene.model.names, self.names, strict=True)
        return [f"{own} ({name})" if name else own for own, name in known]


def evaluate(dataset: Path, model: Path, output: Path, settings: Settings) -> dict[str, Any]:
    """Evaluate found clusters.

    Parameters
    ----------
    dataset : Path
        Folder that preprocess wrote, with `truth.parquet` where the clusters are known.
    model : Path
        Folder that train wrote.
    output : Path
        Folder for `metrics.json`, `predictions.parquet` and `report.html`.
    settings : Settings
        How to evaluate.

    Returns
    -------
    dict
        What `metrics.json` holds.
    """
    from components.evaluate.clustering.cluster_report import write_report  # matplotlib is slow to import

    with stage("evaluate", output):
        scene = read_scene(dataset, model)
        outcome = judge(scene, settings)
        output.mkdir(parents=True, exist_ok=True)
        _write_predictions(output / "predictions.parquet", scene)
        write_report(output / "report.html", outcome, settings.title, settings.slug)
        return publish_metrics(output, _gather(outcome), len(scene.stars), len(scene.stars))


def judge(scene: Scene, settings: Settings) -> Outcome:
    """Score what was found, and search fields in which nothing is to be found."""
    search = search_settings(scene)
    n = len(scene.stars)
    simulated = is_simulated(scene.provenance)
    control = (
        count_in_control_fields(
            scene.settings, min(max(n, 1), CONTROL_ROWS), search, settings.control_fields, settings.seed
        )
        if simulated
        else []
    )
    shifted = (
        count_in_shifted(scene.stars, scene.probability, scene.settings["scales"], search, settings.shifted_fields)
        if n
        else []
    )
    stability, strangers = resample(scene, search, settings.samples, settings.test_fraction)
    scores: dict[str, Score] = {}
    matched: list[Matched] = []
    calibration = None
    if scene.truth is not None and scene.truth.names:
        scores = clustering_scores.score(scene.truth.labels, scene.members, settings.bootstrap, settings.seed)
        matched = match_clusters(scene.truth, scene.members, scene.facts)
        calibration = reliability(_is_right(scene, matched), scene.probability)
    scores["false_clusters"] = _count_score(control if control else shifted)
    methods = compare_methods(scene)
    names = name_clusters(scene.facts)
    external = None
    if settings.external:
        external = search_files(settings.external, scene.settings, search, settings.bootstrap, settings.seed)
    return Outcome(
        scene, scores, matched, names, control, shifted, stability, strangers, settings.samples, calibration,
        methods, external,
    )  # fmt: skip


def search_settings(scene: Scene) -> SearchSettings:
    """Return the settings that the clusters were found with."""
    stored = dict(scene.model.record["settings"])
    return SearchSettings(**{**stored, "compare": tuple(stored["compare"])})


def _is_right(scene: Scene, matched: list[Matched]) -> Any:
    """Whether each star is a member of the very cluster that it is said to belong to."""
    assert scene.truth is not None
    true_of = np.full(len(scene.facts) + 1, -2, dtype=np.int64)
    for number, pair in enumerate(matched):
        if pair.found >= 0:
            true_of[pair.found] = number
    return (scene.which >= 0) & (true_of[scene.which] == scene.truth.labels)


def _count_score(counts: list[int]) -> Score:
    """Clusters in all fields without one together, with the exact interval of a Poisson count."""
    total = sum(counts)
    tail = (1 - INTERVAL_LEVEL) / 2
    low = float(distributions.chi2.ppf(tail, 2 * total) / 2) if total else 0.0
    high = float(distributions.chi2.ppf(1 - tail, 2 * total + 2) / 2)
    return Score(float(total), low, high)


def _write_predictions(path: Path, scene: Scene) -> None:
    names = np.array([*scene.model.names, ""], dtype=object)
    truth = np.full(len(scene.stars), "", dtype=object)
    if scene.truth is not None:
        truth = np.array([*scene.truth.names, ""], dtype=object)[scene.truth.labels]
    source_id = scene.stars.columns["source_id"]
    columns = {
        "source_id": source_id,
        "id": source_id.astype(str).astype(object),
        "cluster": names[scene.which],
        "probability": scene.probability,
        "truth": truth,
    }
    write_table(path, _FIELDS, columns, scene.provenance)


def _gather(outcome: Outcome) -> dict[str, Any]:
    """Arrange everything as `metrics.json`."""
    scene = outcome.scene
    calibration = outcome.reliability
    return {
        "origin": scene.provenance.origin,
        "target": "membership",
        "headline": clustering_scores.HEADLINE,
        "interval": INTERVAL_LEVEL,
        "rows": {"stars": len(scene.stars), "members": int((scene.members >= 0).sum())},
        "scores": to_json(outcome.scores),
        "baselines": {entry.method: entry.to_json() for entry in outcome.methods},
        "external": to_json(outcome.external.scores) if outcome.external else {},
        "external_clusters": outcome.external.facts if outcome.external else [],
        "external_baselines": {},
        "clusters": [
            {**facts, "known_as": name, "found_again": stable.found, "agreement": _or_none(stable.agreement)}
            for facts, name, stable in zip(scene.facts, outcome.names, outcome.stability, strict=True)
        ],
        "matched": [dataclasses.asdict(pair) for pair in outcome.matched],
        "control_fields": outcome.control,
        "shifted_fields": outcome.shifted,
        "strangers_in_samples": outcome.strangers,
        "calibration_error": calibration.error if calibration else None,
        "curves": {
            "reliability": {
                name: getattr(calibration, name).tolist()
                for name in ("stated", "observed", "low", "high", "count")
            }
            if calibration
            else None
        },
        "provenance": dataclasses.asdict(scene.provenance),
    }


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
