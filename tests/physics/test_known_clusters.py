"""The bundled table: names, and numbers that fit each other."""

import numpy as np
import pytest

from components.common.errors import ParameterError
from components.physics.known_clusters import find_cluster, known_clusters


@pytest.mark.parametrize("name", ["M 4", "m4", "M4", "Messier 4", "NGC 6121", "ngc6121"])
def test_names_are_found_however_they_are_written(name: str) -> None:
    assert find_cluster(name).distance_kpc == 1.86


def test_what_is_not_there_is_said_with_what_is() -> None:
    with pytest.raises(ParameterError, match=r"no cluster 'Pleiades'.*47 Tuc"):
        find_cluster("Pleiades")


def test_parallaxes_are_the_inverse_of_distances() -> None:
    clusters = known_clusters()
    assert len(clusters) == len({cluster.name for cluster in clusters}) == 15
    difference = np.array([cluster.parallax - 1 / cluster.distance_kpc for cluster in clusters])
    assert np.abs(difference).max() < 0.025, "twice the systematic error of a parallax in DR3, 0.01 mas"
    assert all(0 <= c.ra_deg < 360 and abs(c.dec_deg) <= 90 for c in clusters)
