# SPDX-License-Identifier: MIT
"""Libraries of the tests' own that are loaded first into a program."""

import atexit
import functools
import os
import shutil
import tempfile


@functools.cache
def word(library):
    """The path of a library as LD_PRELOAD takes it, which is a list between spaces or colons: one without any."""
    if not set(str(library)) & set(" :"):
        return str(library)
    folder = tempfile.mkdtemp(prefix="icfs-preload-", dir="/tmp")
    atexit.register(shutil.rmtree, folder)
    link = os.path.join(folder, library.name)
    os.symlink(library, link)
    return link
