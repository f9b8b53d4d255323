"""Fields without a cluster: whatever a search finds there is false."""

import numpy as np

from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.telemetry import report_progress
from components.ingest.gaia_stars.schema import complete
from components.ingest.gaia_stars.settings import Settings as IngestSettings
from components.ingest.gaia_stars.simulated import open_simulator
from components.preprocess.star_field.preparation import prepare
from components.train.clustering.search import search
from components.train.clustering.settings import Settings
from components.train.clustering.stars import COLUMNS, Floats, Stars, polar_centre

CONTROL_ROWS = 20_000
"""A simulated field without a cluster has at most so many stars."""

_SHIFT = 6.0
_MEMBER = 0.05
_OTHER_SEED = 1_000_003


def count_in_shifted(
    stars: Stars, probability: Floats, scales: dict[str, float], settings: Settings, nulls: int
) -> list[int]:
    """Count clusters in copies of a region whose proper motions are shifted and whose places are exchanged.

    Members of what was found are left out. Each star's proper motion and parallax are shifted at random by several
    times the scale at which clusters are looked for, and places are dealt out anew: the field keeps its large
    structure and its numbers, and nothing as small as a cluster survives.
    """
    field = stars[np.flatnonzero(probability < _MEMBER)]
    counts = []
    for number in range(nulls):
        generator = np.random.default_rng((settings.seed, 17, number))
        counts.append(len(search(_shifted(field, scales, generator), settings.method, settings).clusters))
        report_progress(number + 1, nulls, "shifted fields")
    return counts


def _shifted(field: Stars, scales: dict[str, float], generator: np.random.Generator) -> Stars:
    columns, features = dict(field.columns), field.features.copy()
    motion = _SHIFT * scales.get("feature_pm_x", 0.2)
    depth = _SHIFT * scales.get("feature_parallax", 0.05)
    shifts = {
        "pmra": generator.normal(0, motion, len(field)),
        "pmdec": generator.normal(0, motion, len(field)),
        "parallax": generator.normal(0, depth, len(field)),
    }
    for name, shift in shifts.items():
        columns[name] = columns[name] + shift
    names = list(scales)
    for feature, name in (("feature_pm_x", "pmra"), ("feature_pm_y", "pmdec"), ("feature_parallax", "parallax")):
        if feature in names:
            features[:, names.index(feature)] += shifts[name] / scales[feature]
    order = generator.permutation(len(field))
    places = [names.index(name) for name in ("feature_x", "feature_y") if name in names]
    features[:, places] = features[order][:, places]
    columns["ra"], columns["dec"] = columns["ra"][order], columns["dec"][order]
    return Stars(columns, features.astype(np.float32))


def count_in_control_fields(
    preprocess: dict[str, object], rows: int, settings: Settings, fields: int, seed: int
) -> list[int]:
    """Count clusters in simulated fields that have none, prepared and searched as the region was."""
    counts = []
    for number in range(fields):
        stars = control_field(preprocess, rows, seed + number)
        counts.append(len(search(stars, settings.method, settings).clusters))
        report_progress(number + 1, fields, "control fields")
    return counts


def control_field(preprocess: dict[str, object], rows: int, seed: int) -> Stars:
    """Simulate one, with another seed than the region's own."""
    region = preprocess["region"]
    assert isinstance(region, dict)
    radius = float(region.get("radius_deg") or 0.0)
    ra, dec = (float(region["ra"]), float(region["dec"])) if radius else (0.0, 0.0)
    wanted = IngestSettings(seed=_OTHER_SEED + seed, clusters=0, rows=rows, ra=ra, dec=dec, radius_deg=radius)
    source = open_simulator(wanted)
    batches = [complete(batch) for batch in source.batches]
    every = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    prepared, features = prepare(every, preprocess, Rejections())
    columns = {name: prepared[name] for name in COLUMNS} | {"parallax": prepared["parallax_corrected"]}
    return Stars(columns, features).facing(polar_centre(preprocess))


def is_simulated(provenance: Provenance) -> bool:
    """Whether fields like that of the region can be simulated: only where it was itself."""
    return provenance.origin == "simulated"
