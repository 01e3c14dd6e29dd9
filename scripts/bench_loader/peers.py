# SPDX-License-Identifier: MIT
"""What others do for speed: decoders to call in place of a loader's own, and formats to convert a data set to. Each
ends in a tensor of 8-bit samples, as `+ PILToTensor` does, in one process and one thread, and none goes on when its
time is up.

The pixels that a peer makes are the source's; `half`, those that a design with s2x2 has; or `256`, sources that were
shrunk ahead of time to at most 256 a side, as FFCV's max_resolution does."""
from __future__ import annotations

import contextlib
import os
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from .loaders import decoding, files_below, image_folder, simple_libjpeg
from .timing import Pass
from .trees import mean_bytes

SOURCE, HALF, SHRUNK = 'source', 'half', '256'
SIDE, QUALITY = 256, 90  # of shrunk sources: FFCV's usual resolution, and the quality it encodes with unless told


class Inputs(NamedTuple):
    trees: dict[str, Path]  # of JPEGs, by pixels: SOURCE and SHRUNK
    work: Path


class Opened(NamedTuple):
    run: Pass
    nbytes: float  # read for an image, mean


class Peer(NamedTuple):
    name: str
    modules: tuple[str, ...]
    pixels: str
    open: Callable[[Inputs], Opened]


