"""Calibrate the noise of a STEM, imitate it, and enhance its images."""

__version__ = "0.1.0"
