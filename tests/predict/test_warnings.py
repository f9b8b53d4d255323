"""Peaks and warning bits, on distributions whose answer is plain."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from components.common.distributions import BinnedDistribution
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.predict.spectra import warnings
from components.predict.spectra.peaks import Peaks, find_peaks
from components.predict.spectra.prediction import FIELDS
from components.predict.spectra.warnings import BITS, LINE_WIDTH_KM_S, WARNINGS, find_warnings
from components.predict.warning_bits import describe

EDGES = np.expm1(np.linspace(0, np.log(7), 513))


def _normal(*parts: tuple[float, float, float]) -> BinnedDistribution:
    """Sum of (weight, redshift, width in km/s)."""
    x = np.log1p((EDGES[1:] + EDGES[:-1]) / 2)
    density = sum(
        weight * np.exp(-0.5 * ((x - np.log1p(z)) / (width / SPEED_OF_LIGHT_KM_S)) ** 2) / width
        for weight, z, width in parts
    )
    return BinnedDistribution(EDGES, (density / density.sum())[None].astype(np.float32))


def _peaks(*parts: tuple[float, float, float]) -> Peaks:
    return find_peaks(_normal(*parts), LINE_WIDTH_KM_S)


def test_one_peak_has_no_second() -> None:
    peaks = _peaks((1, 2.0, 1500))
    assert peaks.redshift == pytest.approx(2.0, abs=0.003)  # a quarter of a bin
    assert peaks.mass > 0.999  # four standard deviations
    assert np.isnan(peaks.second_redshift)
    assert not peaks.at_edge


def test_a_second_peak_is_found_with_its_share() -> None:
    """Mg II taken for C III]: 1 + z differs by 2799 / 1909."""
    peaks = _peaks((0.7, 2.2, 1500), (0.3, 1.18, 1500))
    assert peaks.redshift == pytest.approx(2.2, abs=0.003)
    assert peaks.second_redshift == pytest.approx(1.18, abs=0.003)
    assert peaks.mass == pytest.approx(0.7, abs=0.005)
    assert peaks.second_mass == pytest.approx(0.3, abs=0.005)


def test_the_wing_of_a_broad_peak_is_no_second_one() -> None:
    """At 9000 km/s standard deviation half of the probability is farther than 6000 km/s, all in one hill."""
    peaks = _peaks((1, 2.0, 9000))
    assert peaks.mass == pytest.approx(0.495, abs=0.02)
    # What is left lies below a tenth of the height, beyond 2.15 standard deviations on either side.
    assert peaks.second_mass < 0.02


def test_a_peak_that_runs_out_of_the_range_is_at_the_edge() -> None:
    assert _peaks((1, 0.0, 3000)).at_edge
    assert _peaks((1, 6.0, 3000)).at_edge
    assert not _peaks((1, 0.1, 3000)).at_edge


def test_nothing_left_beside_the_first_peak() -> None:
    one_bin = np.zeros((1, 512), np.float32)
    one_bin[0, 100] = 1
    peaks = find_peaks(BinnedDistribution(EDGES, one_bin), LINE_WIDTH_KM_S)
    assert peaks.second_mass == 0
    assert np.isnan(peaks.second_redshift)


def _bits(distribution: BinnedDistribution, **spectrum: float) -> list[str]:
    peaks = find_peaks(distribution, LINE_WIDTH_KM_S)
    low, high = distribution.interval(0.6827)
    given: dict[str, npt.NDArray] = {
        name: np.array([value])
        for name, value in {
            "sn_median": 3.0, "resampled": False, "zwarning": 0, "coverage": 1.0, **spectrum,
        }.items()
    }  # fmt: skip
    columns = {"redshift": peaks.redshift, "low68": low, "high68": high, "confidence": peaks.mass, **given}
    (bits,) = find_warnings(columns, given, peaks.second_mass, peaks.at_edge)
    return describe(int(bits), BITS)


@pytest.mark.parametrize(
    ("parts", "spectrum", "expected"),
    [
        ([(1, 2.0, 1500)], {}, []),
        ([(1, 2.0, 1500)], {"sn_median": 0.9}, ["LOW_SN"]),
        ([(1, 2.0, 1500)], {"sn_median": np.nan}, ["LOW_SN"]),
        ([(1, 2.0, 1500)], {"coverage": 0.4}, ["LITTLE_COVERAGE"]),
        ([(1, 2.0, 1500)], {"resampled": True}, ["RESAMPLED"]),
        ([(1, 2.0, 1500)], {"zwarning": 4}, ["ZWARNING_INPUT"]),
        ([(0.77, 2.0, 1500), (0.23, 1.0, 1500)], {}, ["MULTIMODAL"]),  # 0.30 of the first, 0.23 of all
        ([(0.83, 2.0, 1500), (0.17, 1.0, 1500)], {}, ["BROAD"]),  # 16 % below: the interval reaches over
        ([(0.9, 2.0, 1500), (0.1, 1.0, 1500)], {}, []),
        ([(1, 2.0, 2800)], {}, []),  # 2 x 2800 km/s is narrower than 6000
        ([(1, 2.0, 3200)], {}, ["BROAD"]),
        ([(1, 6.0, 1500)], {"zwarning": 1}, ["EDGE", "ZWARNING_INPUT"]),
    ],
)
def test_each_warning_has_its_condition(
    parts: list[tuple[float, float, float]], spectrum: dict[str, float], expected: list[str]
) -> None:
    found = _bits(_normal(*parts), **spectrum)
    if "MULTIMODAL" in expected:  # where there are two redshifts the interval includes both
        found.remove("BROAD")
    assert found == expected


def test_bits_are_distinct_and_explained() -> None:
    assert sorted(BITS.values()) == [1 << n for n in range(len(WARNINGS))]
    for warning in WARNINGS:
        assert warning.meaning.endswith(".")
        assert warning.advice.endswith(".")


def test_describe_names_what_is_set_and_numbers_what_it_does_not_know() -> None:
    assert describe(0, BITS) == []
    assert describe(BITS["LOW_SN"] | BITS["EDGE"], BITS) == ["LOW_SN", "EDGE"]
    assert describe(BITS["BROAD"] | 1 << 20, BITS) == ["BROAD", "BIT_20"]


def test_the_column_points_to_the_table_of_bits() -> None:
    (field,) = [field for field in FIELDS if field.name == "warning"]
    path = field.metadata[b"description"].decode().split(" in ")[1].split(";")[0]
    assert Path(path).parts == Path(warnings.__file__).parts[-len(Path(path).parts) :]
