from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from sfin.errors import InputError
from sfin.figures.lattice_fit import lattice_figure
from sfin.figures.style import write_figure
from sfin.lattice_fit import fit_lattice
from sfin.lattice_settings import LatticeFitSettings
from sfin.lattice_spectrum import spectrum_placement
from sfin.lattice_table import lattice_table
from sfin.shipped_columns import read_table

ROOT = Path(__file__).parents[1]
REAL_IMAGES = ROOT.parent / "shared/real_images"
STRUCTURES = read_table(ROOT / "resources/structures/columns.json")
SHAPE = (320, 380)


@dataclass(frozen=True)
class Atoms:
    x: np.ndarray
    y: np.ndarray
    amplitude: np.ndarray


def atoms_of(
    name,
    rotation=20.0,
    scan=((1.0, 0.0), (0.0, 1.0)),
    pixel_size=0.1,
    origin=(150.0, 130.0),
    mirrored=False,
    mode="haadf",
    visible=0.2,
    jitter=0.5,
    missing=0.0,
    extra=0.0,
    bend=0.0,
):
    """Make the atoms of a structure, as a detector would find them in an image."""
    columns, generator = STRUCTURES[name], np.random.default_rng(3)
    angle = np.radians(rotation)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flip = np.diag([1, -1 if mirrored else 1])
    matrix = np.array(scan) @ turn @ flip / pixel_size
    strength = np.abs(columns.amplitude[mode])
    steps = np.stack(np.meshgrid(*[np.arange(-40, 41)] * 2), axis=-1).reshape(-1, 2)
    places = (steps @ columns.lattice)[:, None] + columns.positions[strength >= visible]
    amplitude = np.tile(strength[strength >= visible], len(steps))
    points = places.reshape(-1, 2) @ matrix.T + origin
    centred = (points - np.array(SHAPE[::-1]) / 2) / max(SHAPE)
    points[:, 1] += bend * 4 * centred[:, 0] ** 2
    points += generator.normal(0, jitter, points.shape)
    inside = ((points > 2) & (points < np.array(SHAPE[::-1]) - 3)).all(axis=1)
    inside &= generator.random(len(points)) >= missing
    points, amplitude = points[inside], amplitude[inside]
    added = generator.uniform((0, 0), SHAPE[::-1], (int(extra * len(points)), 2))
    points = np.concatenate([points, added])
    amplitude = np.concatenate([amplitude, np.full(len(added), 0.3)])
    return Atoms(*points.T, amplitude)


def fitted(atoms, name, mode="haadf", pixel_size=0.1, **settings):
    return fit_lattice(
        atoms.x,
        atoms.y,
        SHAPE,
        STRUCTURES[name],
        mode,
        pixel_size,
        atoms.amplitude,
        LatticeFitSettings(**settings),
    )


