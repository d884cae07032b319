"""The parts that S3 is asked for: plain values, small as JSON, and the plan that lists them.

An archive is one multipart upload, upload 0. Past 10,000 parts some stretches of it are built first, each as an object
of its own (*staging* uploads 1, 2, ...) and then copied whole into upload 0. All offsets are offsets in the archive,
also those of parts of a staging upload. The base parts (literal and copied) tile the archive.

Phases, when CRC-32s come from the copies:
    1  copied parts, and literal parts that wait for nothing
    2  literal parts that carry the header of a copied body, whose CRC-32 is known after phase 1 (`waiting`);
       then every staging upload is completed
    3  staged parts, and the literal parts with the manifest and the directory, these in order (the first of them may
       hold small bodies whose CRC-32s the others need); then upload 0 is completed
A CRC-32 known beforehand moves its header's part to phase 1. If all are known, phase 3 waits for staging only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ARCHIVE_UPLOAD = 0


@dataclass(frozen=True, slots=True)
class LiteralPart:
    """Bytes that a worker puts together: [offset, offset + size) of the archive; `segments.segments_of` tells how."""

    upload: int
    number: int
    offset: int
    size: int
    phase: int


@dataclass(frozen=True, slots=True)
class CopyPart:
    """Bytes [start, start + size) of the source object of entry number `entry`, copied by S3. Phase 1."""

    upload: int
    number: int
    offset: int
    size: int
    entry: int
    start: int


@dataclass(frozen=True, slots=True)
class StagedPart:
    """Bytes [start, start + size) of the object that upload `stage` built, copied by S3 into the archive. Phase 3."""

    upload: int
    number: int
    offset: int
    size: int
    stage: int
    start: int


Part = LiteralPart | CopyPart | StagedPart


@dataclass(frozen=True, slots=True)
class Upload:
    """One multipart upload: `parts` are numbered from 1 without gaps and tile [offset, offset + size) in that order."""

    number: int
    offset: int
    size: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How one archive is built. `literal_target` and `copy_split` are the sizes (bytes) its parts were cut to."""

    archive: Upload
    stages: tuple[Upload, ...]
    literal_target: int
    copy_split: int

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """In the order in which they can be completed."""
        return (*self.stages, self.archive)

    def base_parts(self) -> Iterator[LiteralPart | CopyPart]:
        """The parts that make bytes of the archive for the first time, in the archive's order."""
        for part in self.archive.parts:
            if not isinstance(part, StagedPart):
                yield part
            elif part.start == 0:
                yield from (p for p in self.stages[part.stage - 1].parts if not isinstance(p, StagedPart))
