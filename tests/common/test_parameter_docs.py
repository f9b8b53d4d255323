"""What the parameters of components mean is read from the docstrings of their science, without importing it."""

import subprocess
import sys

import docstring_parser
import pytest

from components.common.parameter_docs import parameter_docs, with_parameters
from components.evaluate.regression.component import evaluate_regression
from components.preprocess.spectra.component import preprocess_spectra
from components.train.conv1d.component import train_conv1d


@pytest.mark.parametrize(
    ("face", "parameter", "text"),
    [
        (train_conv1d, "architecture", 'One of "restframe", "paper", "strided", "chirps".'),  # choices go first
        (train_conv1d, "epochs", "At most this many passes over the training rows."),  # "As in `...Schedule`."
        (preprocess_spectra, "clip_sigma", "limits the normalised flux"),  # "See `...Preparation`."
        (preprocess_spectra, "test_fraction", "Fractions of the objects"),  # documented with another
        (evaluate_regression, "bootstrap", "Resamples"),  # of the base class of its settings
    ],
)
def test_a_face_says_what_its_settings_mean(face, parameter: str, text: str) -> None:
    assert text in parameter_docs(face.python_func)[parameter]
    assert text in face.component_spec.inputs[parameter].description


def test_the_description_of_a_component_stays_short() -> None:
    assert train_conv1d.description == "Train the one-dimensional convolutional network on spectra or strain."


def test_the_section_is_one_that_is_read_again() -> None:
    docs = {"rows": "How many: 0 means all.", "source": 'One of "a", "b". Where from.'}
    parsed = docstring_parser.parse(with_parameters("Do it.\n\nAt length.", docs))
    assert {parameter.arg_name: parameter.description for parameter in parsed.params} == docs
    assert (parsed.short_description, parsed.long_description) == ("Do it.", "At length.")
    assert with_parameters("Do it.", {}) == "Do it."


def test_the_science_is_not_imported() -> None:
    code = "import components.train.conv1d.component, sys; assert not {'torch', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
