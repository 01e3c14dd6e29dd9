# SPDX-License-Identifier: MIT
"""Find libic and load it. The one place that knows where it may be."""
from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

NAME = "libic.so.0"  # the number is that of the binary interface: another one is another library
GPU_NAME = "libic_gpu.so.0"
BUILDS = ("build", "builddir")


def _beside(place: str) -> Iterator[str]:
    """In the build directories of the source tree that this package is run from, if it is."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "codec" / "meson.build").exists():
        return
    for build in BUILDS:
        path = root / build / place
        if path.exists():
            yield str(path)


def load() -> ctypes.CDLL:
    """The library of $ICFS_LIBRARY, else of the build beside the package, else where the system's loader finds it.

    ImportError, in one sentence: there is none, or it is not of this package's version."""
    named = os.environ.get("ICFS_LIBRARY")
    path = named or next(_beside(f"codec/{NAME}"), NAME)
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        if named:
            advice = "it is what ICFS_LIBRARY names"
        else:
            advice = f"build and install icfs, then run ldconfig, or set ICFS_LIBRARY to {NAME} of a build"
        raise ImportError(f"icfs cannot load its library: {error}; {advice}") from None


def load_gpu() -> ctypes.CDLL:
    """The library for GPUs: of $ICFS_GPU_LIBRARY, else as the other one. OSError, in one sentence."""
    path = os.environ.get("ICFS_GPU_LIBRARY") or next(_beside(f"gpu/{GPU_NAME}"), GPU_NAME)
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise OSError(f"icfs cannot load its library for GPUs: {error}; build and install icfs where CUDA is, then run "
                      f"ldconfig, or set ICFS_GPU_LIBRARY to {GPU_NAME} of a build") from None
