"""How archives and the receipts of their chunks lie in the table."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from chalicelib.assembly.model import Archive, BodyCrc, CrcSource, PartReceipt, Phase, Receipt, Upload
from chalicelib.aws import keys
from chalicelib.aws.attributes import attributes, plain
from chalicelib.aws.keys import Row


def archive_key_of(archive: Archive) -> Row:
    return keys.archive(archive.job_id, archive.generation, archive.number)


def archive_row(archive: Archive, *, ttl: int) -> Row:
    values = {
        "job_id": archive.job_id,
        "generation": archive.generation,
        "number": archive.number,
        "filename": archive.filename,
        "size": archive.size,
        "entries": archive.entries,
        "parts": archive.parts,
        "crc_source": str(archive.crc_source),
        "verified": archive.verified,
        "staging": archive.staging,
        "fingerprint": archive.fingerprint,
        "cost": json.dumps(archive.cost),
        "uploads": json.dumps([asdict(upload) for upload in archive.uploads]),
        "chunks": {str(phase): count for phase, count in archive.chunks.items()},
        "phase": str(archive.phase),
        "ttl": ttl,
    }
    return {**archive_key_of(archive), **attributes(values)}


def archive_from(row: Row) -> Archive:
    values: dict[str, Any] = plain(row)
    return Archive(
        job_id=values["job_id"],
        generation=int(values["generation"]),
        number=int(values["number"]),
        filename=values["filename"],
        size=int(values["size"]),
        entries=int(values["entries"]),
        parts=int(values["parts"]),
        crc_source=CrcSource(values["crc_source"]),
        verified=values["verified"],
        staging=values["staging"],
        fingerprint=values["fingerprint"],
        cost=json.loads(values["cost"]),
        uploads=tuple(Upload(**upload) for upload in json.loads(values["uploads"])),
        chunks={Phase(phase): int(count) for phase, count in values["chunks"].items()},
        phase=Phase(values["phase"]),
        done=frozenset(int(number) for number in values.get("done", ())),
    )


def receipt_key(archive: Archive, phase: Phase, chunk: int) -> Row:
    return keys.receipt(archive.job_id, archive.generation, archive.number, phase, chunk=chunk)


def receipt_row(archive: Archive, chunk: int, receipt: Receipt, *, ttl: int) -> Row:
    parts = [[p.upload, p.number, p.etag, p.size, p.crc32] for p in receipt.parts]
    crcs = [[c.entry, c.start, c.size, c.crc32] for c in receipt.crcs]
    body = json.dumps([parts, crcs], separators=(",", ":"))
    return {**receipt_key(archive, archive.phase, chunk), **attributes({"receipt": body, "ttl": ttl})}


def receipt_from(row: Row) -> Receipt:
    parts, crcs = json.loads(row["receipt"]["S"])
    return Receipt(tuple(PartReceipt(*part) for part in parts), tuple(BodyCrc(*crc) for crc in crcs))
