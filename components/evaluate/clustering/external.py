"""Real stars searched as the region was: files, and a catalogue of members where there is one."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.common import clustering_scores
from components.common.clustering_scores import NONE, Labels
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.scores import Floats, Score
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.gaia_folder.folder import look_over
from components.ingest.gaia_stars.files_source import open_files
from components.ingest.gaia_stars.rejection import usable
from components.ingest.gaia_stars.schema import complete
from components.ingest.gaia_stars.settings import Settings as IngestSettings
from components.ingest.gaia_stars.source import Source
from components.preprocess.star_field.preparation import prepare
from components.preprocess.star_field.scaling import Scaling
from components.preprocess.star_field.settings import Settings as PrepareSettings
from components.train.clustering.inference import ClusteringModel
from components.train.clustering.search import search
from components.train.clustering.settings import Settings as SearchSettings
from components.train.clustering.stars import COLUMNS, Stars, polar_centre
from components.train.clustering.training import to_model


@dataclass(frozen=True)
class External:
    """What was found in real files.

    Attributes
    ----------
    provenance : Provenance
        Of the stars.
    colour, magnitude : ndarray, shape (n,)
        BP - RP and G of the stars that passed the cuts.
    members : ndarray of int, shape (n,)
        Cluster of each; -1 for none.
    catalogued : int
        How many of them the catalogue has as members.
    facts : list of dict
        Of the clusters.
    scores : dict of str to Score
        Against the catalogue of members; empty without one.
    """

    provenance: Provenance
    colour: Floats
    magnitude: Floats
    members: Labels
    catalogued: int
    facts: list[Mapping[str, Any]]
    scores: dict[str, Score] = field(default_factory=dict)


def search_files(
    folder: str, preprocess: Mapping[str, Any], search_settings: SearchSettings, resamples: int, seed: int
) -> External:
    """Prepare and search real stars with the settings of the region, their scales made for their own errors."""
    stars, members = look_over(folder)
    rejections = Rejections()
    if len(members) > 1:
        warn(f"{folder} has {len(members)} catalogues of members: compared with {members[0].name} alone.")
    ingest = IngestSettings(
        source="files", location=folder, members=str(members[0]) if members else "", maximum_magnitude=21.5
    )
    source = open_files(ingest, rejections, stars)
    every = _read(source, rejections)
    stored = {**preprocess, **_own_scales(every, preprocess), "release": source.release}
    stored["region"] = {
        **dict(preprocess["region"]),
        "radius_deg": source.region.radius_deg,
        "ra": source.region.ra_deg,
        "dec": source.region.dec_deg,
    }
    kept, features = prepare(every, stored, rejections)
    field_stars = Stars(
        {name: kept[name] for name in COLUMNS} | {"parallax": kept["parallax_corrected"]}, features
    )
    faced = polar_centre(stored)
    field_stars = field_stars.facing(faced)
    clusters = to_model(search(field_stars, search_settings.method, search_settings).clusters, field_stars, faced)
    which, probability = ClusteringModel(clusters, {}, {}).membership(field_stars)
    names, index = np.unique(kept["cluster"].astype(str), return_inverse=True)
    number = np.where(names == "", NONE, np.cumsum(names != "") - 1)
    found = np.where(probability > 0.5, which, NONE)
    scores = clustering_scores.score(number[index], found, resamples, seed) if len(found) else {}
    provenance = dataclasses.replace(
        source.provenance, requested=source.asked, received=len(every["source_id"])
    ).with_rejected(rejections.counts)
    return External(
        provenance,
        kept["bp_rp"].astype(np.float64),
        kept["phot_g_mean_mag"].astype(np.float64),
        found,
        int((number[index] != NONE).sum()),
        [cluster.facts for cluster in clusters],
        scores,
    )


def _read(source: Source, rejections: Rejections) -> Columns:
    """Read all stars that can be used, and the cluster that each is catalogued in, "" for none."""
    parts = []
    for batch in source.batches:
        columns = complete(batch)
        keep = usable(columns, rejections)
        columns["cluster"] = batch["cluster"] if source.has_truth else np.full(len(keep), "", dtype=object)
        parts.append({name: values[keep] for name, values in columns.items()})
    if not parts:
        raise InputError(
            f"Not one star of {source.provenance.query} can be used: {rejections.in_words}.",
            "Leave external empty, or give tables of brighter stars.",
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _own_scales(stars: Mapping[str, Any], preprocess: Mapping[str, Any]) -> dict[str, Any]:
    settings = PrepareSettings(**preprocess["settings"])
    good = (stars["pmra_error"] <= (settings.maximum_pm_error or np.inf)) & np.isfinite(stars["parallax_error"])
    motion = np.concatenate([stars["pmra_error"][good], stars["pmdec_error"][good], [0.1]])
    parallax = np.concatenate([stars["parallax_error"][good], [0.1]])
    scaling = Scaling.of(settings, float(np.median(motion)), float(np.median(parallax)))
    return {"scales": scaling.scales, "weights": scaling.weights}
