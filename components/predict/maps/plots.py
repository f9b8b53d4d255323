"""One picture for each prediction: the map, and where its universe is among those of the prior."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Ellipse

from components.common.figures import SERIES, WIDTH, Figure, figure_style, finish
from components.physics.multifield import PRIOR
from components.predict.maps.prediction import Predicted
from components.predict.writing import write_pictures


def draw_predictions(predicted: Predicted, first: int, folder: Path) -> list[Path]:
    """Draw every map with its predicted omega_m and sigma_8 into a folder; return the files in order."""
    rows = range(len(predicted.columns["id"]))
    return write_pictures(folder, first, predicted.columns["id"], (_draw(predicted, row).svg for row in rows))


@figure_style()
def _draw(predicted: Predicted, row: int) -> Figure:
    c = predicted.columns
    drawing = Drawing(figsize=(WIDTH, 0.52 * WIDTH), layout="constrained")
    left, right = drawing.subplots(1, 2)
    left.imshow(predicted.maps[row].astype(np.float64), cmap="Greys", origin="lower", interpolation="nearest")
    left.set_xticks([])
    left.set_yticks([])
    left.set_title(f"log {predicted.field}")
    centre = (float(c["omega_m"][row]), float(c["sigma_8"][row]))
    sigma = (float(c["omega_m_sigma"][row]), float(c["sigma_8_sigma"][row]))
    for times, alpha in ((2, 0.18), (1, 0.35)):
        right.add_patch(
            Ellipse(centre, 2 * times * sigma[0], 2 * times * sigma[1], color=SERIES[0], alpha=alpha, linewidth=0)
        )
    right.plot(*centre, "o", color=SERIES[0])
    right.set_xlim(*PRIOR["omega_m"])
    right.set_ylim(*PRIOR["sigma_8"])
    right.set_xlabel("Ω_m")
    right.set_ylabel("σ_8")
    text = f"Ω_m {centre[0]:.3f} ± {sigma[0]:.3f}, σ_8 {centre[1]:.3f} ± {sigma[1]:.3f}"
    return finish(drawing, f"Map {c['id'][row]}: {text}.", f"{c['id'][row]}: {text} {c['warnings'][row]}".strip())
