"""Pictures of galaxies whose redshifts, magnitudes and colours are real, and whose pixels are not."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from components.common.errors import ParameterError
from components.common.provenance import Provenance, code_version
from components.common.tables import Columns
from components.ingest.dataset import Source
from components.ingest.sdss_cutouts.pictures import through_jpeg
from components.ingest.sdss_cutouts.real_galaxies import RealGalaxies, load_real_galaxies
from components.ingest.sdss_cutouts.scene import View, compose, draw_views
from components.ingest.sdss_cutouts.schema import ROWS_PER_BATCH, complete, healpix_fields
from components.ingest.sdss_cutouts.settings import Settings
from components.physics.galaxy_images import render
from components.physics.galaxy_structure import Structure, draw_structure
from components.physics.sdss_imaging import BANDS, SCALE_ARCSEC, add_noise, band_indices, draw_seeing, to_rgb

IntArray = npt.NDArray[np.int64]

_STRUCTURE_SEED, _SEEING_SEED = 1, 2
_R = BANDS.index("r")


def open_simulator(settings: Settings) -> Source:
    """Choose among the real galaxies, and stream pictures of them."""
    galaxies = load_real_galaxies()
    corrected = galaxies.magnitude[:, _R] - galaxies.extinction[:, _R]
    wanted = (galaxies.redshift >= settings.minimum_redshift) & (galaxies.redshift <= settings.maximum_redshift)
    wanted &= corrected <= settings.maximum_magnitude
    if not wanted.any():
        raise ParameterError(
            f"There is no galaxy brighter than {settings.maximum_magnitude:g} between redshifts "
            f"{settings.minimum_redshift} and {settings.maximum_redshift}.",
            f"Choose a range that overlaps {galaxies.redshift.min():.2f} to {galaxies.redshift.max():.2f}.",
        )
    provenance = Provenance(
        origin="semi-empirical",
        archive="Armillary's simulator of pictures, with galaxies of SDSS (kcorrect)",
        query=f"{settings.rows} pictures of {wanted.sum()} galaxies, redshift {settings.minimum_redshift} to "
        f"{settings.maximum_redshift}, r up to {settings.maximum_magnitude:g}",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(
            "Redshifts, positions, magnitudes and extinction are real; the pixels are drawn. Sizes follow Shen et "
            "al. 2003, shapes are invented: what a model scores here is no measure of how it does on the sky.",
            "Bulge, disc, seeing, noise and neighbours are drawn; arms, bars, dust lanes, mergers are missing.",
            "Size at a magnitude hardly changes with distance; orientation says nothing about the real colours.",
            f"There are {wanted.sum()} galaxies: beyond that many rows they come again, turned and blurred anew.",
        ),
    )
    rows = len(settings.part.rows(settings.rows, ROWS_PER_BATCH))
    return Source(provenance, rows, _simulate(settings, galaxies, np.flatnonzero(wanted)))


def _simulate(settings: Settings, galaxies: RealGalaxies, wanted: IntArray) -> Iterator[Columns]:
    structure = draw_structure(
        galaxies.absolute_r, galaxies.g_r, galaxies.u_r, _generator(settings.seed, _STRUCTURE_SEED)
    )
    fields = healpix_fields(galaxies.ra, galaxies.dec)
    names, patch = np.unique(fields, return_inverse=True)
    weather = draw_seeing(len(names), _generator(settings.seed, _SEEING_SEED))
    order = _generator(settings.seed).permutation(wanted)
    mine = settings.part.rows(settings.rows, ROWS_PER_BATCH)
    for start in range(mine.start, mine.stop, ROWS_PER_BATCH):
        # A generator for each batch, and always a whole batch: a shard needs no other's numbers, and the first
        # pictures of a long run are those of a short one.
        rng = _generator(settings.seed, 3, start // ROWS_PER_BATCH)
        chosen = order[np.arange(start, start + ROWS_PER_BATCH) % order.size]
        seeing = weather[patch[chosen]]
        views = draw_views(galaxies, structure, chosen, rng)
        images = _draw(settings, galaxies, views, seeing, rng)
        count = min(ROWS_PER_BATCH, settings.rows - start)
        columns = {**_describe(galaxies, structure, views), "field_id": fields[chosen], "image": images}
        columns["id"] = np.array([f"cutout-{settings.seed}-{start + i:07d}" for i in range(len(chosen))], object)
        columns["sim_seeing"] = seeing[:, _R]
        yield complete({name: values[:count] for name, values in columns.items()})


def _draw(
    settings: Settings,
    galaxies: RealGalaxies,
    views: View,
    seeing: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> npt.NDArray[np.float32] | npt.NDArray[np.uint8]:
    bands = band_indices(settings.channels)
    light = compose(galaxies, views, settings.channels, settings.size, rng)
    images = render(light, seeing[:, bands] / SCALE_ARCSEC, settings.size)
    add_noise(images, settings.channels, rng)
    return through_jpeg(to_rgb(images)) if settings.encoding == "jpeg" else images


def _describe(galaxies: RealGalaxies, structure: Structure, views: View) -> Columns:
    chosen = views.galaxy
    columns: Columns = {
        "object_id": np.array([f"gst-{row:05d}" for row in galaxies.row[chosen]], dtype=object),
        "ra": galaxies.ra[chosen],
        "dec": galaxies.dec[chosen],
        "redshift": galaxies.redshift[chosen],
        "redshift_source": np.full(len(chosen), "kcorrect", dtype=object),
        "axis_ratio": views.axis_ratio,
        "inclination_deg": np.degrees(np.arccos(views.cos_inclination)),
        "sim_bulge_fraction": structure.bulge_fraction[chosen],
        "sim_radius": views.radius_arcsec,
    }
    for k, band in enumerate(BANDS):
        columns[f"mag_{band}"] = galaxies.magnitude[chosen, k]
        columns[f"mag_error_{band}"] = galaxies.magnitude_error[chosen, k]
        columns[f"extinction_{band}"] = galaxies.extinction[chosen, k]
    return columns


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed % 2**64, spawn_key=key))
