"""Spectra as a kind of data whose classes are evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.report import Column, Report, format_interval
from components.common.scores import INTERVAL_LEVEL, Floats, Score, score
from components.common.scores_classification import SCORES
from components.common.tables import column
from components.common.wording import counted
from components.evaluate.classification.kinds import External, Kind
from components.evaluate.classification.metrics import Feature
from components.evaluate.classification.outcome import LABEL, Baselines, Model, Outcome, predict_batches
from components.evaluate.classification.report import Evaluation
from components.evaluate.classification.spectra_baselines import SpectraBaselines
from components.evaluate.classification.spectra_diagrams import draw_attention, draw_misclassified
from components.evaluate.learnt import reject_learnt
from components.evaluate.networks import load_conv1d
from components.ingest.sdss_spectra.files_source import read_folder
from components.ingest.sdss_spectra.schema import QSO, STAR
from components.ingest.sdss_spectra.settings import Settings as IngestSettings
from components.physics.wavelength_grid import WavelengthGrid
from components.predict.classes.prediction import predict_table
from components.preprocess.spectra.preparation import Preparation

INPUTS = ("flux", "ivar")
GROUP = "object_id"
REDSHIFT_EDGES = (0.0, 0.2, 0.4, 0.6, 0.9, 1.5, 2.2, 3.0, np.inf)
SN_EDGES = (0.0, 1.5, 2.5, 4.0, 6.0, 10.0, np.inf)
MATCH_STEP = 0.1
"""Width of the bins of redshift in which the classes are made equally frequent."""

_MATCHED = ("balanced_accuracy", "roc_auc")
_FEWEST_IN_BIN = 8
_REST_ANGSTROM = np.exp(np.linspace(np.log(1200.0), np.log(9000.0), 321))

FIELDS = (
    column("id", "string", "spectrum"),
    column(GROUP, "string", "object on the sky"),
    column("redshift", "float64", "catalogue redshift"),
    column("zwarning", "int64", "warning bits of the survey's pipeline"),
    column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
)


@dataclass(frozen=True)
class Attention:
    """What the network looks at, and the grid of the spectra.

    Attributes
    ----------
    grid : WavelengthGrid
        Observed wavelengths.
    rest_angstrom : ndarray, shape (k + 1,)
        Edges of bins of rest wavelength.
    by_class : dict of str to ndarray, shape (k,)
        Mean attribution of a pixel to the class in each bin, over spectra that are of it; NaN where hardly one
        reaches.
    spectra : dict of str to int
        How many were asked.
    """

    grid: WavelengthGrid
    rest_angstrom: Floats
    by_class: dict[str, Floats]
    spectra: dict[str, int]


def match_redshifts(
    redshift: Floats, truth: npt.NDArray[np.int64], classes: int, seed: int
) -> npt.NDArray[np.int64]:
    """Choose objects such that all classes have the same redshifts.

    Where one class is nearer than another, a redshift alone tells much of the class; here it tells nothing.

    Parameters
    ----------
    redshift : ndarray, shape (n,)
        NaN where unknown: left out.
    truth : ndarray of int, shape (n,)
        Index of the class.
    classes : int
        Number of classes.
    seed : int
        Of the draw.

    Returns
    -------
    ndarray of int
        Rows, in order: as many of each class in each bin of width `MATCH_STEP`.
    """
    generator = np.random.default_rng(seed % 2**64)
    known = np.isfinite(redshift)
    bins = np.where(known, np.floor(np.where(known, redshift, 0.0) / MATCH_STEP), -1).astype(np.int64)
    chosen: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
    for number in np.unique(bins[known]):
        members = [np.flatnonzero((bins == number) & (truth == k)) for k in range(classes)]
        fewest = min(len(rows) for rows in members)
        chosen += [generator.permutation(rows)[:fewest] for rows in members]
    return np.sort(np.concatenate(chosen))


def _extra_scores(outcome: Outcome, resamples: int, seed: int) -> dict[str, Score]:
    if STAR in outcome.classes:
        return {}  # a star's redshift is a velocity: nothing can be matched to it
    rows = match_redshifts(outcome.columns["redshift"], outcome.truth, len(outcome.classes), seed)
    if not rows.size:
        return {}
    wanted = [definition for definition in SCORES if definition.name in _MATCHED]
    found = score(wanted, outcome.predictions[rows], outcome.columns[GROUP][rows], resamples, seed)
    return {f"{name}_z_matched": value for name, value in found.items()}


def _examine(model: Model, outcome: Outcome, settings: Mapping[str, Any]) -> Attention:
    from components.train.conv1d.attribution import integrated_gradients  # imports torch

    grid = WavelengthGrid(**settings["grid"])
    by_class: dict[str, Floats] = {}
    spectra: dict[str, int] = {}
    truth, redshift = outcome.truth[outcome.sample], outcome.columns["redshift"][outcome.sample]
    for index, name in enumerate(outcome.classes):
        rows = np.flatnonzero((truth == index) & np.isfinite(redshift))
        data = [outcome.sample_data[column][rows] for column in INPUTS]
        found = integrated_gradients(model, index, *data)  # type: ignore[arg-type]
        by_class[name] = _in_rest_frame(found, data[1] > 0, redshift[rows], grid)
        spectra[name] = len(rows)
    return Attention(grid, _REST_ANGSTROM, by_class, spectra)


def _in_rest_frame(
    attribution: npt.NDArray[np.float32], observed: npt.NDArray[np.bool_], redshift: Floats, grid: WavelengthGrid
) -> Floats:
    """Mean attribution by rest wavelength, over the spectra that observe it, where these are enough."""
    rest = grid.wavelength_angstrom / (1 + redshift[:, None])
    count, _ = np.histogram(rest[observed], _REST_ANGSTROM)
    total, _ = np.histogram(rest[observed], _REST_ANGSTROM, weights=attribution[observed].astype(np.float64))
    reach = np.zeros(len(total), dtype=np.int64)
    for pixels, seen in zip(rest, observed, strict=True):
        reach += np.histogram(pixels[seen], _REST_ANGSTROM)[0] > 0
    enough = reach >= min(_FEWEST_IN_BIN, max(1, len(redshift)))
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=enough))


def _add_matched(report: Report, e: Evaluation) -> None:
    """Add scores of as many objects of each class at each redshift, of model and baselines."""
    if not e.extra:
        return
    resamples, seed = e.draw
    rows = match_redshifts(e.outcome.columns["redshift"], e.outcome.truth, len(e.outcome.classes), seed)
    wanted = [definition for definition in SCORES if definition.name in _MATCHED]
    groups = e.outcome.columns[GROUP][rows]
    others = {name: score(wanted, e.outcome.baseline(name)[rows], groups, resamples, seed) for name in e.labels}
    section = report.section("At the same redshifts")
    section.text(
        "Where one class is nearer than the other, a redshift alone tells much of the class. Here as many "
        f"objects of each class were drawn in each bin of {MATCH_STEP:g} in redshift, "
        f"{counted(len(rows), 'object')} in all, so that it tells nothing."
    )
    section.table(
        "The model beside simpler methods, at the same redshifts.",
        [
            Column("Score"),
            Column("Model", ".3f"),
            Column(f"{INTERVAL_LEVEL:.0%} interval", ".3f"),
            *(Column(label[0].upper() + label[1:], ".3f") for label in e.labels.values()),
        ],
        [
            [
                definition.label,
                (own := e.extra[f"{definition.name}_z_matched"]).value,
                format_interval(own.low, own.high, ".3f"),
                *(others[name][definition.name].value for name in e.labels),
            ]
            for definition in wanted
        ],
    )


def _add_sections(report: Report, e: Evaluation) -> None:
    _add_matched(report, e)
    attention: Attention = e.findings
    section = report.section("What the network looks at")
    section.text(
        "Integrated gradients: how much each wavelength speaks for the class that a spectrum has, beside a "
        "spectrum without any feature, averaged over test spectra in the rest frame. What rises above zero "
        "speaks for the class, what falls below against it; over all pixels of a spectrum it adds up to what its "
        f"features change in the score, in nats. Wavelengths that fewer than {_FEWEST_IN_BIN} spectra reach are "
        "left out."
    )
    section.figures(
        [
            draw_attention(attention.rest_angstrom, found, name, attention.spectra[name])
            for name, found in attention.by_class.items()
        ]
    )
    section = report.section("The misclassified")
    if not len(e.outcome.worst):
        section.text("Not one test spectrum is misclassified.")
        return
    wrong, shown = int((e.outcome.predictions.right == 0).sum()), len(e.outcome.worst)
    drawn = f"The {shown} of which the model was most sure are drawn"
    if wrong == shown:
        drawn = "It is drawn" if wrong == 1 else "All are drawn"
    section.text(
        f"Of {counted(len(e.outcome), 'test spectrum', 'test spectra')} {wrong} {'is' if wrong == 1 else 'are'} "
        f"misclassified. {drawn}, with lines at the catalogue's redshift; fluxes are as the model sees them: "
        "above their median, in units of their spread. Of simulated ones, ask first whether they are mixtures "
        "near the border of the classes, or quasars reddened beyond recognition."
    )
    section.figures(draw_misclassified(e.outcome, attention.grid.wavelength_angstrom))


def _external(table: Path, folder: Path, model: Model, baselines: Baselines) -> External:
    settings = IngestSettings(source="files", location=str(folder), classes=model.classes)
    spectra, rejections = read_folder(folder, settings)
    predicted = predict_table(spectra, model)
    for row in predicted.ready.rejected:
        rejections.add(*row)
    found = predicted.ready.rows
    new = reject_learnt(table, {name: spectra[name][found] for name in ("id", "ra", "dec")}, rejections)
    if not new.any():
        raise InputError(
            f"None of the spectra in {folder} can be used: {rejections.in_words}.",
            "Give a folder of other spectra, with their classes and redshifts in labels.csv.",
        )
    prepared = {name: getattr(predicted.ready.prepared, name) for name in ("flux", "ivar", "offset", "scale")}
    rows = {name: values[found] for name, values in spectra.items() if name not in INPUTS} | prepared
    rows = {name: values[new] for name, values in rows.items()}
    rows[LABEL] = rows["spectral_class"]
    outcome = predict_batches([rows], model, baselines, INPUTS, [field.name for field in FIELDS], SPECTRA.positive)
    provenance = Provenance(
        origin="real",
        archive=f"folder {folder}",
        query=f"spectra of the classes {', '.join(model.classes)}",
        requested=len(outcome) + len(rejections),
        received=len(outcome),
        rejected=rejections.counts,
    )
    return External(
        outcome, rejections, provenance, tuple(str(text) for text in predicted.columns["warnings"][new])
    )


SPECTRA = Kind(
    name="spectra",
    noun="spectra",
    inputs=INPUTS,
    group=GROUP,
    fields=FIELDS,
    positive=QSO,
    features=(
        Feature("sn_median", "median S/N per pixel", SN_EDGES),
        Feature("redshift", "redshift", REDSHIFT_EDGES, "accuracy"),
    ),
    preparation=Preparation.from_settings,
    load_model=load_conv1d,
    baselines=lambda table, model, seed: SpectraBaselines(table, model.classes, seed),
    extra_scores=_extra_scores,
    examine=_examine,
    add_sections=_add_sections,
    external=_external,
)
"""Spectra: quasars are looked for."""
