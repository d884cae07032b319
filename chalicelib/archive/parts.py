"""The parts of an archive and what they are made of, in the form in which they are stored and built.

A *literal* part is put together by a worker, a *copied* one by S3. An archive is one multipart upload, upload 0; past
10,000 parts some stretches of it are built first, each as an *intermediate object* (uploads 1, 2, ...), and then copied
whole into upload 0. A *chunk* is the tasks of one message.
"""

from __future__ import annotations

import msgspec

from chalicelib.archive.encoding import decode, encode

ARCHIVE_UPLOAD = 0


class Body(msgspec.Struct, frozen=True, array_like=True, tag="body"):
    """Bytes [start, start + size) of the pinned version of a source object, the body of member number `entry`."""

    entry: int
    key: str
    etag: str
    start: int
    size: int


class Header(msgspec.Struct, frozen=True, array_like=True, tag="header"):
    """The local header of member number `entry`.

    `crc32` None: it is joined from the body that follows in the same part, and from what the chunks `chunks` of an
    earlier phase recorded of the body; then `key` and `etag` name its source. `timestamp` is false in plans of version
    0.1.0, whose headers have no extended timestamp.
    """

    entry: int
    name: str
    size: int
    modified: int
    crc32: int | None
    chunks: tuple[int, ...] = ()
    key: str = ""
    etag: str = ""
    timestamp: bool = False


class Bundle(msgspec.Struct, frozen=True, array_like=True, tag="bundle"):
    """A whole object of the staging area, in which many small bodies and their headers were gathered."""

    key: str
    size: int


Source = Header | Body | Bundle


class Copy(msgspec.Struct, frozen=True, array_like=True, tag="copy"):
    """Let S3 copy a range of a source object as part `number` of upload `upload`."""

    upload: int
    number: int
    body: Body

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.body.size


class Literal(msgspec.Struct, frozen=True, array_like=True, tag="literal"):
    """Put sources together and upload them as a part."""

    upload: int
    number: int
    size: int
    sources: tuple[Source, ...]


class Gather(msgspec.Struct, frozen=True, array_like=True, tag="gather"):
    """Put sources together into an object of the staging area."""

    key: str
    size: int
    sources: tuple[Source, ...]


class Read(msgspec.Struct, frozen=True, array_like=True, tag="read"):
    """Read a range for its CRC-32."""

    body: Body


class CompleteUpload(msgspec.Struct, frozen=True, array_like=True, tag="complete"):
    """Complete the upload of an intermediate object."""

    upload: int


class CopyObject(msgspec.Struct, frozen=True, array_like=True, tag="join"):
    """Let S3 copy bytes [start, start + size) of intermediate object `upload` as part `number` of the archive."""

    number: int
    upload: int
    start: int
    size: int


Task = Read | Gather | Copy | Literal | CompleteUpload | CopyObject


class Chunk(msgspec.Struct, frozen=True, tag_field="v", tag=1):
    """The tasks of a chunk, as they are stored: the tag is the version of the format."""

    tasks: tuple[Task, ...]


def encode_chunk(tasks: tuple[Task, ...]) -> bytes:
    """The stored form of a chunk."""
    return encode(Chunk(tasks))


def decode_chunk(body: bytes) -> tuple[Task, ...]:
    """Raises UnknownFormat."""
    return decode(body, Chunk).tasks
