"""The embedded default: a field of the Galaxy with one globular and two open clusters, as Gaia would see it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.provenance import Provenance, code_version
from components.common.tables import Columns
from components.ingest.gaia_stars.regions import Region
from components.ingest.gaia_stars.settings import Settings
from components.ingest.gaia_stars.source import Source
from components.physics.celestial import icrs_to_galactic, separation
from components.physics.gaia_survey import TrueStars, observe
from components.physics.galactic_field import LineOfSight, extinction_v, galactic_places, relative_velocities
from components.physics.star_populations import (
    A_G_OVER_A_V,
    COLOUR_EXCESS_OVER_A_V,
    Cluster,
    distance_modulus,
    kroupa_masses,
    place_members,
    proper_motions,
    shine,
)
from components.physics.star_sequences import globular_sequence, open_sequence, turnoff_mass

FIELD = Region("simulated field", 110.0, -25.0, 1.0)
"""Where the simulator looks unless told otherwise: towards the outer disc, six degrees below the plane."""

STARS_PER_BATCH = 1 << 16
_SHARES = (0.60, 0.25, 0.15)
_KIND_NAMES = ("globular-1", "open-1", "open-2")
_CLUSTERS_SEED, _STARS_SEED = 1, 2
_CIRCULAR_KM_S = 232.0
_CORE_CROWDING = 0.2
_MOST_ROUNDS = 500


def open_simulator(settings: Settings) -> Source:
    """Describe what will be simulated, and begin when the first batch is asked for."""
    region = settings.region or FIELD
    clusters = draw_clusters(settings, region)
    shared = _SHARES[: len(clusters)]  # none of them in a control field
    members = [round(settings.cluster_stars * share / sum(shared)) for share in shared]
    total = settings.rows + sum(members)
    batches = -(-total // STARS_PER_BATCH)
    mine = settings.part.rows(batches, 1)
    shares = [_share(number, batches, settings.rows, members) for number in mine]
    provenance = Provenance(
        origin="simulated",
        archive="Armillary's simulator of Gaia star fields",
        query=f"{settings.rows} field stars and {len(clusters)} clusters of {sum(members)} stars to G = "
        f"{settings.maximum_magnitude:g} within {region.radius_deg:g} deg of RA {region.ra_deg:g}, Dec "
        f"{region.dec_deg:g}; {settings.binary_fraction:.0%} pairs",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(
            "Simulated stars: schematic sequences, a smooth Galaxy with an even layer of dust, and DR3's error "
            "model. There is no crowding, no scanning law and no differential reddening, which makes clusters "
            "easier to find than on the sky.",
        ),
    )
    truth = {"clusters": [_describe(c, n) for c, n in zip(clusters, members, strict=True)]}
    stars = _simulate(settings, region, clusters, mine, batches, members)
    asked = sum(field + sum(own) for field, own in shares)
    return Source(provenance, asked, stars, region, has_truth=True, truth=truth)


def draw_clusters(settings: Settings, region: Region) -> list[Cluster]:
    """Draw the clusters of a seed: each has a place of its own, and moves as its population does.

    A cluster may come to lie in the midst of the field's motions, as some do on the sky.
    """
    rng = np.random.default_rng((settings.seed % 2**64, _CLUSTERS_SEED))
    latitude = float(icrs_to_galactic(region.ra_deg, region.dec_deg)[1])
    clusters: list[Cluster] = []
    for name in _KIND_NAMES[: settings.clusters]:
        is_globular = name.startswith("globular")
        ra, dec = _free_place(region, clusters, rng)
        distance = rng.uniform(2.0, 5.0) if is_globular else rng.uniform(0.6, 1.6)
        if is_globular:
            velocity = (rng.normal(0, 110), rng.normal(40, 70), rng.normal(0, 80))
            size, dispersion, sequence = rng.uniform(2.0, 3.5), rng.uniform(4.0, 8.0), globular_sequence()
        else:
            velocity = (rng.normal(0, 12), _CIRCULAR_KM_S - 3 + rng.normal(0, 9), rng.normal(0, 7))
            size, dispersion = rng.uniform(1.5, 3.0), rng.uniform(0.5, 1.0)
            sequence = open_sequence(turnoff_mass(10 ** rng.uniform(-0.7, 0.5)))
        vectors = relative_velocities(*velocity, galactic_places(ra, dec, distance))
        pmra, pmdec = proper_motions(vectors, *(np.array([v]) for v in (ra, dec, distance)))
        radius = float(np.degrees(np.arctan(size / 1000 / distance)))
        dust = float(extinction_v(distance, latitude))
        clusters.append(
            Cluster(name, ra, dec, distance, float(pmra[0]), float(pmdec[0]), radius, dispersion, sequence, dust)
        )
    return clusters


def _free_place(region: Region, others: list[Cluster], rng: np.random.Generator) -> tuple[float, float]:
    """Draw a place in the inner part of the region, away from the other clusters."""
    apart = 0.4 * region.radius_deg
    while True:
        (ra,), (dec,) = region.draw(1, rng)
        inner = float(separation(ra, dec, region.ra_deg, region.dec_deg)) < 0.75 * region.radius_deg
        if inner and all(separation(ra, dec, c.ra_deg, c.dec_deg) > apart for c in others):
            return float(ra), float(dec)
        apart *= 0.95  # a narrow polygon may have no room for them all


def _share(number: int, batches: int, field: int, members: list[int]) -> tuple[int, list[int]]:
    """Count the stars of a batch: each holds its part of every population."""
    field_stars, *own = (n * (number + 1) // batches - n * number // batches for n in (field, *members))
    return field_stars, own


def _simulate(
    settings: Settings, region: Region, clusters: list[Cluster], mine: range, batches: int, members: list[int]
) -> Iterator[Columns]:
    if not mine:
        return
    sight = LineOfSight(region.ra_deg, region.dec_deg, settings.maximum_magnitude)
    for number in mine:
        # A seed of its own for each batch: a shard draws what the whole would have drawn there.
        rng = np.random.default_rng((settings.seed % 2**64, _STARS_SEED, number))
        field, own = _share(number, batches, settings.rows, members)
        parts = [_field_stars(sight, region, field, settings.binary_fraction, rng)]
        parts += [_members(c, n, settings, region, rng) for c, n in zip(clusters, own, strict=True)]
        truth = [""] * len(parts[0].ra) + [c.name for c, n in zip(clusters, own, strict=True) for _ in range(n)]
        names = TrueStars.__dataclass_fields__
        stars = TrueStars(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
        first = 2 * STARS_PER_BATCH * number  # so that no two batches share a running number
        columns: dict[str, npt.NDArray[Any]] = dict(observe(stars, first, rng))
        columns["cluster"] = np.array(truth, dtype=object)
        columns["probability"] = (columns["cluster"] != "").astype(np.float32)
        order = np.argsort(columns["source_id"])  # else the table's order would give the clusters away
        yield {name: values[order] for name, values in columns.items()}


def _field_stars(
    sight: LineOfSight, region: Region, number: int, binary_fraction: float, rng: np.random.Generator
) -> TrueStars:
    ra, dec = region.draw(number, rng)
    stars = sight.draw(ra, dec, binary_fraction, rng)
    light = stars.light
    return TrueStars(
        ra, dec, stars.distance_kpc, stars.pmra, stars.pmdec, stars.magnitude_g, stars.colour,
        light.temperature, light.gravity, stars.metallicity, np.ones(number),
    )  # fmt: skip


def _members(
    cluster: Cluster, number: int, settings: Settings, region: Region, rng: np.random.Generator
) -> TrueStars:
    """Draw members until so many are bright enough and inside the region."""
    faintest = settings.maximum_magnitude - float(distance_modulus(cluster.distance_kpc))
    faintest -= A_G_OVER_A_V * cluster.extinction_v
    magnitudes = cluster.sequence.values[:, 0]
    bright = np.flatnonzero(magnitudes < faintest + 0.76)
    lightest = float(cluster.sequence.masses[max(bright[0] - 1, 0)]) if bright.size else 0.1
    found: list[TrueStars] = []
    missing = number
    for _ in range(_MOST_ROUNDS if bright.size else 0):
        if missing <= 0:
            break
        drawn = _some_members(cluster, 2 * missing + 64, lightest, settings.binary_fraction, rng)
        keep = np.flatnonzero(
            (drawn.magnitude_g < settings.maximum_magnitude) & region.contains(drawn.ra, drawn.dec)
        )[:missing]
        found.append(TrueStars(*(getattr(drawn, name)[keep] for name in TrueStars.__dataclass_fields__)))
        missing -= len(keep)
    if missing > 0:
        raise InputError(
            f"{cluster.name}, at {cluster.distance_kpc:.1f} kpc, has too few stars brighter than G = "
            f"{settings.maximum_magnitude:g} inside the region.",
            "Raise maximum_magnitude, or simulate another seed, a larger region or no clusters.",
        )
    names = TrueStars.__dataclass_fields__
    empty = [np.empty(0)]
    return TrueStars(*(np.concatenate([*(getattr(part, name) for part in found), *empty]) for name in names))


def _some_members(
    cluster: Cluster, number: int, lightest: float, binary_fraction: float, rng: np.random.Generator
) -> TrueStars:
    ra, dec, distance, pmra, pmdec = place_members(cluster, number, rng)
    light = shine(
        kroupa_masses(number, rng, max(lightest, 0.1), float(cluster.sequence.masses[-1])),
        cluster.sequence,
        binary_fraction,
        rng,
    )
    dust = cluster.extinction_v
    apparent = light.magnitude + distance_modulus(distance) + A_G_OVER_A_V * dust
    away = separation(ra, dec, cluster.ra_deg, cluster.dec_deg) / cluster.half_mass_radius_deg
    dense = _CORE_CROWDING if cluster.name.startswith("globular") else 0.0
    metallicity = np.full(number, cluster.sequence.metallicity)
    return TrueStars(
        ra, dec, distance, pmra, pmdec, apparent, light.colour + COLOUR_EXCESS_OVER_A_V * dust,
        light.temperature, light.gravity, metallicity, 1 + dense * np.exp(-away),
    )  # fmt: skip


def _describe(cluster: Cluster, stars: int) -> dict[str, Any]:
    turnoff, colour = cluster.sequence.turnoff
    modulus = float(distance_modulus(cluster.distance_kpc))
    return {
        "name": cluster.name,
        "stars": stars,
        "ra": cluster.ra_deg,
        "dec": cluster.dec_deg,
        "pmra": cluster.pmra,
        "pmdec": cluster.pmdec,
        "parallax": 1 / cluster.distance_kpc,
        "distance_kpc": cluster.distance_kpc,
        "half_mass_radius_deg": cluster.half_mass_radius_deg,
        "dispersion_km_s": cluster.dispersion_km_s,
        "extinction_v": cluster.extinction_v,
        "turnoff_g": turnoff + modulus + A_G_OVER_A_V * cluster.extinction_v,
        "turnoff_bp_rp": colour + COLOUR_EXCESS_OVER_A_V * cluster.extinction_v,
    }
