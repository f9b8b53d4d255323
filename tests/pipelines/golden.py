"""The compiled exercises that are kept in `tests/golden`; run as a program (`make golden`), this writes them anew.

Whatever depends on the contents of the image is made to read the same always, so that the files change only when
the wiring, a face or the placement does.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from pipelines.catalogue import EXERCISES, Exercise
from pipelines.compilation import compile_exercise, compile_objects

FOLDER = Path(__file__).resolve().parents[1] / "golden"
_PRESET = "demo"
_SHARDED_PRESET = "full"
_TAG = re.compile(r"(?<=armillary-python-cpu:|armillary-python-gpu:)[0-9a-f]{16}")


def golden_files(exercise: Exercise) -> dict[Path, str]:
    """Compile an exercise as it is now: in both forms, and as for a whole survey, where ingest fans out."""
    definition = exercise.load()
    stem = exercise.slug.replace("-", "_")
    for_upload = compile_exercise(definition, _PRESET)
    objects = compile_objects(definition, _PRESET)
    texts = {
        f"{stem}.yaml": for_upload.text,
        f"{stem}_kubernetes.yaml": objects.text,
        f"{stem}_{_SHARDED_PRESET}.yaml": compile_exercise(definition, _SHARDED_PRESET).text,
    }
    nothing = "0" * 16
    version = for_upload.version.rsplit("-", 1)[0]
    return {
        FOLDER / name: _TAG.sub(nothing, text).replace(for_upload.version, f"{version}-{nothing}")
        for name, text in texts.items()
    }


def comparable(text: str) -> list[Any]:
    """Parse a compiled file, without the version of the compiler."""
    documents = list(yaml.safe_load_all(text))
    for document in documents:
        for specification in (document, document.get("spec", {}).get("pipelineSpec", {})):
            specification.pop("sdkVersion", None)
    return documents


if __name__ == "__main__":
    for exercise in EXERCISES:
        for path, text in golden_files(exercise).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="ascii")
            print(path)
