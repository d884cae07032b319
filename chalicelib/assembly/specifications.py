"""Writes planned chunks to the archive bucket while they are being cut, a bounded number at a time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from chalicelib.assembly.builder import chunk_key
from chalicelib.assembly.model import Archive, Phase
from chalicelib.assembly.ports import ArchiveStore
from chalicelib.assembly.tasks import Chunk, encode_chunk

WRITERS = 16
PENDING = 64  # chunks that may wait to be written: what the planner holds in memory


class SpecificationWriter:
    """A context: when it is left without an error, every chunk is written."""

    def __init__(self, store: ArchiveStore, archive: Archive) -> None:
        self._store, self._archive = store, archive
        self._pool = ThreadPoolExecutor(WRITERS)
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> SpecificationWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)
        if kind is None:
            self._wait(0)

    def write(self, phase: Phase, number: int, chunk: Chunk) -> None:
        """Write chunk `number` of `phase`. Raises what an earlier write raised."""
        key = chunk_key(self._archive, phase, number)
        self._pending.append(self._pool.submit(self._store.put, key, encode_chunk(chunk)))
        self._wait(PENDING)

    def _wait(self, most: int) -> None:
        while len(self._pending) > most:
            self._pending.popleft().result()