def shrink_tree(source: Path, target: Path) -> None:
    from PIL import Image
    for path in files_below(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        image = Image.open(path).convert('RGB')
        image.thumbnail((SIDE, SIDE), Image.BOX, reducing_gap=None)
        image.save(copy, 'JPEG', quality=QUALITY)


def below(tree: Path, open_folder: Callable[[Path], Pass]) -> Opened:
    return Opened(open_folder(tree), mean_bytes(tree))


def folder_of_shrunk(inputs: Inputs) -> Opened:
    return below(inputs.trees[SHRUNK], lambda tree: image_folder(tree, 'PILToTensor'))


def simplejpeg_shrunk(inputs: Inputs) -> Opened:
    return below(inputs.trees[SHRUNK], simple_libjpeg)


def torchvision_decode(inputs: Inputs, pixels: str) -> Opened:
    from torchvision import io

    def open_folder(tree: Path) -> Pass:
        names = [str(path) for path in files_below(tree)]

        def run() -> None:
            for name in names:
                io.decode_jpeg(io.read_file(name), io.ImageReadMode.RGB)
        return run
    return below(inputs.trees[pixels], open_folder)


def pillow_draft(inputs: Inputs) -> Opened:
    from PIL import Image
    from torchvision import transforms
    to_tensor = transforms.PILToTensor()

    def open_folder(tree: Path) -> Pass:
        names = [str(path) for path in files_below(tree)]

        def run() -> None:
            for name in names:
                with Image.open(name) as image:
                    image.draft('RGB', (image.width // 2, image.height // 2))
                    to_tensor(image.convert('RGB'))
        return run
    return below(inputs.trees[SOURCE], open_folder)


def simplejpeg_half(inputs: Inputs) -> Opened:
    import simplejpeg
    import torch

    def decode(content: bytes) -> torch.Tensor:
        height, width, _, _ = simplejpeg.decode_jpeg_header(content)
        return torch.from_numpy(simplejpeg.decode_jpeg(content, min_height=height // 2, min_width=width // 2))
    return below(inputs.trees[SOURCE], lambda tree: decoding(files_below(tree), decode))


def turbojpeg_half(inputs: Inputs) -> Opened:
    import torch
    import turbojpeg
    decoder = turbojpeg.TurboJPEG()

    def decode(content: bytes) -> torch.Tensor:
        return torch.from_numpy(decoder.decode(content, pixel_format=turbojpeg.TJPF_RGB, scaling_factor=(1, 2)))
    return below(inputs.trees[SOURCE], lambda tree: decoding(files_below(tree), decode))


def nvimagecodec(inputs: Inputs, pixels: str) -> Opened:
    import numpy
    import torch
    from nvidia import nvimgcodec
    decoder = nvimgcodec.Decoder(device_id=nvimgcodec.NVIMGCODEC_DEVICE_CPU_ONLY, max_num_cpu_threads=1,
                                 backends=[nvimgcodec.Backend(nvimgcodec.CPU_ONLY)])

    def decode(content: bytes) -> torch.Tensor:
        return torch.from_numpy(numpy.asarray(decoder.decode(content)))
    return below(inputs.trees[pixels], lambda tree: decoding(files_below(tree), decode))


def batch_size(count: int, most: int = 32) -> int:
    """The largest that divides the images evenly: a last batch that is filled up would not be timed right."""
    return max(size for size in range(1, most + 1) if count % size == 0)


def dali(inputs: Inputs, tree: str, halve: bool = False) -> Opened:
    """Without a pipeline's reading ahead, which would go on while others are timed."""
    from nvidia.dali import fn, pipeline_def, types
    names = [str(path) for path in files_below(inputs.trees[tree])]
    size = batch_size(len(names))

    @pipeline_def(batch_size=size, num_threads=1, device_id=None, prefetch_queue_depth=1, exec_async=False,
                  exec_pipelined=False)
    def pipeline():
        contents, labels = fn.readers.file(files=names)
        images = fn.decoders.image(contents, device='cpu', output_type=types.RGB)
        if halve:
            shapes = fn.peek_image_shape(contents)
            images = fn.resize(images, size=fn.cast(shapes[:2] / 2, dtype=types.FLOAT))
        return images, labels

    made = pipeline()
    made.build()

    def run() -> None:
        for _ in range(len(names) // size):
            made.run()
    return Opened(run, mean_bytes(inputs.trees[tree]))


def webdataset(inputs: Inputs, pixels: str) -> Opened:
    import webdataset
    tree, shard = inputs.trees[pixels], inputs.work / f'{pixels}.tar'
    with tarfile.open(shard, 'w') as archive:
        for number, path in enumerate(files_below(tree)):
            archive.add(path, f'{number:06}.jpg')
    dataset = webdataset.WebDataset(str(shard), shardshuffle=False).decode('torchrgb8').to_tuple('jpg')

    def run() -> None:
        for _ in dataset:
            pass
    return Opened(run, shard.stat().st_size / len(files_below(tree)))


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """FFCV shows a progress bar that cannot be switched off."""
    with open(os.devnull, 'w', encoding='utf-8') as nowhere, contextlib.redirect_stderr(nowhere):
        yield


def ffcv_loader(tree: Path, beton: Path, mode: str, resolution: int | None, side: int, ratio: float) -> Any:
    """FFCV's loader makes batches, so each image is cut to a square, `ratio` of its shorter side, and resized to `side`, as
    its users do. Numba's usual threading layer never ends its wait at exit here, where all threads share a core."""
    os.environ.setdefault('NUMBA_THREADING_LAYER', 'workqueue')
    from ffcv.fields import IntField, RGBImageField
    from ffcv.fields.rgb_image import CenterCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import ToTensor, ToTorchImage
    from ffcv.writer import DatasetWriter
    from torchvision import datasets
    dataset = datasets.ImageFolder(str(tree))
    fields = {'image': RGBImageField(write_mode=mode, max_resolution=resolution, jpeg_quality=QUALITY),
              'label': IntField()}
    with quiet_stderr():
        DatasetWriter(str(beton), fields, num_workers=1).from_indexed_dataset(dataset)
    pipeline = [CenterCropRGBImageDecoder((side, side), ratio=ratio), ToTensor(), ToTorchImage()]
    return Loader(str(beton), batch_size=batch_size(len(dataset)), num_workers=1, order=OrderOption.SEQUENTIAL,
                  os_cache=True, pipelines={'image': pipeline, 'label': None})


def ffcv(inputs: Inputs, mode: str) -> Opened:
    loader = ffcv_loader(inputs.trees[SOURCE], inputs.work / f'{mode}.beton', mode, SIDE, 224, 1)

    def run() -> None:
        for _ in loader:
            pass
    # The file is a multiple of pages of 8 MiB, which says nothing about a larger data set.
    return Opened(run, float(loader.reader.alloc_table['size'].sum()) / loader.reader.num_samples)


TURBOJPEG, NVIMAGECODEC, DALI = ('turbojpeg', 'torch'), ('nvidia.nvimgcodec', 'torch'), ('nvidia.dali',)
PEERS = (
    Peer('torchvision decode_jpeg', ('torchvision',), SOURCE, partial(torchvision_decode, pixels=SOURCE)),
    Peer('nvImageCodec, CPU', NVIMAGECODEC, SOURCE, partial(nvimagecodec, pixels=SOURCE)),
    Peer('DALI, CPU pipeline', DALI, SOURCE, partial(dali, tree=SOURCE)),
    Peer('WebDataset', ('webdataset', 'torchvision'), SOURCE, partial(webdataset, pixels=SOURCE)),
    Peer('Pillow draft', ('PIL', 'torchvision'), HALF, pillow_draft),
    Peer('simplejpeg, scaled', ('simplejpeg', 'torch'), HALF, simplejpeg_half),
    Peer('PyTurboJPEG, scaled', TURBOJPEG, HALF, turbojpeg_half),
    Peer('DALI, CPU pipeline, resize', DALI, HALF, partial(dali, tree=SOURCE, halve=True)),
    Peer('ImageFolder + PILToTensor', ('torchvision',), SHRUNK, folder_of_shrunk),
    Peer('torchvision decode_jpeg', ('torchvision',), SHRUNK, partial(torchvision_decode, pixels=SHRUNK)),
    Peer('simplejpeg', ('simplejpeg', 'torch'), SHRUNK, simplejpeg_shrunk),
    Peer('nvImageCodec, CPU', NVIMAGECODEC, SHRUNK, partial(nvimagecodec, pixels=SHRUNK)),
    Peer('DALI, CPU pipeline', DALI, SHRUNK, partial(dali, tree=SHRUNK)),
    Peer('WebDataset', ('webdataset', 'torchvision'), SHRUNK, partial(webdataset, pixels=SHRUNK)),
    Peer('FFCV, JPEG mode', ('ffcv', 'torchvision'), SHRUNK, partial(ffcv, mode='jpg')),
    Peer('FFCV, raw mode', ('ffcv', 'torchvision'), SHRUNK, partial(ffcv, mode='raw')),
)
