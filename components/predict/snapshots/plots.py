"""Pictures of reconstructed snapshots: the first slab of each, as maps."""

from components.common.tables import Columns
from components.evaluate.reconstruction.maps import draw_prediction
from components.evaluate.reconstruction.measuring import in_blocks

_SLABS = 8


def draw(columns: Columns, box_size: float) -> str:
    """Draw the first slab of one row of predictions, as SVG."""
    slices = columns["mean"].shape[1]
    deep = max(1, slices // _SLABS)
    final, mean = (columns[name][0, :deep].mean(axis=0) for name in ("final", "mean"))
    samples = columns["samples"][0, :, :deep].mean(axis=1)
    spread = in_blocks(samples).std(axis=0, ddof=1)
    return draw_prediction(str(columns["id"][0]), final, mean, samples[0], spread, box_size).svg
