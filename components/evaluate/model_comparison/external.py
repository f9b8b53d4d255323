"""Real galaxies from outside: scored apart from everything else, and never learnt from."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.scores import Score, to_json
from components.common.tables import column, write_table
from components.evaluate.learnt import reject_learnt
from components.evaluate.model_comparison.contest import LABELS, Contenders, Contest, Entry
from components.evaluate.model_comparison.scores import OUTLIER
from components.evaluate.regression.redshift import velocity_km_s
from components.ingest.sdss_spectra.files_source import read_folder
from components.ingest.sdss_spectra.schema import GALAXY, with_measurements
from components.ingest.sdss_spectra.settings import Settings as IngestSettings
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.predict.galaxies.prediction import predict_table
from components.predict.galaxies.warnings import BITS
from components.predict.warning_bits import describe

FIELDS = (
    column("id", "string", "spectrum"),
    column("object_id", "string", "object on the sky"),
    column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
    column("truth", "float64", "catalogue redshift"),
    column("redshift", "float64", "predicted by the model chosen on validation rows"),
    column("sigma", "float64", "half the central 68.27 % interval; where UNFAMILIAR it means nothing"),
    column(
        "truth_magnitude_r", "float64", "of the light in the fibre, as the survey has it; NaN if unknown", "mag"
    ),
    column("magnitude_r", "float64", "predicted", "mag"),
    column("template_scan", "float64", "redshift by the template scan"),
    column("warning", "int64", "warning bits, as of the predict command"),
    column("scored", "bool", "inside the redshifts that the models were trained on"),
)
"""Fields of `external_predictions.parquet`."""


@dataclass(frozen=True)
class External:
    """What everybody says about real galaxies.

    Attributes
    ----------
    contest : Contest
        Of all galaxies in the folder that can be used.
    chosen : int
        The model that was best in validation.
    warning : ndarray of int, shape (n,)
        Its warnings, as the predict command gives them.
    within : ndarray of bool, shape (n,)
        Inside the redshifts that the models were trained on: those that are scored.
    scored : list of dict of str to Score
        Of each model.
    constant, scan : dict of str to Score
        Of the baselines.
    rejections : Rejections
        The rest of the folder: what is no galaxy, or cannot be used.
    provenance : Provenance
        Of the folder.
    """

    contest: Contest
    chosen: int
    warning: npt.NDArray[np.int64]
    within: npt.NDArray[np.bool_]
    scored: list[dict[str, Score]]
    constant: dict[str, Score]
    scan: dict[str, Score]
    rejections: Rejections
    provenance: Provenance

    @property
    def best(self) -> Entry:
        """The model that was best in validation."""
        return self.contest.entries[self.chosen]

    @property
    def velocity_km_s(self) -> npt.NDArray[np.float64]:
        """Its velocity errors, shape (n,)."""
        return velocity_km_s(self.best.columns["redshift"], self.contest.labels["redshift"])

    @property
    def missed(self) -> npt.NDArray[np.bool_]:
        """Where it is an outlier, shape (n,)."""
        return np.asarray(np.abs(self.velocity_km_s) > OUTLIER * SPEED_OF_LIGHT_KM_S)

    def to_json(self) -> dict[str, Any]:
        """Return entries of `metrics.json`."""
        return {
            "external": to_json(self.scored[self.chosen]),
            "external_baselines": {"constant": to_json(self.constant), "template_scan": to_json(self.scan)},
            "external_models": {
                entry.name: to_json(found) for entry, found in zip(self.contest.entries, self.scored, strict=True)
            },
            "external_spectra": self.listing(),
            "external_provenance": dataclasses.asdict(self.provenance),
        }

    def listing(self) -> list[dict[str, Any]]:
        """Describe every galaxy, the worst first; the error of a magnitude that nobody knows is None."""
        labels, c, velocity = self.contest.labels, self.best.columns, self.velocity_km_s
        error = c["magnitude_r"] - labels["magnitude_r"]
        return [
            {
                "id": str(labels["id"][i]),
                "truth": float(labels["redshift"][i]),
                "redshift": float(c["redshift"][i]),
                "sigma": float(c["sigma"][i]),
                "dv_km_s": float(velocity[i]),
                "magnitude_r_error": float(error[i]) if np.isfinite(error[i]) else None,
                "sn_median": float(labels["sn_median"][i]),
                "template_scan": float(self.contest.template_scan.columns["redshift"][i]),
                "warnings": describe(int(self.warning[i]), BITS),
                "scored": bool(self.within[i]),
            }
            for i in np.argsort(-np.abs(velocity))
        ]


def validate(
    table: Path, folder: Path, contenders: Contenders, chosen: int, resamples: int, seed: int
) -> External:
    """Have all contenders answer for a folder of real galaxies, but for those that they learnt from.

    Parameters
    ----------
    table : Path
        What they learnt from.
    folder : Path
        Spectrum files, with a `labels.csv` (columns file, class, redshift) or the redshift in the files.
        Magnitudes are those that the survey's pipeline has integrated over the spectra.
    contenders : Contenders
        Models and templates.
    chosen : int
        The model that was best in validation.
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        When the folder holds no galaxy that can be used.
    """
    wanted = IngestSettings(source="files", location=str(folder), classes=(GALAXY,))
    spectra, rejections = read_folder(folder, wanted)
    predicted = predict_table(spectra, contenders.models[chosen])
    for row in predicted.ready.rejected:
        rejections.add(*row)
    rows = predicted.ready.rows
    new = reject_learnt(table, {name: spectra[name][rows] for name in ("id", "ra", "dec")}, rejections)
    if not new.any():
        raise InputError(
            f"None of the galaxies in {folder} can be used: {rejections.in_words}.",
            "Give a folder of other galaxies, with their class and redshift in labels.csv.",
        )
    spectra = {**with_measurements(spectra), "group": spectra["object_id"]}
    labels = {name: spectra[name][rows[new]] for name in LABELS}
    contest = contenders.answer([{**labels, **{name: values[new] for name, values in predicted.inputs.items()}}])
    known = contenders.training["redshift"]
    within = (labels["redshift"] >= known.min()) & (labels["redshift"] <= known.max())
    within |= not within.any()
    part = contest[np.flatnonzero(within)]
    constant = part.constant_scores(resamples, seed)
    return External(
        contest,
        chosen,
        predicted.columns["warning"][new],
        within,
        [
            {
                name: dataclasses.replace(s, baseline=constant[name].value)
                for name, s in part.scores(entry, resamples, seed).items()
            }
            for entry in part.entries
        ],
        constant,
        part.scores(part.template_scan, resamples, seed),
        rejections,
        _describe_source(folder, within, rejections),
    )


def _describe_source(folder: Path, within: npt.NDArray[np.bool_], rejections: Rejections) -> Provenance:
    return Provenance(
        origin="real",
        archive=f"folder {folder}",
        query="galaxies with a redshift",
        requested=len(within) + len(rejections),
        received=len(within),
        rejected=rejections.counts,
        notes=(f"Scores are of the {within.sum()} galaxies inside the redshifts of the training data.",),
    )


def write_external(folder: Path, external: External) -> None:
    """Write `external_predictions.parquet` and `external_rejected.parquet`."""
    labels, c = external.contest.labels, external.best.columns
    columns = {
        **{name: labels[name] for name in ("id", "object_id", "sn_median")},
        "truth": labels["redshift"],
        "truth_magnitude_r": labels["magnitude_r"],
        **{name: c[name] for name in ("redshift", "sigma", "magnitude_r")},
        "template_scan": external.contest.template_scan.columns["redshift"],
        "warning": external.warning,
        "scored": external.within,
    }
    write_table(folder / "external_predictions.parquet", FIELDS, columns, external.provenance)
    external.rejections.write(folder / "external_rejected.parquet", external.provenance)
