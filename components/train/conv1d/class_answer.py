"""What the outputs of a classifying network mean: the logarithms of the probabilities of the classes."""

import dataclasses
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional

from components.common.classes import encode, require_every_class
from components.common.errors import ParameterError

Floats = npt.NDArray[np.float64]

_TEMPERATURES = (0.1, 10.0)


@dataclass(frozen=True)
class ClassAnswer:
    """Probabilities of classes: LogSoftmax of the outputs, trained with the negative log-likelihood.

    Together these two are the cross entropy. LogSoftmax gives logarithms, which are never positive; their
    exponentials are probabilities, which add up to one.

    Attributes
    ----------
    classes : tuple of str
        Names, in the order of the outputs.
    weights : tuple of float
        Weight of a row of each class in the loss, such that all classes weigh the same however many rows they
        have: rows / (classes * rows of the class).
    temperature : float
        Divides the outputs: above 1 where the network was too sure of itself on validation rows.
    """

    classes: tuple[str, ...]
    weights: tuple[float, ...]
    temperature: float = 1.0

    @classmethod
    def for_labels(cls, labels: npt.NDArray[Any], classes: Sequence[str]) -> "ClassAnswer":
        """Weigh classes by how many training rows have each.

        Parameters
        ----------
        labels : ndarray of str, shape (n,)
            Of the training rows.
        classes : sequence of str
            Names, in the order of the outputs.

        Raises
        ------
        ParameterError
            When there is nothing to tell apart.
        InputError
            When a label is none of the classes, or a class has no row.
        """
        names = tuple(str(name) for name in classes)
        if len(set(names)) != len(names) or len(names) < 2:
            raise ParameterError(
                f"The classes are {', '.join(names) or 'none'}: there is nothing to tell apart.",
                "Give two or more classes, each once.",
            )
        counts = np.bincount(encode(labels, names), minlength=len(names))
        require_every_class(counts, names, "training")
        return cls(names, tuple(float(w) for w in len(labels) / (len(names) * counts)))

    def loss(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Negative log-likelihood, each class weighing the same: `truth` holds indices of classes."""
        weights = torch.tensor(self.weights, dtype=torch.float32, device=outputs.device)
        return functional.nll_loss(functional.log_softmax(outputs.float(), dim=1), truth.long(), weights)

    def calibrated(self, outputs: npt.NDArray[np.float32], truth: Floats) -> "ClassAnswer":
        """Choose the temperature with the highest likelihood of validation rows (Guo et al. 2017).

        One number cannot change which class is most probable, only how sure the answer is (arXiv:1706.04599).
        """
        logits, index = torch.from_numpy(outputs), torch.from_numpy(truth.astype(np.int64))

        def unlikelihood(log_temperature: float) -> float:
            return float(functional.cross_entropy(logits / float(np.exp(log_temperature)), index))

        found = minimize_scalar(
            unlikelihood, bounds=np.log(_TEMPERATURES), method="bounded", options={"xatol": 0.005}
        )
        return dataclasses.replace(self, temperature=float(np.exp(found.x)))

    def distribution(self, outputs: npt.NDArray[np.float32]) -> Floats:
        """Probabilities of shape (n, classes)."""
        logarithms = functional.log_softmax(torch.from_numpy(outputs).double() / self.temperature, dim=1)
        probability: Floats = torch.exp(logarithms).numpy()
        return probability

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that `answer_from_json` reads."""
        return {"kind": "classes", **asdict(self)}
