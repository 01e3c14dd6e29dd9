# SPDX-License-Identifier: MIT
"""test_gpu.py without a GPU: over libic_gpu with the C tests' stand-in for CUDA, whose device memory is ordinary memory, and a
PyTorch whose GPU is the CPU."""
import contextlib
import sys
import types

from objects import main

try:
    import torch
except ImportError:  # main() says so
    torch = None


class Device:
    """As torch.device("cuda", 0), of tensors that are the CPU's."""

    type, index = "cuda", 0

    def __init__(self, *names):
        pass

    def __eq__(self, other):
        return True


class Stream:
    cuda_stream = 0

    def synchronize(self):
        pass


class Torch(types.ModuleType):
    """What icfs.torch.gpu and the tests take for PyTorch."""

    device = Device
    cuda = types.SimpleNamespace(is_available=lambda: True, current_device=lambda: 0, Stream=Stream,
                                 current_stream=lambda device=None: Stream(),
                                 stream=lambda stream: contextlib.nullcontext())

    def __getattr__(self, name):
        return getattr(torch, name)

    @staticmethod
    def empty(*shape, device, **other):
        return torch.empty(*shape, **other)

    @staticmethod
    def zeros(*shape, device, **other):
        return torch.zeros(*shape, **other)


def stand_in():
    """Of the tests of a GPU, those that this module's namesake has, over what stands for one."""
    import test_gpu
    module, library = sys.modules["icfs.torch.gpu"], sys.modules["icfs.torch._gpu_abi"].library()
    decode = module.decode

    def decode_and_wait(*arguments, **others):
        """On a GPU, what copies the values from there waits."""
        found = decode(*arguments, **others)
        library.cuda_on_cpu_drain()
        return found

    module.torch = test_gpu.torch = Torch("torch")
    test_gpu.ictorch.decode = decode_and_wait
    return test_gpu.Gpu


if torch is not None:
    Gpu = stand_in()

if __name__ == "__main__":
    main(("torch", "python3-torch"))
