"""Pipelines that compile and would fail on a cluster: what the static checks must find."""

from kfp import dsl

from components.common.component import component


@component(image="cpu")
def ingest_nothing(number: int):
    """Do nothing."""


@component(image="gpu")
def train_nothing(number: int):
    """Do nothing."""


@component(image="cpu")
def judge_nothing(number: int):
    """Do nothing that the placement knows."""


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def preprocess_elsewhere(number: int):
    """Do nothing in an image that is not ours."""


@dsl.pipeline(name="loop")
def gpus_in_a_loop(gpus: str = "0"):
    """Ask for GPUs by a parameter, a shard each."""
    with dsl.ParallelFor([1, 2]) as shard:
        train_nothing(number=shard).set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(gpus)


@dsl.pipeline(name="cases")
def training_on_a_condition(flag: int = 1):
    """Train on a condition, where the placement puts its own parameter; in a loop it asks for no GPU."""
    with dsl.If(flag == 1):
        train_nothing(number=1)


@dsl.pipeline(name="condition")
def memory_in_a_condition(memory: str = "1Gi", flag: int = 1):
    """Ask for memory by a parameter, on a condition."""
    with dsl.If(flag == 1):
        ingest_nothing(number=1).set_memory_limit(memory)


@dsl.pipeline(name="handler")
def gpus_in_an_exit_handler(gpus: str = "0"):
    """Ask for GPUs by a parameter, with an exit handler around."""
    with dsl.ExitHandler(ingest_nothing(number=1)):
        train_nothing(number=2).set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(gpus)


@dsl.pipeline(name="nested")
def _training(gpus: str):
    train_nothing(number=1).set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(gpus)


@dsl.pipeline(name="sound-nested")
def gpus_in_a_nested_pipeline(gpus: str = "0"):
    """Ask for GPUs by a parameter in a pipeline within a pipeline, which works."""
    _training(gpus=gpus)


@dsl.pipeline(name="foreign")
def foreign_image():
    """Run somebody else's image."""
    preprocess_elsewhere(number=1)


@dsl.pipeline(name="accents", description="Décalages vers le rouge.")
def accents():
    """Describe the pipeline in French."""
    ingest_nothing(number=1)


@dsl.pipeline(name="credentials")
def credentials_in_plain_text(password: str = "s3cret-of-the-store"):
    """Write credentials into the pipeline."""
    ingest_nothing(number=1).set_env_variable("AWS_SECRET_ACCESS_KEY", "plain")


@dsl.pipeline(name="unknown")
def stage_of_an_unknown_kind():
    """Name a component by a verb that has no size."""
    judge_nothing(number=1)
