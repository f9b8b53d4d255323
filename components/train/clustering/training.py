"""The train stage for clusters: searched, fitted, judged, and stored with memberships."""

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from components.common.files import whole
from components.common.provenance import Provenance, code_version
from components.common.tables import Columns, read_provenance
from components.common.telemetry import report_counts, stage, warn
from components.train.clustering.candidates import SYSTEMATIC, Candidate
from components.train.clustering.inference import ClusteringModel, FoundCluster, save_model
from components.train.clustering.methods import Grouping, group
from components.train.clustering.outputs import write_candidates, write_comparison, write_membership
from components.train.clustering.search import Found, search
from components.train.clustering.settings import Settings
from components.train.clustering.stars import Floats, Stars, polar_centre, read_stars, rotate, turn


def train(dataset: Path, model: Path, settings: Settings) -> dict[str, Any]:
    """Find the clusters of a region and write the model folder.

    Parameters
    ----------
    dataset : Path
        Folder of the preprocess stage, with `dataset.parquet`.
    model : Path
        Folder to create: `model.json`, `clusters.safetensors`, `candidates.parquet`, `membership.parquet`, and
        `comparison.parquet` with what each method proposed and what became of it.
    settings : Settings
        How to search.

    Returns
    -------
    dict
        The record that `model.json` holds under `training`.
    """
    table = dataset / "dataset.parquet"
    with stage("train", model):
        stars, preprocess = read_stars(table)
        provenance = read_provenance(table)
        report_counts(rows_in=len(stars))
        if not len(stars):
            warn("There is no star to search: the answer is that there is no cluster.")
        found, seconds = search_all(stars, settings)
        best = found[settings.method]
        record = _record(found, seconds, settings, provenance)
        clusters = to_model(best.clusters, stars, polar_centre(preprocess))
        trained = ClusteringModel(clusters, preprocess, record)
        which, probability = trained.membership(stars)
        with whole(model) as folder:
            save_model(folder, trained)
            write_candidates(folder / "candidates.parquet", best.candidates, provenance)
            names = np.array([*trained.names, ""], dtype=object)
            membership = {
                "source_id": stars.columns["source_id"],
                "cluster": names[which],
                "probability": probability,
            }
            write_membership(folder / "membership.parquet", membership, provenance)
            write_comparison(folder / "comparison.parquet", _compared(stars, found), provenance)
        report_counts(clusters=len(clusters), rows_out=int((probability > 0.5).sum()))
    return record


def search_all(stars: Stars, settings: Settings) -> tuple[dict[str, Found], dict[str, float]]:
    """Search by the method of the model and by those to compare with, and say how long each took.

    The methods propose at the same time, in threads: their libraries work outside of Python. Candidates are then
    fitted one method after the other.
    """
    methods = list(dict.fromkeys([settings.method, *settings.compare]))

    def timed(method: str) -> tuple[Grouping, float]:
        begin = time.perf_counter()
        return group(method, stars.features, settings), time.perf_counter() - begin

    with ThreadPoolExecutor(len(methods)) as pool:
        proposed = dict(zip(methods, pool.map(timed, methods), strict=True))
    found, seconds = {}, {}
    for method, (grouping, grouped) in proposed.items():
        begin = time.perf_counter()
        found[method] = search(stars, method, settings, grouping)
        seconds[method] = grouped + time.perf_counter() - begin
    return found, seconds


def to_model(
    clusters: list[Candidate], stars: Stars, faced: tuple[float, float] | None = None
) -> tuple[FoundCluster, ...]:
    """Turn candidates that passed into the clusters of a model; `faced` is where the stars' motions face."""
    return tuple(
        FoundCluster(
            c.fit.cluster,
            c.fit.field,
            c.window.sky,
            c.window.centre,
            c.window.half_width,
            c.window.reach,
            describe(c, f"cluster-{number}", stars, faced),
        )
        for number, c in enumerate(clusters, start=1)
    )


def describe(c: Candidate, name: str, stars: Stars, faced: tuple[float, float] | None = None) -> dict[str, Any]:
    """Return what a person wants to know of a candidate; errors include the systematic floor."""
    total = np.hypot(c.errors, SYSTEMATIC)
    mean, dispersion = c.fit.cluster.mean.copy(), np.sqrt(np.diag(c.fit.cluster.covariance))
    if faced is not None:  # back to east and north where the cluster is
        angle = turn(np.array([c.ra]), np.array([c.dec]), faced)
        mean[0], mean[1] = (values[0] for values in rotate(mean[:1], mean[1:2], -angle))
    profile, members = c.fit.cluster.profile, max(c.fit.cluster.stars, 1.0)
    # The centre of a Plummer profile is known to about 0.82 a / sqrt(N): its Fisher information.
    position = float(0.82 * profile.radius / np.sqrt(members))
    return {
        "name": name,
        "stars": len(c.members),
        "expected_stars": float(c.fit.cluster.stars),
        "proposed": len(c.proposed),
        "ra": c.ra,
        "dec": c.dec,
        "position_error": position,
        **_astrometry(mean, total, c.errors, dispersion),
        "radius": profile.radius,
        "radius_error": profile.radius_error,
        "significance": c.significance,
        "density_sigma": c.density_sigma,
        "sky_sigma": c.sky_sigma,
        "cmd_score": c.cmd_score,
        "tightness": c.tightness,
        "brightest": float(np.nanmin(stars.columns["phot_g_mean_mag"][c.members])) if len(c.members) else None,
        "reason": c.reason,
    }


def _astrometry(mean: Floats, total: Floats, own: Floats, dispersion: Floats) -> dict[str, float]:
    found: dict[str, float] = {}
    for k, name in enumerate(("pmra", "pmdec", "parallax")):
        found[name] = float(mean[k])
        found[f"{name}_error"] = float(total[k])
        found[f"{name}_statistical_error"] = float(own[k])
        found[f"{name}_systematic_floor"] = SYSTEMATIC[k]
        found[f"{name}_dispersion"] = float(dispersion[k])
    return found


def _compared(stars: Stars, found: dict[str, Found]) -> Columns:
    columns: Columns = {"source_id": stars.columns["source_id"]}
    for method, one in found.items():
        which, probability = ClusteringModel(to_model(one.clusters, stars), {}, {}).membership(stars)
        columns |= {
            f"{method}_group": one.grouping.labels,
            f"{method}_cluster": which,
            f"{method}_probability": probability,
        }
    return columns


def _record(
    found: dict[str, Found], seconds: dict[str, float], settings: Settings, provenance: Provenance
) -> dict[str, Any]:
    return {
        "settings": {**asdict(settings), "compare": list(settings.compare)},
        "methods": {
            method: {
                "groups": one.grouping.count,
                "clusters": len(one.clusters),
                "rejected": _count([c.reason for c in one.candidates if c.reason]),
                "passed_over": one.passed_over,
                "choices": one.grouping.choices,
                "seconds": seconds[method],
            }
            for method, one in found.items()
        },
        "cost": {"peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024},
        "data": provenance.to_json(),
        "code_version": code_version(),
    }


def _count(reasons: list[str]) -> dict[str, int]:
    return {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
