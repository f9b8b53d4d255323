"""Pictures of classified galaxies, one file each: the probabilities, and what speaks for the class."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.common.figures import (
    INK,
    SERIES,
    Figure,
    figure_style,
    finish,
    new_panels,
    note,
    rule,
    set_percent,
)
from components.evaluate.classification.explanation import shap_values
from components.evaluate.classification.morphology_names import short
from components.predict.morphology.prediction import Predicted
from components.predict.writing import write_pictures
from components.train.boosted_trees.inference import EXPLAINED

_FEATURES = 6


def draw_predictions(predicted: Predicted, first: int, folder: Path) -> None:
    """Draw every galaxy into a folder, named by its number and id.

    Parameters
    ----------
    predicted : Predicted
        What to draw.
    first : int
        Rows before these.
    folder : Path
        Where to; made where it is missing.
    """
    names = predicted.columns["id"]
    contender = predicted.model.contenders[EXPLAINED]
    shap = shap_values(contender, predicted.features)
    write_pictures(folder, first, names, (_draw(predicted, shap[row], row).svg for row in range(len(names))))


@figure_style()
def _draw(predicted: Predicted, shap: npt.NDArray[np.float64], row: int) -> Figure:
    classes, probability = predicted.model.classes, predicted.probability[row]
    best = int(probability.argmax())
    features = np.argsort(-np.abs(shap[:, best]), kind="stable")[:_FEATURES]
    drawing, (above, below) = new_panels((len(classes), len(features)), height=3.6, share_x=False)
    for axes in (above, below):
        axes.grid(visible=False, axis="y")
        rule(axes, "x")
        axes.tick_params(axis="y", length=0)
    colours = [SERIES[0] if index == best else SERIES[5] for index in range(len(classes))]
    above.barh(np.arange(len(classes)), probability, height=0.7, color=colours, linewidth=0)
    above.set_yticks(np.arange(len(classes)), list(classes))
    above.set_ylim(len(classes) - 0.4, -0.6)
    above.set_xlim(0, 1.18)
    for index, value in enumerate(probability):
        note(above, value + 0.01, index, f"{100 * value:.1f}\u202f%", INK, va="center")
    set_percent(above.xaxis)
    above.set_xlabel("Probability")
    amount = shap[features, best]
    below.barh(
        np.arange(len(features)), amount, height=0.7, color=[SERIES[0] if a > 0 else SERIES[1] for a in amount]
    )
    below.axvline(0, color=INK, linewidth=0.8)
    labels = [_label(predicted, row, int(feature)) for feature in features]
    below.set_yticks(np.arange(len(features)), labels)
    below.set_ylim(len(features) - 0.4, -0.6)
    whose = "" if predicted.model.name == EXPLAINED else " in boosted trees"
    below.set_xlabel(f"Speaks for {classes[best]}{whose} (SHAP value)")
    columns = predicted.columns
    text = f"{columns['id'][row]}: {columns['label'][row]}, {100 * columns['probability'][row]:.1f}\u202f%"
    above.set_title(text)
    return finish(drawing, f"Galaxy {text}", text)


def _label(predicted: Predicted, row: int, feature: int) -> str:
    value = float(predicted.features[row, feature])
    shown = f"{value:.3g}" if np.isfinite(value) else "missing"
    return f"{short(predicted.model.features[feature])} = {shown}".replace("-", "\u2212")
