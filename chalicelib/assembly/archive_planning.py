"""Plans one archive of a job, as a run that can be left at many places and resumed by another message."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

import msgspec

from chalicelib.archive.costs import PlanCost, cost_of
from chalicelib.archive.cutting import Cuts, PartSources, cut_parts
from chalicelib.archive.encoding import decode, encode
from chalicelib.archive.generated import Renderer
from chalicelib.archive.layout import Layout, lay_out
from chalicelib.archive.names import MANIFEST_NAME
from chalicelib.archive.parts import Body, Source, Task, encode_chunk
from chalicelib.archive.volumes import Volume
from chalicelib.assembly.checksums import Checksums
from chalicelib.assembly.chunks import CHUNK_LIMITS, ChunkCutter, ChunkLimits
from chalicelib.assembly.model import CrcSource, Phase
from chalicelib.assembly.plans import GeneratedPart, Members, PlanWriter, StagingArea, StoredPlan
from chalicelib.limits import S3, MiB, S3Limits

SMALL_BYTES = 32 * MiB  # of manifest and directory together, which one message finishes
LOOKED_UP_AT_ONCE = 100  # CRC-32s: what one read of the table brings
PARTS_AT_ONCE = 100  # that are cut between two looks at the clock


class ArchiveStep(StrEnum):
    """What is done next."""

    LAY_OUT = "lay_out"  # where every byte lies, and the parts
    LOOK_UP = "look_up"  # CRC-32s of copied bodies that are remembered; `position` is the next of these bodies
    CUT = "cut"  # parts become tasks, tasks chunks; `position` is the next part
    RENDER = "render"  # manifest and directory; `position` is the next generated part


class Shape(msgspec.Struct, frozen=True, tag_field="v", tag=1):
    """Where every byte of an archive lies, and its parts."""

    layout: Layout
    cuts: Cuts


class ArchiveState(msgspec.Struct):
    """How far an archive has come. `shape` and `members` are keys of what is stored, empty until it is.

    `to_read` bytes must be read for their CRC-32s. `last` are the sources that open the first generated part.
    """

    step: ArchiveStep = ArchiveStep.LAY_OUT
    position: int = 0
    shape: str = ""
    members: str = ""
    crc_source: CrcSource = CrcSource.HEAD
    to_read: int = 0
    plan: StoredPlan = msgspec.field(default_factory=StoredPlan)
    last: tuple[Source, ...] = ()


class PlannedArchive(msgspec.Struct, frozen=True):
    """What is known of an archive whose plan is stored under the key `plan`. `work` is bytes to read and to build."""

    plan: str
    size: int
    entries: int
    parts: int
    intermediates: int
    chunks: dict[Phase, int]
    work: int
    crc_source: CrcSource
    cost: PlanCost
    manifest: str = MANIFEST_NAME
    long_paths: int = 0


class PlanRules(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator chose, and what tests lower. An archive of more than `max_bytes` is split, a manifest and
    directory of at most `small_bytes` are finished by one message, and planning can stop about every `parts_at_once`
    parts.
    """

    max_bytes: int
    limits: S3Limits = S3
    chunks: ChunkLimits = CHUNK_LIMITS
    small_bytes: int = SMALL_BYTES
    parts_at_once: int = PARTS_AT_ONCE


