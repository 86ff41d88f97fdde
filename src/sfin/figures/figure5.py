"""Figure 5: the architecture of SFIN, drawn from a forward pass of the network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from sfin import __version__
from sfin.figures.diagram import arrow, box, canvas, line, plus, title, word
from sfin.figures.style import house_style, wrap_caption, write_caption, write_figure
from sfin.networks.anatomy import Step, record, steps_inside
from sfin.networks.build import build_network
from sfin.networks.cost import multiply_accumulates, parameter_count

# Inches.
WIDTH, LEFT, NETWORK, BLOCK = 7.6, 4.2, 2.0, 5.1
# Fill of a box by what it is.
SPATIAL, FREQUENCY, INTERACTION, PLAIN = "#d9e8f5", "#fbe3cf", "#cccccc", "white"
# The block that is shown; the others are alike.
SHOWN = "pairs.0.first"


def figure5(
    settings: Mapping[str, Any], size: int, scale: str, base_path: str | Path
) -> str:
    """Draw figure 5 and write it as ``.png`` and ``.pdf``.

    Parameters
    ----------
    settings
        Of the network, as for `sfin.networks.build.build_network`.
    size
        Of the image that is passed through, in pixels.
    scale
        Scale whose network this is, for the caption.
    base_path
        Path without suffix.

    Returns
    -------
    str
        The caption. The files hold it too.
    """
    network = build_network("sfin", settings)
    gmac = multiply_accumulates(network, size, size) / 1e9
    whose = "as the paper's" if scale == "paper" else "smaller than the paper's"
    grey = (
        "enters and leaves in grey levels 0–255"
        if network.input_scale == 1
        else f"is divided by {network.input_scale:g} first, and multiplied last"
    )
    text = (
        "Figure 5. SFIN, drawn from a forward pass of the network. a → b: channels in "
        "and out; shapes: channels × rows × columns; small type: name in the code. S, "
        "F: spatial and frequency features, half the channels each; ⊕: sum; BN: batch "
        "normalisation. 3 × 3 convolutions have a bias and zero padding. Fourier "
        "transforms are orthonormal; before the last, the imaginary parts of frequency "
        "0 and of the highest of an even number are dropped. The image "
        f"{grey}. {parameter_count(network):,} parameters, {gmac:.2f} GMAC for {size} "
        f"× {size} pixels. Scale {scale}: {whose}; sfin {__version__}."
    )
    write_figure(base_path, draw(network, size, text), text)
    return text


def draw(network: nn.Module, size: int, caption: str) -> Figure:
    """Draw the whole network, and below it one block and its frequency module.

    Parameters
    ----------
    network
        An SFIN.
    size
        Of the image that is passed through, in pixels.
    caption
        Written small at the foot.
    """
    steps = record(network, size, size)
    lines, foot = wrap_caption(caption, WIDTH)
    with house_style():
        figure = Figure(figsize=(WIDTH, NETWORK + BLOCK + foot))
        _draw_network(canvas(figure, 0, 0, WIDTH, NETWORK), network, steps)
        _draw_block(canvas(figure, 0, NETWORK, LEFT, BLOCK), network, steps)
        right = canvas(figure, LEFT, NETWORK, WIDTH - LEFT, BLOCK)
        _draw_frequency(right, network, steps)
        write_caption(figure, lines, 0.1)
    return figure


def _draw_network(axes: Axes, network: nn.Module, steps: Sequence[Step]) -> None:
    own = steps_inside(steps, "")
    head, tail, joined = (_find(own, name) for name in ("head", "tail", "cat"))
    pairs = [step for step in own if step.name.startswith("pairs.")]
    size = (0.9, 0.62)
    middle, upper, lower = 1.12, 0.84, 1.4
    title(axes, "(a) Network")
    word(axes, (0.38, middle), f"image\n{_shape((1, *head.shape[1:]))}")
    arrow(axes, (0.72, middle), (0.81, middle))
    box(axes, (1.26, middle), size, _convolution(network, head), PLAIN, head.path)
    word(axes, (1.26, middle + 0.42), _shape(head.shape))
    line(axes, [(1.71, middle), (1.84, middle)])
    drawn = [2.2, 4.0] if len(pairs) > 1 else [3.1]
    for lane, name in ((upper, "S"), (lower, "F")):
        outside = -1 if lane == upper else 1
        arrow(axes, (1.84, middle), (1.84, lane), (drawn[0] + 0.2, lane))
        word(axes, (1.98, lane + outside * 0.1), name)
        for left in drawn:
            _draw_lane(axes, left, lane, outside)
        for left in drawn[1:]:
            line(axes, [(left - 0.37, lane), (left - 0.25, lane)])
            arrow(axes, (left - 0.1, lane), (left + 0.2, lane))
            if len(pairs) > 2:
                word(axes, (left - 0.18, lane), "…")
            else:
                line(axes, [(left - 0.25, lane), (left - 0.1, lane)])
        line(axes, [(drawn[-1] + 1.43, lane), (5.72, lane), (5.72, middle)])
    for place in [left + offset for left in drawn for offset in (0.4, 0.95)]:
        # One block takes both lanes; the colours of its halves are those of (b).
        half = (lower - upper) / 2 + 0.15
        for y, colour in ((-half / 2, SPATIAL), (half / 2, FREQUENCY)):
            box(axes, (place, middle + y), (0.4, half), "", colour, edge="none")
        box(axes, (place, middle), (0.4, 2 * half), "SFIB", "none")
    if len(pairs) > 2:
        word(axes, (3.82, middle), f"× {len(pairs)}")
    block = next(step for step in steps if step.path == SHOWN)
    word(
        axes,
        (3.82, 1.86),
        f"{len(pairs)} residual pair{'s' * (len(pairs) > 1)} of "
        f"{pairs[0].parameters:,} parameters, with 2 SFIB of {block.parameters:,} "
        f"each; S and F {_shape(block.shape)}",
    )
    arrow(axes, (5.72, middle), (5.945, middle))
    word(axes, (5.83, middle + 0.48), f"concatenated\n{_shape(joined.shape)}")
    plus(axes, (6.02, middle))
    # What the head gives goes around all pairs.
    arrow(axes, (1.77, middle), (1.77, 0.4), (6.02, 0.4), (6.02, middle - 0.075))
    arrow(axes, (6.095, middle), (6.25, middle))
    box(axes, (6.7, middle), size, _convolution(network, tail), PLAIN, tail.path)
    word(axes, (6.7, middle + 0.42), _shape(tail.shape))
    arrow(axes, (7.15, middle), (7.26, middle))
    word(axes, (7.43, middle), "image")


def _draw_lane(axes: Axes, left: float, lane: float, outside: int) -> None:
    """Draw one lane of a residual pair, and what goes around its two blocks."""
    arrow(axes, (left + 0.6, lane), (left + 0.75, lane))
    arrow(axes, (left + 1.15, lane), (left + 1.275, lane))
    plus(axes, (left + 1.35, lane))
    around = lane + outside * 0.27
    corners = [(left + 0.07, lane), (left + 0.07, around), (left + 1.35, around)]
    arrow(axes, *corners, (left + 1.35, lane + outside * 0.075))


def _draw_block(axes: Axes, network: nn.Module, steps: Sequence[Step]) -> None:
    own = steps_inside(steps, SHOWN)
    block = next(step for step in steps if step.path == SHOWN)
    name = "(b) SFIB, spatial-frequency interactive block"
    title(axes, f"{name}: {block.parameters:,} parameters")
    size, row, total = (0.94, 0.62), 1.5, 2.7
    columns = {
        "spatial": (0.56, SPATIAL),
        "spatial_to_frequency": (1.58, INTERACTION),
        "frequency_to_spatial": (2.6, INTERACTION),
        "frequency": (3.62, FREQUENCY),
    }
    for name, (x, colour) in columns.items():
        step = _find(own, name)
        text = (
            f"FCM, see (c)\n{step.parameters:,} parameters"
            if name == "frequency"
            else _convolution(network, step)
        )
        box(axes, (x, row), size, text, colour, name)
    spatial, frequency = columns["spatial"][0], columns["frequency"][0]
    for x, middle, name in ((spatial, 1.58, "S"), (frequency, 2.6, "F")):
        word(axes, (x, 0.5), f"{name}: {_shape(block.shape)}")
        arrow(axes, (x, 0.6), (x, row - 0.31))
        arrow(axes, (x, 0.9), (middle, 0.9), (middle, row - 0.31))
        arrow(axes, (x, row + 0.31), (x, total - 0.075))
        plus(axes, (x, total))
    # Each branch receives a convolution of the other: the lines cross.
    down = row + 0.31
    arrow(axes, (1.58, down), (1.58, 2.05), (frequency - 0.054, total - 0.054))
    arrow(axes, (2.6, down), (2.6, 2.05), (spatial + 0.054, total - 0.054))
    for x, name, mark in (
        (spatial, "spatial_norm", "S"),
        (frequency, "frequency_norm", "F"),
    ):
        norm = _find(own, name)
        arrow(axes, (x, total + 0.075), (x, 2.95))
        text = f"BN, {norm.parameters:,} parameters"
        box(axes, (x, 3.15), (1.02, 0.4), text, PLAIN, name)
        arrow(axes, (x, 3.35), (x, 3.6))
        box(axes, (x, 3.75), (1.02, 0.3), "ReLU", PLAIN)
        arrow(axes, (x, 3.9), (x, 4.2))
        word(axes, (x, 4.3), f"{mark}: {_shape(norm.shape)}")


def _draw_frequency(axes: Axes, network: nn.Module, steps: Sequence[Step]) -> None:
    path = f"{SHOWN}.frequency"
    module = next(step for step in steps if step.path == path)
    title(axes, f"(c) FCM, frequency convolution: {module.parameters:,} parameters")
    x, width, y, end = 1.3, 1.9, 0.5, 0.0
    word(axes, (x, 0.42), f"F: {_shape(module.shape)}")
    own = steps_inside(steps, path)
    for step, before in zip(own, [module, *own], strict=False):
        text, shape, code = _describe(network, step, before)
        height = 0.13 + 0.112 * (text.count("\n") + 1 + bool(code))
        middle = y + 0.13 + height / 2
        arrow(axes, (x, y), (x, y + 0.13))
        box(axes, (x, middle), (width, height), text, FREQUENCY, code)
        word(axes, (x + width / 2 + 0.05, middle), shape, "right")
        y = middle + height / 2
        if step.name == "cat":
            end = middle
    # The module's input is the first half of what is concatenated.
    side = x - width / 2
    arrow(axes, (x, 0.55), (side - 0.15, 0.55), (side - 0.15, end), (side, end))
    arrow(axes, (x, y), (x, y + 0.13))
    word(axes, (x, y + 0.2), _shape(module.shape))


def _describe(network: nn.Module, step: Step, before: Step) -> tuple[str, str, str]:
    """Give the words in a step's box, the shape beside it, and its name in the code."""
    shape = _shape(step.shape)
    match step.name:
        case "entry" | "exit":
            return _convolution(network, step), shape, step.name
        case "norm":
            return f"BN, {step.parameters:,} parameters", shape, step.name
        case "matmul":
            # Written as a product with its weights; the layer itself is not called.
            mixing = network.get_submodule(f"{step.inside}.mixing")
            text = (
                f"{_convolution(network, step, mixing)}, no bias\n"
                "of row and column coordinate (0 … 1),\nre₀, im₀, re₁, im₁, …"
            )
            # A product knows no rows and columns; those before it still hold.
            return text, _shape((step.shape[0], *before.shape[1:])), "mixing"
        case "rfft2":
            return "Fourier transform, of a real image", f"{shape}\ncomplex", ""
        case "ifft":
            return "inverse transform of columns", f"{shape}\ncomplex", ""
        case "irfft":
            return "inverse transform of rows, to real", shape, ""
        case "cat":
            return "concatenate: input F, transformed", shape, ""
        case _:
            return {"relu": "ReLU"}.get(step.name, step.name), shape, ""


def _convolution(
    network: nn.Module, step: Step, module: nn.Module | None = None
) -> str:
    """Describe a convolution: kernel, channels in and out, parameters."""
    module = module or network.get_submodule(step.path)
    assert isinstance(module, nn.Conv2d)
    rows, columns = module.kernel_size
    return (
        f"conv {rows} × {columns}, {module.in_channels} → {module.out_channels}\n"
        f"{parameter_count(module):,} parameters"
    )


def _find(steps: Sequence[Step], name: str) -> Step:
    return next(step for step in steps if step.name == name)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
