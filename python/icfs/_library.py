# SPDX-License-Identifier: MIT
"""Find libic and load it. The one place that knows where it may be."""
from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

NAME = "libic.so.0"  # the number is that of the binary interface: another one is another library
BUILDS = ("build", "builddir")


def _beside() -> Iterator[str]:
    """In the build directories of the source tree that this package is run from, if it is."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "codec" / "meson.build").exists():
        return
    for build in BUILDS:
        path = root / build / "codec" / NAME
        if path.exists():
            yield str(path)


def load() -> ctypes.CDLL:
    """The library of $ICFS_LIBRARY, else of the build beside the package, else where the system's loader finds it.

    ImportError, in one sentence: there is none, or it is not of this package's version."""
    named = os.environ.get("ICFS_LIBRARY")
    path = named or next(_beside(), NAME)
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        if named:
            advice = "it is what ICFS_LIBRARY names"
        else:
            advice = f"build and install icfs, then run ldconfig, or set ICFS_LIBRARY to {NAME} of a build"
        raise ImportError(f"icfs cannot load its library: {error}; {advice}") from None
