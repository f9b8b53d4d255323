"""The two networks: shapes, first weights, and what a redshift does to a spectrum."""

import json
import math

import pytest
import torch
from torch import nn

from components.common.errors import ParameterError
from components.train.conv1d.inputs import CHANNELS, flux_alone, flux_and_noise, kind_for
from components.train.conv1d.network import Architecture, PaperNetwork, RestFrameNetwork, scale_kernels


def _rest_frame(pixels: int = 240, shifts: int = 60, dropout: float = 0.0) -> RestFrameNetwork:
    torch.manual_seed(3)
    return RestFrameNetwork(
        pixels, 3, [9, 7, 5], [6, 5, 4], 4 * shifts, templates=3, subpixels=4, dropout=dropout
    ).eval()


def test_the_papers_layers_on_the_papers_grid() -> None:
    torch.manual_seed(0)
    network = PaperNetwork(4618, 1, [500, 200, 10], [4, 6, 8], 1)
    shapes = []
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Linear):
            module.register_forward_hook(lambda _module, _inputs, output: shapes.append(tuple(output.shape[1:])))
    assert network(torch.randn(2, 1, 4618)).shape == (2, 1)
    # 4618 - 499 = 4119, pooled 2059; - 199 = 1860, pooled 930; - 9 = 921, pooled 460
    assert shapes == [(4, 4119), (6, 1860), (8, 921), (256,), (1,)]
    assert network.head[1].in_features == 8 * 460


def test_the_papers_first_weights_are_he_uniform() -> None:
    torch.manual_seed(0)
    network = PaperNetwork(1200, 1, [100, 50, 10], [16, 16, 16], 1)
    layers = [module for module in network.modules() if isinstance(module, nn.Conv1d | nn.Linear)]
    assert len(layers) == 5
    for layer in layers:
        bound = math.sqrt(6 / layer.weight[0].numel())
        largest = float(layer.weight.detach().abs().max())
        assert largest <= bound
        assert largest > (0.95 if layer.weight.numel() > 300 else 0.8) * bound
        # a uniform distribution has a standard deviation of bound / sqrt(3); 256 numbers know it to 3 %
        assert float(layer.weight.detach().std()) == pytest.approx(bound / math.sqrt(3), rel=0.15)
        assert layer.bias is not None
        assert not layer.bias.detach().any()


@pytest.mark.parametrize(("pixels", "kernels"), [(100, [500, 20, 10]), (300, [100, 101, 10]), (40, [10, 10, 9])])
def test_kernels_that_are_too_long_are_refused(pixels: int, kernels: list[int]) -> None:
    with pytest.raises(ParameterError, match="shorter kernels"):
        PaperNetwork(pixels, 1, kernels, [2, 2, 2], 1)


def test_kernels_shrink_with_the_pixels() -> None:
    assert scale_kernels([500, 200, 10], 1) == [500, 200, 10]
    assert scale_kernels([500, 200, 10], 4) == [125, 50, 3]
    assert scale_kernels([125.0, 61.0, 29.0], 16) == [8, 4, 3]


def test_the_correlation_is_the_sum_it_stands_for() -> None:
    """For every shift: pixel p of a spectrum against rest-frame pixel p - shift + shifts - 1."""
    network = _rest_frame()
    features = torch.randn(2, 5, network.pixels)
    matches = network._correlate(features)
    assert matches.shape == (2, 3, network.shifts)
    for shift in range(network.shifts):
        start = network.shifts - 1 - shift
        part = network.templates[:, :, start : start + network.pixels]
        expected = torch.einsum("bcp,tcp->bt", features, part)
        # float32 sums of 600 products of order one
        assert torch.allclose(matches[:, :, shift], expected, atol=2e-4), shift


def test_a_spectrum_that_moves_redward_moves_its_match_to_larger_redshift() -> None:
    network = _rest_frame()
    line = torch.zeros(1, 5, network.pixels)
    line[0, :, 40:45] = torch.randn(5, 5)
    start = network._correlate(line)
    for shift in (1, 7, 15):
        moved = network._correlate(torch.roll(line, shift, dims=2))
        assert torch.allclose(moved[..., shift:], start[..., :-shift], atol=1e-5)


