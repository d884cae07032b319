"""The files of a job as columns: 100,000 of them take 10 MB with short keys and 110 MB with keys of 1,000 bytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice, pairwise

import msgspec

from chalicelib.archive.encoding import Numbers, decode, encode

INCLUDED = "included"  # the state of a file that is in the archive
FOLDER = "folder"  # of a folder marker, which has an entry in a tree; any other state means that there is none
NO_SIZE = 0xFFFFFFFF_FFFFFFFF
NO_ID = -1


class Entry(msgspec.Struct, frozen=True):
    """A requested file and what became of it: a line of the manifest, and a member of the ZIP if `state` is `INCLUDED`.

    `size` is bytes, `modified` Unix seconds, `reason` the code that says why it is not included, `encoding` the
    Content-Encoding. One that is included has a size and a pinned ETag; `crc32` is None where it is not known yet.
    """

    key: str
    file_id: int | None = None
    state: str = INCLUDED
    reason: str | None = None
    size: int | None = None
    etag: str = ""
    modified: int = 0
    crc32: int | None = None
    encoding: str | None = None


_Outcome = tuple[str, str | None, str | None]  # state, reason and encoding: few files differ in them


class Texts:
    """Strings, end to end in UTF-8. Keys may hold surrogates, which have no UTF-8 of their own."""

    def __init__(self) -> None:
        self._encoded = bytearray()
        self._bounds = array("I", [0])  # where each string starts, and where the last one ends

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __getitem__(self, place: int) -> str:
        bounds = self._bounds
        return self._encoded[bounds[place] : bounds[place + 1]].decode(errors="surrogatepass")

    def extend(self, texts: Sequence[str]) -> None:
        """Add strings."""
        joined = "".join(texts)
        if joined.isascii():
            self._add(joined.encode(), map(len, texts))
        else:
            encoded = [text.encode(errors="surrogatepass") for text in texts]
            self._add(b"".join(encoded), map(len, encoded))

    def cut(self, start: int, stop: int) -> tuple[bytes, Numbers]:
        """The strings at the places [start, stop): their bytes and their lengths."""
        bounds = self._bounds[start : stop + 1]
        lengths = array("I", (end - first for first, end in pairwise(bounds)))
        return bytes(memoryview(self._encoded)[bounds[0] : bounds[-1]]), lengths

    def append(self, encoded: bytes, lengths: Numbers) -> None:
        """Add what `cut` gave."""
        self._add(encoded, lengths)

    def _add(self, encoded: bytes, lengths: Iterable[int]) -> None:
        self._bounds.extend(islice(accumulate(lengths, initial=len(self._encoded)), 1, None))
        self._encoded += encoded


class _Columns(msgspec.Struct, tag_field="v", tag=2):
    """Some rows, as they are stored."""

    keys: tuple[bytes, Numbers]
    etags: tuple[bytes, Numbers]
    outcomes: list[_Outcome]
    outcome: Numbers
    file_ids: Numbers
    sizes: Numbers
    modified: Numbers
    crcs: Numbers
    crc_known: Numbers


class Entries:
    """Columns over the files of a job, in the order of the request. A file's place in it is its *row*."""

    def __init__(self) -> None:
        self.keys, self.etags = Texts(), Texts()
        self.file_ids = array("q")
        self.sizes = array("Q")
        self.modified = array("q")
        self.crcs = array("I")
        self.crc_known = array("B")
        self._outcome = array("H")  # of each row, as a place in _outcomes
        self._outcomes: list[_Outcome] = []

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, row: int) -> Entry:
        state, reason, encoding = self._outcomes[self._outcome[row]]
        size, file_id = self.sizes[row], self.file_ids[row]
        return Entry(
            self.keys[row],
            None if file_id == NO_ID else file_id,
            state,
            reason,
            None if size == NO_SIZE else size,
            self.etags[row],
            self.modified[row],
            self.crcs[row] if self.crc_known[row] else None,
            encoding,
        )

    def state(self, row: int) -> str:
        """What became of the file of a row."""
        return self._outcomes[self._outcome[row]][0]

    def learn_crc32(self, row: int, crc32: int) -> None:
        """Take over a CRC-32 that was found out later."""
        self.crcs[row], self.crc_known[row] = crc32, 1

    def extend(self, entries: Sequence[Entry]) -> None:
        """Add files. Raises ValueError if one is included without a size."""
        self.keys.extend([entry.key for entry in entries])
        self.etags.extend([entry.etag for entry in entries])
        self.file_ids.extend(NO_ID if entry.file_id is None else entry.file_id for entry in entries)
        self.sizes.extend(NO_SIZE if entry.size is None else entry.size for entry in entries)
        self.modified.extend(entry.modified for entry in entries)
        self.crcs.extend(entry.crc32 or 0 for entry in entries)
        self.crc_known.extend(entry.crc32 is not None for entry in entries)
        self._add_outcomes([(entry.state, entry.reason, entry.encoding) for entry in entries])
        for entry in entries:
            if entry.state == INCLUDED and entry.size is None:
                raise ValueError(f"{entry.key!r} is included, but its size is unknown")

    def encode(self, start: int, stop: int) -> bytes:
        """The rows [start, stop), to be stored."""
        columns = _Columns(
            keys=self.keys.cut(start, stop),
            etags=self.etags.cut(start, stop),
            outcomes=self._outcomes,
            outcome=self._outcome[start:stop],
            file_ids=self.file_ids[start:stop],
            sizes=self.sizes[start:stop],
            modified=self.modified[start:stop],
            crcs=self.crcs[start:stop],
            crc_known=self.crc_known[start:stop],
        )
        return encode(columns)

    def append(self, encoded: bytes) -> None:
        """Add the rows that `encode` gave."""
        columns = decode(encoded, _Columns)
        self.keys.append(*columns.keys)
        self.etags.append(*columns.etags)
        self.file_ids.extend(columns.file_ids)
        self.sizes.extend(columns.sizes)
        self.modified.extend(columns.modified)
        self.crcs.extend(columns.crcs)
        self.crc_known.extend(columns.crc_known)
        self._add_outcomes([columns.outcomes[place] for place in columns.outcome])

    def _add_outcomes(self, outcomes: Sequence[_Outcome]) -> None:
        places = {outcome: place for place, outcome in enumerate(self._outcomes)}
        for outcome in outcomes:
            if outcome not in places:
                places[outcome] = len(self._outcomes)
                self._outcomes.append(outcome)
        self._outcome.extend([places[outcome] for outcome in outcomes])
