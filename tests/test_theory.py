from dataclasses import replace

import numpy as np
import pytest
from test_lattice_fit import SHAPE, STRUCTURES, atoms_of, fitted

from sfin.errors import InputError
from sfin.theory import draw_contrast, likeness_of, register_theory

SHIFT = np.array([0.4, -0.3])


def image_of(fit, width=1.0, gain=120.0, noise=25.0):
    """Draw the image of a lattice that lies a little off the fitted one."""
    moved = replace(fit.bent_placement, origin=fit.bent_placement.origin + SHIFT)
    contrast = draw_contrast(moved, fit.columns, fit.mode, SHAPE, width)
    return gain * contrast + 40 + np.random.default_rng(5).normal(0, noise, SHAPE)


@pytest.mark.parametrize(
    ("name", "mode", "width"),
    [("Si_110", "haadf", 1.2), ("SrTiO3_001", "haadf", 0.9), ("SrTiO3_110", "bf", 1)],
)
def test_shift_width_and_brightness_are_found(name, mode, width):
    fit = fitted(atoms_of(name, mode=mode, bend=4.0), name, mode)
    theory = register_theory(image_of(fit, width), fit)
    np.testing.assert_allclose(theory.shift, SHIFT, atol=0.03)
    assert theory.width == pytest.approx(width, abs=0.02)
    assert theory.gain == pytest.approx(120, rel=0.02)
    assert theory.level == pytest.approx(40, abs=2 if mode == "haadf" else 4)
    assert theory.correlation > 0.5


def test_what_is_wrong_with_an_atom_stays_a_difference():
    fit = fitted(atoms_of("SrTiO3_001"), "SrTiO3_001")
    image = image_of(fit)
    inner = np.abs(fit.bent.site_positions - np.array(SHAPE[::-1]) / 2).max(axis=1) < 60
    strong = np.flatnonzero(inner & (fit.bent.site_column == fit.bent.site_column[0]))
    x, y = fit.bent.site_positions[strong[0]] + SHIFT
    rows, columns = np.indices(SHAPE)
    sigma = fit.columns.sigma["haadf"].mean() * fit.placement.scale
    near = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    residual = (image - 100 * near) - register_theory(image - 100 * near, fit).grey
    at_atom = np.hypot(columns - x, rows - y) < sigma
    assert residual[at_atom].mean() == pytest.approx(
        -100 * near[at_atom].mean(), rel=0.15
    )
    assert abs(residual[~at_atom].mean()) < 1


def test_atoms_of_one_mode_are_not_an_image_of_the_other():
    fit = fitted(atoms_of("SrTiO3_001"), "SrTiO3_001")
    with pytest.raises(InputError, match="does not look like SrTiO3_001 as HAADF"):
        register_theory(image_of(fit, gain=-120.0), fit)


@pytest.mark.parametrize(
    ("name", "mode", "other"),
    [
        ("SrTiO3_110", "bf", "SrTiO3_001"),
        ("SrTiO3_110", "bf", "MoS2_001"),
        ("SrTiO3_001", "haadf", "TiO2_110"),
        ("Si_110", "haadf", "SrTiO3_110"),
    ],
)
def test_another_crystal_or_zone_axis_is_refused(name, mode, other):
    image = image_of(fitted(atoms_of(name, mode=mode), name, mode))
    # However loosely its atoms are fitted, the image is not like it.
    with pytest.raises(InputError, match=f"{other} .*zone axis"):
        register_theory(
            image,
            fitted(
                *(atoms_of(name, mode=mode), other, mode),
                pixel_size=None,
                least_explained=0.0,
            ),
        )
    with pytest.raises(InputError, match=f"{other} .*zone axis"):
        register_theory(
            image, fitted(atoms_of(name, mode=mode), other, mode, pixel_size=None)
        )


@pytest.mark.parametrize("noise", [25, 120, 180])
def test_noise_does_not_make_an_image_unlike_its_crystal(noise):
    fit = fitted(atoms_of("SrTiO3_110", mode="bf", bend=4.0), "SrTiO3_110", "bf")
    theory = register_theory(image_of(fit, noise=noise), fit)
    assert theory.likeness > 0.7


def test_vacuum_around_a_particle_and_dead_pixels_do_not_make_it_unlike():
    atoms = atoms_of("SrTiO3_001")
    whole = fitted(atoms, "SrTiO3_001")
    image = image_of(whole)
    inside = (whole.positions < 150).all(axis=1)
    particle = replace(whole, positions=whole.positions[inside])
    image[170:], image[:, 170:] = 40, 40
    contrast = draw_contrast(whole.bent_placement, whole.columns, "haadf", SHAPE)
    assert likeness_of(image, contrast, 4.0, particle.positions) > 0.7
    blank = np.full(SHAPE, 40.0)
    assert likeness_of(blank, contrast, 4.0, particle.positions) == 0


def test_every_column_is_drawn_also_those_beyond_the_edge():
    fit = fitted(atoms_of("SrTiO3_001", jitter=0.0), "SrTiO3_001")
    contrast = draw_contrast(fit.placement, STRUCTURES["SrTiO3_001"], "haadf", SHAPE)
    wide = (SHAPE[0] + 80, SHAPE[1] + 80)
    moved = replace(fit.placement, origin=fit.placement.origin + 40)
    larger = draw_contrast(moved, STRUCTURES["SrTiO3_001"], "haadf", wide)
    np.testing.assert_allclose(contrast, larger[40:-40, 40:-40], atol=1e-3)
