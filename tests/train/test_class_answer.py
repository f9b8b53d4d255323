"""Classes as an answer: a loss that is the cross entropy, probabilities that add up, and honest temperatures."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from components.common.classes import encode, require_every_class
from components.common.errors import InputError, ParameterError
from components.train.conv1d.answers import answer_from_json
from components.train.conv1d.class_answer import ClassAnswer

CLASSES = ("QSO", "GALAXY", "STAR")


def test_log_softmax_with_negative_log_likelihood_is_cross_entropy() -> None:
    torch.manual_seed(1)
    logits, truth = 3 * torch.randn(50, 3), torch.randint(0, 3, (50,))
    answer = ClassAnswer(CLASSES, (1.0, 1.0, 1.0))
    assert torch.equal(answer.loss(logits, truth), functional.cross_entropy(logits, truth))
    weighted = ClassAnswer(CLASSES, (0.5, 1.0, 4.0))
    expected = functional.cross_entropy(logits, truth, torch.tensor([0.5, 1.0, 4.0]))
    assert torch.equal(weighted.loss(logits, truth), expected)
    # LogSoftmax is idempotent, so that cross entropy on top of it, as in the workshop's notebook, is the same too.
    again = functional.cross_entropy(functional.log_softmax(logits, 1), truth)
    assert torch.allclose(again, functional.cross_entropy(logits, truth), atol=1e-6)


def test_probabilities_are_exponentials_of_what_is_never_positive() -> None:
    logits = np.random.default_rng(2).normal(0, 50, (40, 3)).astype(np.float32)
    answer = ClassAnswer(CLASSES, (1.0, 1.0, 1.0))
    probability = answer.distribution(logits)
    assert probability.shape == (40, 3)
    assert np.all((probability >= 0) & (probability <= 1))
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-12)
    assert np.all(functional.log_softmax(torch.from_numpy(logits), 1).numpy() <= 0)
    np.testing.assert_array_equal(probability.argmax(axis=1), logits.argmax(axis=1))


def test_rare_classes_weigh_as_much_as_frequent_ones() -> None:
    labels = np.array(["QSO"] * 90 + ["GALAXY"] * 10, dtype=object)
    answer = ClassAnswer.for_labels(labels, ["QSO", "GALAXY"])
    assert answer.weights == pytest.approx((100 / 180, 5.0))
    assert 90 * answer.weights[0] == pytest.approx(10 * answer.weights[1])


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_makes_logits_too_sure(factor: float) -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (20_000, 2))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random(20_000) < honest[:, 1]).astype(np.float64)
    answer = ClassAnswer(("a", "b"), (1.0, 1.0)).calibrated((factor * logits).astype(np.float32), truth)
    # Of 20000 rows the likelihood knows the temperature to about two per cent.
    assert answer.temperature == pytest.approx(factor, rel=0.06)


def test_an_answer_is_read_again_from_its_json() -> None:
    answer = ClassAnswer(CLASSES, (0.5, 1.0, 4.0), 1.3)
    assert answer_from_json(json.loads(json.dumps(answer.to_json()))) == answer


def test_what_cannot_be_learnt_is_told() -> None:
    labels = np.array(["QSO", "STAR"], dtype=object)
    with pytest.raises(InputError, match="labelled STAR, which is none of the classes QSO, GALAXY"):
        encode(labels, ("QSO", "GALAXY"))
    with pytest.raises(InputError, match="No training row is a GALAXY"):
        ClassAnswer.for_labels(labels, CLASSES)
    for classes in ([], ["QSO"], ["QSO", "QSO"]):
        with pytest.raises(ParameterError, match="nothing to tell apart"):
            ClassAnswer.for_labels(labels, classes)
    with pytest.raises(InputError, match="No validation row is a QSO, or a STAR"):
        require_every_class(np.array([0, 4, 0]), CLASSES, "validation")