@pytest.mark.parametrize("name", ["Si_110", "SrTiO3_001", "MoS2_001", "TiO2_110"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_crystal_is_found_however_it_lies(name, mirrored):
    scan = ((1.03, 0.04), (0.0, 0.98))
    for rotation in (-75.0, 12.0):
        atoms = atoms_of(
            name, rotation, scan, mirrored=mirrored, missing=0.05, extra=0.05
        )
        fit = fitted(atoms, name, pixel_size=0.108)
        placement = fit.placement
        # Orientations that the crystal's symmetry makes alike share all of these.
        assert placement.scan_ratio == pytest.approx(1.03 / 0.98, abs=0.004)
        assert placement.scan_shear == pytest.approx(
            np.degrees(np.arctan(0.04 / 0.98)), abs=0.25
        )
        area = 0.1 / np.sqrt(1.03 * 0.98)
        assert placement.pixel_size == pytest.approx(area, rel=0.003)
        assert fit.straight.explained_fraction > 0.94
        assert 0.92 < fit.straight.found_fraction < 0.98
        assert np.allclose(fit.straight.rms, 0.5, atol=0.1)


def test_the_cell_itself_is_found():
    atoms = atoms_of("Si_110", rotation=12.0, scan=((1.05, 0.0), (0.0, 1.0)))
    row = lattice_table(fitted(atoms, "Si_110"), "specimen").iloc[0]
    angle = np.radians(12.0)
    cell = np.diag(STRUCTURES["Si_110"].lattice) / 0.1
    first = cell[0] * np.hypot(1.05 * np.cos(angle), np.sin(angle))
    second = cell[1] * np.hypot(1.05 * np.sin(angle), np.cos(angle))
    assert row.first_length_px == pytest.approx(first, rel=0.002)
    assert row.second_length_px == pytest.approx(second, rel=0.002)
    assert row.first_length_angstrom == pytest.approx(first * 0.1, rel=0.002)
    expected = (first / second) / (cell[0] / cell[1]) - 1
    assert abs(row.ratio_deviation - expected) < 4 * row.ratio_deviation_error < 0.01
    assert abs(row.angle - 90) > 1 > 4 * row.angle_error
    assert abs(row.rotation % 180 - 12) < 2


def test_an_undistorted_crystal_fits_to_a_thousandth():
    row = lattice_table(fitted(atoms_of("SrTiO3_001"), "SrTiO3_001"), "a").iloc[0]
    assert abs(row.ratio_deviation) < 0.001
    assert row.pixel_size_ratio == pytest.approx(1, abs=0.001)
    assert row.angle == pytest.approx(90, abs=0.1)
    assert row.explained == row.bent_explained == 1
    assert row.rms_along_pm == pytest.approx(5, rel=0.15)


def test_the_origin_moves_with_the_atoms():
    atoms = atoms_of("MoS2_001", jitter=0.2)
    shift = np.array([1.5, -2.25])
    moved = replace(atoms, x=atoms.x + shift[0], y=atoms.y + shift[1])
    one, other = fitted(atoms, "MoS2_001"), fitted(moved, "MoS2_001")
    steps = (other.placement.origin - one.placement.origin - shift) @ np.linalg.inv(
        one.placement.cell
    )
    # By whole steps of the centred cell.
    assert np.allclose(2 * steps, np.round(2 * steps), atol=0.01)
    assert np.allclose(other.placement.matrix, one.placement.matrix, atol=1e-6)


@pytest.mark.parametrize("pixel_size", [0.1, None])
@pytest.mark.parametrize("name", ["SrTiO3_001", "MoS2_001"])
def test_brightness_tells_columns_apart(name, pixel_size):
    for origin in ((150.0, 130.0), (160.0, 141.0)):
        atoms = atoms_of(name, origin=origin)
        fit = fitted(atoms, name, pixel_size=pixel_size)
        expected = np.abs(STRUCTURES[name].amplitude["haadf"])[fit.visible]
        assert np.allclose(expected[fit.straight.column], atoms.amplitude)
        assert fit.placement.pixel_size == pytest.approx(0.1, rel=0.002)


@pytest.mark.parametrize(
    ("name", "mode", "least"), [("MoS2_001", "haadf", 0.5), ("SrTiO3_110", "bf", 0.6)]
)
def test_columns_that_the_detector_missed_are_counted_as_such(name, mode, least):
    atoms = atoms_of(name, mode=mode, visible=least, pixel_size=0.1)
    fit = fitted(atoms, name, mode)
    assert fit.straight.explained_fraction == 1
    *found, weakest = fit.found_by_species.values()
    assert min(found) > 0.99
    assert weakest == 0


def test_columns_invisible_in_the_mode_are_not_expected():
    atoms = atoms_of("SrTiO3_001", mode="bf")
    assert set(fitted(atoms, "SrTiO3_001", "bf").found_by_species) == {"Sr", "TiO", "O"}
    atoms = atoms_of("SrTiO3_001")
    fit = fitted(atoms, "SrTiO3_001")
    assert fit.found_by_species == {"Sr": 1.0, "TiO": 1.0}
    # With oxygen expected too, half of the sites are empty.
    everything = fitted(atoms, "SrTiO3_001", "bf")
    assert everything.straight.found_fraction == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("other", ["SrTiO3_001", "MoS2_001", "TiO2_110"])
def test_another_structure_explains_less(other):
    atoms = atoms_of("Si_110")
    assert fitted(atoms, "Si_110").straight.explained_fraction > 0.99
    try:
        fit = fitted(atoms, other, largest_distortion=0.1)
    except InputError:
        return  # it fits in no way
    assert fit.bent.explained_fraction * fit.bent.found_fraction < 0.5


def test_a_structure_of_the_same_pattern_shows_in_the_distortion():
    # Stretched enough, the honeycomb of MoS2 is the pattern of Si [110].
    atoms = atoms_of("Si_110")
    assert fitted(atoms, "Si_110").placement.distortion < 0.01
    assert fitted(atoms, "MoS2_001").placement.distortion > 0.15


def test_atoms_thrown_at_random_are_explained_by_chance_or_not_at_all():
    generator = np.random.default_rng(0)
    x, y = generator.uniform((0, 0), SHAPE[::-1], (400, 2)).T
    try:
        fit = fit_lattice(x, y, SHAPE, STRUCTURES["SrTiO3_001"], "haadf", 0.1)
    except InputError:
        return
    assert fit.straight.explained_fraction < 2 * fit.chance + 0.05


def test_a_bent_image_is_followed():
    atoms = atoms_of("Si_110", bend=12.0)
    fit = fitted(atoms, "Si_110")
    assert fit.bent.explained_fraction > 0.98
    assert fit.straight.explained_fraction < 0.9
    assert np.allclose(fit.bent.rms, 0.5, atol=0.1)
    straight = fitted(atoms, "Si_110", bend_degree=1)
    assert straight.bent_placement.bend is None
    assert straight.bent.explained_fraction < 0.9


def test_dumbbells_measured_too_short_show_whatever_the_scan():
    atoms = atoms_of("Si_110", 0.0, scan=((1.08, 0.05), (0.0, 1.0)), jitter=0.1)
    right = fitted(atoms, "Si_110")
    assert right.motif_error < 0.05
    # Columns 0 and 1 of the structure, and 2 and 3, are a dumbbell along y.
    inwards = np.array([1.0, -1.0, 1.0, -1.0])[right.bent.column]
    short = fitted(replace(atoms, y=atoms.y + inwards), "Si_110")
    assert short.motif_error == pytest.approx(1, abs=0.05)


def test_the_power_spectrum_sees_the_same_distortion():
    atoms = atoms_of("SrTiO3_001", 17.0, scan=((1.06, 0.03), (0.0, 1.0)), jitter=0.3)
    fit = fitted(atoms, "SrTiO3_001")
    rows, columns = np.indices(SHAPE)
    image = np.random.default_rng(1).normal(0, 0.5, SHAPE)
    for x, y, amplitude in zip(atoms.x, atoms.y, atoms.amplitude, strict=True):
        image += amplitude * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)
    # A start that is half a percent off is corrected.
    start = replace(fit.placement, matrix=fit.placement.matrix * [[1.005], [0.995]])
    spectrum = spectrum_placement(image, start)
    assert spectrum.scan_ratio == pytest.approx(1.06, abs=0.003)
    assert spectrum.ratio == pytest.approx(fit.placement.ratio, rel=0.003)
    row = lattice_table(fit, "a", spectrum).iloc[0]
    assert row.spectrum_ratio_deviation == pytest.approx(row.ratio_deviation, abs=0.003)


def test_two_atoms_on_one_site_count_as_one():
    atoms = atoms_of("SrTiO3_001", jitter=0.1)
    twice = Atoms(
        *(np.append(values, values[:50] + 1.0) for values in (atoms.x, atoms.y)),
        np.append(atoms.amplitude, atoms.amplitude[:50]),
    )
    fit = fitted(twice, "SrTiO3_001")
    assert fit.straight.explained.sum() == len(atoms.x)


def test_few_atoms_and_bad_numbers_are_refused():
    atoms = atoms_of("SrTiO3_001")
    crystal = STRUCTURES["SrTiO3_001"]
    with pytest.raises(InputError, match="5 atoms are too few to fit SrTiO3_001"):
        fit_lattice(atoms.x[:5], atoms.y[:5], SHAPE, crystal, "haadf")
    with pytest.raises(InputError, match="differ in length"):
        fit_lattice(atoms.x, atoms.y[1:], SHAPE, crystal, "haadf")
    with pytest.raises(InputError, match="not finite"):
        fit_lattice(atoms.x * np.nan, atoms.y, SHAPE, crystal, "haadf")
    with pytest.raises(InputError, match="no column of amplitude 2 or more"):
        fitted(atoms, "SrTiO3_001", least_amplitude=2)
    with pytest.raises(InputError, match=r"fits the .* atoms in no way"):
        fitted(atoms, "SrTiO3_001", pixel_size=0.5)


def test_a_figure_is_drawn_and_says_the_numbers(tmp_path):
    fit = fitted(atoms_of("MoS2_001", extra=0.1), "MoS2_001")
    grey = np.random.default_rng(0).normal(100, 10, SHAPE).astype(np.float32)
    figure = lattice_figure(grey, fit, "specimen", "Made up.")
    texts = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    assert "MoS2_001 laid over" in texts
    assert "Made up." in texts
    assert "Left: the whole image, by the bent lattice." in texts
    for axes in figure.axes[:2]:
        (bar,) = axes.patches
        marks = (*axes.lines, *axes.collections)
        assert marks
        assert all(mark.get_zorder() < bar.get_zorder() for mark in marks)
    for _ in range(2):
        write_figure(tmp_path / "a", figure, "caption", ("png",))
    assert (tmp_path / "a.png").stat().st_size > 10_000


@pytest.mark.skipif(not REAL_IMAGES.exists(), reason="needs images not published")
@pytest.mark.parametrize(
    ("path", "mode", "structure", "pixel_size", "sigma", "least"),
    [
        ("haadf/ncempy_STO_Titan80kV.ser", "haadf", "SrTiO3_001", None, 5.0, 0.98),
        (
            "bf/hyperspy_demos_STO_ABF_frame0.tif",
            "bf",
            "SrTiO3_110",
            0.09202,
            4.0,
            0.9,
        ),
    ],
)
def test_real_atoms_lie_on_their_crystal(
    path, mode, structure, pixel_size, sigma, least
):
    from scipy.ndimage import gaussian_filter
    from skimage.feature import peak_local_max

    from sfin.images import read_image

    image = read_image(REAL_IMAGES / path, pixel_size=pixel_size)
    bright = image.data if mode == "haadf" else -image.data
    blurred = gaussian_filter(bright, sigma) - gaussian_filter(bright, 2.5 * sigma)
    peaks = peak_local_max(
        blurred,
        min_distance=7,
        threshold_abs=0.2 * np.percentile(blurred, 99.5),
        exclude_border=7,
    )
    fit = fit_lattice(
        peaks[:, 1],
        peaks[:, 0],
        image.data.shape,
        STRUCTURES[structure],
        mode,
        image.pixel_size,
        blurred[tuple(peaks.T)],
    )
    row = lattice_table(fit, image.name).iloc[0]
    assert row.explained > least
    assert row.pixel_size_ratio == pytest.approx(1, abs=0.05)
    assert abs(row.ratio_deviation) < 0.02
