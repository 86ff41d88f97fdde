"""Methods of others that need packages of their own, which may be absent."""

from importlib.util import find_spec

from sfin.errors import InputError

# Packages by method, and what to install. BM3D's licence allows non-commercial use
# only, so nobody gets it without asking.
PACKAGES = {
    "bm3d": (("bm3d",), "sfin[bm3d]"),
    "tk_r_em": (("tk_r_em", "tensorflow"), "sfin[peers]"),
    "atomap": (("atomap", "hyperspy"), "sfin[peers]"),
}


def installed(method: str) -> bool:
    """Tell whether a method can run here; filters and networks always can."""
    return not _missing(method)


def left_out(method: str) -> str:
    """Say that a method is left out, for want of what, and how to get it in."""
    packages, (_, extra) = _missing(method), PACKAGES[method]
    return (
        f"{method} is left out because {' and '.join(packages)} "
        f"{'is' if len(packages) == 1 else 'are'} not installed here "
        f'(pip install "{extra}")'
    )


def _missing(method: str) -> list[str]:
    packages, _ = PACKAGES.get(method, ((), ""))
    return [package for package in packages if find_spec(package) is None]


def require(method: str) -> None:
    """Refuse to go on without the packages of a method.

    Raises
    ------
    InputError
        If one is not installed; the sentence says what to install.
    """
    if not installed(method):
        raise InputError(f"{left_out(method)}; install it, or take the method out.")
