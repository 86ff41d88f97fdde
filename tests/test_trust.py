"""Parts, residual, noise given back and verdict, of outputs known to be good or bad."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from samples import noise, perovskite, spread_noise
from scipy.ndimage import gaussian_filter

from sfin.arrangements import crystal
from sfin.enhancement import OpenedImage
from sfin.enhancement_check import EnhancementCheck
from sfin.errors import InputError
from sfin.figures.trust import trust_figure
from sfin.image_doubts import noise_range
from sfin.image_parts import take_apart
from sfin.images import Image, to_grey_levels
from sfin.labels import contrast
from sfin.noise import NoiseSettings, noiseless_image, pointwise_noise, scan_noise
from sfin.parameters import multiply_noise
from sfin.pixel_loops import sobel_magnitude
from sfin.renoising import measured_noise, renoise
from sfin.residuals import ResidualSettings, find_atoms, residual
from sfin.trust import assess_trust
from sfin.trust_report import write_trust
from sfin.uncertainty import UncertainImage
from sfin.whiteness import whiteness

SIZE = 256
WIDE = {"noise_factor": [0.3, 3.0], "brightness_factor": [0.5, 2.0]}


class Truth:
    """A synthetic image of which every part is known."""

    def __init__(self, mode, seed=3, size=SIZE):
        generator = np.random.default_rng(seed)
        self.mode, self.noise = mode, noise(mode)
        self.columns, _ = crystal(perovskite(), mode, size, 0.12, 1.0, generator)
        atoms = contrast(self.columns, size)
        settings = NoiseSettings()
        self.clean = noiseless_image(atoms, self.noise, settings, generator)
        self.background = self.clean - self.noise.atom_brightness * atoms
        gradient = sobel_magnitude(self.clean)
        self.scan = scan_noise(gradient, self.noise, settings, generator)
        scanned = self.clean + self.scan
        self.pointwise = pointwise_noise(scanned, self.noise, generator)
        self.image = scanned + self.pointwise
        self.enhanced = self.drawn(self.columns, size)

    def drawn(self, columns, size=SIZE):
        """What a network would answer that saw these columns."""
        atoms = 255 * contrast(columns, size)
        return atoms if self.mode == "haadf" else 255 - atoms

    def without(self, number):
        """Erase bright columns, far from the edges and from each other."""
        inside = (np.abs(self.columns.x - 128) < 90) & (
            np.abs(self.columns.y - 128) < 90
        )
        bright = np.flatnonzero(inside & (self.columns.brightness > 0.9))
        kept = np.ones(self.columns.x.size, np.bool_)
        kept[bright[:: bright.size // number][:number]] = False
        return self.columns.keep(kept), self.columns.keep(~kept)


@pytest.fixture(scope="module", params=["haadf", "bf"])
def truth(request):
    return Truth(request.param)


def apart(truth, enhanced):
    parts = take_apart(
        truth.image, enhanced, truth.mode, measured_noise(truth.image, truth.mode)
    )
    return parts, whiteness(parts.residual, truth.image, parts.signal)


def trust(image, enhanced, mode, trained=None):
    """Judge an answer without a network, and an image without a file."""
    counts = Image((1000 + 30 * image).astype(np.float32), 0.12, "sample", {})
    grey, scale = to_grey_levels(counts.data)
    grey = np.clip(grey, 0, 255)
    opened = OpenedImage(counts, grey, scale, None, 64, "some network.", trained)
    answer = enhanced.astype(np.float32)
    left = residual(grey, answer, ResidualSettings())
    atoms = find_atoms(answer, left, mode, ResidualSettings())
    uncertain = UncertainImage(answer, np.zeros_like(answer), 4, answer)
    return assess_trust(EnhancementCheck(opened, uncertain, left, atoms), mode)


def known(mode, **factors):
    return noise_range(spread_noise(mode).to_dict()) | factors


def sentences(found, good):
    return " ".join(each.sentence for each in found.verdict() if each.good is good)


def alike(found, true):
    return np.corrcoef(found.ravel(), true.ravel())[0, 1]


def test_each_part_is_recovered(truth):
    parts, _ = apart(truth, truth.enhanced)
    assert abs(parts.gain) == pytest.approx(140 / 255, rel=0.03)
    assert alike(parts.background, truth.background) > 0.9
    assert np.std(parts.background - truth.background) < 2
    assert abs(np.mean(parts.background - truth.background)) < 1
    assert alike(parts.scan_noise, truth.scan) > 0.8
    # A best estimate is weaker than the truth, which white noise half hides.
    assert 0.7 < parts.scan_noise.std() / truth.scan.std() < 1
    assert alike(parts.pointwise_noise, truth.pointwise) > 0.92
    assert parts.pointwise_noise.std() / truth.pointwise.std() == pytest.approx(
        0.93, abs=0.06
    )


def test_parts_sum_to_the_image_whatever_the_answer(truth, generator):
    for enhanced in (truth.enhanced, np.zeros((SIZE, SIZE)), truth.image):
        for measured in (None, truth.noise):
            parts = take_apart(truth.image, enhanced, truth.mode, measured)
            total = parts.noiseless + parts.residual
            np.testing.assert_allclose(total, truth.image, atol=1e-9)


def test_image_without_scan_noise_has_next_to_none(truth, generator):
    white = truth.clean + generator.normal(0, 15, truth.clean.shape)
    measured = measured_noise(white, truth.mode)
    parts = take_apart(white, truth.enhanced, truth.mode, measured)
    assert parts.scan_noise.std() < 0.15 * 15


def test_truth_leaves_white_noise(truth):
    _, found = apart(truth, truth.enhanced)
    assert found.score > 0.7
    assert not found.has_peaks
    assert found.unexplained < 0.06
    assert found.spot_power < 2


def test_removed_lattice_is_told(truth):
    # No answer at all, one without its lattice, one with every fifth atom gone.
    empty = truth.drawn(truth.columns.keep(np.zeros(truth.columns.x.size, bool)))
    sparse = truth.drawn(truth.without(10)[0])
    for enhanced, least in (
        (empty, 0.95),
        (gaussian_filter(truth.enhanced, 30), 0.95),
        (sparse, 0.1),
    ):
        _, found = apart(truth, enhanced)
        assert found.score < 0.65
        assert found.has_peaks
        assert found.unexplained > least
        assert found.spot_power > 4


def test_atoms_of_another_width_or_brightness_are_told(truth):
    columns = truth.columns
    faint = np.where(columns.brightness < 0.99, 0.7, 1.0) * columns.brightness
    for changed in (
        replace(columns, sigma=1.2 * columns.sigma),
        replace(columns, brightness=faint),
        replace(columns, x=columns.x + 0.5),
    ):
        assert apart(truth, truth.drawn(changed))[1].has_peaks


def waves(down, right, amplitude=5):
    """Interference of these frequencies, cycles per pixel."""
    row, column = np.mgrid[:SIZE, :SIZE]
    return amplitude * np.cos(2 * np.pi * (down * row + right * column))


@pytest.mark.parametrize(
    ("frequency", "least"),
    [
        # Beyond the atoms, in any direction; all rows alike; each row of one shade.
        ((0.31, 0.22), 100),
        ((-0.2, 0.13), 100),
        ((0, 0.3), 100),
        ((0.29, 0), 40),
    ],
)
def test_interference_is_told_and_is_no_lost_signal(truth, frequency, least):
    image = truth.image + waves(*frequency)
    parts = take_apart(image, truth.enhanced, truth.mode, None)
    found = whiteness(parts.residual, image, parts.signal)
    assert found.interference > least
    assert found.interference_frequency == pytest.approx(
        np.hypot(*frequency), abs=2 / SIZE
    )
    assert not found.has_peaks
    assert found.unexplained < 0.06
    assert found.score > 0.7
    told = trust(image, truth.enhanced, truth.mode)
    assert "probably interference of the scan" in sentences(told, True)
    assert "Lattice peaks" not in sentences(told, False)


def test_interference_on_an_axis_among_the_atoms_is_told(truth):
    image = truth.image + waves(0, 0.08)
    parts = take_apart(image, truth.enhanced, truth.mode, None)
    found = whiteness(parts.residual, image, parts.signal)
    assert found.highest > 0.08
    assert found.interference > 100
    assert found.interference_frequency == pytest.approx(0.08, abs=1 / SIZE)
    assert not found.has_peaks


def test_lost_lattice_is_no_interference(truth):
    # Also where the band of the enhanced image ends before that of the lattice.
    wide = replace(truth.columns, sigma=2 * truth.columns.sigma)
    for enhanced in (np.zeros((SIZE, SIZE)), truth.drawn(wide)):
        _, found = apart(truth, enhanced)
        assert found.interference == 0
        assert found.has_peaks
        assert found.unexplained > 0.4
        told = trust(truth.image, enhanced, truth.mode)
        assert "Lattice peaks are left" in sentences(told, False)
        assert "interference" not in sentences(told, False)


def test_lost_lattice_along_the_scan_is_no_interference():
    # Its spots lie on the axes, where interference does.
    generator = np.random.default_rng(5)
    row, column = np.mgrid[:SIZE, :SIZE] / 20
    lattice = np.maximum(np.cos(2 * np.pi * row) + np.cos(2 * np.pi * column), 0)
    image = 30 + 60 * lattice + generator.normal(0, 15, (SIZE, SIZE))
    parts = take_apart(image, 100 * lattice**2, "haadf", None)
    found = whiteness(parts.residual, image, parts.signal)
    assert found.has_peaks
    assert found.interference == 0


def test_identity_on_a_clean_image_leaves_nothing(truth):
    for enhanced in (truth.clean, truth.enhanced):
        parts = take_apart(truth.clean, enhanced, truth.mode, None)
        found = whiteness(parts.residual, truth.clean, parts.signal)
        assert found.score == 1
        assert not found.has_peaks


def test_answer_that_keeps_the_noise_is_told(truth):
    grey = to_grey_levels(truth.image)[0]
    found = trust(truth.image, np.clip(grey, 0, 255), truth.mode)
    assert found.noise_ratio < 0.2
    assert "keeps the rest" in sentences(found, False)


def test_good_answer_is_trusted_within_the_known_noise(truth):
    # As the image was stretched, so was its noise.
    found = trust(truth.image, truth.enhanced, truth.mode, known(truth.mode, **WIDE))
    assert sentences(found, False) == ""
    assert "lies inside the range" in sentences(found, True)
    assert found.noise_ratio == pytest.approx(1, abs=0.1)
    assert found.unsupported == len(found.lost[0]) == 0


def test_image_that_was_calibrated_proves_nothing_by_lying_inside(truth):
    for names, good in ((["another"], True), (["another", "sample"], None)):
        trained = known(truth.mode, **WIDE, calibrated_on=names)
        found = trust(truth.image, truth.enhanced, truth.mode, trained)
        told = sentences(found, good)
        assert "lies inside the range" in told
        assert ("by construction" in told) == (good is None)


def test_noise_outside_the_training_is_told_first(truth):
    quiet = known(truth.mode)
    for end in ("minimum", "maximum"):
        for name in ("pointwise_intercept", "pointwise_slope", "scan_intercept"):
            quiet[end][name] /= 20
    verdict = trust(truth.image, truth.enhanced, truth.mode, quiet).verdict()
    assert "OUTSIDE the range" in verdict[0].sentence
    assert verdict[0].good is False
    unknown = trust(truth.image, truth.enhanced, truth.mode)
    assert "do not say what noise" in sentences(unknown, None)


def test_one_erased_atom_is_found_at_its_place(truth):
    kept, (gone_x, gone_y, _, _) = (lambda a, b: (a, b.spots()))(*truth.without(2))
    found = trust(truth.image, truth.drawn(kept), truth.mode)
    row, column = found.lost
    assert len(row) == len(gone_x)
    for x, y in zip(gone_x, gone_y, strict=True):
        assert np.hypot(column - x, row - y).min() < 2
    assert f"{len(row)} of its own atoms are missing" in sentences(found, False)


def test_noise_alone_has_nothing_to_trust(generator):
    image = generator.normal(100, 20, (SIZE, SIZE))
    truth = Truth("haadf")
    verdict = trust(image, truth.enhanced, "haadf").verdict()
    assert len(verdict) == 1
    assert "is invented" in verdict[0].sentence


def test_averaged_image_is_told(truth):
    averaged = gaussian_filter(truth.image, 1.5)
    text = sentences(trust(averaged, truth.enhanced, truth.mode), False)
    assert "not as a microscope records it" in text


def test_noise_given_back_is_that_of_the_input(truth):
    measured = measured_noise(truth.image, truth.mode)
    parts = take_apart(truth.image, truth.enhanced, truth.mode, measured)
    generator = np.random.default_rng(0)
    right = renoise(truth.image, parts, truth.mode, measured, generator)
    wrong = renoise(
        truth.image, parts, truth.mode, multiply_noise(measured, 1.5), generator
    )
    assert right.distance < 2.5
    curves = right.input_curve.y / right.renoised_curve.y
    assert np.median(curves) == pytest.approx(1, abs=0.05)
    deviation = wrong.statistics["deviation"]
    assert deviation.distance > 20
    assert deviation.renoised == pytest.approx(1.5 * deviation.input, rel=0.1)


def test_picture_says_units():
    truth = Truth("haadf")
    found = trust(truth.image, truth.enhanced, truth.mode)
    figure = trust_figure(found, truth.image)
    units = [text.get_text() for text in figure.texts].count("grey levels")
    # Four parts; deviation, histograms, intercepts and atoms of the noise given back.
    assert units == 4 + 5
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    # Of the colour bars.
    assert titles.count("grey levels") == 7
    assert "Deviation of the noise, grey levels" in titles
    bars = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert bars == ["1 nm", "1 Å⁻¹", "2 Å"]


def test_pack_is_written_whole_and_alike(tmp_path):
    truth = Truth("haadf")
    found = trust(truth.image, truth.enhanced, truth.mode, known(truth.mode))
    paths = [
        tmp_path / f"sample.{end}" for end in ("trust.json", "trust.png", "parts.tif")
    ]
    contents = []
    for _ in range(2):
        write_trust(found, *paths)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    numbers = json.loads(contents[0][0])
    assert [each["sentence"] for each in numbers["verdict"]] == [
        each.sentence for each in found.verdict()
    ]
    assert all(score["unit"] for score in numbers["scores"].values())
    low, high = numbers["noise"]["scan_slope"]["trained_on"]
    assert (low, high) == pytest.approx((0.08, 0.12))
    with tifffile.TiffFile(paths[2]) as file:
        pages = file.asarray()
        assert file.imagej_metadata["Labels"] == [
            "signal",
            "background",
            "scan noise",
            "pointwise noise",
        ]
        across, over = file.pages[0].tags["XResolution"].value
    assert across / over == pytest.approx(10 / 0.12, rel=1e-4)
    counts = found.check.opened.image.data
    np.testing.assert_allclose(pages.sum(axis=0), counts, rtol=1e-5)
    # The background is that of the specimen, in counts.
    background = found.parts_in_counts()["background"]
    assert background.pixel_size == 0.12
    true = 1000 + 30 * truth.background
    assert np.std(background.data - true) < 30 * 2


def test_image_too_small_to_calibrate_is_still_taken_apart(tmp_path):
    small = Truth("haadf", size=56)
    found = trust(small.image, small.enhanced, "haadf")
    assert found.noise is None
    paths = [tmp_path / f"s.{end}" for end in ("trust.json", "trust.png", "parts.tif")]
    write_trust(found, *paths)
    numbers = json.loads(paths[0].read_text())
    assert numbers["noise"] is None
    assert numbers["scores"]["noise_ratio"]["value"] is None
    with pytest.raises(InputError, match="one shape"):
        take_apart(small.image, small.enhanced[:, :40], "haadf", None)
