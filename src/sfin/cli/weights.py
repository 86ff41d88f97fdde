"""Which weights are for an image: those that the user names, or those found here."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sfin.cli.batch import Picture
from sfin.cli.options import GivenMode
from sfin.errors import InputError
from sfin.model_files import choose_weights, find_named, read_metadata
from sfin.named_weights import check_weights

if TYPE_CHECKING:
    from sfin.parameters import Mode


class Weights:
    """The weights of a task, for images of either mode.

    Parameters
    ----------
    task
        ``enhancement`` or ``detection``.
    mode
        As given.
    model
        A path, a name that `sfin models` lists, or a method; None for the default.

    Raises
    ------
    InputError
        If no image can have any: better said once than for every image.
    """

    def __init__(self, task: str, mode: GivenMode, model: str | None) -> None:
        self._task, self._model = task, model
        self._found: dict[str, Path] = {}
        if self._named:
            check_weights(self._named, task, None if mode == "auto" else mode)
        elif mode != "auto":
            self._choose(mode)
        else:
            self._choose_any()

    def for_picture(self, picture: Picture) -> "tuple[Mode, Path]":
        """Give the mode of an image and the weights for it.

        An image whose mode nobody says has that of the named network.

        Raises
        ------
        InputError
            If the mode is unknown, or there are no weights for it.
        """
        if self._named is None:
            mode = picture.known_mode()
            return mode, self._choose(mode)
        own = cast("Mode", read_metadata(self._named)["mode"])
        mode = picture.mode or own
        check_weights(self._named, self._task, mode, str(picture.path))
        return mode, self._named

    @cached_property
    def _named(self) -> Path | None:
        return find_named(self._model) if self._model else None

    def _choose(self, mode: str) -> Path:
        if mode not in self._found:
            self._found[mode] = choose_weights(self._task, mode, self._model)
        return self._found[mode]

    def _choose_any(self) -> None:
        errors = []
        for mode in ("haadf", "bf"):
            try:
                self._choose(mode)
            except InputError as error:
                errors.append(error)
        if len(errors) == 2:
            raise errors[0]
