"""One archive or several: consecutive stretches of the request, each within a limit on the archive's size.

Every requested file is in exactly one manifest. A file that is not included stays with its neighbours. A single file
above the limit gets an archive of its own, which then exceeds the limit: it cannot be helped without compression.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.archive.entries import Entry, RequestedFile, entry_for
from chalicelib.archive.manifest import Manifest, frame_size, line_size
from chalicelib.archive.names import MANIFEST_NAME
from chalicelib.archive.records import directory_record, end_records, local_header
from chalicelib.archive.rules import ZipLimits

_MANY = 1_000_000  # archives: more than there can be, so that its digits are an upper bound


def split_files(manifest: Manifest, max_bytes: int, limits: ZipLimits) -> Iterator[range]:
    """Ranges of `manifest.files`, one per archive of at most `max_bytes` (except for a single larger file).

    Greedy in the order of the request. An archive that has no file yet takes the next one whatever its size, so only
    the last one can be without. Sizes are taken as if every offset needed ZIP64, some bytes too many per entry.
    """
    empty = _empty_size(manifest, limits)
    start, size, filled = 0, empty, False
    for index, (file, name) in enumerate(zip(manifest.files, manifest.names, strict=True)):
        more = _size_with(file, name, limits)
        if filled and size + more > max_bytes:
            yield range(start, index)
            start, size, filled = index, empty, False
        size += more
        filled = filled or name is not None
    yield range(start, len(manifest.files))


def _size_with(file: RequestedFile, name: str | None, limits: ZipLimits) -> int:
    """Bytes that one file adds to an archive: its line in the manifest and, if included, its entry."""
    line = line_size(file, name)
    return line if name is None else line + _entry_size(entry_for(file, name), limits)


def _entry_size(entry: Entry, limits: ZipLimits) -> int:
    header = local_header(entry, 0, limits)
    return len(header) + entry.size + len(directory_record(entry, 0, limits.sentinel_32, limits))


def _empty_size(manifest: Manifest, limits: ZipLimits) -> int:
    """An archive with only a manifest that has no lines, with every ZIP64 record there could be."""
    frame = frame_size(Manifest(manifest.job_id, (), (), volume=_MANY, volumes=_MANY))
    entry = Entry(MANIFEST_NAME, limits.sentinel_32)
    records = _entry_size(entry, limits) - entry.size
    return frame + records + len(end_records(limits.sentinel_16, 0, 0, limits))
