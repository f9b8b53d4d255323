"""Waveforms of many binaries, beside a loop over lalsimulation's."""

import numpy as np
import numpy.typing as npt
import pytest

from components.physics.phenom_d import strain_1mpc

BINARIES, STEP = 256, 0.25
FREQUENCY = np.arange(1, 4096) * STEP


def test_waveforms_beside_lalsimulation(ratio) -> None:
    """The same model on the same frequencies; lalsimulation is compiled, and makes one at a time from 15 Hz on."""
    lal = pytest.importorskip("lal")
    lalsimulation = pytest.importorskip("lalsimulation")
    rng = np.random.default_rng(0)
    parameters = np.concatenate([rng.uniform(10, 80, (2, BINARIES)), rng.uniform(-0.9, 0.9, (2, BINARIES))])

    def theirs(mass_1: float, mass_2: float, spin_1: float, spin_2: float) -> npt.NDArray[np.complex128]:
        plus, _ = lalsimulation.SimInspiralChooseFDWaveform(
            mass_1 * lal.MSUN_SI, mass_2 * lal.MSUN_SI, 0.0, 0.0, spin_1, 0.0, 0.0, spin_2, 1e6 * lal.PC_SI,
            0.0, 0.0, 0.0, 0.0, 0.0, STEP, 15.0, 1024.0, 20.0, lal.CreateDict(), lalsimulation.IMRPhenomD,
        )  # fmt: skip
        return np.asarray(plus.data.data[1 : len(FREQUENCY) + 1])

    def agree(a: npt.NDArray[np.complex128], b: npt.NDArray[np.complex128]) -> bool:
        return bool(np.allclose(np.abs(a)[:, 80:200], np.abs(b)[:, 80:200], rtol=5e-3))

    ratio(
        "IMRPhenomD of 256 binaries",
        ours=lambda: strain_1mpc(FREQUENCY, *parameters),
        peer=lambda: np.stack([theirs(*row) for row in parameters.T]),
        peer_name="loop of lalsimulation",
        goal=1.0,
        agree=agree,
    )
