# SPDX-License-Identifier: MIT
"""Decode .ic images, to NumPy arrays: pixels, or the frequencies that they hold.

    image = icfs.open("cat.ic")                     # size, design, orientation: from the header
    pixels = image.rgb()                            # uint8, (height, width, 3)
    luma = image.coefficients(0)                    # int16, (frequencies, rows, columns of blocks)
    batch = icfs.decode_batch(paths, icfs.Spec(size=224, fit="crop or pad"), corners="center", threads=4)

`icfs.pillow` is a plugin of Pillow, `icfs.torch` has data sets and models for PyTorch. docs/python.md has all of it.
"""
from .batch import Batch, Items, Pool, bind, decode_batch
from .design import Design
from .errors import (ArgumentError, CorruptError, Error, LimitError, ShapeError, TruncatedError, UnsupportedError)
from .image import DAMAGED, TRUNCATED, Image, open
from .tensor import CENTER, IMAGENET_MEAN, IMAGENET_STD, PIXELS_MAX, Bound, Shape, Spec, Tensors, Window

__version__ = "0.1.0"
__all__ = ["ArgumentError", "Batch", "Bound", "CENTER", "CorruptError", "DAMAGED", "Design", "Error", "IMAGENET_MEAN",
           "IMAGENET_STD", "Image", "Items", "LimitError", "PIXELS_MAX", "Pool", "Shape", "ShapeError", "Spec",
           "TRUNCATED", "Tensors", "TruncatedError", "UnsupportedError", "Window", "bind", "decode_batch", "open"]
