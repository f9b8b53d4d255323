"""Spectra as a kind of data whose redshifts are evaluated: those of quasars."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.common.distributions import BinnedDistribution
from components.common.scores import Floats
from components.common.tables import column, read_settings
from components.evaluate.networks import load_conv1d
from components.evaluate.regression import redshift
from components.evaluate.regression.baselines import SpectrumBaselines
from components.evaluate.regression.external import External, predict_folder
from components.evaluate.regression.kinds import Kind
from components.evaluate.regression.outcome import Baselines, Measure, Model, Outcome
from components.evaluate.regression.redshift_report import write_report
from components.evaluate.regression.spectrum_curves import Curves, draw_curves
from components.physics.wavelength_grid import WavelengthGrid
from components.preprocess.spectra.preparation import Preparation


def _grid(settings: Mapping[str, Any]) -> WavelengthGrid:
    return Preparation.from_settings(settings).grid


def _fit_baselines(table: Path, seed: int) -> SpectrumBaselines:
    return SpectrumBaselines(table, _grid(read_settings(table)).step, seed)


def _draw_curves(outcome: Outcome, settings: Mapping[str, Any], resamples: int, seed: int) -> Curves:
    wavelength = _grid(settings).wavelength_angstrom
    return draw_curves(outcome, (float(wavelength[0]), float(wavelength[-1])), resamples, seed)


def _point(distribution: BinnedDistribution) -> Floats:
    return distribution.peak_value()


def _validate(table: Path, folder: Path, model: Model, baselines: Baselines, constant: float) -> External:
    return predict_folder(table, folder, model, baselines, constant, SPECTRA)


SPECTRA = Kind(
    name="spectra",
    noun="spectra",
    inputs=("flux", "ivar"),
    group="object_id",
    fields=(
        column("id", "string", "spectrum"),
        column("object_id", "string", "object on the sky"),
        column("zwarning", "int64", "warning bits of the survey's pipeline"),
        column("is_bal", "bool", "broad absorption lines"),
        column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
    ),
    point=_point,
    point_name="mean of the strongest peak",
    measure=Measure("dv_km_s", "c (redshift - truth) / (1 + truth)", "km/s", redshift.velocity_km_s),
    scores=redshift.SCORES,
    headline=redshift.HEADLINE,
    published=redshift.PUBLISHED,
    preparation=Preparation.from_settings,
    load_model=load_conv1d,
    fit_baselines=_fit_baselines,
    draw_curves=_draw_curves,
    write_report=write_report,
    external=_validate,
)
