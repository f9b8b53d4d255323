"""Reading spec FITS files, against astropy reading the same columns."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from components.ingest.sdss_spectra.spec_file import read_spectrum

_PIXELS = ("flux", "loglam", "ivar", "and_mask")
_METADATA = ("Z", "ZWARNING", "CLASS", "PLATE", "MJD", "FIBERID", "PLUG_RA", "PLUG_DEC")


def _with_astropy(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with fits.open(path) as hdus:
        pixels = {name: np.array(hdus[1].data[name]) for name in _PIXELS}
        return pixels, {name: hdus[2].data[name][0] for name in _METADATA}


def test_reading_spec_files(ratio: Any, real_data: Path) -> None:
    files = sorted((real_data / "sdss" / "spectra").glob("spec-*.fits"))

    def agree(ours: list[Any], peer: list[Any]) -> bool:
        return all(
            s.metadata.fiber == metadata["FIBERID"]
            and s.placed.first_pixel == round(float(pixels["loglam"][0]) * 1e4)
            and np.array_equal(s.placed.flux[s.placed.ivar > 0], pixels["flux"][s.placed.ivar > 0])
            for s, (pixels, metadata) in zip(ours, peer, strict=True)
        )

    ratio(
        f"read {len(files)} spec FITS files",
        ours=lambda: [read_spectrum(path) for path in files],
        peer=lambda: [_with_astropy(path) for path in files],
        peer_name="astropy.io.fits.open",
        goal=3.0,
        agree=agree,
    )
