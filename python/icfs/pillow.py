# SPDX-License-Identifier: MIT
"""A plugin of Pillow: `PIL.Image.open` reads .ic files once this module was imported, or, in an environment that icfs
was installed into, without.

Opening reads the header alone. Modes are RGB and L. The orientation is EXIF's, in `getexif()`, and not applied, as for
JPEGs. A file that is damaged raises UnidentifiedImageError when it is opened or OSError when it is loaded, and so does one
that was made from a JPEG that ended early, unless `ImageFile.LOAD_TRUNCATED_IMAGES`; Pillow's own limit on pixels holds.

`image.draft(mode, size)`, before anything is loaded, chooses the smallest power of two that the image can be shrunk by
and still be as large as `size`; then fewer frequencies are read and decoded. Mode L leaves chroma alone.

`copy`, and `convert` to the mode that it has, read the file, close it as `load` does, and decode nothing: what they return is
decoded when it is looked at, the first time that an array is made of it into that alone. Any other use makes it an ordinary
image of Pillow.
"""
from __future__ import annotations

import threading
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
SCRATCH_MAX = 4 << 20  # bytes that a thread keeps

_kept = threading.local()
_becoming = threading.Lock()


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
    _exclusive_fp: bool  # Pillow's: whether it opened the file
    _object: Object | None = None  # all of the file, where that was read and not decoded
    _is_told = False  # the bytes of it were

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

    def _is_undecoded(self) -> bool:
        return len(self.tile) == 1 and self._scale == 1 and (self.fp is not None or self._object is not None)

    def _fetch(self) -> Object:
        """All that is to be decoded. The file is closed, as by `load`."""
        if self._object is None:
            assert self.fp is not None
            self.fp.seek(0)
            self._object = _read(self.fp, *self.tile[0][3])
            if self._exclusive_fp:
                self.fp.close()
            self.fp = None
        return self._object

    def load(self) -> Any:
        if self.tile and self._object is not None:
            self.im, self.readonly = _core(self._object, self.mode), 0
            self.tile, self._object = [], None
        return super().load()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._object = None
        super().close()

    def copy(self) -> Image.Image:
        """Not decoded yet, where this is not."""
        return Undecoded.of(self, self._fetch()) if self._is_undecoded() else super().copy()

    def convert(self, mode: str | None = None, *args: Any, **options: Any) -> Image.Image:
        """Not decoded yet, where this is not and the mode stays."""
        stays = not mode or mode == self.mode
        return self.copy() if stays and not args and not options else super().convert(mode, *args, **options)

    def tobytes(self, encoder_name: str = "raw", *args: Any) -> bytes:
        if self._is_undecoded() and not self._is_told:
            self._is_told = True
            return self.copy().tobytes(encoder_name, *args)
        return super().tobytes(encoder_name, *args)

    def load_read(self, read_bytes: int) -> bytes:
        """As the file's `read`. That there is one tells `ImageFile.Parser` to keep what it is fed until it is closed:
        the decoder takes a file, not pieces."""
        assert self.fp is not None
        content: bytes = self.fp.read(read_bytes)
        return content

    def draft(  # type: ignore[override]  # typeshed has it return nothing
        self, mode: str | None, size: tuple[int, int] | None
    ) -> tuple[str, tuple[int, int, float, float]] | None:
        """See the module. Returns what JPEG's does, or None where nothing is gained."""
        if not self._is_undecoded() or self._object is not None:
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


