# SPDX-License-Identifier: MIT
"""A plugin of Pillow: `PIL.Image.open` reads .ic files once this module was imported, or, in an environment that icfs
was installed into, without.

Opening reads the header alone. Modes are RGB and L. The orientation is EXIF's, in `getexif()`, and not applied, as for
JPEGs. A file that is damaged raises UnidentifiedImageError when it is opened or OSError when it is loaded; Pillow's own
limit on pixels holds.

`image.draft(mode, size)`, before anything is loaded, chooses the smallest power of two that the image can be shrunk by
and still be as large as `size`; then fewer frequencies are read and decoded. Mode L leaves chroma alone.
"""
from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from ._abi import HEADER_SIZE
from .design import Design
from .errors import Error
from .image import Image as Object
from .image import header_of, prefix_nbytes, read_object, read_up_to
from .reduced import keep_for, reduced

FORMAT = "IC"
MAGIC = b"\x89ICF\r\n\x1a\n"
EXTENSION = ".ic"
MIME = "image/x-ic"
ANY_PIXELS = 2**64 - 1  # Pillow has a limit of its own, and has looked already


def accept(prefix: bytes) -> bool:
    """Whether these are the first bytes of an .ic file."""
    return prefix[:len(MAGIC)] == MAGIC


def _exif(orientation: int) -> bytes:
    """EXIF that holds this alone: a TIFF header, little-endian, and one entry: tag 0x112, SHORT, 1 value."""
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation, 0, 0, 0]) + b"\0\0\0\0"


class IcImageFile(ImageFile.ImageFile):
    """An .ic file as an image of Pillow. `info["design"]` is its design, in its written form."""

    format = FORMAT
    format_description = "Image Calculator object"

    def _open(self) -> None:
        assert self.fp is not None
        try:
            view = header_of(self.fp.read(HEADER_SIZE))
        except Error as error:
            raise SyntaxError(str(error)) from error
        layout = view.layout
        self._full = self._size = (layout.width, layout.height)
        self._design, self._nbytes = Design._from_c(layout.design), layout.nbytes
        self.info["design"] = str(self._design)
        _set_mode(self, "RGB" if layout.ncomponents == 3 else "L")
        if view.orientation != 1:
            self.info["exif"] = _exif(view.orientation)
        self._plan(1)

    def _plan(self, scale: int) -> None:
        """How Pillow is to load it: all of it, from the start of the file, by our decoder."""
        self._scale = scale
        self.tile = [_tile("ic", (0, 0, *self._size), 0, (self._full, self._design, scale, self._nbytes))]

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> tuple[str, tuple[int, int, float, float]] | None:
        """See the module. Returns what JPEG's does, or None where nothing is gained."""
        if len(self.tile) != 1 or self._scale != 1:
            return None
        if mode == "L" and self.mode == "RGB":
            _set_mode(self, "L")
        if size is None:
            return None
        width, height = self._full
        scale = 1
        while scale < self._design.block and width // (2 * scale) >= size[0] and height // (2 * scale) >= size[1]:
            scale *= 2
        self._size = (-(-width // scale), -(-height // scale))
        self._plan(scale)
        return self.mode, (0, 0, width / scale, height / scale)


def _set_mode(image: Image.Image, mode: str) -> None:
    """`mode` may not be set since Pillow 10.1, and `_mode` is not there before."""
    setattr(image, "_mode" if hasattr(image, "_mode") else "mode", mode)


def _tile(*parts: Any) -> Any:
    """Pillow 11 has a class for it."""
    kind = getattr(ImageFile, "_Tile", None)
    return kind(*parts) if kind else parts


def _fitting(content: bytes, keep: int) -> int:
    """As much of a file that ends early as it holds, where Pillow was told to load such files."""
    layout = header_of(content).layout
    while keep and prefix_nbytes(layout, keep) > len(content):
        keep -= 1
    return keep


def _pixels(image: Object, mode: str, scale: int) -> npt.NDArray[np.uint8]:
    """As Pillow's raw decoder takes them."""
    if scale > 1 and mode == "L":
        return reduced(image, 1, scale)
    if scale > 1:
        ycc = reduced(image, 3, scale)
        return np.asarray(Image.frombuffer("YCbCr", ycc.shape[1::-1], ycc, "raw", "YCbCr", 0, 1).convert("RGB"))
    return image.samples(0) if mode == "L" else image.rgb()


class IcDecoder(ImageFile.PyDecoder):
    """Reads the file itself, no further than is needed, and decodes it in one call."""

    _pulls_fd = True

    def decode(self, buffer: Any) -> tuple[int, int]:
        size, design, scale, nbytes = self.args
        keep = keep_for(design, scale)
        assert self.fd is not None
        try:
            content = read_up_to(self.fd, nbytes) if scale == 1 else read_object(self.fd, keep, ANY_PIXELS)
            if ImageFile.LOAD_TRUNCATED_IMAGES:
                keep = _fitting(content, keep) or keep
            image = Object(content, keep, ANY_PIXELS)
        except Error as error:
            raise OSError(str(error)) from error
        if image.size != size:
            raise OSError("the file is another than was opened")
        pixels = np.ascontiguousarray(_pixels(image, self.mode, scale))
        self.set_as_raw(cast("bytes", pixels))  # any buffer will do
        return -1, 0


def register() -> None:
    """Make the plugin known to Pillow. Done on import."""
    Image.register_open(FORMAT, IcImageFile, accept)
    Image.register_decoder("ic", IcDecoder)
    Image.register_extension(FORMAT, EXTENSION)
    Image.register_mime(FORMAT, MIME)


register()
