"""Calibrate the noise of a STEM, imitate it, and enhance its images."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfin.api.calibrate import calibrate
    from sfin.api.detect_atoms import detect_atoms
    from sfin.api.enhance import enhance
    from sfin.api.synthesise import synthesise
    from sfin.images import read_image

__version__ = "0.1.0"
__all__ = ["calibrate", "detect_atoms", "enhance", "read_image", "synthesise"]


def __getattr__(name: str) -> Any:
    """Import a function when it is first asked for: `import sfin` itself is quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "sfin.images" if name == "read_image" else f"sfin.api.{name}"
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """List the functions too that are not imported yet."""
    return sorted({*globals(), *__all__})
