"""Mixtures of templates for many galaxies at once, and their scan in redshift, beside plain loops."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from components.evaluate.regression.rest_templates import Templates, polynomials, weigh
from components.evaluate.regression.template_scan import chi2_reductions
from components.physics.template_fitting import fit_nonnegative

GALAXIES, BANDS = 5000, 5
SPECTRA, PIXELS, COMPONENTS, TERMS, SHIFTS = 64, 580, 5, 3, 200


def test_mixtures_beside_scipy(ratio) -> None:
    rng = np.random.default_rng(0)
    design = rng.lognormal(0, 1, (GALAXIES, BANDS, 5))
    flux = rng.normal(1, 2, (GALAXIES, BANDS))
    ivar = rng.uniform(0.1, 3, (GALAXIES, BANDS))

    def one_by_one() -> npt.NDArray[np.float64]:
        root = np.sqrt(ivar)
        return np.stack([nnls(root[i][:, None] * design[i], root[i] * flux[i])[0] for i in range(GALAXIES)])

    ratio(
        "non-negative mixtures of 5000 galaxies",
        ours=lambda: fit_nonnegative(design, flux, ivar),
        peer=one_by_one,
        peer_name="loop of scipy.optimize.nnls",
        goal=3.0,
        agree=lambda a, b: bool(np.allclose(a, b, atol=1e-6)),
    )


def test_scan_beside_a_loop_over_redshifts(ratio) -> None:
    """The peer solves the normal equations of all spectra at once too, but forms them anew at each redshift."""
    rng = np.random.default_rng(1)
    rest = rng.normal(0, 1, (COMPONENTS, PIXELS + SHIFTS - 1))
    templates = Templates(rest, 0, SHIFTS, 8e-4)
    flux = rng.normal(0, 1, (SPECTRA, PIXELS)).astype(np.float32)
    ivar = rng.uniform(0.5, 2, (SPECTRA, PIXELS)).astype(np.float32)

    def over_redshifts() -> npt.NDArray[np.float64]:
        weight = weigh(ivar).astype(np.float64)
        smooth = polynomials(PIXELS, TERMS)
        found = np.empty((SPECTRA, SHIFTS))
        for shift in range(SHIFTS):
            start = SHIFTS - 1 - shift
            design = np.concatenate([smooth, rest[:, start : start + PIXELS]])
            normal = np.einsum("np,ip,jp->nij", weight, design, design, optimize=True)
            right = (weight * flux) @ design.T
            found[:, shift] = np.einsum("ni,ni->n", right, np.linalg.solve(normal, right[..., None])[..., 0])
        return found

    ratio(
        "template scan of 64 spectra at 200 redshifts",
        ours=lambda: chi2_reductions(flux, ivar, templates, TERMS),
        peer=over_redshifts,
        peer_name="loop over redshifts in numpy",
        goal=5.0,
        agree=lambda a, b: bool(np.allclose(a, b, rtol=1e-5)),
    )
