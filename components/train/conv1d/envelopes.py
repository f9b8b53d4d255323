"""Long kernels of which the envelope counts: how loud a wave is at each time, whatever its phase."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from components.common.errors import ParameterError

POOL = 8
"""Times of which the loudest is kept."""

_PART_BYTES = 1 << 20
"""Responses that are worked on at once: they fit a core's cache."""


class Envelopes(nn.Module):
    """A convolution with long kernels, its response's envelope squared, and the loudest of `POOL` neighbours.

    The envelope is the modulus of the analytic signal (Gabor 1946): a kernel and the same a quarter of a cycle on
    are one. All is done where the signal has its band: a response that ends at a frequency needs no more samples
    than that, and through the Fourier transform a kernel's length costs nothing. Responses go around the ends of
    the signal, which are tapered.

    Parameters
    ----------
    kernels : int
        How many.
    width : int
        Of a kernel in samples.
    bins : int
        Frequencies of the signal's Fourier transform that count, from 0 on; a multiple of `POOL`.
    """

    def __init__(self, kernels: int, width: int, bins: int):
        super().__init__()
        if bins % POOL or width < 2:
            raise ParameterError(
                f"Kernels of {width} samples with {bins} frequencies cannot be.",
                f"Give at least 2 samples, and a multiple of {POOL} frequencies.",
            )
        self.bins = bins
        self.weight = nn.Parameter(torch.randn(kernels, width))

    def forward(self, signal: Tensor) -> Tensor:
        """Map signals of shape (batch, 1, samples) to (batch, kernels, bins // POOL)."""
        samples, (_, width) = signal.shape[-1], self.weight.shape
        if samples < max(width, 2 * self.bins):
            raise ParameterError(
                f"Signals of {samples} samples are shorter than kernels of {width} or {2 * self.bins}, twice the "
                "frequencies.",
                "Give shorter kernels.",
            )
        with torch.autocast(signal.device.type, enabled=False):
            spectra = torch.fft.rfft(self.weight / math.sqrt(width), samples)[:, : self.bins]
            loudest: Tensor = _LoudestEnvelope.apply(  # type: ignore[no-untyped-call]
                signal[:, 0].to(self.weight.dtype), spectra.conj_physical() * (2 / samples)
            )
        return loudest


class _LoudestEnvelope(torch.autograd.Function):
    """Correlate signals (batch, samples) with the kernels of these spectra (kernels, bins)."""

    @staticmethod
    def forward(ctx: Any, signal: Tensor, spectra: Tensor) -> Tensor:
        kernels, bins = spectra.shape
        loudest = signal.new_empty(len(signal), kernels, bins // POOL)
        kept = []
        parts = _parts(signal, spectra)
        for rows in parts:
            data = torch.fft.rfft(signal[rows])[:, :bins]
            response = torch.fft.ifft(data[:, None] * spectra, norm="forward")
            loudest[rows] = functional.max_pool1d(_square(response), POOL)
            if any(ctx.needs_input_grad):
                kept += [data, response]
        ctx.save_for_backward(spectra, loudest, *kept)
        ctx.parts, ctx.samples = parts, signal.shape[-1]
        return loudest

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        spectra, loudest, *kept = ctx.saved_tensors
        wants_signal, wants_spectra = ctx.needs_input_grad
        by_spectra = torch.zeros_like(spectra) if wants_spectra else None
        by_signal = gradient.new_empty(len(gradient), ctx.samples) if wants_signal else None
        for part, rows in enumerate(ctx.parts):
            data, response = kept[2 * part : 2 * part + 2]
            of_pools = _square(response).view(*loudest[rows].shape, POOL)
            is_loudest = of_pools == loudest[rows][..., None]
            weight = torch.where(is_loudest, 2 * gradient[rows][..., None], 0.0).flatten(-2)
            received = torch.fft.fft(response * weight)
            if by_spectra is not None:
                by_spectra += (received * data.conj_physical()[:, None]).sum(0)
            if by_signal is not None:
                by_data = (received * spectra.conj_physical()).sum(1)
                by_data[:, 0] *= 2  # the other frequencies stand for their negatives too
                by_signal[rows] = torch.fft.irfft(by_data, ctx.samples, norm="forward") / 2
        return by_signal, by_spectra


def _square(response: Tensor) -> Tensor:
    return response.real.square() + response.imag.square()


def _parts(signal: Tensor, spectra: Tensor) -> list[slice]:
    batch = len(signal)
    size = batch
    if signal.device.type == "cpu":
        size = max(1, _PART_BYTES // (spectra.numel() * spectra.element_size()))
    return [slice(start, start + size) for start in range(0, batch, max(1, size))]
