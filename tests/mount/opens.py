# SPDX-License-Identifier: MIT
"""How often files were opened, as inotify(7) tells."""

import collections
import ctypes
import os
import struct

IN_ACCESS, IN_CLOSE_NOWRITE, IN_OPEN, IN_ISDIR, IN_Q_OVERFLOW = 0x1, 0x10, 0x20, 0x40000000, 0x4000
# Two opens with nothing between them would be one event; reads and closes tell them apart.
WATCHED = IN_ACCESS | IN_CLOSE_NOWRITE | IN_OPEN
EVENT = struct.Struct("iIII")  # the watch, what, a cookie, the size of the name that follows
LIBC = ctypes.CDLL(None, use_errno=True)


class Opens:
    """Counts, from when it is made, how often each file of a folder was opened, by anybody."""

    def __init__(self, folder):
        self.fd = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or LIBC.inotify_add_watch(self.fd, os.fsencode(folder), WATCHED) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def end(self):
        """A name each file that was opened, and how often."""
        counts = collections.Counter()
        with os.fdopen(self.fd, "rb", buffering=0) as file:
            while events := file.read(1 << 16):
                while events:
                    _, what, _, size = EVENT.unpack_from(events)
                    assert not what & IN_Q_OVERFLOW
                    name = os.fsdecode(events[EVENT.size:EVENT.size + size].rstrip(b"\0"))
                    if what & IN_OPEN and not what & IN_ISDIR:
                        counts[name] += 1
                    events = events[EVENT.size + size:]
        return counts
