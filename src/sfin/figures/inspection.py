"""An image as it was recorded, and its power spectrum."""

from matplotlib.figure import Figure

from sfin.figures.comparison import contrast_limits, draw_spectrum
from sfin.figures.style import (
    add_panel,
    house_style,
    name_text,
    scale_bar,
    show_image,
    wrap_caption,
    write_caption,
)
from sfin.images import Image

# Inches.
WIDTH, LEFT, GAP, TOP = 3.2, 0.1, 0.1, 0.5
READING = (
    "Logarithm of the power up to 1.5/Å, beyond which a STEM transfers next to "
    "nothing, or up to half a cycle per pixel; the mean is removed and a Hann window "
    "applied."
)


def inspection_figure(image: Image) -> Figure:
    """Draw an image beside its power spectrum.

    Parameters
    ----------
    image
        As read, of at least 2 × 2 pixels.

    Returns
    -------
    Figure
        To be written by `sfin.figures.style.write_figure`.
    """
    rows, columns = image.data.shape
    # However long a strip is, it can be seen.
    height = WIDTH * min(max(rows / columns, 0.1), 3.0)
    total_width = 2 * LEFT + 2 * WIDTH + GAP
    lines, foot = wrap_caption(READING, total_width - 2 * LEFT)
    total_height = TOP + max(height, WIDTH) + 0.1 + foot
    with house_style():
        figure = Figure(figsize=(total_width, total_height))
        field = add_panel(figure, LEFT, TOP, WIDTH, height)
        show_image(field, image.data, contrast_limits(image.data))
        scale_bar(field, image.pixel_size)
        field.set_title(f"{rows} × {columns} pixels", pad=4, loc="left")
        panel = add_panel(figure, LEFT + WIDTH + GAP, TOP, WIDTH, WIDTH)
        draw_spectrum(panel, image.data, image.pixel_size)
        panel.set_title("Power spectrum", pad=4, loc="left")
        left, top = LEFT / total_width, 1 - 0.16 / total_height
        figure.text(left, top, name_text(image.name), va="center", weight="bold")
        write_caption(figure, lines, LEFT)
    return figure
