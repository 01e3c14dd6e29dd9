#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time decoders on JPEGs as they are served and rewritten in ways that might be easier to decode."""

import argparse
import io
import pathlib
import time
from collections.abc import Callable, Iterator

import cv2
import numpy
import simplejpeg
from PIL import Image

SOF, SOS, DQT, DHT, APP0, COM = 0xC0, 0xDA, 0xDB, 0xC4, 0xE0, 0xFE
END = b"\xff\xd9"
FAST_PATH = 3072  # bytes that libjpeg-turbo wants ahead for its fast Huffman decoder, for an MCU of six blocks


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def header(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of each segment before the entropy-coded data, and those data under the marker 0."""
    at, marker = 2, 0
    while marker != SOS:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2:at + 4], "big")
        yield marker, jpeg[at + 4:at + 2 + length]
        at += 2 + length
    yield 0, jpeg[at:]


def rewritten(jpeg: bytes, change: Callable[[int, bytes], bytes]) -> bytes:
    return jpeg[:2] + b"".join(change(marker, payload) if marker else payload for marker, payload in header(jpeg))


def split(marker: int, payload: bytes) -> bytes:
    """A segment for each table, as libjpeg writes them."""
    out = b""
    while marker in (DQT, DHT) and payload:
        nbytes = 65 if marker == DQT else 17 + sum(payload[1:17])
        out, payload = out + segment(marker, payload[:nbytes]), payload[nbytes:]
    return out or segment(marker, payload)


def one_table(marker: int, payload: bytes) -> bytes:
    """All components with luma's steps: another picture, as costly to decode but for the tables."""
    if marker == DQT:
        return segment(marker, payload[:65])
    if marker == SOF:
        payload = payload[:6] + b"".join(payload[at:at + 2] + b"\0" for at in range(6, len(payload), 3))
    return segment(marker, payload)


VARIANTS: dict[str, Callable[[bytes], bytes]] = {
    "as served": lambda jpeg: bytes(bytearray(jpeg)),  # a copy, as all are
    "a segment for each table": lambda jpeg: rewritten(jpeg, split),
    "one table of steps": lambda jpeg: rewritten(jpeg, one_table),
    "no JFIF segment": lambda jpeg: rewritten(jpeg, lambda m, p: b"" if m == APP0 else segment(m, p)),
    f"{FAST_PATH} fill bytes before the end": lambda jpeg: jpeg[:-2] + b"\xff" * FAST_PATH + END,
    f"a comment of {FAST_PATH} bytes before the end": lambda jpeg: jpeg[:-2] + segment(COM, bytes(FAST_PATH)) + END,
    f"{FAST_PATH} bytes behind the end": lambda jpeg: jpeg + bytes(FAST_PATH),
}

DECODERS: dict[str, Callable[[bytes], object]] = {
    "simplejpeg": simplejpeg.decode_jpeg,
    "Pillow": lambda jpeg: Image.open(io.BytesIO(jpeg)).load(),
    "OpenCV": lambda jpeg: cv2.imdecode(numpy.frombuffer(jpeg, numpy.uint8), cv2.IMREAD_COLOR),
}


def seconds(decode: Callable[[bytes], object], jpeg: bytes) -> float:
    start = time.perf_counter()
    decode(jpeg)
    return time.perf_counter() - start


def fastest(jpeg: bytes, times: int) -> numpy.ndarray:
    """Seconds by variant and decoder; all in turn, so that a disturbance meets all of them, and each one first in some."""
    variants = [change(jpeg) for change in VARIANTS.values()]
    runs = numpy.empty((times, len(variants), len(DECODERS)))
    for turn in range(times):
        for place in range(len(variants)):
            which = (turn + place) % len(variants)
            runs[turn, which] = [seconds(decode, variants[which]) for decode in DECODERS.values()]
    return runs.min(axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=pathlib.Path, help="of JPEGs, for instance of a mount under the face jpeg")
    parser.add_argument("--images", type=int, default=60, help="how many of them, by name (default %(default)s)")
    parser.add_argument("--times", type=int, default=15, help="decodes; the fastest counts (default %(default)s)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)

    files = (path for path in arguments.directory.iterdir() if path.is_file() and path.read_bytes()[:2] == b"\xff\xd8")
    paths = sorted(files)[:arguments.images]
    means = numpy.mean([fastest(path.read_bytes(), arguments.times) for path in paths], axis=0)
    print(f"{len(paths)} images; of those as they are served the microseconds, of all the ratio to them\n")
    print("| |" + "".join(f" {name} |" for name in DECODERS) + "\n|---|" + "---|" * len(DECODERS))
    print("| microseconds |" + "".join(f" {1e6 * mean:.0f} |" for mean in means[0]))
    for name, row in zip(VARIANTS, means / means[0]):
        print(f"| {name} |" + "".join(f" {ratio:.3f} |" for ratio in row))


if __name__ == "__main__":
    main()
