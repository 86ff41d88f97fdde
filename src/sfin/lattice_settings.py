"""What counts as seen and as explained when a crystal is laid over atoms."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LatticeFitSettings:
    """Settings of `sfin.lattice_fit`.

    Attributes
    ----------
    least_amplitude
        Columns whose peak is a smaller share of the strongest column's are not
        expected in the image: oxygen in HAADF.
    radius
        An atom within this share of the distance between nearest visible columns
        is explained by its site.
    margin
        Sites closer to the edge than this share of the distance between nearest
        visible columns are not expected to be found.
    largest_distortion
        By what share the image may be stretched along one direction. Real scans of
        60 kV on a thin film reach 0.19.
    pixel_size_tolerance
        By what share the file's pixel size may be wrong. Real ones are by 0.13.
    bend_degree
        Degree of the polynomial that follows a bent image; 1 for none.
    least_explained
        Share of the atoms that must be explained, bends allowed for, or the crystal is
        not that of the image. Low: where light columns are found patchily, half will
        do, and whether the image looks like the crystal tells more (`sfin.theory`).
    """

    least_amplitude: float = 0.2
    radius: float = 0.25
    margin: float = 1.0
    largest_distortion: float = 0.25
    pixel_size_tolerance: float = 0.2
    bend_degree: int = 3
    least_explained: float = 0.4