@pytest.mark.parametrize("shift", [0, 1, 20, 59])
def test_the_template_itself_redshifted_peaks_at_its_redshift(shift: int) -> None:
    network = _rest_frame()
    torch.manual_seed(8)
    network.templates.data = torch.randn_like(network.templates)
    begin = network.shifts - 1 - shift
    spectrum = network.templates.data[:, :, begin : begin + network.pixels]  # as seen at this redshift
    matches = network._correlate(spectrum)
    best = torch.diagonal(matches, dim1=0, dim2=1).argmax(dim=0)
    assert best.tolist() == [shift] * 3


def test_a_line_that_moves_redward_gives_the_same_matches_at_a_larger_redshift() -> None:
    """From flux to matches: a shift by 40 pixels of the input is one by 20 of the halved pixels."""
    network = _rest_frame(pixels=400, shifts=90)
    network.templates.data = torch.randn_like(network.templates)
    spectra = torch.zeros(2, 3, 400)
    spectra[:, 2] = 1.0  # all of it observed
    line = torch.randn(20)
    spectra[0, 0, 150:170] = line
    spectra[1, 0, 190:210] = line
    with torch.no_grad():
        features = network.features(spectra)
        assert torch.allclose(features[1, :, 70:120], features[0, :, 50:100], atol=1e-5)
        background = torch.zeros(1, 3, 400)
        background[:, 2] = 1.0
        empty = network.features(background)
        full, none = (torch.cat([f, torch.ones(len(f), 1, 200)], 1) for f in (features, empty))
        matches = network._correlate(full) - network._correlate(none)
    assert torch.allclose(matches[1, :, 20:], matches[0, :, :-20], atol=1e-4)
    assert float(matches[0].abs().max()) > 1e-2


@pytest.mark.parametrize("pixels", [288, 289, 577])
def test_every_bin_gets_a_finite_logit_and_a_gradient(pixels: int) -> None:
    network = _rest_frame(pixels, 60, dropout=0.2).train()
    spectra = torch.randn(4, 3, pixels)
    spectra[:, 2] = 1.0
    logits = network(spectra)
    assert logits.shape == (4, 240)
    assert logits.dtype == torch.float32
    logits.logsumexp(1).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_what_was_not_observed_does_not_count() -> None:
    network = _rest_frame()
    spectra = torch.randn(1, 3, 240)
    spectra[0, 2] = 1.0
    spectra[0, :, 160:] = 0.0
    changed = spectra.clone()
    changed[0, 0, 190:] = 50.0  # farther than the kernels reach, 9 + 2 * (7 + 5) pixels, from what was observed
    assert torch.allclose(network(spectra), network(changed), atol=1e-5)


def test_an_architecture_is_built_again_from_its_json() -> None:
    options = {"templates": 3, "subpixels": 4, "dropout": 0.1}
    for architecture in (
        Architecture("paper", 300, 1, [50, 20, 5], [2, 3, 4], 1),
        Architecture("restframe", 300, 3, [9, 7, 5], [2, 3, 4], 160, options),
    ):
        again = Architecture(**json.loads(json.dumps(architecture.to_json())))
        assert again == architecture
        assert CHANNELS[kind_for(architecture.name, {"flux", "ivar"})] == architecture.inputs
        again.build().load_state_dict(architecture.build().state_dict())
    with pytest.raises(ParameterError, match="no architecture 'transformer'"):
        Architecture("transformer", 300, 1, [5, 5, 5], [2, 2, 2], 1).build()


def test_inputs_show_flux_noise_and_what_was_observed() -> None:
    flux = torch.tensor([[3.0, -6.0, 0.0]])
    ivar = torch.tensor([[4.0, 1e9, 0.0]])
    assert flux_alone(flux, ivar).tolist() == [[[3.0, -6.0, 0.0]]]
    shown = flux_and_noise(flux, ivar)
    assert shown.shape == (1, 3, 3)
    assert shown[0, 0].tolist() == [1.0, -2.0, 0.0]
    assert shown[0, 1].tolist() == pytest.approx([math.log(3), math.log(21), 0.0])
    assert shown[0, 2].tolist() == [1.0, 1.0, 0.0]
