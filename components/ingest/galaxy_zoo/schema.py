"""Columns of the tables of galaxies and their votes."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.tables import Columns, column, tensor_column
from components.physics.gz2_classes import TRUNKS
from components.physics.gz2_tasks import KEY_COLUMNS, VOTE_COLUMNS

GALAXIES_PER_GROUP = 1 << 13
"""Rows of a row group: of 222 votes each."""

_KEYS = (
    column("id", "string", "dr7objid as text: identifier of the row, unique in the table"),
    column("object_id", "string", "the galaxy; the same for all rows that are known to be of it"),
    column("dr7objid", "int64", "photometric identifier of SDSS DR7"),
    column("ra", "float64", "right ascension, ICRS; NaN where the table has none", "deg"),
    column("dec", "float64", "declination, ICRS; NaN where the table has none", "deg"),
    column("rastring", "string", "right ascension in hours"),
    column("decstring", "string", "declination in degrees, minutes and seconds"),
    column("sample", "string", "original, extra, or stripe82 and its like"),
    column("gz2_class", "string", "summary of the votes, after the grammar of Galaxy Zoo 2"),
    column("total_classifications", "float32", "people who looked at it"),
    column("total_votes", "float32", "answers that they gave"),
)
PHOTOMETRY_FIELDS = (
    column("redshift", "float32", "spectroscopic"),
    column("petro_mag_r", "float32", "Petrosian magnitude in r, corrected for extinction", "mag"),
    column("absolute_mag_r", "float32", "petro_mag_r at its distance, without a K-correction", "mag"),
    column("u_g", "float32", "model colour, corrected for extinction, observed frame", "mag"),
    column("g_r", "float32", "model colour, corrected for extinction, observed frame", "mag"),
    column("r_i", "float32", "model colour, corrected for extinction, observed frame", "mag"),
    column("i_z", "float32", "model colour, corrected for extinction, observed frame", "mag"),
    column("petro_r50_r", "float32", "radius of half the Petrosian light", "arcsec"),
    column("petro_r90_r", "float32", "radius of nine tenths of the Petrosian light", "arcsec"),
    column("petro_r50_kpc", "float32", "petro_r50_r at its distance", "kpc"),
    column("concentration_r", "float32", "petro_r90_r over petro_r50_r"),
    column("surface_brightness_r", "float32", "mean within petro_r50_r", "mag/arcsec2"),
    column("frac_dev_r", "float32", "share of the de Vaucouleurs profile in the best mixture"),
    column("axis_ratio_dev", "float32", "minor over major axis of the de Vaucouleurs fit in r"),
    column("axis_ratio_exp", "float32", "minor over major axis of the exponential fit in r"),
    column("dev_rad_r", "float32", "radius of the de Vaucouleurs fit", "arcsec"),
    column("exp_rad_r", "float32", "radius of the exponential fit", "arcsec"),
    column("lnl_exp_minus_dev", "float32", "log-likelihood of the exponential fit less the de Vaucouleurs fit's"),
    column("m_rr_cc", "float32", "adaptive second moment (<r^2> + <c^2>)", "pixel2"),
    column("m_e1", "float32", "adaptive ellipticity, first component"),
    column("m_e2", "float32", "adaptive ellipticity, second component"),
    column("m_cr4", "float32", "adaptive fourth moment: 2 for a Gaussian"),
    column("velocity_dispersion", "float32", "of the stars", "km/s"),
    column("d4000", "float32", "break at 4000 A"),
    column("h_alpha_ew", "float32", "equivalent width of H alpha, positive in emission", "A"),
    column("log_stellar_mass", "float32", "decadic logarithm of the mass in stars", "dex(M_sun)"),
    column(
        "local_density", "float32", "decadic logarithm of the density of galaxies around, over the mean", "dex"
    ),
)
VOTE_FIELDS = tuple(column(name, "float32", "votes of Galaxy Zoo 2; NaN where missing") for name in VOTE_COLUMNS)
FIELDS = (*_KEYS, *PHOTOMETRY_FIELDS, *VOTE_FIELDS)
"""What every source writes: the 231 columns of the real table, two identifiers and the photometry."""

PHOTOMETRY = tuple(field.name for field in PHOTOMETRY_FIELDS)
TEXT_COLUMNS = ("rastring", "decstring", "sample", "gz2_class")

POSTERIOR_CLASSES = (*TRUNKS, "A")
"""Order of `sim_posterior`."""
TRUTH_FIELDS = (
    column("id", "string", "identifier of the row in the dataset"),
    column("sim_type", "float32", "latent type: 0 elliptical to 1 disc without a bulge"),
    column("sim_bulge_fraction", "float32", "light of the bulge over all"),
    column("sim_shape", "float32", "cosine of the inclination of discs; flattening of ellipticals follows it"),
    column("sim_barred", "bool", "whether it has a bar, seen or not"),
    tensor_column(
        "sim_posterior",
        (len(POSTERIOR_CLASSES),),
        f"probability of each of {', '.join(POSTERIOR_CLASSES)} given all features: the Bayes optimum",
        dtype="float64",
    ),
)
"""Of `truth.parquet`, which the simulator writes beside the dataset: no stage before evaluate reads it."""


def complete(columns: Columns) -> Columns:
    """Return all columns of `FIELDS` with their types: NaN, or an empty text, where a source has none."""
    rows = len(columns["dr7objid"])
    return {field.name: _typed(columns.get(field.name), field, rows) for field in FIELDS}


def _typed(values: npt.NDArray[np.generic] | None, field: pa.Field, rows: int) -> npt.NDArray[np.generic]:
    if pa.types.is_string(field.type):
        return np.full(rows, "", dtype=object) if values is None else np.asarray(values, dtype=object)
    kind = field.type.to_pandas_dtype()
    if values is None:
        return np.full(rows, np.nan, dtype=kind)
    return np.asarray(values).astype(kind)


assert set(KEY_COLUMNS) <= {field.name for field in _KEYS}
