"""The exercises, listed once: the command line, the tests and the README's table read this list."""

import importlib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from components.common.errors import ParameterError

if TYPE_CHECKING:
    from pipelines.definition import Definition


@dataclass(frozen=True)
class Exercise:
    """An entry of the catalogue; the exercise itself is imported only when it is wanted.

    Attributes
    ----------
    slug : str
        Name on the command line and in the store.
    module : str
        Module that holds its `DEFINITION`.
    title : str
        Name for people.
    summary : str
        What it does, in one line.
    """

    slug: str
    module: str
    title: str
    summary: str

    def load(self) -> "Definition":
        """Import the exercise, and kfp with it, which takes about a second."""
        definition: Definition = importlib.import_module(self.module).DEFINITION
        return definition


EXERCISES = (
    Exercise(
        slug="quasar-redshift",
        module="pipelines.quasar_redshift",
        title="Redshifts of quasars",
        summary="Redshift and its uncertainty from SDSS quasar spectra, with a convolutional network.",
    ),
    Exercise(
        slug="quasar-galaxy",
        module="pipelines.quasar_galaxy",
        title="Quasars and galaxies",
        summary="Quasars told from galaxies by their spectra, with calibrated probabilities, by the same network.",
    ),
    Exercise(
        slug="gravitational-waves",
        module="pipelines.gravitational_waves",
        title="Gravitational waves",
        summary="Waves of merging black holes found in strain by the same network, beside a matched filter.",
    ),
    Exercise(
        slug="galaxy-spectra",
        module="pipelines.galaxy_spectra",
        title="Galaxy spectra",
        summary="Redshift and magnitude of galaxies: five regressors on pixels and components, beside a scan.",
    ),
    Exercise(
        slug="galaxy-photoz",
        module="pipelines.galaxy_photoz",
        title="Redshifts of galaxies from pictures",
        summary="Redshifts of galaxies from SDSS pictures and magnitudes, beside trees that see no picture.",
    ),
    Exercise(
        slug="galaxy-morphology",
        module="pipelines.galaxy_morphology",
        title="Morphology of galaxies",
        summary="Classes of Galaxy Zoo 2 from photometry and structure, with boosted trees explained by SHAP.",
    ),
    Exercise(
        slug="star-clusters",
        module="pipelines.star_clusters",
        title="Star clusters",
        summary="Clusters found in Gaia by four methods, with memberships, and proofs that they are real.",
    ),
    Exercise(
        slug="initial-conditions",
        module="pipelines.initial_conditions",
        title="Initial conditions",
        summary="The universe run backwards: initial density from final, with samples of what cannot be known.",
    ),
    Exercise(
        slug="cosmic-parameters",
        module="pipelines.cosmic_parameters",
        title="Cosmic parameters",
        summary="Universes weighed by their maps: six parameters with errors, and which maps matter most.",
    ),
)


def find(slug: str) -> Exercise:
    """Return the exercise called `slug`.

    Raises
    ------
    ParameterError
        When there is none; names the closest.
    """
    for exercise in EXERCISES:
        if exercise.slug == slug:
            return exercise
    raise ParameterError(
        f"There is no exercise {slug!r}.", suggest(slug, [exercise.slug for exercise in EXERCISES])
    )


def suggest(typed: str, known: list[str]) -> str:
    """Say what the reader may have meant, or else what there is."""
    close = get_close_matches(typed, known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else f"Choose one of: {', '.join(known)}."
