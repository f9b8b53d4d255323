"""What the archive is asked, in its own language."""

import numpy as np

from components.common.shards import Shard
from components.ingest.gaia_stars.regions import Region
from components.ingest.gaia_stars.schema import NAMES
from components.ingest.gaia_stars.settings import Settings
from components.physics.celestial import GAIA_SHIFT, healpix_pixels

_DERIVED = ("spectraltype_esphs", "teff_gspphot", "logg_gspphot", "mh_gspphot")
_SAMPLED_PLACES = 4096


def conditions(settings: Settings, region: Region) -> list[str]:
    """List what a star must fulfil, all of it; none is about how it moves or how far it is."""
    limits = [
        region.to_adql(),
        f"g.phot_g_mean_mag < {settings.maximum_magnitude!r}",
        f"g.ruwe < {settings.maximum_ruwe!r}" if settings.maximum_ruwe else "",
        f"g.visibility_periods_used >= {settings.minimum_visibility_periods}"
        if settings.minimum_visibility_periods
        else "",
        f"g.parallax_error < {settings.maximum_parallax_error!r}" if settings.maximum_parallax_error else "",
    ]
    if settings.maximum_pm_error:
        limits += [f"g.{name} < {settings.maximum_pm_error!r}" for name in ("pmra_error", "pmdec_error")]
    return [limit for limit in limits if limit]


def count_query(where: list[str]) -> str:
    """Ask how many stars there are: an answer that no row limit can cut."""
    return f"SELECT COUNT(*) AS stars FROM gaiadr3.gaia_source AS g WHERE {' AND '.join(where)}"


def stars_query(where: list[str]) -> str:
    """Ask for the stars, with derived parameters for those that have some."""
    columns = ", ".join(f"ap.{name}" if name in _DERIVED else f"g.{name}" for name in NAMES)
    return (
        f"SELECT {columns} FROM gaiadr3.gaia_source AS g LEFT JOIN gaiadr3.astrophysical_parameters AS ap "
        f"ON g.source_id = ap.source_id WHERE {' AND '.join(where)}"
    )


def shard_conditions(region: Region, part: Shard) -> list[str]:
    """Limit source_id to a share of the region: to whole HEALPix pixels of level 12.

    The shares divide all identifiers there are, so that each star is in exactly one; where the limits lie, chosen
    by places drawn from the region, decides only how even they are.
    """
    if part.is_whole:
        return []
    places = region.draw(_SAMPLED_PLACES, np.random.default_rng(0))
    pixels = np.sort(healpix_pixels(*places))
    first, last = (
        int(pixels[_SAMPLED_PLACES * n // part.count % _SAMPLED_PLACES]) for n in (part.number, part.number + 1)
    )
    limits = []
    if part.number > 0:
        limits.append(f"g.source_id >= {first << GAIA_SHIFT}")
    if part.number + 1 < part.count:
        limits.append(f"g.source_id < {last << GAIA_SHIFT}")
    return limits
