"""What the stage leaves for people: the numbers of the decision, and a page that explains it."""

import json
import math
from pathlib import Path

from components.common.dashboard import Artifact, ScalarsArtifact
from components.common.files import read_json, whole, write_json
from components.common.provenance import Provenance
from components.promote.champion.decision import Decision
from components.promote.champion.page import build_page


def show(decision: Decision, results: Path, numbers: ScalarsArtifact, page: Artifact) -> None:
    """Write the decision as scalars for the Kubeflow UI, as JSON for programs, and as a page.

    Parameters
    ----------
    decision : Decision
        What `promote` returns.
    results : Path
        Folder of the evaluation, for where the data come from.
    numbers, page
        Outputs of the component.
    """
    for name, value in decision.numbers().items():
        if value is not None and math.isfinite(value):
            numbers.log_metric(name, value)
    write_json(Path(numbers.path), decision.to_json())
    provenance = Provenance.from_json(json.dumps(read_json(results / "metrics.json")["provenance"]))
    with whole(Path(page.path)) as part:
        part.write_text(build_page(decision, provenance).render(), encoding="utf-8")
