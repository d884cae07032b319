"""What the answers of the service become, and that secrets are not shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from support.fake_server import JOB_ID, FakeServer
from support.zips import zip_of

from lorry import Archive, ArchiveDownload, ArchiveEnding, Download, FileOutcome, Job, Lorry, Page

ARCHIVE = zip_of({"70000.zip": b"data"})


def test_a_job_has_its_figures_and_times_in_utc(lorry: Lorry, service: FakeServer) -> None:
    service.put("downloads/70000.zip", b"12345")
    service.make_job(["downloads/70000.zip", "downloads/70001.zip"], createdAt="2025-01-01T02:00:00+02:00", later=1)
    job = lorry.status(JOB_ID)
    assert (job.ready, job.ended, job.progress, job.total, job.counts.missing) == (True, True, 100, 2, 1)
    assert job.created_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert job.bytes.total == 5
    assert job.answer["later"] == 1
    assert "resultUrls" not in job.answer


def test_a_job_shows_its_archives_without_their_links(lorry: Lorry, service: FakeServer) -> None:
    service.put("downloads/70000.zip", b"data")
    service.make_job(["downloads/70000.zip"])
    service.make_archives(ARCHIVE)
    job = lorry.status(JOB_ID)
    (archive,) = job.archives
    assert (archive.filename, archive.size, archive.entries, archive.parts) == ("out.zip", len(ARCHIVE), 2, 7)
    assert (archive.crc_source, archive.verified) == ("head", False)
    assert archive.address == f"{service.url}/v1/download/{JOB_ID}/archives/0"
    assert archive.url is not None
    assert "signature" not in repr(job)
    assert "signature" not in str(job.answer)
    service.job["status"] = "processing"
    assert lorry.status(JOB_ID).archives[0].url is None


def test_a_ticket_is_available_but_not_shown(lorry: Lorry, service: FakeServer) -> None:
    started = lorry.start(file_ids=[70000])
    service.job["status"] = "processing"
    job = lorry.status(started.id)
    assert started.ticket == job.ticket == "a-ticket"
    assert "a-ticket" not in repr((started, job, job.answer))


def test_limits_are_read_by_the_service_s_own_names(lorry: Lorry, service: FakeServer) -> None:
    service.limits = {"files": {"perJob": 100_000, "idMin": 10_000}, "rate": {"windowSeconds": 60}, "later": {"new": 1}}
    limits = lorry.limits()
    assert (limits["files.perJob"], limits["rate.windowSeconds"], limits.get("archive.maxBytes")) == (100_000, 60, None)
    assert list(limits) == ["files.perJob", "files.idMin", "rate.windowSeconds", "later.new"]
    assert (len(limits), limits.answer) == (4, service.limits)
    assert "'later.new': 1" in repr(limits)


def test_values_are_shown_briefly() -> None:
    job = Job("job-1", "processing", progress=42, processed=25, total=6000)
    assert repr(job) == "<Job job-1: processing, 42%, 25 of 6,000 files>"
    assert repr(Job("job-1", "queued")) == "<Job job-1: queued, 0%, 0 of ? files>"
    file = FileOutcome(0, 70000, None, "missing")
    assert repr(Page(job, (file,) * 1000, None, None)) == f"<Page: 1,000 files of {job!r}>"
    download = Download(Path("out"), ("a",) * 1200, bytes=5000, missing=(file,))
    assert repr(download) == "<Download: 1,200 files in out, 5,000 bytes, 1 missing, 0 failed>"
    archives = ArchiveDownload((ArchiveEnding(Archive(0, "a.zip", 7), Path("a.zip")),), 2, failed=(file,))
    assert repr(archives) == "<ArchiveDownload: a.zip, 7 bytes, 0 files missing, 1 failed>"
