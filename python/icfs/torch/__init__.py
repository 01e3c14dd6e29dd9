# SPDX-License-Identifier: MIT
"""Train on .ic files with PyTorch: pixels or frequencies, whole batches at a time.

    folder = Folder("/mnt/train")                                  # a folder a class, as ImageFolder has it
    spec = icfs.Spec(values="frequencies", chroma="apart", dtype="float16", size=28, fit="crop or pad", whole_blocks=True)
    for luma, chroma, targets in Loader(folder, spec, 256, shuffle=True, augment=Augment("random", flip=True)):
        ...

`Loader` reads and decodes in threads of the library inside this process, not in worker processes: handing a batch over
from one costs more than decoding it. `PathDataset` and `Collate` are for programs that keep a DataLoader; `statistics`
has the mean and standard deviation of each frequency; `stems` lets models of torchvision take frequencies. `decode` has
a GPU do it: workers read files, and no more.
"""
from .augment import Augment
from .channels import Channel, carry, channels, gathered
from .data import Collate, Folder, PathDataset, Sample
from .gpu import decode
from .loader import Loader
from .normalization import Statistics, statistics

__all__ = ["Augment", "Channel", "Collate", "Folder", "Loader", "PathDataset", "Sample", "Statistics", "carry",
           "channels", "decode", "gathered", "statistics"]
