"""`LongConv1d` equals `torch.nn.Conv1d`, and `ReluMaxPool1d` equals ReLU and `MaxPool1d(2)`, gradients too."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from components.common.errors import ParameterError
from components.train.conv1d import convolution
from components.train.conv1d.convolution import LongConv1d, ReluMaxPool1d, fast_length, fourier_is_cheaper

EPSILON = torch.finfo(torch.float32).eps
BFLOAT16_EPSILON = torch.finfo(torch.bfloat16).eps


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for each other cost such small sizes more than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


shapes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 5),
        "inputs": st.integers(1, 4),
        "outputs": st.integers(1, 4),
        "kernel": st.integers(1, 60),
        "beyond": st.integers(0, 150),
        "padding": st.sampled_from(["valid", "same"]),
        "bias": st.booleans(),
    }
)


def make(shape: dict, seed: int = 0) -> tuple[LongConv1d, Tensor]:
    torch.manual_seed(seed)
    layer = LongConv1d(
        shape["inputs"],
        shape["outputs"],
        shape["kernel"],
        bias=shape["bias"],
        padding=shape["padding"],
        method="fourier",
    )
    return layer, torch.randn(shape["batch"], shape["inputs"], shape["kernel"] + shape["beyond"])


def values_and_gradients(layer: nn.Conv1d, signal: Tensor, received: Tensor) -> list[Tensor]:
    """Output, and the gradients by the signal and the parameters, in float64."""
    signal = signal.detach().clone().requires_grad_()
    output = layer(signal)
    gradients = torch.autograd.grad(output, [signal, *layer.parameters()], received)
    return [tensor.detach().double() for tensor in (output, *gradients)]


def rounding(length: int, *factors: Tensor) -> float:
    """Error of a float32 product of spectra.

    A transform errs by about epsilon * log2(length) of the norm of what it transforms (not of each element), and
    by Parseval and Cauchy no element of a product exceeds the product of the norms. Three transforms follow each
    other.
    """
    return 3 * EPSILON * math.log2(length + 2) * math.prod(float(factor.detach().norm()) for factor in factors)


@settings(max_examples=60, deadline=None)
@given(shape=shapes, seed=st.integers(0, 1000), cache=st.sampled_from([1, 6 << 20]))
def test_values_and_gradients_are_those_of_torch_in_float64(shape, seed, cache):
    layer, signal = make(shape, seed)
    plain = nn.Conv1d(
        shape["inputs"], shape["outputs"], shape["kernel"], padding=shape["padding"], bias=shape["bias"]
    )
    plain.load_state_dict(layer.state_dict())
    received = torch.randn_like(layer(signal))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "CACHE_BYTES", cache)  # 1: many parts of the batch; else one
        ours = values_and_gradients(layer, signal, received)
    exact = values_and_gradients(plain.double(), signal.double(), received.double())
    length = signal.shape[-1] + shape["kernel"]
    bounds = [
        rounding(length, signal, layer.weight) + EPSILON * float(exact[0].abs().max()),
        rounding(length, received, layer.weight),
        rounding(length, signal, received),
        EPSILON * math.sqrt(received.numel()) * float(received.norm()),
    ]
    for value, truth, bound in zip(ours, exact, bounds, strict=False):
        assert value.shape == truth.shape
        assert float((value - truth).abs().max()) <= bound


@pytest.mark.parametrize(("inputs", "padding"), [(1, "valid"), (3, "valid"), (2, "same")])
def test_gradients_are_derivatives(inputs, padding, monkeypatch):
    monkeypatch.setattr(convolution, "CACHE_BYTES", 1)
    layer = LongConv1d(inputs, 2, 9, padding=padding, method="fourier").double()
    signal = torch.randn(3, inputs, 17, dtype=torch.float64, requires_grad=True)

    def convolve(signal: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, signal)

    assert torch.autograd.gradcheck(convolve, (signal, layer.weight, layer.bias))


def test_is_as_exact_as_direct_float32_on_a_layer_of_the_paper():
    torch.manual_seed(1)
    layer = LongConv1d(32, 16, 200)
    signal = torch.randn(4, 32, 2059)
    direct = functional.conv1d(signal, layer.weight, layer.bias)
    exact = functional.conv1d(signal.double(), layer.weight.double(), layer.bias.double())
    ours = layer(signal)
    # 6400 products are summed for each output: both ways round, neither by more than twice the other.
    assert (ours - exact).square().mean().sqrt() <= 2 * (direct - exact).square().mean().sqrt()


def test_weights_begin_and_interchange_as_those_of_torch():
    torch.manual_seed(3)
    ours = LongConv1d(2, 3, 40)
    torch.manual_seed(3)
    plain = nn.Conv1d(2, 3, 40)
    assert list(ours.state_dict()) == list(plain.state_dict())
    for name, weight in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], weight)
    ours.load_state_dict(plain.state_dict(), strict=True)
    plain.load_state_dict(ours.state_dict(), strict=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_loses_nothing_but_what_it_was_given(dtype):
    torch.manual_seed(4)
    layer = LongConv1d(3, 4, 50, method="fourier")
    signal = torch.randn(2, 3, 200).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(signal)
        output.square().sum().backward()
    assert output.dtype == layer.weight.grad.dtype == torch.float32
    assert torch.equal(output, layer(signal.float()))


def test_short_kernels_follow_autocast_to_bfloat16_within_its_rounding():
    torch.manual_seed(5)
    layer = LongConv1d(16, 32, 7)
    signal = torch.randn(2, 16, 100)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(signal)
    exact = layer(signal).detach()
    assert output.dtype == torch.bfloat16
    # Rounded: signal, weights (each by half an epsilon of its 112 products, in random directions) and the result.
    norms = signal.norm(dim=1).max() * math.sqrt(7) * layer.weight.detach().flatten(1).norm(dim=1).max()
    assert float((output - exact).abs().max()) <= BFLOAT16_EPSILON * float(norms + exact.abs().max())


@pytest.mark.parametrize(
    ("inputs", "outputs", "kernel", "pixels", "fourier"),
    [
        (1, 32, 500, 4618, True),
        (32, 16, 200, 2059, True),
        (16, 128, 10, 930, False),
        (1, 32, 125, 1154, True),
        (32, 16, 50, 515, True),
        (16, 128, 7, 233, False),
        (1, 32, 15, 1154, False),
        (64, 64, 3, 1000, False),
    ],
)
def test_takes_the_cheaper_way(inputs, outputs, kernel, pixels, fourier):
    assert fourier_is_cheaper(64, inputs, outputs, kernel, pixels) is fourier
    layer = LongConv1d(inputs, outputs, kernel)
    output = layer(torch.randn(2, inputs, min(pixels, 2 * kernel)))
    assert ("Fourier" in type(output.grad_fn).__name__) is fourier_is_cheaper(
        2, inputs, outputs, kernel, min(pixels, 2 * kernel)
    )


def test_a_longer_kernel_is_never_a_reason_for_the_direct_way():
    chosen = [fourier_is_cheaper(32, 8, 8, kernel, 1024) for kernel in range(1, 200)]
    assert chosen == sorted(chosen)
    assert not chosen[0]
    assert chosen[-1]


def test_signals_of_one_sample_and_of_none_are_served_as_by_torch():
    layer = LongConv1d(2, 3, 20, method="fourier")
    signal = torch.randn(2, 50)
    torch.testing.assert_close(layer(signal), layer(signal[None])[0])
    assert layer(torch.empty(0, 2, 50)).shape == (0, 3, 31)


@pytest.mark.parametrize(
    "signal",
    [torch.ones(1, 2, 19), torch.ones(1, 3, 50), torch.ones(1, 2, 50, dtype=torch.float64)],
    ids=["shorter than the kernel", "other channels", "other precision"],
)
def test_what_torch_refuses_is_refused(signal):
    layer = LongConv1d(2, 3, 20, method="fourier")
    with pytest.raises(RuntimeError):
        layer(signal)


@pytest.mark.parametrize("unknown", [{"padding": "reflect"}, {"method": "magic"}])
def test_an_unknown_choice_names_the_known_ones(unknown):
    with pytest.raises(ParameterError, match="Choose"):
        LongConv1d(1, 1, 3, **unknown)


def test_a_second_derivative_is_refused_rather_than_wrong():
    layer = LongConv1d(1, 1, 20, method="fourier")
    signal = torch.randn(1, 1, 50, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(signal).square().sum(), signal, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_prediction_equals_training_pass():
    layer = LongConv1d(2, 3, 30, method="fourier")
    signal = torch.randn(4, 2, 100)
    with torch.no_grad():
        predicted = layer(signal)
    assert not predicted.requires_grad
    assert torch.equal(predicted, layer(signal))


@given(pixels=st.integers(1, 20_000))
def test_fast_lengths_are_even_smooth_and_not_much_longer(pixels):
    length = fast_length(pixels)
    assert length >= pixels
    assert length % 2 == 0
    rest = length
    for factor in (2, 3, 5, 7):
        while rest % factor == 0:
            rest //= factor
    assert rest == 1
    # A power of two would do; these are dense enough to waste far less.
    assert length <= max(16, 1.15 * pixels)


@settings(deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 3),
    pixels=st.integers(2, 40),
    levels=st.integers(0, 3),
    seed=st.integers(0, 1000),
)
def test_pooling_equals_torch_ties_included(batch, channels, pixels, levels, seed):
    torch.manual_seed(seed)
    signal = torch.randint(-levels, levels + 1, (batch, channels, pixels)).float().requires_grad_()
    ours = ReluMaxPool1d()(signal)
    plain = functional.max_pool1d(functional.relu(signal), 2)
    received = torch.randn_like(plain)
    (by_ours,) = torch.autograd.grad(ours, signal, received)
    (by_plain,) = torch.autograd.grad(plain, signal, received)
    assert torch.equal(ours, plain)
    assert torch.equal(by_ours, by_plain)


def network(long: bool) -> nn.Sequential:
    """Two convolutions and a linear layer, with the layers of this module or those of torch."""
    layers: list[nn.Module] = []
    for inputs, outputs, kernel in ((1, 8, 41), (8, 8, 17)):
        layers.append(LongConv1d(inputs, outputs, kernel) if long else nn.Conv1d(inputs, outputs, kernel))
        layers.append(nn.BatchNorm1d(outputs))
        layers.extend([ReluMaxPool1d()] if long else [nn.ReLU(), nn.MaxPool1d(2)])
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 46, 1))


def validation_loss(long: bool, seed: int) -> float:
    """Learn where in 256 noisy pixels a broad line lies; the target has unit variance."""
    generator = torch.Generator().manual_seed(7)
    centre = torch.rand(768, 1, generator=generator)
    pixel = torch.linspace(-0.2, 1.2, 256)
    signal = torch.exp(-0.5 * ((pixel - centre) / 0.03) ** 2) + 0.3 * torch.randn(768, 256, generator=generator)
    signal, target = signal[:, None], (centre[:, 0] - 0.5) * math.sqrt(12)
    torch.manual_seed(seed)
    model = network(long)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(4):
        for rows in torch.randperm(512, generator=generator).split(32):
            optimiser.zero_grad()
            functional.mse_loss(model(signal[rows])[:, 0], target[rows]).backward()
            optimiser.step()
    model.eval()
    with torch.no_grad():
        return float(functional.mse_loss(model(signal[512:])[:, 0], target[512:]))


def test_training_ends_where_plain_torch_ends():
    plain = [validation_loss(False, seed) for seed in range(3)]
    ours = [validation_loss(True, seed) for seed in range(3)]
    assert max(plain) < 0.2  # the task is learned, so that there is something to compare
    # The same start follows the same path but for rounding; another start shows which differences mean nothing.
    noise = max(plain) - min(plain)
    for one, other in zip(ours, plain, strict=True):
        assert abs(one - other) < 0.5 * noise
