"""Walk over the tags of a DM3 or DM4 file without reading what is in them.

RosettaSciIO reads tags one number at a time and believes what they say of their
length: a few flipped bytes keep it busy for ever. Here each must lie within its file.

Source: the description of the format in RosettaSciIO, `rsciio.digitalmicrograph`.
"""

import struct
from typing import Any, BinaryIO

# Bytes of a value, by the format's code of its type.
_SIMPLE = {2: 2, 3: 4, 4: 2, 5: 4, 6: 4, 7: 8, 8: 1, 9: 1, 10: 1, 11: 8, 12: 8}
_STRUCT, _STRING, _ARRAY = 15, 18, 20
_GROUP, _DATA = 20, 21
_DEEPEST = 64
# Bytes of a number in a list of Python: RosettaSciIO makes one of each array that is
# not an image.
_PYTHON_NUMBER = 40


def expanded_tags(file: BinaryIO, size: int) -> int:
    """Check that all tags lie within the file.

    Parameters
    ----------
    file
        At its start.
    size
        Of the file in bytes.

    Returns
    -------
    int
        Bytes that the tags take in memory.

    Raises
    ------
    ValueError, struct.error
        If a tag does not.
    """
    walk = _Walk(file, size)
    walk.group("", 0)
    return walk.expanded


class _Walk:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.expanded = file, size, 0
        version = self.read(">i")
        self.wide = version == 4
        self.length()
        self.read(">i")  # byte order

    def read(self, layout: str) -> Any:
        (value,) = struct.unpack(layout, self.file.read(struct.calcsize(layout)))
        return value

    def length(self) -> int:
        value: int = self.read(">q" if self.wide else ">i")
        if value < 0:
            raise ValueError("a tag of negative length")
        return value

    def skip(self, length: int) -> None:
        if length < 0 or self.file.tell() + length > self.size:
            raise ValueError("a tag that ends behind the file")
        self.file.seek(length, 1)

    def group(self, name: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise ValueError("tags within tags without end")
        self.skip(2)  # sorted, open
        if self.wide and depth:
            self.length()
        for _ in range(self.length()):
            kind = self.read(">B")
            tag = self.file.read(self.read(">H"))
            self.expanded += _PYTHON_NUMBER + len(tag)
            if kind == _GROUP:
                self.group(tag.decode("latin-1"), depth + 1)
            elif kind == _DATA:
                self.data(is_image=(name, tag) == ("ImageData", b"Data"))
            else:
                raise ValueError(f"a tag of unknown kind {kind}")

    def data(self, is_image: bool) -> None:
        self.skip(8 if self.wide else 0)
        if self.file.read(4) != b"%%%%":
            raise ValueError("a tag without its delimiter")
        self.length()
        kind = self.length()
        count = 1
        if kind == _ARRAY:
            kind = self.length()
            width, numbers = self.element(kind)
            count = self.length()
        else:
            width, numbers = self.element(kind)
        # A value without bytes could be repeated without end.
        if count and not width and kind != _STRING:
            raise ValueError("an array of nothing")
        self.skip(width * count)
        per_value = width if is_image else _PYTHON_NUMBER * numbers
        self.expanded += per_value * count

    def element(self, kind: int) -> tuple[int, int]:
        """Give the bytes of a value, and of how many numbers it consists."""
        if kind == _STRING:
            length = self.length()
            return length, 1 + length // _PYTHON_NUMBER
        if kind == _STRUCT:
            self.length()
            fields = self.length()
            if fields > self.size:
                raise ValueError("a structure that ends behind the file")
            widths = []
            for _ in range(fields):
                self.length()
                widths.append(_SIMPLE[self.length()])
            return sum(widths), 1 + fields
        return _SIMPLE[kind], 1
