"""The rules of ZIP and of S3 that a plan obeys, as values: tests lower them and reach every branch in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.limits import (
    S3_MAX_OBJECT_BYTES,
    S3_MAX_PART_BYTES,
    S3_MAX_PARTS,
    S3_MIN_PART_BYTES,
    ZIP_SENTINEL_16,
    ZIP_SENTINEL_32,
    GiB,
    MiB,
)


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """From these values on a field holds its sentinel and the ZIP64 record holds the truth (APPNOTE 4.4.1.4)."""

    sentinel_16: int = ZIP_SENTINEL_16
    sentinel_32: int = ZIP_SENTINEL_32

    def __post_init__(self) -> None:
        if not (0 < self.sentinel_16 <= ZIP_SENTINEL_16 and 0 < self.sentinel_32 <= ZIP_SENTINEL_32):
            raise ValueError(f"{self} is wider than the fields of a ZIP")


@dataclass(frozen=True, slots=True)
class S3Limits:
    """What S3 accepts (the first four, bytes and counts) and what Lorry chooses within it.

    `literal_targets` and `copy_splits` are ladders: the first step is used unless `max_parts` demands a later one.
    `literal_entries` closes a literal part (once it has `min_part` bytes) so that no worker reads files for minutes.
    `stage_parts` is how many parts one staging object is made of.
    """

    min_part: int = S3_MIN_PART_BYTES
    max_part: int = S3_MAX_PART_BYTES
    max_parts: int = S3_MAX_PARTS
    max_object: int = S3_MAX_OBJECT_BYTES
    literal_targets: tuple[int, ...] = (16 * MiB, 32 * MiB, 64 * MiB)
    copy_splits: tuple[int, ...] = (512 * MiB, 1 * GiB, 2 * GiB, 5 * GiB)
    literal_entries: int = 2_000
    stage_parts: int = 1_000

    def __post_init__(self) -> None:
        if self.literal_targets[0] < self.min_part:
            raise ValueError("a literal part must reach min_part")
        if self.copy_splits[0] < 2 * self.min_part:
            raise ValueError("the halves of a copied range must both reach min_part: copy_splits >= 2 * min_part")
        if max(self.copy_splits[-1], self.literal_targets[-1] + self.min_part) > self.max_part:
            raise ValueError("parts would exceed max_part")
        if not 2 <= self.stage_parts <= self.max_parts:
            raise ValueError("a staging object has 2 parts or more and obeys max_parts itself")


ZIP = ZipLimits()
S3 = S3Limits()
