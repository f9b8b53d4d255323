"""Gas, stars and their feedback, invented on top of the matter that gravity has really moved.

Every tracer of matter gets gas and stars by simple rules from the density around it and four parameters named
as in CAMELS: `a_sn1` and `a_agn1` say how much energy supernovae and black holes give, `a_sn2` and `a_agn2` how
fast and far it goes. The rules are chosen such that fields look and range roughly as in hydrodynamic
simulations, that mass is conserved, and that each parameter leaves its own trace. They are no model of galaxy
formation: which field tells most about a parameter here means nothing for the real universe, nor for CAMELS.

How far gas goes is about right: at fiducial strengths 8 % of the baryons end more than 1 Mpc/h from where gravity
would have them, and 2 to 20 % over the ranges of the latin hypercubes; in CAMELS it is 10 % for IllustrisTNG and
Astrid, and 40 % for SIMBA (Gebhardt et al. 2024, arXiv 2307.11832). So the share of gas in a slab is not the
cosmic one: it scatters by a few percent between slabs, and stars lock up 3 to 6 %. What is missing is chance:
halos alike in mass and surroundings hold the same gas here, so that fields together tell more of omega_m than in
CAMELS.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.common.errors import ParameterError
from components.physics.cosmology import Cosmology
from components.physics.density_grid import interpolate, paint
from components.physics.initial_fields import frequencies
from components.physics.slab_projection import deposit

Array = npt.NDArray[np.float32]

HALO_SCALE_MPC_H = 0.7
"""Matter within about this distance stands for the mass of the halo that a tracer is in."""
_HALO_VOLUME = (2 * np.pi) ** 1.5 * HALO_SCALE_MPC_H**3
CRITICAL_DENSITY = 2.77536627e11
"""In Msun/h / (Mpc/h)^3."""
_METAL_YIELD = 0.03
_PRIMORDIAL_METALS = 1e-6


@dataclass(frozen=True)
class Feedback:
    """Strengths of feedback, 1 for the fiducial one; 0 for none.

    Attributes
    ----------
    a_sn1, a_sn2 : float
        Energy of winds from supernovae, and their speed.
    a_agn1, a_agn2 : float
        Energy from black holes, and how far a burst of it reaches.
    """

    a_sn1: float = 1.0
    a_agn1: float = 1.0
    a_sn2: float = 1.0
    a_agn2: float = 1.0

    def __post_init__(self) -> None:
        if not all(0 <= value < 1e4 for value in (self.a_sn1, self.a_agn1, self.a_sn2, self.a_agn2)):
            raise ParameterError(f"{self} is impossible.", "Give four finite numbers, none below 0.")


@dataclass(frozen=True, eq=False)
class Baryons:
    """What tracers of equal mass hold, each array of shape (tracers,).

    Attributes
    ----------
    density : ndarray of float32
        Of matter around the tracer, in units of the mean.
    gas, stars, dark : ndarray of float32
        Shares of a tracer's mass; gas that came from elsewhere counts where it is now.
    temperature : ndarray of float32
        In K.
    metals, neutral : ndarray of float32
        Share of the tracer's mass in metals of its gas and in neutral hydrogen.
    ionised : ndarray of float32
        Share of the hydrogen that is ionised.
    magnetic : ndarray of float32
        Field in G.
    mg_over_fe : ndarray of float32
        By mass.
    gas_speed, dark_speed : ndarray of float32
        In km/s.
    """

    density: Array
    gas: Array
    stars: Array
    dark: Array
    temperature: Array
    metals: Array
    neutral: Array
    ionised: Array
    magnetic: Array
    mg_over_fe: Array
    gas_speed: Array
    dark_speed: Array


def add_baryons(
    positions: Array, velocities: Array, cosmology: Cosmology, feedback: Feedback, box_size: float, mesh: int
) -> Baryons:
    """Give gas and stars to tracers of matter.

    Parameters
    ----------
    positions, velocities : ndarray of float32, shape (tracers, 3)
        In Mpc/h and km/s; all tracers have the same mass.
    cosmology : Cosmology
        Its densities of matter and baryons.
    feedback : Feedback
        The four parameters.
    box_size : float
        Side of the periodic box in Mpc/h.
    mesh : int
        Cells a side on which densities are taken.
    """
    matter = paint(positions, mesh, box_size)
    density = interpolate(matter, positions, box_size)
    wide = interpolate(_smooth(matter, HALO_SCALE_MPC_H, box_size), positions, box_size)
    halo = np.maximum(wide, 1e-3) * np.float32(cosmology.omega_m * CRITICAL_DENSITY * _HALO_VOLUME / 1e13)
    share = np.float32(cosmology.omega_b / cosmology.omega_m)
    stars = _stars(density * np.float32(cosmology.omega_m / 0.3), halo, feedback)
    winds, bursts = _ejected(density, halo, feedback)
    left = 1 - stars
    sent = np.stack([left * winds, left * (1 - winds) * bursts, stars * _METAL_YIELD], axis=1)
    reach = (0.4 * feedback.a_sn2**0.8, 1.1 * feedback.a_agn2**0.8, 0.6 * feedback.a_sn2**0.8)
    arrived = _spread(positions, sent, reach, matter, box_size)
    gas = left - sent[:, 0] - sent[:, 1] + arrived[:, 0] + arrived[:, 1]
    from_winds, from_bursts = arrived[:, 0] / gas, arrived[:, 1] / gas
    temperature = _temperature(gas * density, halo, from_winds, from_bursts, feedback)
    neutral = _neutral(gas * density * np.float32(cosmology.omega_b / 0.049), temperature)
    speed = np.sqrt(np.einsum("ij,ij->i", velocities, velocities))
    kicks = (150 * feedback.a_sn2 * from_winds) ** 2 + (400 * feedback.a_agn2 * from_bursts) ** 2
    amplified = 1 + 3 * feedback.a_agn1**0.5 * from_bursts + feedback.a_sn1**0.5 * from_winds
    return Baryons(
        density=density,
        gas=share * gas,
        stars=share * stars,
        dark=np.full(len(positions), 1 - share, dtype=np.float32),
        temperature=temperature,
        metals=share * (arrived[:, 2] + np.float32(_PRIMORDIAL_METALS) * gas),
        neutral=share * gas * np.float32(0.76) * neutral,
        ionised=1 - neutral,
        magnetic=np.float32(5e-9) * np.cbrt(gas * density) ** 2 * amplified.astype(np.float32),
        mg_over_fe=np.float32(0.5)
        + np.float32(0.6) * from_winds / (from_winds + 2 * from_bursts + np.float32(0.1)),
        gas_speed=np.sqrt(np.float32(0.8) * speed**2 + kicks.astype(np.float32)),
        dark_speed=speed,
    )


def _stars(density: Array, halo: Array, feedback: Feedback) -> Array:
    """Share of baryons in stars: none in thin gas, fewest in halos that supernovae or a black hole empty."""
    dense = density / np.float32(50)
    dense = dense * np.sqrt(dense)
    held_back = 1 + feedback.a_sn1**0.7 / (1 + halo / np.float32(0.3)) + feedback.a_agn1**0.5 * halo
    stars = np.float32(0.4) * dense / ((1 + dense) * held_back.astype(np.float32))
    return np.where(density > 6, stars, np.float32(0))


def _ejected(density: Array, halo: Array, feedback: Feedback) -> tuple[Array, Array]:
    """Shares of gas that winds of supernovae and bursts of black holes take away."""
    winds = np.float32(feedback.a_sn1**0.6 * feedback.a_sn2**0.3) / (1 + np.sqrt(halo / np.float32(0.1)))
    bursts = np.float32(0.5 * feedback.a_agn1**0.8) * np.sqrt(halo)
    by_winds = np.float32(0.6) * density / (density + 8) * winds / (1 + winds)
    by_bursts = np.float32(0.7) * density / (density + 30) * bursts / (1 + bursts)
    return by_winds, by_bursts


def _spread(positions: Array, sent: Array, reach: tuple[float, ...], matter: Array, box_size: float) -> Array:
    """Spread what tracers send over a distance, and hand it to the tracers there. Nothing is lost on the way."""
    mesh = len(matter)
    arrived = np.empty_like(sent)
    occupied = np.maximum(matter * np.float32(len(positions) / mesh**3), np.float32(1e-6))  # tracers in a cell
    for kind, field in enumerate(deposit(positions, sent, mesh, box_size)):
        # Weights for reading are those for painting: over all tracers, this adds up to what was sent, but for what
        # falls into cells that no tracer is near.
        smooth = np.where(matter > 0, np.maximum(_smooth(field, reach[kind], box_size), 0) / occupied, 0)
        arrived[:, kind] = interpolate(smooth.astype(np.float32), positions, box_size)
    total, found = sent.sum(0, dtype=np.float64), arrived.sum(0, dtype=np.float64)
    arrived *= (total / np.maximum(found, 1e-30)).astype(np.float32)
    return arrived


def _temperature(gas: Array, halo: Array, winds: Array, bursts: Array, feedback: Feedback) -> Array:
    """Temperature of gas: set by the ultraviolet background where it is thin, by shocks and feedback elsewhere."""
    calm = np.float32(1e4) * np.maximum(gas, np.float32(0.02)) ** np.float32(0.6)
    shock = np.float32(5e6) * np.cbrt(halo) ** 2 * (halo / (halo + np.float32(0.1))) ** 2
    heat = 1.5e6 * feedback.a_sn1**0.5 * feedback.a_sn2 * winds + 1e7 * feedback.a_agn1**0.4 * (
        feedback.a_agn2 * bursts
    )
    return np.asarray(calm + shock + heat.astype(np.float32))


def _neutral(gas: Array, temperature: Array) -> Array:
    """Share of hydrogen that is neutral: what is dense and cold shields itself."""
    shielded = (gas / np.float32(30) / (1 + temperature / np.float32(5e5))) ** 2
    return np.asarray(np.float32(0.6) * shielded / (1 + shielded) + np.float32(1e-6))


def _smooth(field: Array, radius: float, box_size: float) -> Array:
    """Smooth by a Gaussian of this standard deviation."""
    side = len(field)
    k = frequencies(side, box_size)
    modes = fft.rfftn(field, workers=1)
    for axis in k:
        modes *= np.exp(-0.5 * (axis * np.float32(radius)) ** 2)
    return np.asarray(fft.irfftn(modes, (side,) * 3, workers=1, overwrite_x=True))
