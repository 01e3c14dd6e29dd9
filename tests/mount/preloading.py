# SPDX-License-Identifier: MIT
"""Libraries of the tests' own that are loaded first into a program."""

import atexit
import functools
import os
import shutil
import tempfile


@functools.cache
def word(library):
    """The path of a library as LD_PRELOAD takes it, which is a list of words: one without spaces."""
    if " " not in str(library):
        return str(library)
    folder = tempfile.mkdtemp(prefix="icfs-preload-")
    atexit.register(shutil.rmtree, folder)
    link = os.path.join(folder, library.name)
    os.symlink(library, link)
    return link
