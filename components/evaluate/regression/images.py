"""Pictures as a kind of data whose redshifts are evaluated: those of galaxies."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.distributions import BinnedDistribution
from components.common.scores import Floats
from components.common.tables import Columns, column
from components.evaluate.regression import photometric
from components.evaluate.regression.image_attention import SAMPLE, examine
from components.evaluate.regression.image_curves import draw_curves
from components.evaluate.regression.image_external import ImageExternal, predict_folder
from components.evaluate.regression.image_report import write_report
from components.evaluate.regression.kinds import Kind
from components.evaluate.regression.outcome import Baselines, Measure, Model
from components.evaluate.regression.photometric_baselines import PhotometricBaselines
from components.preprocess.cutouts.preparation import Preparation
from components.train.image_cnn.side_inputs import MAGNITUDES

if TYPE_CHECKING:
    from components.train.image_cnn.inference import CutoutModel


class FedModel:
    """A trained network, fed with the columns of a table.

    Parameters
    ----------
    model : CutoutModel
        The network.
    """

    def __init__(self, model: "CutoutModel"):
        self.model = model

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        """How the cutouts that it was trained on were prepared."""
        return self.model.preprocess_settings

    @property
    def density_share(self) -> float:
        """How much of the density of magnitudes is in the answers."""
        return float(self.model.network.share)

    def predict(self, *data: npt.NDArray[Any]) -> BinnedDistribution:
        """Predict from cutouts and the five magnitudes, each of shape (n, ...)."""
        images, *magnitudes = data
        return self.model.predict(images, np.stack(magnitudes, axis=1))

    def attribute(self, data: Columns) -> npt.NDArray[np.float32] | None:
        """Attribute predictions to pixels; None where the network sees no picture."""
        from components.train.image_cnn.attribution import integrated_gradients  # imports torch

        if not self.model.architecture.images:
            return None
        magnitudes = np.stack([data[name] for name in MAGNITUDES], axis=1)
        return integrated_gradients(self.model, data["image"], magnitudes)


def load_fed_model(folder: Path) -> FedModel:
    """Load the model that `train/image_cnn` wrote."""
    from components.train.image_cnn.inference import load_model  # torch is slow to import

    return FedModel(load_model(folder))


def _point(distribution: BinnedDistribution) -> Floats:
    return distribution.median()


def _validate(table: Path, folder: Path, model: Model, baselines: Baselines, constant: float) -> ImageExternal:
    return predict_folder(table, folder, model, baselines, constant, IMAGES)


IMAGES = Kind(
    name="images",
    noun="pictures",
    inputs=("image", *MAGNITUDES),
    group="group_id",
    fields=(
        column("id", "string", "picture"),
        column("object_id", "string", "galaxy on the sky"),
        column("group_id", "string", "fields that share a galaxy share it"),
        column("m_r", "float32", "model magnitude in r, without extinction; NaN missing"),
        column("axis_ratio", "float32", "minor over major axis as seen; NaN where unknown"),
        column("inclination_deg", "float32", "0 is face-on; NaN where unknown", "deg"),
    ),
    point=_point,
    point_name="median of the distribution",
    measure=Measure("dz", "(redshift - truth) / (1 + truth)", "", photometric.relative_error),
    scores=photometric.SCORES,
    headline=photometric.HEADLINE,
    published=photometric.PUBLISHED,
    preparation=Preparation.from_settings,
    load_model=load_fed_model,
    fit_baselines=PhotometricBaselines,
    draw_curves=draw_curves,
    write_report=write_report,
    external=_validate,
    extra_scores=photometric.nmad_over_baseline,
    examine=examine,
    sample=SAMPLE,
)