class Undecoded(Image.Image):
    """A copy of an IcImageFile before it is decoded."""

    _object: Object  # as long as it is of this class
    _is_told = False

    @classmethod
    def of(cls, image: IcImageFile, content: Object) -> Undecoded:
        """The same picture as `image`, of what is in its file."""
        new = Image.Image()
        _set_mode(new, image.mode)
        setattr(new, "_size", image.size)  # which typeshed does not know
        new.info = image.info.copy()
        setattr(new, "_object", content)
        new.__class__ = cls
        assert isinstance(new, cls)
        return new

    def _become_ordinary(self, im: Any) -> None:
        """Once, by one of the threads that may look at it; whoever sees the other class finds `im` there."""
        with _becoming:
            if self.__class__ is Undecoded:
                self.__dict__["_im" if "_im" in self.__dict__ else "im"] = im  # Pillow 11 has a property `im`
                self.__class__ = Image.Image  # type: ignore[assignment]
                del self.__dict__["_object"]

    def load(self) -> Any:
        content: Object | None = self.__dict__.get("_object")
        if content is not None:
            Undecoded._become_ordinary(self, _core(content, self.mode))
        return Image.Image.load(self)

    @property
    def im(self) -> Any:
        Undecoded.load(self)
        return self.im

    @im.setter
    def im(self, im: Any) -> None:
        Undecoded._become_ordinary(self, im)
        self.im = im

    def close(self) -> None:
        Undecoded._become_ordinary(self, None)
        self.close()

    def tobytes(self, encoder_name: str = "raw", *args: Any) -> bytes:
        content: Object | None = self.__dict__.get("_object")
        if content is None or self._is_told or encoder_name != "raw" or args:
            Undecoded.load(self)
            return Image.Image.tobytes(self, encoder_name, *args)
        self._is_told = True
        return (content.samples(0) if self.mode == "L" else content.rgb(_scratch(self.size, 3))).tobytes()

    def __eq__(self, other: object) -> bool:
        for image in (self, other):
            if isinstance(image, Undecoded):
                image.load()
        return self == other

    def __reduce_ex__(self, protocol: Any) -> Any:
        Undecoded.load(self)
        return self.__reduce_ex__(protocol)


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


def _scratch(size: tuple[int, int], channels: int) -> npt.NDArray[np.uint8] | None:
    """Memory for pixels that this thread uses again, None for large images. Pillow copies what it is given. Memory that
    comes and goes with each image would have the C library give it back to the kernel, and ask for it anew, every time:
    twice what the decoding takes."""
    nbytes = channels * size[0] * size[1]
    if nbytes > SCRATCH_MAX:
        return None
    if getattr(_kept, "pixels", None) is None or _kept.pixels.size < nbytes:
        _kept.pixels = np.empty(nbytes, np.uint8)
    return cast("npt.NDArray[np.uint8]", _kept.pixels[:nbytes].reshape(size[1], size[0], channels))


def _pixels(image: Object, mode: str, scale: int) -> tuple[npt.NDArray[np.uint8], str]:
    """As Pillow's raw decoder takes them, till the next call in this thread, and its name for that. Colours have four
    bytes a pixel, as in Pillow's own memory, where they may, so that they are only copied."""
    if mode == "L":
        return np.ascontiguousarray(reduced(image, 1, scale) if scale > 1 else image.samples(0)), "L"
    if scale == 1:
        return image.rgbx(_scratch(image.size, 4)), "RGBX"
    ycc = reduced(image, 3, scale)
    rgb = Image.frombuffer("YCbCr", (ycc.shape[1], ycc.shape[0]), ycc, "raw", "YCbCr", 0, 1).convert("RGB")
    return np.ascontiguousarray(rgb), "RGB"


def _core(image: Object, mode: str) -> Any:
    """Pillow's memory of an image, decoded."""
    pixels, rawmode = _pixels(image, mode, 1)
    return Image.frombytes(mode, image.size, cast("bytes", pixels), "raw", rawmode, 0, 1).im


def _read(fd: Any, size: tuple[int, int], design: Design, scale: int, nbytes: int) -> Object:
    """What decoding at this scale takes, and no more of the file."""
    keep = keep_for(design, scale)
    try:
        content = read_up_to(fd, nbytes) if scale == 1 else read_object(fd, keep, ANY_PIXELS)
        if ImageFile.LOAD_TRUNCATED_IMAGES:
            keep = _fitting(content, keep) or keep
        image = Object(content, keep, ANY_PIXELS)
    except Error as error:
        raise OSError(str(error)) from error
    if image.size != size:
        raise OSError("the file is another than was opened")
    if image.truncated and not ImageFile.LOAD_TRUNCATED_IMAGES:
        raise OSError("image file is truncated: the JPEG that it was made from ended early")
    return image


class IcDecoder(ImageFile.PyDecoder):
    """Reads the file itself, no further than is needed, and decodes it in one call."""

    _pulls_fd = True

    def decode(self, buffer: Any) -> tuple[int, int]:  # type: ignore[override]  # typeshed, the same
        assert self.fd is not None
        image = _read(self.fd, *self.args)
        pixels, rawmode = _pixels(image, self.mode, self.args[2])
        self.set_as_raw(cast("bytes", pixels), rawmode)  # any buffer will do
        return -1, 0


def register() -> None:
    """Make the plugin known to Pillow. Done on import."""
    Image.register_open(FORMAT, IcImageFile, accept)
    Image.register_decoder("ic", IcDecoder)
    Image.register_extension(FORMAT, EXTENSION)
    Image.register_mime(FORMAT, MIME)


register()