class ArchiveRun:
    """One message's share of planning an archive."""

    def __init__(
        self, volume: Volume, state: ArchiveState, *, area: StagingArea, checksums: Checksums, rules: PlanRules
    ) -> None:
        self.state, self._volume, self._area, self._checksums, self._rules = state, volume, area, checksums, rules
        self._writer = PlanWriter(area, state.plan)
        self._cutter: ChunkCutter | None = None
        self._shape = decode(area.store.get(state.shape), Shape) if state.shape else None
        if state.members:
            self._learn(decode(area.store.get(state.members), Members))

    def steps(self) -> Iterator[None]:
        """Work until all is stored but the plan itself; yields wherever `save` may be called."""
        steps = {
            ArchiveStep.LAY_OUT: self._lay_out,
            ArchiveStep.LOOK_UP: self._look_up,
            ArchiveStep.CUT: self._cut,
            ArchiveStep.RENDER: self._render,
        }
        for step in list(steps)[list(steps).index(self.state.step) :]:
            self.state.step = step
            yield from steps[step]()
            self.state.position = 0

    def save(self) -> None:
        """Store what is not stored yet; then `state` has everything."""
        state = self.state
        if self._cutter is not None:
            self._cutter.close()
            self._cutter = None
        self._writer.flush()
        if self._shape is not None and not state.shape:
            state.shape = self._area.put("shape", encode(self._shape))
        if state.step is not ArchiveStep.LAY_OUT and state.crc_source is not CrcSource.COPY:
            state.members = self._area.put("members", encode(self._members()))

    def finish(self) -> PlannedArchive:
        """Store the plan."""
        state, shape = self.state, self._laid_out
        state.plan.members = self._writer.add(encode(self._members()))
        return PlannedArchive(
            plan=self._writer.finish(),
            size=shape.layout.size,
            entries=len(self._volume.sizes),
            parts=shape.cuts.parts,
            intermediates=len(shape.cuts.intermediates),
            chunks=self._chunks(),
            work=shape.layout.size + state.to_read,
            crc_source=state.crc_source,
            cost=cost_of(self._volume, shape.layout, cuts=shape.cuts),
            manifest=self._volume.names.manifest,
            long_paths=self._volume.long_paths,
        )

    # --- steps

    def _lay_out(self) -> Iterator[None]:
        if self._shape is None:
            layout = lay_out(self._volume, s3_limits=self._rules.limits)
            self._shape = Shape(layout, cut_parts(self._volume, layout, limits=self._rules.limits))
        if self._checksums.copies_tell():
            self.state.crc_source = CrcSource.COPY
        yield from ()  # what follows soon finds a place to stop at, with more work done

    def _look_up(self) -> Iterator[None]:
        """Look for CRC-32s of copied bodies where the copies will not tell them; what stays unknown is to be read."""
        if self.state.crc_source is CrcSource.COPY:
            return
        copied = list(self._sources.copied())
        while self.state.position < len(copied):
            members = copied[self.state.position : self.state.position + LOOKED_UP_AT_ONCE]
            unknown = [body for member in members if (body := self._unknown(member))]
            for member, crc32 in (self._checksums.known(unknown) if unknown else {}).items():
                self._volume.entries.learn_crc32(self._volume.rows[member], crc32)
            self.state.position += len(members)
            yield
        to_read = [body.size for member in copied if (body := self._unknown(member))]
        self.state.to_read = sum(to_read)
        self.state.crc_source = CrcSource.READ if to_read else CrcSource.HEAD

    def _cut(self) -> Iterator[None]:
        cuts = self._laid_out.cuts
        for part, whole in self._sources.parts(self.state.position):
            cutter = self._open_cutter()
            cutter.add(part, whole)
            self.state.position += 1
            if self.state.position % self._rules.parts_at_once == 0 and cutter.settled:
                yield
        cutter = self._open_cutter()
        cutter.add_intermediates(len(cuts.intermediates), cuts.joins())
        self.state.last = self._sources.last()
        if not self._is_small or len(self.state.last) > 2 * self._rules.chunks.bodies:
            self.state.last = cutter.gather(self.state.last, "last")
        cutter.close()
        self._cutter = None

    def _render(self) -> Iterator[None]:
        layout, cuts = self._laid_out.layout, self._laid_out.cuts
        renderer = Renderer(self._volume, layout)
        numbers = list(cuts.numbers())[len(cuts) :]
        items = list(pairwise([*cuts.generated, renderer.items]))
        start = sum(part.made_of.manifest for part in self.state.plan.generated)
        while self.state.position < len(items):
            made_of, body = renderer.render(*items[self.state.position])
            sources = () if self.state.position else self.state.last
            before = 0 if self.state.position else layout.generated_offset - cuts.end
            _, number = numbers[self.state.position]
            blob = self._writer.add(body)
            part = GeneratedPart(number, before + len(body), sources, made_of, start, blob)
            self.state.plan.generated.append(part)
            start += made_of.manifest
            self.state.position += 1
            yield

    # --- what steps share

    @property
    def _laid_out(self) -> Shape:
        if self._shape is None:
            raise AssertionError("the archive is not laid out")
        return self._shape

    @cached_property
    def _sources(self) -> PartSources:
        return PartSources(self._volume, self._laid_out.layout, cuts=self._laid_out.cuts)

    @property
    def _is_small(self) -> bool:
        layout = self._laid_out.layout
        return layout.size - layout.generated_offset <= self._rules.small_bytes

    def _unknown(self, member: int) -> Body | None:
        """The whole body of a member whose CRC-32 is not known."""
        entries, row = self._volume.entries, self._volume.rows[member]
        return None if entries.crc_known[row] else self._sources.body_of(member)

    def _open_cutter(self) -> ChunkCutter:
        if self._cutter is None:
            counts = {phase: len(chunks) for phase, chunks in self.state.plan.chunks.items()}
            place, crc_source = self._area.place, self.state.crc_source
            self._cutter = ChunkCutter(place, crc_source, emit=self._emit, counts=counts, limits=self._rules.chunks)
        return self._cutter

    def _emit(self, chunk: tuple[Phase, int], tasks: tuple[Task, ...]) -> None:
        self._writer.set_chunk(*chunk, blob=self._writer.add(encode_chunk(tasks)))

    def _members(self) -> Members:
        """Sizes and known CRC-32s by member."""
        entries, rows = self._volume.entries, self._volume.rows
        crcs = array("I", map(entries.crcs.__getitem__, rows))
        return Members(self._volume.sizes, crcs, array("B", map(entries.crc_known.__getitem__, rows)))

    def _learn(self, members: Members) -> None:
        """Take over the CRC-32s that a message before has looked up."""
        for row, crc, known in zip(self._volume.rows, members.crcs, members.known, strict=True):
            if known:
                self._volume.entries.learn_crc32(row, crc)

    def _chunks(self) -> dict[Phase, int]:
        """How many chunks each phase has."""
        plan = self.state.plan
        counts = {phase: len(chunks) for phase, chunks in plan.chunks.items()}
        if not self._is_small:
            counts[Phase.CRCS] = 1
            if self._volume.has_manifest:
                counts[Phase.MANIFEST] = sum(part.made_of.manifest > 0 for part in plan.generated)
            counts[Phase.DIRECTORY] = sum(not part.manifest_only for part in plan.generated)
        return {**counts, Phase.FINISH: 1}
