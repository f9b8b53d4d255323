"""A pipeline of one stage that does in its container what a test asks for."""

from kfp import dsl
from kfp.dsl import Dataset, Output

from components.common.component import component
from pipelines.definition import Definition


@component(image="gpu")
def train_oddly(model: Output[Dataset], what: str, location: str):
    """Tell what a container is allowed, or take too much memory."""
    import json
    import os
    from pathlib import Path

    from components.common.contents import content_hash

    def may_write(folder: str) -> bool:
        try:
            Path(folder, "probe").touch()
        except OSError:
            return False
        return True

    if what == "memory":
        hoard = bytearray(600 << 20)
        hoard[::4096] = b"x" * len(hoard[::4096])
    if what == "words":
        print("no newline at the end: \u00e4", end="")
    found = {
        "uid": os.getuid(),
        "contents": content_hash(),
        "endpoint": os.environ.get("AWS_ENDPOINT_URL"),
        "read": Path(location, "given.txt").read_text() if location else "",
        "writable": [folder for folder in ("/tmp", "/opt", "/usr", location or "/") if may_write(folder)],
    }
    Path(model.path).mkdir(parents=True)
    (Path(model.path) / "found.json").write_text(json.dumps(found))


@dsl.pipeline(name="container-toy", description="One stage.")
def container_toy(what: str = "", location: str = "", data_version: str = ""):
    """Run the stage."""
    train_oddly(what=what, location=location)


@dsl.component(base_image="armillary-python-cpu:of-no-code-at-all", install_kfp_package=False)
def do_nothing():
    """Ask for an image that is not there."""


@dsl.pipeline(name="without-image", description="Its image is nowhere.")
def without_image():
    """Run the stage."""
    do_nothing()


DEFINITION = Definition(
    pipeline=container_toy,
    predictor=None,
    presets={"smoke": {}},
    headline="none",
    scores=(),
    comparability="Not to be compared.",
)
