"""The table of pictures of galaxies that every source of this component writes."""

from typing import Any

import numpy as np
import pyarrow as pa

from components.common.tables import Columns, column, tensor_column
from components.physics.celestial import healpix_pixels
from components.physics.sdss_imaging import BANDS, SCALE_ARCSEC

ROWS_PER_BATCH = 256

ENCODINGS = ("jpeg", "flux")
JPEG_BANDS = ("i", "r", "g")
"""What red, green and blue of SkyServer's pictures are."""

_HEALPIX_LEVEL = 6

SCALARS = (
    column("id", "string", "unique for each picture"),
    column("object_id", "string", "the galaxy on the sky: pictures of one galaxy share it"),
    column("field_id", "string", "run-camcol-field of the survey, or hp64-<nested HEALPix pixel> where unknown"),
    column("ra", "float64", "right ascension, ICRS; NaN where unknown", "deg"),
    column("dec", "float64", "declination, ICRS; NaN where unknown", "deg"),
    column("redshift", "float64", "label, from a spectrum; NaN where unknown"),
    column("redshift_error", "float64", "of the label; NaN where unknown"),
    column("redshift_source", "string", "which measurement the label is: SpecObj.z, kcorrect, labels.csv"),
    *(
        column(f"mag_{b}", "float32", f"model magnitude in {b}, AB, extinction included; NaN missing")
        for b in BANDS
    ),
    *(column(f"mag_error_{b}", "float32", f"standard error of mag_{b}; NaN missing", "mag") for b in BANDS),
    *(
        column(f"extinction_{b}", "float32", f"by the Milky Way's dust in {b}, as SDSS gives it now", "mag")
        for b in BANDS
    ),
    column("petro_r50", "float32", "radius of half the Petrosian flux in r; NaN where unknown", "arcsec"),
    column("petro_r90", "float32", "radius of 90 % of the Petrosian flux in r; NaN where unknown", "arcsec"),
    column("axis_ratio", "float32", "minor over major axis as seen, r band; NaN where unknown"),
    column("inclination_deg", "float32", "0 is face-on; known of simulated pictures alone, else NaN", "deg"),
    column("sim_bulge_fraction", "float32", "truth of the simulator: share of the bulge in r; else NaN"),
    column("sim_radius", "float32", "truth of the simulator: half-light radius seen face-on; else NaN", "arcsec"),
    column("sim_seeing", "float32", "truth of the simulator: width of the blur in r; else NaN", "arcsec"),
)
NAMES = tuple(field.name for field in SCALARS)
_TYPES: dict[str, Any] = {field.name: field.type.to_pandas_dtype() for field in SCALARS}


def fields(bands: tuple[str, ...], encoding: str, size: int) -> list[pa.Field]:
    """Columns of `dataset.parquet`: `SCALARS` and `image`."""
    what = (
        tensor_column("image", (3, size, size), "red, green and blue of SkyServer's mapping", dtype="uint8")
        if encoding == "jpeg"
        else tensor_column("image", (len(bands), size, size), f"flux in {', '.join(bands)}", "nanomaggies")
    )
    return [*SCALARS, what]


def image_settings(bands: tuple[str, ...], encoding: str, size: int) -> dict[str, Any]:
    """Return what the table says about its pictures; `bands` is the order of the channels."""
    return {
        "bands": list(JPEG_BANDS if encoding == "jpeg" else bands),
        "encoding": encoding,
        "scale_arcsec": SCALE_ARCSEC,
        "size": size,
    }


def complete(columns: Columns) -> Columns:
    """Put columns in the table's order and types; NaN, or an empty text, is what a source does not know."""
    rows = len(columns["id"])
    result: Columns = {}
    for name in NAMES:
        kind = _TYPES[name]
        empty = np.full(rows, "" if kind is np.object_ else np.nan, dtype=kind)
        result[name] = np.asarray(columns[name]).astype(kind) if name in columns else empty
    return {**result, "image": columns["image"]}


def healpix_fields(ra: Any, dec: Any) -> Any:
    """Name the patch of sky, 0.9 degrees wide, that a galaxy is in."""
    pixels = healpix_pixels(ra, dec, _HEALPIX_LEVEL)
    return np.array([f"hp{1 << _HEALPIX_LEVEL}-{pixel}" for pixel in pixels], dtype=object)
