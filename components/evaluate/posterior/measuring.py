"""Apply a network and the baselines to maps, and look where the network looks."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from components.common.tables import Columns, read_batches
from components.evaluate.posterior.baselines import SPECTRUM, START, Baselines, Summaries, fit_baselines, summarise
from components.evaluate.posterior.outcome import Look, Sample
from components.evaluate.posterior.scores import COSMOLOGY, OMEGA_M, SIGMA_8, Posterior
from components.physics.multifield import COSMOLOGICAL, PARAMETERS

if TYPE_CHECKING:
    from components.train.moment_network.inference import MomentModel

Floats = npt.NDArray[np.float64]

PLACES = {
    "voids": "the emptiest half",
    "sheets and walls": "what lies between",
    "filaments": "the densest fifth but for knots",
    "knots": "the densest fiftieth",
}
_SHARES = (0.5, 0.8, 0.98)
_LOOKED_AT = 96
_SMOOTHING = 1.0


def learn_baselines(table: Path, settings: Mapping[str, Any], seed: int) -> Baselines:
    """Fit the baselines on the maps that the network was trained on."""
    both = []
    for split in ("train", "validation"):
        parts, truth = [], []
        for batch in read_batches(table, ["maps", *COSMOLOGICAL], split):
            parts.append(summarise(batch["maps"], settings))
            truth.append(np.column_stack([batch[name] for name in COSMOLOGICAL]))
        both.append((Summaries.joined(parts), np.concatenate(truth)))
    return fit_baselines(both[0], both[1], seed)


def answer(
    batch: Columns,
    summaries: npt.NDArray[np.float32],
    model: "MomentModel",
    baselines: Baselines,
    settings: Mapping[str, Any],
) -> Sample:
    """Say what network and baselines make of prepared maps, with names and labels beside, and `model.sum_up`."""
    from components.train.moment_network.parameters import coordinates

    maps = batch["maps"]
    truth = coordinates(np.column_stack([batch[name] for name in PARAMETERS]))
    answers = baselines.predict(summarise(maps, settings))
    answers[START] = model.begin(summaries)[:, :COSMOLOGY]
    every, single = (model.predict(maps, shown, summaries) for shown in (None, model.fields[:1]))
    return Sample(
        batch["id"],
        batch["phases"],
        names_of(batch),
        Posterior(truth, every.mean, every.width, answers[SPECTRUM]),
        Posterior(truth, single.mean, single.width, answers.pop("first")),
        answers,
    )


def names_of(rows: Columns) -> npt.NDArray[np.object_]:
    """Name suite and set of each map."""
    return np.array([f"{a} {b}" for a, b in zip(rows["suite"], rows["set"], strict=True)], dtype=object)


def join(parts: list[Sample]) -> Sample:
    """Put maps after each other."""
    ids, groups, names = (np.concatenate([getattr(p, name) for p in parts]) for name in ("ids", "groups", "names"))
    return Sample(
        ids,
        groups,
        names,
        Posterior.joined([part.posterior for part in parts]),
        Posterior.joined([part.single for part in parts]),
        {name: np.concatenate([part.baselines[name] for part in parts]) for name in parts[0].baselines},
    )


def looked_at(count: int) -> npt.NDArray[np.int64]:
    """Choose some of so many maps for `look`, evenly."""
    return np.linspace(0, count - 1, min(_LOOKED_AT, count)).astype(np.int64)


def look(model: "MomentModel", maps: npt.NDArray[Any], name: str) -> Look:
    """Find out where in maps the network looks, all fields together, by the density of the first field.

    The first map is shown, under its name.
    """
    from components.train.moment_network.attribution import saliency

    data = maps.astype(np.float32)
    found = [saliency(model, data, place).sum(axis=1).astype(np.float64) for place in (OMEGA_M, SIGMA_8)]
    density = np.stack([gaussian_filter(one, _SMOOTHING, mode="wrap") for one in data[:, 0].astype(np.float64)])
    limits = np.quantile(density, _SHARES, axis=(1, 2))
    place = (density[None] > limits[:, :, None, None]).sum(axis=0)
    shares = {
        name: (float((place == number).mean()), *(float(s[place == number].sum() / s.sum()) for s in found))
        for number, name in enumerate(PLACES)
    }
    return Look(
        data[0, 0].astype(np.float64),
        found[0][0],
        name,
        {name: (area, omega_m, sigma_8) for name, (area, omega_m, sigma_8) in shares.items()},
    )


def cosmology_of(posterior: Posterior) -> Floats:
    """Return true omega_m and sigma_8."""
    return posterior.truth[:, :COSMOLOGY]
