import pytest

from sfin.errors import InputError
from sfin.linear_imaging import Probe, relative_brightness, scattering_power


def test_wavelength_is_that_of_the_tables():
    assert Probe(200e3, 24, 0.9).wavelength == pytest.approx(0.02508, rel=1e-3)
    assert Probe(60e3, 24, 0.9).wavelength == pytest.approx(0.04866, rel=1e-3)


def test_probe_is_wider_for_a_larger_source_and_a_smaller_aperture():
    sharp = Probe(200e3, 24, 0.9).sigma
    assert sharp < Probe(200e3, 24, 1.6).sigma
    assert sharp < Probe(200e3, 10, 0.9).sigma
    # The source alone, where diffraction is negligible.
    assert Probe(200e3, 1e6, 2.3548).sigma == pytest.approx(1, rel=1e-4)


def test_columns_scatter_as_the_sum_of_their_atoms():
    assert scattering_power("O2") == pytest.approx(2 * 8**1.7)
    assert scattering_power("TiO2") == pytest.approx(22**1.7 + 2 * 8**1.7)
    brightness = relative_brightness(["Sr", "TiO", "O"])
    assert brightness[0] == 1
    assert brightness[1] == pytest.approx((22**1.7 + 8**1.7) / 38**1.7)


@pytest.mark.parametrize("name", ["", "Qq", "sr", "Ti-O", "2O"])
def test_what_is_no_column_is_refused(name):
    with pytest.raises(InputError, match="no known atoms"):
        scattering_power(name)
