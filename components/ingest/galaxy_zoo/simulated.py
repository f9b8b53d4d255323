"""The embedded default: galaxies of a population that is known, voted on by simulated volunteers."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from components.common.provenance import Provenance, code_version
from components.common.tables import Columns
from components.ingest.galaxy_zoo.schema import GALAXIES_PER_GROUP
from components.ingest.galaxy_zoo.settings import Settings
from components.ingest.galaxy_zoo.source import Source
from components.physics.galaxy_population import draw, node_probabilities, nodes
from components.physics.gz2_volunteers import outcome_probabilities, size_step, vote
from components.physics.gz2_votes import class_of

Strings = npt.NDArray[np.object_]

GALAXIES_PER_BATCH = GALAXIES_PER_GROUP
_FIRST_ID = 588_000_000_000_000_000
_REPEATED = 0.02
_STRIPE_SHARE = 0.08
_EXTRA_SHARE = 0.08
_STREAM = 6


def open_simulator(settings: Settings) -> Source:
    """Describe what will be simulated, and begin when the first batch is asked for."""
    provenance = Provenance(
        origin="simulated",
        archive="Armillary's simulator of galaxies and of volunteers who look at them",
        query=f"{settings.rows} galaxies brighter than r = 17, one in fifty of them seen twice on Stripe 82",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(
            "Simulated galaxies: type, shape and bar are drawn from a grid, and every measurement follows from "
            "them by a rule with independent scatter. What a model finds important here was written in.",
            "The probability of every class given the measurements is known exactly, and stands in truth.parquet.",
        ),
    )
    mine = settings.part.rows(settings.rows, GALAXIES_PER_BATCH)
    return Source(provenance, _simulate(settings, mine), len(mine), has_truth=True)


def _simulate(settings: Settings, mine: range) -> Iterator[Columns]:
    for start in range(mine.start, mine.stop, GALAXIES_PER_BATCH):
        number = min(GALAXIES_PER_BATCH, mine.stop - start)
        # A generator for each batch: a shard gets the very galaxies that it has in the whole.
        rng = np.random.default_rng((settings.seed % 2**64, _STREAM, start // GALAXIES_PER_BATCH))
        yield _batch(start, number, rng)


def _batch(start: int, number: int, rng: np.random.Generator) -> Columns:
    repeats = int(_REPEATED * number)
    galaxies = draw(number - repeats, rng)
    size = size_step(galaxies.radius_arcsec)
    posterior = _posterior(galaxies.normals, size)
    columns: Columns = {**galaxies.measured, **_places(number - repeats, rng), **_truth(galaxies.node)}
    columns |= {"sim_posterior": posterior, "node": galaxies.node, "size": size}
    stripe = np.flatnonzero(columns["sample"] == "stripe82")
    again = rng.choice(stripe, repeats, replace=False) if stripe.size >= repeats else np.arange(repeats)
    rows = np.concatenate([np.arange(number - repeats), again])
    columns = {name: values[rows] for name, values in columns.items()}
    # The second time, others look at it, and its place is measured anew.
    columns |= vote(columns.pop("node"), columns.pop("size"), rng)
    columns["gz2_class"] = class_of(columns)
    shift = np.where(np.arange(number) < number - repeats, 0.0, 0.2 / 3600)
    columns["ra"], columns["dec"] = columns["ra"] + shift, columns["dec"] + shift * rng.standard_normal(number)
    columns["dr7objid"] = _FIRST_ID + start + np.arange(number, dtype=np.int64)
    columns["id"] = columns["dr7objid"].astype(np.str_).astype(object)
    columns["rastring"], columns["decstring"] = sexagesimal(columns["ra"], columns["dec"])
    return columns


def _posterior(normals: npt.NDArray[np.float64], size: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the probability of each outcome of the vote given all measurements.

    Size is measured, and volunteers see no more of it: for all galaxies of one step of size the outcome depends on
    the node alone.
    """
    weights, outcomes = node_probabilities(normals), outcome_probabilities()
    posterior = np.empty((len(size), outcomes.shape[2]))
    for step in np.unique(size):
        rows = size == step
        posterior[rows] = weights[rows] @ outcomes[step]
    return posterior


def _truth(node: npt.NDArray[np.int64]) -> Columns:
    grid = nodes()
    return {
        "sim_type": grid.type[node],
        "sim_bulge_fraction": grid.bulge[node],
        "sim_shape": grid.shape[node],
        "sim_barred": grid.barred[node] > 0,
    }


def _places(number: int, rng: np.random.Generator) -> Columns:
    """Scatter galaxies over the survey's northern cap, and some along Stripe 82."""
    sample = rng.choice(
        ["original", "extra", "stripe82"],
        number,
        p=[1 - _EXTRA_SHARE - _STRIPE_SHARE, _EXTRA_SHARE, _STRIPE_SHARE],
    ).astype(object)
    stripe = sample == "stripe82"
    ra = np.where(stripe, rng.uniform(-50, 59, number) % 360, rng.uniform(120, 250, number))
    sine = rng.uniform(0, np.sin(np.radians(60)), number)
    dec = np.where(stripe, rng.uniform(-1.25, 1.25, number), np.degrees(np.arcsin(sine)))
    return {"sample": sample, "ra": ra, "dec": dec}


def sexagesimal(ra_deg: npt.NDArray[np.float64], dec_deg: npt.NDArray[np.float64]) -> tuple[Strings, Strings]:
    """Write places as the table does: hours, and degrees with a sign."""
    seconds = np.round(ra_deg / 15 * 3600, 2)
    arcsec = np.round(np.abs(dec_deg) * 3600, 1)
    hours = [f"{int(s // 3600):02d}:{int(s % 3600 // 60):02d}:{s % 60:05.2f}" for s in seconds.tolist()]
    degrees = [
        f"{'-' if d < 0 else '+'}{int(a // 3600):02d}:{int(a % 3600 // 60):02d}:{a % 60:04.1f}"
        for d, a in zip(dec_deg.tolist(), arcsec.tolist(), strict=True)
    ]
    return np.array(hours, dtype=object), np.array(degrees, dtype=object)
