"""Membership of new stars: tables of Gaia in, a table with the cluster and the probability of each star out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.common.files import whole
from components.common.rejections import Rejections
from components.common.tables import Columns, column, write_table
from components.common.telemetry import report_counts, stage, warn
from components.ingest.gaia_stars.files_source import open_files
from components.ingest.gaia_stars.rejection import usable
from components.ingest.gaia_stars.schema import NAMES, complete
from components.ingest.gaia_stars.settings import Settings as IngestSettings
from components.predict.writing import Settings
from components.preprocess.star_field.preparation import prepare
from components.train.clustering.inference import ClusteringModel, load_model
from components.train.clustering.stars import COLUMNS, Stars, polar_centre

FIELDS = (
    column("id", "string", "source_id as text"),
    column("source_id", "int64", "Gaia's identifier"),
    column("cluster", "string", "the cluster that it most probably belongs to; empty for none"),
    column("probability", "float64", "of that"),
    column("ra", "float64", "right ascension", "deg"),
    column("dec", "float64", "declination", "deg"),
    column("pmra", "float64", "proper motion in right ascension", "mas/yr"),
    column("pmdec", "float64", "proper motion in declination", "mas/yr"),
    column("parallax", "float64", "zero-point subtracted", "mas"),
    column("phot_g_mean_mag", "float32", "magnitude G", "mag"),
    column("bp_rp", "float32", "colour", "mag"),
)
"""Fields of `predictions.parquet`."""

_FAINTEST = 21.5


def predict(inputs: Sequence[Path], model: Path, output: Path, settings: Settings) -> None:
    """Apply found clusters to stars of files.

    Parameters
    ----------
    inputs : sequence of Path
        Tables as VOTable, FITS, CSV or Parquet, or folders of them.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for `predictions.parquet` and `rejected.parquet`, the stars that do not pass the model's cuts.
    settings : Settings
        What to write.

    Notes
    -----
    A probability weighs the cluster against the field where it was found. It holds for stars chosen as those were;
    of a list of candidates that somebody chose by their motion more are members than it says.
    """
    with stage("predict", output):
        found = load_model(model)
        rejections = Rejections()
        wanted = IngestSettings(source="files", location=str(inputs[0]), maximum_magnitude=_FAINTEST)
        source = open_files(wanted, rejections, inputs)
        files = len(rejections)
        for note in source.provenance.notes:
            warn(note)
        if not found.clusters:
            warn("The model has no cluster, so that no star belongs to one.")
        columns = predict_table(_read(source.batches, rejections), found, rejections, source.release)
        provenance = source.provenance.with_rejected(rejections.counts)
        with whole(output) as folder:
            write_table(folder / "predictions.parquet", FIELDS, columns, provenance)
            rejections.write(folder / "rejected.parquet", provenance)
            if settings.csv:
                pd.DataFrame(columns).to_csv(folder / "predictions.csv", index=False, float_format="%.6g")
            if settings.plots:
                from components.predict.stars.plots import draw_members  # matplotlib, only where asked for

                draw_members(columns, found.names, folder / "plots")
        report_counts(rows_in=source.asked + files, rows_out=len(columns["id"]), rejected=len(rejections))
        if not len(columns["id"]):
            raise InputError(
                f"Not one of the {source.asked} stars can be used: {rejections.in_words or 'there is none'}.",
                "Give stars with source_id, position, parallax, proper motions and G, within the model's cuts; "
                f"{output / 'rejected.parquet'} says what is wrong with each.",
            )


def predict_table(stars: Columns, model: ClusteringModel, rejections: Rejections, release: str = "") -> Columns:
    """Return the memberships of stars in memory, as `FIELDS`; those that fail the model's cuts are left out."""
    kept, features = prepare(stars, model.preprocess_settings, rejections, release)
    own = {name: kept[name] for name in COLUMNS} | {"parallax": kept["parallax_corrected"]}
    which, probability = model.membership(Stars(own, features).facing(polar_centre(model.preprocess_settings)))
    order = np.argsort(-probability, kind="stable")  # members first: of a long list nobody reads the rest
    which, probability, own = which[order], probability[order], {name: own[name][order] for name in own}
    return {
        "id": own["source_id"].astype(str).astype(object),
        "cluster": np.array([*model.names, ""], dtype=object)[which],
        "probability": probability,
        **{name: own[name] for name in ("source_id", "ra", "dec", "pmra", "pmdec", "parallax")},
        "phot_g_mean_mag": own["phot_g_mean_mag"],
        "bp_rp": own["bp_rp"],
    }


def _read(batches: "object", rejections: Rejections) -> Columns:
    """Read all stars that have an astrometric solution."""
    parts = []
    for batch in batches:  # type: ignore[attr-defined]
        columns = complete(batch)
        keep = usable(columns, rejections)
        parts.append({name: values[keep] for name, values in columns.items()})
    if not parts:
        return complete({name: np.empty(0) for name in NAMES})
    return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}
