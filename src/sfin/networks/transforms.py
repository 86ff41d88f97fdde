"""Fourier transforms of SFIN with gradients that cost no more than they do.

A spectrum is real here: (n, 2c, rows, columns // 2 + 1), the real part of channel 0,
its imaginary part, those of channel 1, and so on. PyTorch's gradient of a real
transform goes through a complex one of twice the size, and its compiler knows no
complex numbers: to it these two are single operations on real ones.
"""

from typing import Any

import torch
from torch import Tensor


def inverse_transform(spectrum: Tensor, columns: int) -> Tensor:
    """Transform half a spectrum that need not be that of a real image.

    Frequency 0 of the columns, and the highest of an even number, can only be real
    once the rows are transformed; their imaginary part counts for nothing. Inverse
    transforms of libraries leave that open, in two dimensions and for some lengths
    in one (cuFFT), whatever torch's documentation says: so rows and columns go one
    after the other, and it is gone before the second. On a CPU no bit changes.

    Parameters
    ----------
    spectrum
        (…, rows, columns // 2 + 1), complex.
    columns
        Of the result, (…, rows, columns).
    """
    spectrum = torch.fft.ifft(spectrum, dim=-2, norm="ortho")
    parts = torch.view_as_real(spectrum)
    parts[..., 0, 1] = 0
    if columns % 2 == 0:
        parts[..., -1, 1] = 0
    image: Tensor = torch.fft.irfft(spectrum, n=columns, dim=-1, norm="ortho")
    return image


def to_spectrum(features: Tensor) -> Tensor:
    """Transform (n, c, rows, columns) to a real spectrum."""
    spectrum: Tensor = _forward(features, 1.0)
    return spectrum


def from_spectrum(spectrum: Tensor, columns: int) -> Tensor:
    """Undo `to_spectrum`; any real spectrum has an image, see `inverse_transform`."""
    image: Tensor = _inverse(spectrum, columns, 1.0)
    return image


@torch.library.custom_op("sfin::forward_transform", mutates_args=())
def _forward(features: Tensor, inner: float) -> Tensor:
    # `inner` multiplies all frequencies of the columns but 0 and the highest.
    spectrum = torch.fft.rfft2(features, norm="ortho")
    parts = torch.view_as_real(spectrum).movedim(-1, 2).flatten(1, 2)
    return _scaled(parts, features.shape[-1], inner)


@torch.library.custom_op("sfin::inverse_transform", mutates_args=())
def _inverse(spectrum: Tensor, columns: int, inner: float) -> Tensor:
    number, channels, rows, half = spectrum.shape
    parts = spectrum.reshape(number, channels // 2, 2, rows, half).movedim(2, -1)
    # A copy, also where `parts` lies in memory as it should: it is written to.
    parts = parts.clone(memory_format=torch.contiguous_format)
    parts = _scaled(parts.movedim(-1, 0), columns, inner).movedim(0, -1)
    return inverse_transform(torch.view_as_complex(parts), columns)


def _scaled(parts: Tensor, columns: int, inner: float) -> Tensor:
    # In place: the last axis is that of the columns' frequencies.
    if inner != 1.0:
        parts[..., 1 : (columns + 1) // 2] *= inner
    return parts


@_forward.register_fake
def _(features: Tensor, inner: float) -> Tensor:
    number, channels, rows, columns = features.shape
    return features.new_empty(number, 2 * channels, rows, columns // 2 + 1)


@_inverse.register_fake
def _(spectrum: Tensor, columns: int, inner: float) -> Tensor:
    number, channels, rows, _ = spectrum.shape
    return spectrum.new_empty(number, channels // 2, rows, columns)


# Each is the other's adjoint but for the inner frequencies, which stand for two.
def _forward_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
    return _inverse(gradient, ctx.columns, 0.5 * ctx.inner), None


def _keep_forward(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    features, ctx.inner = inputs
    ctx.columns = features.shape[-1]


def _inverse_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
    return _forward(gradient, 2.0 * ctx.inner), None, None


def _keep_inverse(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, _, ctx.inner = inputs


_forward.register_autograd(_forward_gradient, setup_context=_keep_forward)
_inverse.register_autograd(_inverse_gradient, setup_context=_keep_inverse)
