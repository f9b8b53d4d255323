"""Long one-dimensional convolutions that train fast on a CPU, exact to float32, and the pooling that follows them.

A kernel of hundreds of pixels costs a direct convolution hundreds of multiplications a pixel and pair of channels.
Through the Fourier transform it costs one, whatever the kernel's length, plus the transforms. `LongConv1d` takes
whichever is cheaper for the shapes it meets; nothing is approximated, so networks and weights are those of
`torch.nn.Conv1d`. On an accelerator it is `torch.nn.Conv1d`.
"""

import math
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from components.common.errors import ParameterError

Method = Literal["auto", "direct", "fourier"]

CACHE_BYTES = 6 << 20
"""Spectra of a part of the batch that are worked on at once: fits the last-level cache of a laptop."""

# In units of one multiplication of a direct convolution. Chosen on 252 shapes (1 to 64 channels in, 8 to 128 out,
# 256 to 4096 pixels, kernels of 7 to 127, batches of 16 and 64; one AVX-512 core): the choice then costs 2.4 %
# more time than the better method does, 1.8 times in the worst case.
_TRANSFORM_COST = 1
_PRODUCT_COST = 10
_KERNEL_COST = 2


class LongConv1d(nn.Conv1d):
    """A drop-in for `torch.nn.Conv1d` (stride 1) whose cost does not grow with the length of the kernel.

    Parameters, their initialisation and the state dict are those of `torch.nn.Conv1d`. Under autocast the Fourier
    method computes and returns float32: it is faster than a bfloat16 convolution, without its rounding.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and the output.
    kernel_size : int
        Length of the kernel in pixels.
    bias : bool
        Whether a constant per output channel is learned.
    padding : {"valid", "same"}
        "valid" shortens the signal by kernel_size - 1 pixels; "same" keeps its length, with zeros beyond its ends.
    method : {"auto", "direct", "fourier"}
        "auto" takes the cheaper one, by `fourier_is_cheaper`, and always "direct" off the CPU.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        bias: bool = True,
        padding: Literal["valid", "same"] = "valid",
        method: Method = "auto",
    ):
        if padding not in ("valid", "same"):
            raise ParameterError(f"LongConv1d knows no padding {padding!r}.", "Choose 'valid' or 'same'.")
        if method not in ("auto", "direct", "fourier"):
            raise ParameterError(
                f"LongConv1d knows no method {method!r}.", "Choose 'auto', 'direct' or 'fourier'."
            )
        super().__init__(in_channels, out_channels, kernel_size, padding=padding, bias=bias)
        self.method = method

    def forward(self, input: Tensor) -> Tensor:
        """Convolve signals of shape (batch, in_channels, pixels); (batch, out_channels, pixels') comes out."""
        if not self._takes_fourier(input):
            return super().forward(input)
        input = input.to(self.weight.dtype)  # autocast hands on bfloat16
        if self.padding == "same":
            missing = self.kernel_size[0] - 1
            input = functional.pad(input, (missing // 2, missing - missing // 2))
        # Detached, a prediction keeps no spectra for a way back that it never goes.
        weight = self.weight if torch.is_grad_enabled() else self.weight.detach()
        convolved: Tensor = _FourierConvolution.apply(input, weight, self.bias)  # type: ignore[no-untyped-call]
        return convolved

    def _takes_fourier(self, signal: Tensor) -> bool:
        """Whether these signals are for the Fourier transform; torch takes, or refuses, what it cannot do."""
        exact = self.weight.dtype in (torch.float32, torch.float64)
        alike = signal.dtype == self.weight.dtype or torch.is_autocast_enabled("cpu")
        if signal.device.type != "cpu" or not (exact and alike) or signal.dim() != 3 or signal.shape[0] == 0:
            return False
        batch, channels, pixels = signal.shape
        kernel = self.kernel_size[0]
        if channels != self.in_channels or (self.padding == "valid" and pixels < kernel):
            return False
        if self.method != "auto":
            return self.method == "fourier"
        return fourier_is_cheaper(batch, channels, self.out_channels, kernel, pixels)


class ReluMaxPool1d(nn.Module):
    """ReLU, then the larger of each pair of neighbours, in one step; an odd last pixel is left out.

    Equal to `MaxPool1d(2)` of `ReLU`, in values and gradients, at a third of the time: torch's pooling on a CPU
    visits one element at a time, this compares whole vectors and keeps a byte per pair for the way back.
    """

    def forward(self, signal: Tensor) -> Tensor:
        """Pool signals of shape (..., pixels) to (..., pixels // 2)."""
        if signal.device.type != "cpu":
            return functional.max_pool1d(functional.relu(signal), 2)
        pooled: Tensor = _ReluMaxPool.apply(signal)  # type: ignore[no-untyped-call]
        return pooled


def fourier_is_cheaper(batch: int, in_channels: int, out_channels: int, kernel: int, pixels: int) -> bool:
    """Compare the cost of a training step's convolution through the Fourier transform with the direct one's.

    The rule knows the shapes alone, so that a run computes the same on every machine, busy or idle. Costs are per
    pixel and signal, up to constants:

    - direct: kernel * in_channels * out_channels;
    - Fourier: transforms of the signals, log2(pixels) * (in_channels + out_channels); products of their spectra,
      in_channels * out_channels; transforms of the kernels, log2(pixels) * in_channels * out_channels / batch.

    With many channels it changes over at kernels of 12 to 16 pixels, with few at 20 to 50.
    """
    pairs = in_channels * out_channels
    depth = math.log2(max(pixels, 2))
    direct = kernel * pairs
    transforms = _TRANSFORM_COST * depth * (in_channels + out_channels)
    return transforms + _PRODUCT_COST * pairs + _KERNEL_COST * depth * pairs / batch < direct


@lru_cache(maxsize=64)
def fast_length(pixels: int) -> int:
    """Smallest even length of at least `pixels` whose prime factors are 2, 3, 5 and 7, which transforms fast."""
    length = pixels + pixels % 2
    while _without_small_factors(length) != 1:
        length += 2
    return length


def _without_small_factors(number: int) -> int:
    for factor in (2, 3, 5, 7):
        while number % factor == 0:
            number //= factor
    return number


class _FourierConvolution(torch.autograd.Function):
    """Cross-correlation as products of spectra, in parts of the batch that fit the cache.

    A transform of length n >= pixels suffices: what wraps around falls into the outputs that a "valid" convolution
    does not have.
    """

    @staticmethod
    def forward(ctx: Any, signal: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        batch, channels, pixels = signal.shape
        length = fast_length(pixels)
        outputs = pixels - kernel.shape[-1] + 1
        kernels = _spectra(kernel, length, channels)
        conjugates = kernels.conj_physical()
        convolved = signal.new_empty(batch, kernel.shape[0], outputs)
        offset = 0.0 if bias is None else bias[:, None]
        parts = _parts(batch, kernel, length)
        kept = []
        for rows in parts:
            spectra = _spectra(signal[rows], length, channels)
            product = torch.fft.irfft(_convolve(spectra, conjugates), length)
            torch.add(product[..., :outputs], offset, out=convolved[rows])
            if ctx.needs_input_grad[1]:
                kept.append(spectra)
        ctx.save_for_backward(kernels, *kept)
        ctx.sizes = (pixels, kernel.shape[-1], length, parts)
        return convolved

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        kernels, *kept = ctx.saved_tensors
        pixels, width, length, parts = ctx.sizes
        channels = kernels.shape[1]
        wants_signal, wants_kernel, wants_bias = ctx.needs_input_grad
        by_signal = gradient.new_empty(len(gradient), channels, pixels) if wants_signal else None
        by_kernels = torch.zeros_like(kernels) if wants_kernel else None
        for part, rows in enumerate(parts):
            received = _spectra(gradient[rows], length, channels)
            if by_signal is not None:
                by_signal[rows] = torch.fft.irfft(_by_signal(received, kernels), length)[..., :pixels]
            if by_kernels is not None:
                by_kernels += _by_kernel(received.conj_physical_(), kept[part])
        by_kernel = None if by_kernels is None else torch.fft.irfft(by_kernels, length)[..., :width]
        return by_signal, by_kernel, gradient.sum((0, 2)) if wants_bias else None


def _parts(batch: int, kernel: Tensor, length: int) -> list[slice]:
    """Parts of a batch: small enough for the cache, not so small that the kernels' spectra dwarf them."""
    outputs, inputs, _ = kernel.shape
    bytes_per_signal = (inputs + outputs) * (length // 2 + 1) * 2 * kernel.element_size()
    size = max(1, CACHE_BYTES // bytes_per_signal, inputs * outputs // (inputs + outputs))
    return [slice(start, start + size) for start in range(0, batch, size)]


def _spectra(signal: Tensor, length: int, in_channels: int) -> Tensor:
    """Transform (rows, channels, pixels) to (rows, channels, frequencies).

    Where there are channels to sum over, memory is laid out frequency by frequency, for matrix products.
    """
    spectra: Tensor = torch.fft.rfft(signal, length)
    if in_channels == 1:
        return spectra
    return spectra.permute(2, 0, 1).contiguous().permute(1, 2, 0)


def _convolve(spectra: Tensor, kernels: Tensor) -> Tensor:
    """Sum over the input channels: (batch, in, F) and (out, in, F) give (batch, out, F)."""
    if kernels.shape[1] == 1:
        return spectra * kernels[:, 0]
    return torch.bmm(spectra.permute(2, 0, 1), kernels.permute(2, 1, 0)).permute(1, 2, 0)


def _by_signal(received: Tensor, kernels: Tensor) -> Tensor:
    """Sum over the output channels: (batch, out, F) and (out, in, F) give (batch, in, F)."""
    if kernels.shape[1] == 1:
        return (received * kernels[:, 0]).sum(1).unsqueeze(1)
    return torch.bmm(received.permute(2, 0, 1), kernels.permute(2, 0, 1)).permute(1, 2, 0)


def _by_kernel(received: Tensor, spectra: Tensor) -> Tensor:
    """Sum over the batch: (batch, out, F) and (batch, in, F) give (out, in, F)."""
    if spectra.shape[1] == 1:
        return (received * spectra).sum(0).unsqueeze(1)
    return torch.bmm(received.permute(2, 1, 0), spectra.permute(2, 0, 1)).permute(1, 2, 0)


class _ReluMaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, signal: Tensor) -> Tensor:
        first, second = _pairs(signal)
        pooled = torch.maximum(first, second).clamp_min_(0)
        ctx.save_for_backward(first >= second, pooled)
        ctx.shape = signal.shape
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        first_is_larger, pooled = ctx.saved_tensors
        passed = gradient * (pooled > 0)
        by_signal = gradient.new_zeros(ctx.shape)
        first, second = _pairs(by_signal)
        torch.mul(passed, first_is_larger, out=first)
        torch.sub(passed, first, out=second)
        return by_signal


def _pairs(signal: Tensor) -> tuple[Tensor, Tensor]:
    """Even and odd pixels, as views of shape (..., pixels // 2)."""
    even = signal.shape[-1] // 2 * 2
    return signal[..., 0:even:2], signal[..., 1:even:2]
