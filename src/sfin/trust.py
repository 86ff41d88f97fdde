"""Whether an enhanced image can be trusted: its parts, its numbers, a verdict."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.atom_presence import has_atoms
from sfin.calibration_settings import CalibrationSettings
from sfin.enhancement_check import EnhancementCheck
from sfin.image_doubts import middle
from sfin.image_modes import mode_doubt
from sfin.image_parts import ImageParts, take_apart
from sfin.image_quality import assess, warnings
from sfin.images import Image
from sfin.parameters import Mode, NoiseParameters
from sfin.renoising import Renoised, measured_noise, renoise
from sfin.residuals import ResidualSettings, find_lost_atoms
from sfin.training_range import calibrated_on, range_sentence, trained_range
from sfin.whiteness import Whiteness, whiteness

# What is still good; measured in docs/trust.md.
LEAST_WHITENESS = 0.7
MOST_UNEXPLAINED = 0.05
NOISE_RATIO = (0.85, 1.15)
MOST_UNSUPPORTED = 0.01
# Pages of the parts, which sum to the input.
PARTS = ("signal", "background", "scan_noise", "pointwise_noise")


@dataclass(frozen=True)
class Finding:
    """A sentence of the verdict.

    Attributes
    ----------
    good
        Whether it speaks for the enhanced image; None if nobody can tell.
    sentence
        What was found.
    """

    good: bool | None
    sentence: str


@dataclass(frozen=True)
class Trust:
    """All that is known about an enhanced image.

    Attributes
    ----------
    check
        Deviation of the answers, and the atoms with their support.
    mode
        Of the image.
    parts
        Signal, background and noise, in grey levels of the input.
    whiteness
        Of what signal and background leave over.
    noise
        Measured in the input; None if it cannot be.
    renoised
        The enhanced image with that noise; None without it.
    lost
        Row and column of what looks like an atom in the input and has none in the
        enhanced image, or one that is far too faint.
    raw
        Reasons why the image is not as the microscope recorded it.
    """

    check: EnhancementCheck
    mode: Mode
    parts: ImageParts
    whiteness: Whiteness
    noise: NoiseParameters | None
    renoised: Renoised | None
    lost: tuple[NDArray[np.intp], NDArray[np.intp]]
    raw: tuple[str, ...]

    @property
    def unsupported(self) -> int:
        """Number of maxima of the enhanced image that the input does not support."""
        return int((~self.check.atoms.supported).sum())

    @property
    def noise_ratio(self) -> float | None:
        """Deviation of the residual over that of the noise that the input has."""
        if self.renoised is None:
            return None
        deviation = self.renoised.statistics["deviation"]
        return deviation.input / max(deviation.renoised, 1e-9)

    def parts_in_counts(self) -> dict[str, Image]:
        """Give the parts as images in the counts of the file, which sum to the input.

        ``signal``, ``background``, ``scan_noise`` and ``pointwise_noise``, with the
        pixel size of the input. The background holds the counts of grey level 0.
        """
        scale, image = self.check.opened.scale, self.check.opened.image
        return {
            name: replace(
                image,
                data=np.asarray(
                    scale.gain * getattr(self.parts, name)
                    + (scale.offset if name == "background" else 0.0),
                    np.float32,
                ),
                name=f"{image.name} {name.replace('_', ' ')}",
            )
            for name in PARTS
        }

    def verdict(self) -> list[Finding]:
        """Say in words what the numbers mean, the gravest first."""
        found = []
        if other := mode_doubt(self.check.opened.image, self.mode):
            sentence = (
                f"The image was {other}: a network for one mode ruins images of the "
                "other."
            )
            found.append(Finding(False, sentence))
        if not has_atoms(self.check.opened.grey):
            sentence = (
                "Nothing in this image is more than noise makes: whatever looks like "
                "an atom in the enhanced image is invented."
            )
            return [*found, Finding(False, sentence)]
        found += self._findings()
        return sorted(found, key=lambda finding: finding.good is not False)

    def _findings(self) -> Iterator[Finding]:
        if self.raw:
            yield Finding(
                False,
                f"The image is not as a microscope records it ({'; '.join(self.raw)}): "
                "what is said of its noise below means little.",
            )
        yield self._range()
        yield self._residual()
        if self.noise_ratio is not None:
            yield self._noise(self.noise_ratio)
        yield self._atoms()

    def _range(self) -> Finding:
        trained, good = self.check.opened.trained, None
        name = self.check.opened.image.name
        if self.noise is not None and trained is not None:
            good = trained_range(trained).holds(self.noise)
            if good and calibrated_on(name, trained):
                good = None
        return Finding(good, range_sentence(self.noise, trained, name))

    def _residual(self) -> Finding:
        white = self.whiteness
        score = f"whiteness {white.score:.2f}, noise has 1"
        stray = self._interference()
        if white.has_peaks:
            # In a large image the slightest departure is a peak.
            return Finding(
                white.unexplained <= MOST_UNEXPLAINED,
                f"Lattice peaks are left in the residual ({score}; the highest, at "
                f"{self._period(white.peak_frequency)}, {white.peak:.0f} times the "
                f"noise): {white.unexplained:.0%} of the lattice's amplitude was "
                f"removed, moved or given another brightness.{stray}",
            )
        if white.score < LEAST_WHITENESS:
            return Finding(
                False,
                f"The residual is no noise ({score}): something in the input, without "
                f"a period, is not in the enhanced image.{stray}",
            )
        text = f"What is left of the input looks like noise ({score}).{stray}"
        return Finding(True, text)

    def _interference(self) -> str:
        white = self.whiteness
        # Without noise of its own an image has peaks everywhere.
        if self.raw or not white.interference:
            return ""
        return (
            " Peaks that are none of the lattice (the highest, at "
            f"{self._period(white.interference_frequency)}, {white.interference:.0f} "
            "times the noise) are probably interference of the scan, such as the line "
            "frequency, or of the detector, and no lost signal."
        )

    def _period(self, frequency: float) -> str:
        size = self.check.opened.image.pixel_size
        period = 1 / frequency
        return f"{period:.1f} px" if size is None else f"{period * size:.2f} Å"

    def _noise(self, ratio: float) -> Finding:
        least, most = NOISE_RATIO
        what = f"{ratio:.2f} times the noise that was measured in the input"
        if ratio < least:
            text = f"The residual has {what}: the enhanced image keeps the rest."
        elif ratio > most:
            text = f"The residual has {what}: more than noise was taken away."
        else:
            text = f"As much was taken away as there is noise ({what})."
        return Finding(least <= ratio <= most, text)

    def _atoms(self) -> Finding:
        atoms, lost = len(self.check.atoms.row), len(self.lost[0])
        doubtful = self.unsupported
        text = (
            f"The input supports {atoms - doubtful} of {atoms} maxima of the enhanced "
            f"image, and {lost} of its own atoms are missing there or far too faint; "
            "faint ones may be lost without this being seen."
        )
        return Finding(doubtful <= MOST_UNSUPPORTED * atoms and not lost, text)


def assess_trust(
    check: EnhancementCheck, mode: Mode, settings: ResidualSettings | None = None
) -> Trust:
    """Find out all that can be known about an enhanced image without its truth.

    The image that is judged is the network's answer to the image itself, not the mean
    with those to its mirror images. Noise is drawn from a fixed seed.

    Parameters
    ----------
    check
        By `sfin.enhancement_check.check_enhancement`.
    mode
        Of the image.
    settings
        Of the residual; None for the defaults.
    """
    opened = check.opened
    grey = full_grey_levels(check)
    noise = measured_noise(grey, mode)
    parts = take_apart(grey, check.uncertain.first, mode, noise)
    drawn = None
    if noise is not None:
        drawn = renoise(grey, parts, mode, noise, np.random.default_rng(0))
    counts = middle(opened.image.data)
    return Trust(
        check=check,
        mode=mode,
        parts=parts,
        whiteness=whiteness(parts.residual, grey, parts.signal),
        noise=noise,
        renoised=drawn,
        lost=find_lost_atoms(
            check.residual, check.atoms.sigma, mode, settings or ResidualSettings()
        ),
        raw=tuple(warnings(assess(counts, []), CalibrationSettings())),
    )


def full_grey_levels(check: EnhancementCheck) -> NDArray[Any]:
    """Give the grey levels of the input, those beyond 0–255 included, float64."""
    scale = check.opened.scale
    counts = check.opened.image.data.astype(np.float64)
    return np.asarray((counts - scale.offset) / scale.gain)
