"""What is done to every map: its power spectrum, and turns and shifts in training, beside map by map."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.evaluate.posterior.baselines import power
from components.train.moment_network.network import vary

MAPS, FIELDS, SIDE = 128, 4, 64
Floats = npt.NDArray[np.float64]


def power_map_by_map(maps: Floats, edges: Floats) -> Floats:
    """Take full transforms and bin them with `numpy.histogram`."""
    frequency = np.fft.fftfreq(SIDE) * SIDE
    wavenumber = np.hypot(frequency[:, None], frequency[None]).ravel()
    counts = np.histogram(wavenumber, edges)[0]
    found = [
        np.histogram(wavenumber, edges, weights=(np.abs(np.fft.fft2(one)) ** 2).ravel())[0] / counts / SIDE**2
        for one in maps.reshape(-1, SIDE, SIDE)
    ]
    return np.array(found).reshape(*maps.shape[:2], -1)


def vary_map_by_map(maps: Tensor) -> Tensor:
    """Draw a symmetry and a shift for each map alone."""
    varied = []
    for one in maps:
        turned = torch.rot90(one, int(torch.randint(4, ())), (-2, -1))
        turned = turned.flip(-1) if torch.rand(()) < 0.5 else turned
        varied.append(turned.roll(tuple(torch.randint(SIDE, (2,)).tolist()), (-2, -1)))
    return torch.stack(varied)


def test_power_spectra_beside_map_by_map(ratio) -> None:
    maps = np.random.default_rng(0).normal(size=(MAPS, FIELDS, SIDE, SIDE))
    edges = np.unique(np.round(np.geomspace(1, SIDE / np.sqrt(2) + 1, 13)))
    ratio(
        f"power spectra of {MAPS * FIELDS} maps of {SIDE}^2 pixels",
        ours=lambda: power(maps),
        peer=lambda: power_map_by_map(maps, edges - 1e-9),  # the last edge of a histogram is inside it
        peer_name="numpy.fft.fft2 and numpy.histogram",
        goal=3.0,
        agree=lambda ours, theirs: bool(np.allclose(ours, theirs, rtol=1e-9)),
    )


def test_turns_and_shifts_beside_map_by_map(ratio) -> None:
    maps = torch.randn((MAPS, FIELDS, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    ratio(
        f"turns and shifts of {MAPS} maps of {FIELDS} fields",
        ours=lambda: vary(maps),
        peer=lambda: vary_map_by_map(maps),
        peer_name="each map alone",
        goal=1.5,
        agree=lambda ours, theirs: bool(torch.equal(ours.flatten(1).sort()[0], theirs.flatten(1).sort()[0])),
    )
