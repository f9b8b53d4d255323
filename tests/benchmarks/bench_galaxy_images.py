"""Drawing galaxies beside GalSim, SkyServer's colours beside astropy, and the preprocess stage of pictures."""

import time
from pathlib import Path

import galsim
import numpy as np
import numpy.typing as npt
import pytest
from astropy.visualization import make_lupton_rgb
from scipy import ndimage

from components.common.tables import TableWriter, read_provenance, read_settings, read_table
from components.common.telemetry import EVENTS_VARIABLE
from components.ingest.sdss_cutouts.ingestion import Settings as IngestSettings
from components.ingest.sdss_cutouts.ingestion import ingest
from components.ingest.sdss_cutouts.schema import fields
from components.physics.galaxy_images import BULGE, DISC, MOFFAT_BETA, Light, render
from components.physics.sdss_imaging import to_rgb
from components.preprocess.cutouts.preparation import Inspection, inspect
from components.preprocess.cutouts.preprocessing import Settings, preprocess

PICTURES, SIZE, BANDS = 100, 64, 5
SEEING = 3.3
ROWS = 10_000


def _galaxies() -> Light:
    """Bulges and discs around the middle, as the simulator draws them."""
    rng = np.random.default_rng(0)

    def both(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.repeat(values, 2)

    radius = both(rng.lognormal(np.log(5.0), 0.4, PICTURES)) * np.tile([0.5, 1.2], PICTURES)
    return Light(
        first=2 * np.arange(PICTURES + 1),
        kind=np.tile([BULGE, DISC], PICTURES),
        x=both(rng.uniform(31, 32, PICTURES)),
        y=both(rng.uniform(31, 32, PICTURES)),
        radius=radius,
        axis_ratio=both(rng.uniform(0.25, 1.0, PICTURES)),
        angle=both(rng.uniform(0, np.pi, PICTURES)),
        flux=rng.uniform(1, 50, (2 * PICTURES, BANDS)),
    )


def _galsim(light: Light) -> npt.NDArray[np.float32]:
    """Do the same with GalSim: Fourier transforms, its profiles made once and stretched."""
    shapes = {
        DISC: galsim.Exponential(half_light_radius=1.0),
        BULGE: galsim.DeVaucouleurs(half_light_radius=1.0, trunc=8.0),
    }
    blur = galsim.Moffat(beta=MOFFAT_BETA, fwhm=SEEING)
    result = np.empty((PICTURES, BANDS, SIZE, SIZE), np.float32)
    for picture in range(PICTURES):
        pieces = []
        for piece in range(light.first[picture], light.first[picture + 1]):
            ratio = light.axis_ratio[piece]
            shape = shapes[int(light.kind[piece])].dilate(light.radius[piece] * np.sqrt(ratio))
            pieces.append(shape.shear(q=ratio, beta=light.angle[piece] * galsim.radians))
        offset = light.x[2 * picture] - 31.5, light.y[2 * picture] - 31.5
        for band in range(BANDS):
            flux = light.flux[light.first[picture] : light.first[picture + 1], band]
            total = galsim.Sum([shape.withFlux(f) for shape, f in zip(pieces, flux, strict=True)])
            image = galsim.Convolve(total, blur).drawImage(
                nx=SIZE, ny=SIZE, scale=1.0, offset=offset, method="no_pixel"
            )
            result[picture, band] = image.array
    return result


def _near(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> bool:
    """Compare pixel by pixel: within 3 % of the peak, and at most 4 % of the light elsewhere."""
    apart = np.abs(ours - theirs)
    peak = theirs.max(axis=(2, 3), keepdims=True)
    return bool((apart < 0.03 * peak).all() and (apart.sum(axis=(2, 3)) < 0.04 * theirs.sum(axis=(2, 3))).all())


def test_rendering_beside_galsim(ratio) -> None:
    light, seeing = _galaxies(), np.full((PICTURES, BANDS), SEEING)
    ratio(
        f"render {PICTURES} x {BANDS} pictures",
        ours=lambda: render(light, seeing, SIZE),
        peer=lambda: _galsim(light),
        peer_name="GalSim",
        agree=_near,
    )


def test_colours_beside_astropy(ratio) -> None:
    images = np.random.default_rng(0).lognormal(-3, 2, (500, 3, SIZE, SIZE)).astype(np.float32)

    def peer() -> npt.NDArray[np.uint8]:
        weights = (2 / 3, 1.0, 5 / 3)
        mapped = [
            make_lupton_rgb(*(w * band for w, band in zip(weights, image, strict=True)), Q=10, stretch=0.5)
            for image in images
        ]
        return np.stack(mapped).transpose(0, 3, 1, 2)

    ratio(
        "colours of 500 pictures",
        ours=lambda: to_rgb(images),
        peer=peer,
        peer_name="astropy's make_lupton_rgb",
        agree=lambda a, b: bool(np.abs(a.astype(int) - b.astype(int)).max() <= 1),
    )


def _scipy_loop(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Smooth each picture and find its highest pixel near the middle, as one would with scipy."""
    offset = np.empty(len(images))
    for row, image in enumerate(images):
        light = ndimage.gaussian_filter(image.sum(axis=0, dtype=np.float64), 2**0.5)
        near = light[22:42, 22:42]
        y, x = ndimage.maximum_position(near)
        offset[row] = np.hypot(y + 22 - 31.5, x + 22 - 31.5)
    return offset


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10,000 pictures, 123 MB: those of 500 galaxies, twenty times."""
    folder = tmp_path_factory.mktemp("pictures")
    ingest(folder / "few", IngestSettings(rows=500))
    few = folder / "few" / "dataset.parquet"
    columns = read_table(few)
    layout = fields(("i", "r", "g"), "jpeg", SIZE)
    with TableWriter(folder / "dataset.parquet", layout, read_provenance(few), read_settings(few)) as writer:
        for _ in range(ROWS // 500):
            writer.write(columns)
    return folder


def test_centring_beside_a_loop_of_scipy(ratio, table: Path) -> None:
    """Ours also measures noise, empty lines and missing pixels, and climbs from the middle."""
    images = read_table(table / "few" / "dataset.parquet", ["image"])["image"]

    def agree(ours: Inspection, theirs: npt.NDArray[np.float64]) -> bool:
        return bool((np.abs(ours.offset_arcsec - theirs) < 1.0).mean() > 0.95)

    ratio(
        "centring of 500 pictures",
        ours=lambda: inspect(images, ("i", "r", "g"), 1.0, 9.0, 5.0),
        peer=lambda: _scipy_loop(images),
        peer_name="scipy.ndimage loop",
        agree=agree,
    )


def test_stage_from_table_to_table(
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    benchmark,
) -> None:
    """10,000 pictures; the goal is 10 seconds."""
    monkeypatch.setenv(EVENTS_VARIABLE, str(tmp_path / "events"))
    seconds: list[float] = []

    def stage() -> None:
        start = time.perf_counter()
        preprocess(table, tmp_path / "out", Settings())
        seconds.append(time.perf_counter() - start)

    benchmark.pedantic(stage, rounds=3, warmup_rounds=1)
    benchmark.extra_info["seconds"] = min(seconds)
    with capsys.disabled():
        print(f"\npreprocess {ROWS:,} pictures: {min(seconds):.2f} s (goal 10 s)")
