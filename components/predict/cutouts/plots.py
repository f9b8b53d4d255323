"""One picture for each prediction: the galaxy, and the distribution of its redshift."""

from pathlib import Path

from components.evaluate.regression.image_diagrams import displayed, draw_prediction, titles
from components.predict.cutouts.prediction import Predicted
from components.predict.writing import write_pictures


def draw_predictions(predicted: Predicted, first: int, folder: Path) -> list[Path]:
    """Draw every galaxy with its predicted distribution into a folder.

    Parameters
    ----------
    predicted : Predicted
        What to draw.
    first : int
        Rows of the table before these.
    folder : Path
        Where to.

    Returns
    -------
    list of Path
        The files, in the order of the rows.
    """
    c, preparation = predicted.columns, predicted.preparation
    pictures = displayed(predicted.given["image"], preparation.to_settings())
    names = [
        f"{title} {warnings}".strip()
        for title, warnings in zip(titles(c["id"], c["m_r"]), c["warnings"], strict=True)
    ]
    figures = (
        draw_prediction(
            picture,
            predicted.distribution[i : i + 1],
            float(c["redshift"][i]),
            float(c["catalogue_redshift"][i]),
            preparation.scale_arcsec,
            names[i],
        )
        for i, picture in enumerate(pictures)
    )
    return write_pictures(folder, first, c["id"], (figure.svg for figure in figures))
