# SPDX-License-Identifier: MIT
"""What can go wrong, as exceptions. Each is an `icfs.Error` and also the built-in exception that a program would
expect. Out of memory is MemoryError, and what the operating system says of a file is OSError, as everywhere."""
from __future__ import annotations

import errno
import os


class Error(Exception):
    """Any failure that icfs itself finds."""


class ArgumentError(Error, ValueError):
    """An argument is wrong, or two contradict each other."""


class CorruptError(Error, ValueError):
    """The bytes are no .ic object, or a damaged one."""


class TruncatedError(CorruptError):
    """The bytes end before what was asked for."""


class UnsupportedError(Error, NotImplementedError):
    """The bytes may be sound, but are of a later version of the format."""


class LimitError(Error, ValueError):
    """A limit was passed: the pixels of an image."""


class ShapeError(Error, ValueError):
    """The image is of another size or design than was asked for, or does not hold the window."""


# What the library's codes mean, with a sentence for where it gives none.
_CODES: dict[int, tuple[type[Error], str]] = {
    errno.EINVAL: (ArgumentError, "an argument is wrong"),
    errno.EBADMSG: (CorruptError, "no .ic object, or a damaged one"),
    errno.ENODATA: (TruncatedError, "the bytes end before the object does"),
    errno.EOPNOTSUPP: (UnsupportedError, "an object of a later version"),
    errno.EFBIG: (LimitError, "more pixels than the limit"),
    errno.ERANGE: (ShapeError, "not of the size or design that was asked for"),
}


def _with_name(sentence: str, path: str) -> str:
    return sentence if path in sentence else f"{path}: {sentence}"


def name_file(error: Exception, path: str | os.PathLike[str] | None) -> None:
    """Have an exception that is on its way name the file that it came of, if any, as one of `from_code` does."""
    if path is None:
        return
    if isinstance(error, OSError):
        error.filename = os.fsdecode(path)
    else:
        error.args = (_with_name(str(error), os.fsdecode(path)),)


def from_code(code: int, sentence: str = "", path: str | bytes | None = None) -> Exception:
    """The exception of one of the library's codes, 0 or -errno. `path` is the file that it came of."""
    number = -code
    if number == errno.ENOMEM:
        return MemoryError(sentence)
    if number in _CODES:
        kind, usual = _CODES[number]
        sentence = sentence or usual
        return kind(sentence if path is None else _with_name(sentence, os.fsdecode(path)))
    if number in (errno.ENODEV, errno.EIO) and path is None:  # of a GPU: the library's sentence says what of it
        return OSError(number, sentence or os.strerror(number))
    return OSError(number, os.strerror(number), os.fsdecode(path) if path is not None else None)
