"""One archive or several: which files are in which, under which names, and how much room they take.

An archive holds consecutive files of the request. Every requested file is in exactly one manifest; one that is not
included stays with its neighbours. Members of an archive are known by their *number*, their place in the central
directory: the included files in the order of the request, from 0, and then the manifest if there is to be one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

import msgspec

from chalicelib.archive import manifest
from chalicelib.archive.encoding import Numbers
from chalicelib.archive.entries import FOLDER, INCLUDED, Entries, Entry
from chalicelib.archive.names import MANIFEST_NAME, REPEATED, Naming, counted_name, folder_name, name_of_key, settle
from chalicelib.archive.records import Member, end_records, header_size, record_size
from chalicelib.limits import WINDOWS_MAX_PATH, ZIP, ZipLimits

_MANY = 1_000_000  # archives: more than there can be, so that its digits are an upper bound


class Brief(msgspec.Struct, frozen=True):
    """What the client asked the archives to be. `prefix` is cut off the keys in a tree; `created` is Unix seconds.

    With `manifest`, each ends with a list of its files.
    """

    job_id: str
    created: int
    naming: Naming = Naming.FLAT
    prefix: str = ""
    manifest: bool = True


class Names(msgspec.Struct, tag_field="v", tag=2):
    """The names of all members, unique over all archives of a job, and what they take up: bytes by row.

    `name_sizes` are those of the names (0 where a file has no entry), `line_sizes` those of lines of the manifest.
    `counters` has the rows whose names clash, `manifest` is the manifest's own name, empty if there is none.
    """

    brief: Brief
    name_sizes: Numbers
    line_sizes: Numbers
    counters: dict[int, int] = {}
    manifest: str = MANIFEST_NAME

    @classmethod
    def of(cls, entries: Entries, brief: Brief) -> Names:
        """Name the included files. The same entries get the same names."""

        names = cls(brief, array("H", bytes(2 * len(entries))), array("I", bytes(4 * len(entries))))
        named = ((row, name) for row in range(len(entries)) if (name := names._measure(row, entries)))
        names.counters, manifest_name = settle(named, lambda row: names.name(row, entries) or "")
        names.manifest = manifest_name if brief.manifest else ""
        for row in names.counters:
            names._measure(row, entries)
        return names

    def _measure(self, row: int, entries: Entries) -> str | None:
        """Note the sizes of a file; the name of one that has an entry."""
        name = self.name(row, entries)
        self.name_sizes[row] = len(name.encode()) if name else 0
        self.line_sizes[row] = len(manifest.line(row, entries[row], name=name)) if self.brief.manifest else 0
        return name

    def name(self, row: int, entries: Entries) -> str | None:
        """The name in the archive of the file or folder of a row; None if it has no entry."""
        state, counter = entries.state(row), self.counters.get(row)
        if state == INCLUDED:
            name = name_of_key(entries.keys[row], self.brief.naming, prefix=self.brief.prefix)
            return counted_name(name, counter) if counter else name
        if state == FOLDER and self.brief.naming is Naming.TREE and counter != REPEATED:
            return folder_name(entries.keys[row], self.brief.prefix) or None
        return None


class RowRange(msgspec.Struct, frozen=True):
    """The rows [start, stop), which archive `number` of `archives` holds."""

    start: int
    stop: int
    number: int = 1
    archives: int = 1


class Volume(msgspec.Struct, frozen=True):
    """One archive. Arrays are by number, the manifest's last; `sizes` are bytes of bodies, `rows` its files' rows.

    Without a manifest the last number is that of a file, as there is one in each archive that a volume is cut for.
    """

    entries: Entries
    names: Names
    range: RowRange
    rows: Numbers
    sizes: Numbers
    name_sizes: Numbers

    @classmethod
    def of(cls, entries: Entries, names: Names, *, within: RowRange) -> Volume:
        """The files of these rows, and the manifest of them that ends the archive if there is to be one."""
        rows = array("I", filter(names.name_sizes.__getitem__, range(within.start, within.stop)))
        sizes = array("Q", map(entries.sizes.__getitem__, rows))
        name_sizes = array("H", map(names.name_sizes.__getitem__, rows))
        if names.manifest:
            frame = len(_opening(names.brief, within)) + len(manifest.CLOSING)
            sizes.append(frame + sum(_line_sizes(names, within)))
            name_sizes.append(len(names.manifest))
        return cls(entries, names, within, rows, sizes, name_sizes)

    @property
    def sources(self) -> int:
        """How many members have a source; the manifest's number."""
        return len(self.rows)

    @property
    def has_manifest(self) -> bool:
        """Whether the last member is a manifest."""
        return bool(self.names.manifest)

    def member(self, number: int) -> Member:
        """Name, size and time of a member."""
        if number == self.sources:
            return Member(self.names.manifest, self.sizes[-1], self.names.brief.created)
        row = self.rows[number]
        name = self.names.name(row, self.entries) or ""
        return Member(name, self.sizes[number], self.entries.modified[row])

    @property
    def long_paths(self) -> int:
        """How many names are longer than Windows extracts: it counts UTF-16 units, and the folder takes some."""
        long = (row for row, size in zip(self.rows, self.name_sizes, strict=False) if size > WINDOWS_MAX_PATH)
        names = (self.names.name(row, self.entries) or "" for row in long)
        return sum(len(name.encode("utf-16-le")) > 2 * WINDOWS_MAX_PATH for name in names)

    def entry(self, number: int) -> Entry:
        """The source of a member."""
        return self.entries[self.rows[number]]

    def number_at(self, row: int) -> int:
        """The number of the first member at this row or behind it."""
        return bisect_left(self.rows, row)

    def opening(self) -> bytes:
        """The first bytes of the manifest."""
        return _opening(self.names.brief, self.range)

    def line_sizes(self) -> Iterator[int]:
        """Bytes of each line of the manifest, with what separates it from the next."""
        return _line_sizes(self.names, self.range)

    def line(self, row: int) -> bytes:
        """A file's line in the manifest, with what separates it from the next."""
        line = manifest.line(row, self.entries[row], name=self.names.name(row, self.entries))
        last = row == self.range.stop - 1
        return line.encode() + (manifest.LAST if last else manifest.SEPARATOR)


