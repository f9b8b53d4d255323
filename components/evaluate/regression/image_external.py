"""External validation of redshifts of pictures: a folder of real ones, scored apart from everything else."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.report import Column, Section
from components.common.tables import Columns, column, write_table
from components.evaluate.learnt import reject_learnt
from components.evaluate.regression import photometric
from components.evaluate.regression.diagrams import draw_predicted_and_true
from components.evaluate.regression.metrics import Scored
from components.evaluate.regression.outcome import Baselines, Outcome, fields, predict_batches
from components.evaluate.regression.score_table import add_score_table
from components.ingest.sdss_cutouts.files_source import open_folder
from components.ingest.sdss_cutouts.settings import Settings as IngestSettings
from components.predict.cutouts.prediction import predict_table
from components.preprocess.cutouts.preparation import Preparation

if TYPE_CHECKING:
    from components.evaluate.regression.kinds import Kind

_LISTED = 40


@dataclass(frozen=True)
class ImageExternal:
    """Predictions for real pictures.

    Attributes
    ----------
    outcome : Outcome
        Of all pictures in the folder that can be used.
    warnings : ndarray of str, shape (n,)
        As `armillary predict` gives them.
    rejections : Rejections
        The rest of the folder.
    provenance : Provenance
        Of the folder.
    """

    outcome: Outcome
    warnings: npt.NDArray[Any]
    rejections: Rejections
    provenance: Provenance

    @property
    def within(self) -> npt.NDArray[np.bool_]:
        """All are scored."""
        return np.ones(len(self.outcome.groups), dtype=bool)

    def misses(self) -> list[dict[str, Any]]:
        """Describe every outlier, the worst first."""
        c, error = self.outcome.columns, np.abs(self.outcome.errors)
        rows = np.flatnonzero(error > photometric.OUTLIER)
        return [
            {
                "id": str(c["id"][row]),
                **{name: float(c[name][row]) for name in ("truth", "redshift", "sigma", "dz")},
                "warnings": str(self.warnings[row]),
            }
            for row in rows[np.argsort(-error[rows], kind="stable")]
        ]

    def write(self, folder: Path) -> None:
        """Write `external_predictions.parquet` and `external_rejected.parquet`."""
        own = (*fields(self.outcome), column("warnings", "string", "as of the predict command"))
        columns = {**self.outcome.columns, "warnings": self.warnings}
        write_table(folder / "external_predictions.parquet", own, columns, self.provenance)
        self.rejections.write(folder / "external_rejected.parquet", self.provenance)


def predict_folder(
    table: Path, folder: Path, model: Any, baselines: Baselines, constant: float, kind: "Kind"
) -> ImageExternal:
    """Predict the redshifts of a folder of real pictures with `labels.csv`, but of galaxies that were learnt from.

    Parameters
    ----------
    table : Path
        What the model learnt from.
    folder : Path
        As the ingest stage's source `files` reads it.
    model, baselines, constant, kind
        As for `components.evaluate.regression.outcome.predict_batches`; the model is fed with columns.

    Raises
    ------
    InputError
        When the folder holds no picture that can be used, or the model learnt from flux.
    """
    if (learnt := Preparation.from_settings(model.preprocess_settings)).encoding != "jpeg":
        raise InputError(
            f"The model learnt from {learnt.encoding}, but the pictures in {folder} are 8-bit ones.",
            "Leave external empty, or train with encoding=jpeg.",
        )
    rejections = Rejections()
    batches: list[Columns] = []
    source = open_folder(folder, _settings(folder, learnt.size), rejections)
    for pictures in source.batches:
        predicted = predict_table(pictures, model.model)
        for row in predicted.rejected:
            rejections.add(*row)
        own = {name: values[predicted.rows] for name, values in pictures.items() if name != "image"}
        own["warnings"] = predicted.columns["warnings"]
        batches.append({**own, **predicted.given, "group_id": own["field_id"]})
    rows = _unseen(table, batches, rejections)
    if not rows:
        raise InputError(
            f"None of the pictures in {folder} can be used: {rejections.in_words}.",
            "Give a folder of other pictures, with redshift and magnitudes in labels.csv.",
        )
    outcome = predict_batches([rows], model, baselines, constant, kind)
    provenance = Provenance(
        origin="real",
        archive=f"folder {folder}",
        query="pictures with a redshift",
        requested=len(outcome.groups) + len(rejections),
        received=len(outcome.groups),
        rejected=rejections.counts,
        notes=source.provenance.notes,
    )
    return ImageExternal(outcome, rows["warnings"], rejections, provenance)


def _unseen(table: Path, batches: list[Columns], rejections: Rejections) -> Columns:
    """Join batches, but for the galaxies that the model learnt from; nothing where none is left."""
    if not batches:
        return {}
    rows = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    new = reject_learnt(table, rows, rejections)
    return {name: values[new] for name, values in rows.items()} if new.any() else {}


def _settings(folder: Path, size: int) -> IngestSettings:
    return IngestSettings(
        source="files",
        location=str(folder),
        size=size,
        minimum_redshift=0.0,
        maximum_redshift=10.0,
        maximum_magnitude=99.0,
    )


def add_external(section: Section, external: ImageExternal, scored: Scored) -> None:
    """Add scores, a figure and every outlier."""
    outcome = external.outcome
    c, misses = outcome.columns, external.misses()
    ratios = photometric.nmad_over_baseline(outcome, 1000, 0)
    section.text(f"{len(c['truth'])} real pictures can be used. {photometric.verdict(ratios, outcome)}")
    add_score_table(
        section,
        "Scores on real pictures.",
        outcome,
        scored,
        "The baselines were fitted to the same training data as the model, and never saw these galaxies either.",
        form=".4f",
    )
    section.figure(
        draw_predicted_and_true(
            c["truth"], c["redshift"], outcome.errors, quantity="redshift", residual_name="dz/(1+z)"
        )
    )
    if not misses:
        section.text(f"No galaxy is off by more than {photometric.OUTLIER} (1 + z).")
        return
    section.table(
        f"Outliers: off by more than {photometric.OUTLIER} (1 + z), the worst {_LISTED} at most.",
        [
            Column("Picture"),
            *(Column(name, ".4f") for name in ("Catalogue z", "Predicted z", "sigma")),
            Column("Warnings"),
        ],
        [[m["id"], m["truth"], m["redshift"], m["sigma"], m["warnings"] or "none"] for m in misses[:_LISTED]],
        notes="Warnings are those that the predict command gives with each redshift.",
    )
