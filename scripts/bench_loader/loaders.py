# SPDX-License-Identifier: MIT
"""The loaders: what a program does, unchanged, with a folder of images, whoever serves it. Each loads a file, decodes
it and makes a tensor of it, in one process and one thread."""
from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from .timing import Pass


class Loader(NamedTuple):
    name: str
    modules: tuple[str, ...]
    faces: tuple[str, ...]
    open: Callable[[Path], Pass]


def files_below(folder: Path) -> list[Path]:
    """By names alone: under the face jpeg the first stat of a file makes it, and then a cold pass would be none."""
    return sorted(Path(path, name) for path, _, names in os.walk(folder) for name in names)


def image_folder(folder: Path, transform: str) -> Pass:
    from torchvision import datasets, transforms
    dataset = datasets.ImageFolder(str(folder), getattr(transforms, transform)())

    def run() -> None:
        for index in range(len(dataset)):
            dataset[index]
    return run


def decoding(paths: Iterable[Path], decode: Callable[[bytes], object]) -> Pass:
    """Read each file whole, so without a buffer between, and decode its bytes."""
    names = [str(path) for path in paths]

    def run() -> None:
        for name in names:
            with open(name, 'rb', buffering=0) as file:
                decode(file.read())
    return run


def opencv(folder: Path) -> Pass:
    import cv2
    import numpy
    import torch

    def decode(content: bytes) -> torch.Tensor:
        return torch.from_numpy(cv2.imdecode(numpy.frombuffer(content, numpy.uint8), cv2.IMREAD_COLOR))
    return decoding(files_below(folder), decode)


def simple_libjpeg(folder: Path) -> Pass:
    import simplejpeg
    import torch
    return decoding(files_below(folder), lambda content: torch.from_numpy(simplejpeg.decode_jpeg(content)))


JPEG, ANY = ('jpeg', 'orig'), ('jpeg', 'orig', 'bmp')
LOADERS = (
    Loader('ImageFolder + ToTensor', ('torchvision',), ANY, lambda folder: image_folder(folder, 'ToTensor')),
    Loader('+ PILToTensor', ('torchvision',), ANY, lambda folder: image_folder(folder, 'PILToTensor')),
    Loader('OpenCV imdecode', ('cv2', 'torch'), ANY, opencv),
    Loader('simplejpeg', ('simplejpeg', 'torch'), JPEG, simple_libjpeg),
)


def why_missing(modules: Iterable[str]) -> str | None:
    """The reason why one of these modules cannot be used here. Any error is a reason: a library that a module was
    compiled for, a driver, a version of NumPy."""
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            return f'{module}: {error or type(error).__name__}'
    return None


def use_one_thread() -> None:
    """The affinity holds all threads to one core; these libraries would start more, and wait for them."""
    if not why_missing(['cv2']):
        import cv2
        cv2.setNumThreads(0)
    if not why_missing(['torch']):
        import torch
        torch.set_num_threads(1)