def _opening(brief: Brief, within: RowRange) -> bytes:
    return manifest.opening(brief.job_id, within.number, volumes=within.archives)


def _line_sizes(names: Names, within: RowRange) -> Iterator[int]:
    """Bytes of the manifest's lines, each with what separates it from the next."""
    for row in range(within.start, within.stop):
        last = row == within.stop - 1
        yield names.line_sizes[row] + len(manifest.LAST if last else manifest.SEPARATOR)


def cut_volumes(entries: Entries, names: Names, *, max_bytes: int, limits: ZipLimits = ZIP) -> list[RowRange]:
    """Ranges of rows, one for each archive of at most `max_bytes`.

    Greedy in the order of the request. An archive that has no file yet takes the next one whatever its size, as a
    single file above the limit cannot be helped; so only the last archive can be without one. Sizes are taken as if
    every offset needed ZIP64, some bytes too many per entry.
    """
    stops = list(_stops(entries, names, max_bytes=max_bytes, limits=limits))
    bounds = zip([0, *stops], stops, strict=False)
    return [RowRange(start, stop, number, len(stops)) for number, (start, stop) in enumerate(bounds, 1)]


def _stops(entries: Entries, names: Names, *, max_bytes: int, limits: ZipLimits) -> Iterator[int]:
    empty = _empty_size(names, limits)
    total, filled = empty, False
    for row, line_size in enumerate(names.line_sizes):
        more = line_size + len(manifest.SEPARATOR) if names.manifest else 0
        included = names.name_sizes[row] > 0
        if included:
            more += _member_size(names.name_sizes[row], entries.sizes[row], limits=limits)
        if filled and more and total + more > max_bytes:
            yield row
            total, filled = empty, False
        total += more
        filled = filled or included
    yield len(entries)


def _member_size(name_size: int, size: int, *, limits: ZipLimits) -> int:
    """The bytes of a member, its record in the directory included."""
    return (
        header_size(name_size, size, limits=limits)
        + size
        + record_size(name_size, size, offset=limits.sentinel_32, limits=limits)
    )


def _empty_size(names: Names, limits: ZipLimits) -> int:
    """An archive without files: every ZIP64 record there could be, and the manifest without its lines if it has one."""
    end = len(end_records(limits.sentinel_16, 0, directory_offset=0, limits=limits))
    if not names.manifest:
        return end
    frame = len(manifest.opening(names.brief.job_id, _MANY, volumes=_MANY)) + len(manifest.CLOSING)
    records = _member_size(len(names.manifest), limits.sentinel_32, limits=limits) - limits.sentinel_32
    return frame + records + end
