"""Our IMRPhenomD against lalsimulation's, over the masses and spins of the exercise."""

import numpy as np
import numpy.typing as npt
import pytest

from components.physics.detector_noise import design_psd
from components.physics.phenom_d import SOLAR_MASS_SECONDS, strain_1mpc

lal = pytest.importorskip("lal", reason="lalsuite is in the extra dev")
lalsimulation = pytest.importorskip("lalsimulation", reason="lalsuite is in the extra dev")

STEP = 0.25
FREQUENCY = np.arange(1, 4096) * STEP
BINARIES = 150


def _theirs(mass_1: float, mass_2: float, spin_1: float, spin_2: float) -> npt.NDArray[np.complex128]:
    plus, _ = lalsimulation.SimInspiralChooseFDWaveform(
        mass_1 * lal.MSUN_SI, mass_2 * lal.MSUN_SI, 0.0, 0.0, spin_1, 0.0, 0.0, spin_2, 1e6 * lal.PC_SI,
        0.0, 0.0, 0.0, 0.0, 0.0, STEP, 15.0, 1024.0, 20.0, lal.CreateDict(), lalsimulation.IMRPhenomD,
    )  # fmt: skip
    return np.asarray(plus.data.data[1 : len(FREQUENCY) + 1])


@pytest.fixture(scope="module")
def both() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.complex128], npt.NDArray[np.complex128]]:
    rng = np.random.default_rng(20)
    parameters = np.concatenate([rng.uniform(10, 80, (2, BINARIES)), rng.uniform(-0.95, 0.95, (2, BINARIES))])
    parameters[:, :4] = [[10, 80, 80, 36], [10, 80, 10, 36], [0, 0.95, -0.95, 0], [0, 0.95, 0.95, 0]]
    return parameters, strain_1mpc(FREQUENCY, *parameters), np.stack([_theirs(*row) for row in parameters.T])


def test_match_with_lalsimulation(both) -> None:
    """Overlap weighted by the design noise of LIGO, maximised over time and phase.

    The only difference in formulas is that ringdown frequencies come from a rational fit here and from splines of
    a table there: parts in 1e4, which costs the match about 1e-7.
    """
    _, ours, theirs = both
    weight = np.where(FREQUENCY >= 20, 1 / design_psd(FREQUENCY)[0], 0)
    products = np.zeros((BINARIES, 8 * 4096), dtype=np.complex128)  # zeros behind it: a fine grid of times
    products[:, : len(FREQUENCY)] = ours * theirs.conj() * weight
    norms = [np.sqrt((np.abs(h) ** 2 * weight).sum(1)) for h in (ours, theirs)]
    mismatch = 1 - np.abs(np.fft.fft(products)).max(1) / np.prod(norms, axis=0)
    assert mismatch.max() < 2e-6


def test_amplitude_and_time_agree_with_lalsimulation(both) -> None:
    parameters, ours, theirs = both
    reach = 0.19 / (parameters[:2].sum(0) * SOLAR_MASS_SECONDS)
    inside = (FREQUENCY >= 20) & (reach[:, None] > FREQUENCY)
    np.testing.assert_allclose(np.abs(ours)[inside], np.abs(theirs)[inside], rtol=2e-3)
    # Both put the peak at time 0: the phases differ by a constant, not by a slope.
    for row, good in enumerate(inside):
        difference = np.unwrap(np.angle(ours[row, good] * theirs[row, good].conj()))
        delay = np.polyfit(FREQUENCY[good], difference, 1, w=np.abs(ours[row, good]))[0] / (2 * np.pi)
        assert abs(delay) < 2e-5  # seconds; a sample lasts 5e-4


def test_order_of_the_bodies_does_not_matter() -> None:
    one = [np.array([value]) for value in (20.0, 40.0, 0.7, -0.3)]
    other = [np.array([value]) for value in (40.0, 20.0, -0.3, 0.7)]
    np.testing.assert_array_equal(strain_1mpc(FREQUENCY, *one), strain_1mpc(FREQUENCY, *other))


def test_amplitude_is_smooth_where_pieces_meet() -> None:
    """The amplitude has equal values and slopes on both sides, so it never jumps by more than it slopes."""
    fine = np.linspace(20, 500, 200_000)
    amplitude = np.abs(strain_1mpc(fine, *(np.array([v]) for v in (36.0, 29.0, 0.3, -0.4))))[0]
    relative = np.abs(np.diff(np.log(amplitude[fine < 0.19 / (65 * SOLAR_MASS_SECONDS)])))
    assert relative.max() < 3 * np.median(relative) + 2e-4
