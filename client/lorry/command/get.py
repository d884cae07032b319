"""`lorry get`: takes a job from its first request, or from wherever it is, to files in a folder or to a ZIP."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lorry.client import Lorry
from lorry.command.displays import Display, display_for
from lorry.command.options import Subparsers, add_command, add_json, positive
from lorry.command.selection import add_selection, selection_of
from lorry.command.usage import EXIT_CODES, SHOWN, ExitCode, Terminated, command_line, complain
from lorry.command.wording import describe_archives, describe_broken, describe_download, describe_file, human_files
from lorry.errors import ArchivesIncomplete, DownloadFailed, JobFailed, LorryError, LorryProblem, NoArchive
from lorry.local_files import prepare_folder
from lorry.models import FileOutcome, Job
from lorry.names import RENAMED_LIST, printable
from lorry.reports import ArchiveDownload, Download

GET = """Starts a job for the files, waits for it, and downloads them into a folder, several at a time;
or, with --zip, downloads one ZIP of them all, which the service assembles.

Files are named after the last part of their keys (70000.zip); files of a --prefix keep their folders below it.
A new job replaces files of the same name; --skip-existing keeps those that are the same in the store.
An interrupted download stays as NAME.part, and the next run resumes it if the file in the store is the same.
--job keeps the files that the job has downloaded already (right size, newer than the job).
An archive above the service's size limit comes as several: out-1-of-3.zip, out-2-of-3.zip, ...

--include and --exclude take patterns of keys with *, ? and [abc]; * also matches /. A pattern matches a whole key or
its end after a /: '*.csv' and '2024/*' both match downloads/2024/a.csv.
"""

GET_EXAMPLES = """examples:
  lorry get 70000 70001 -o photos
  lorry get 70000-70059 --jobs 16
  lorry get --from ids.txt             one id or range per line, # starts a comment; - is standard input
  lorry get --prefix downloads/2024/ -o 2024 --skip-existing --exclude '*.tmp'
  lorry get --prefix downloads/2024/ --zip 2024.zip --layout tree
  lorry get 70000 --idempotency-key nightly-2024-06-01 --callback-url https://example.org/lorry
  lorry get --job 3f0c9a52-...         continue with a job, for example after Ctrl-C (with --zip if it had that)

"""

FINAL_REASONS = frozenset({"no_files_available", "files_missing", "too_many_files"})
"""Why jobs fail that would fail again."""

DEFAULT_JOBS = 8


def add_get(subparsers: Subparsers) -> None:
    """Adds the command."""
    parser = add_command(subparsers, "get", help="download files", description=GET, epilog=GET_EXAMPLES + EXIT_CODES)
    add_selection(parser)
    group = parser.add_argument_group("where to")
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: .)"
    )
    either.add_argument("--zip", type=Path, metavar="FILE", help="write one ZIP of all files instead")
    group.add_argument(
        "--layout",
        choices=["flat", "tree"],
        help="no folders, or those of the keys (default: tree for --prefix without --zip, else flat)",
    )
    group.add_argument("--flat", action="store_const", dest="layout", const="flat", help="the same as --layout flat")
    group.add_argument(
        "--strip", metavar="PREFIX", help="with tree, leave out the folders of this prefix (default: --prefix)"
    )
    group.add_argument(
        "--on-missing", choices=["skip", "fail"], help="leave missing files out of the ZIP, or fail (default: skip)"
    )
    group.add_argument("--no-manifest", action="store_true", help="leave the list of files out of the ZIP")
    group.add_argument("--no-verify", action="store_true", help="do not read the ZIP again to verify its CRC-32s")
    group.add_argument(
        "--skip-existing", action="store_true", help="keep files of the same size that did not change in the store"
    )
    group.add_argument("--checksum", action="store_true", help="with --skip-existing: compare MD5, not times")
    group.add_argument(
        "-j", "--jobs", type=positive, metavar="N", help=f"files to download at a time (default: {DEFAULT_JOBS})"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    add_json(parser, "one object with the job, its files, and what is missing")
    parser.set_defaults(command=_get, patient=True)


def _get(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    return _Get(lorry, arguments).run()


class _Get:
    """One run of the command."""

    def __init__(self, lorry: Lorry, arguments: argparse.Namespace) -> None:
        self._lorry = lorry
        self._arguments = arguments
        self._display: Display = display_for(quiet=arguments.quiet, plain=arguments.verbose)
        self._job_id: str = arguments.job or ""
        self._job: Job | None = None
        self._workers: int = arguments.jobs or arguments.settings.number("jobs") or DEFAULT_JOBS

    def run(self) -> ExitCode:
        """Starts a job or continues the given one, waits for it, and downloads."""
        selection = selection_of(self._arguments)
        zip_path: Path | None = self._arguments.zip
        prepare_folder(self._arguments.output if zip_path is None else zip_path.parent)
        try:
            if selection is not None:
                started = selection.start(self._lorry)
                self._job_id = started.id
                self._display.say(f"job {started.id}: {selection.describe(started)}")
            with self._display:
                self._lorry.wait(self._job_id, on_change=self._job_changed)
                report = self._download()
        except JobFailed as error:
            return self._job_failed(error)
        except DownloadFailed as error:
            return self._files_lost(error.report)
        except ArchivesIncomplete as error:
            return self._archives_incomplete(error.report)
        except KeyboardInterrupt as interrupt:
            return self._interrupted(interrupt)
        except LorryError as error:
            self._say_how_to_continue(error)
            raise
        self._print(report)
        return ExitCode.OK

    def _job_changed(self, job: Job) -> None:
        self._job = job
        self._display.job_changed(job)

    def _download(self) -> Download | ArchiveDownload:
        arguments, old_job = self._arguments, self._arguments.job is not None
        if arguments.zip is not None:
            return self._lorry.download_archives(
                self._job_id,
                arguments.zip,
                skip_complete=old_job,
                verify=not arguments.no_verify,
                listener=self._display,
            )
        return self._lorry.download(
            self._job_id,
            arguments.output,
            workers=self._workers,
            layout=self._layout(),
            prefix=self._stripped(),
            include=arguments.include,
            exclude=arguments.exclude,
            skip_complete=old_job,
            skip_existing=arguments.skip_existing,
            checksum=arguments.checksum,
            listener=self._display,
        )

    def _layout(self) -> Any:
        return self._arguments.layout or ("tree" if self._arguments.prefix is not None else "flat")

    def _stripped(self) -> str:
        arguments = self._arguments
        return str(arguments.strip if arguments.strip is not None else arguments.prefix or "")

    def _job_failed(self, error: JobFailed) -> ExitCode:
        job = error.job
        complain(f"lorry: {error}")
        lost: list[FileOutcome] = []
        for page in self._lorry.pages(job.id) if job.status == "failed" else ():
            lost += [file for file in page.files if file.state in ("missing", "failed")]
            if len(lost) > SHOWN:
                break
        self._name(lost, count=max(len(lost), job.counts.missing + job.counts.failed))
        if job.error and job.error.code not in FINAL_REASONS:
            complain(f"to retry what failed: {command_line(self._arguments, 'retry', job.id)} && {self._resume()}")
        if self._arguments.json:
            print(json.dumps({"job": job.answer}))
        return ExitCode.JOB_FAILED

    def _files_lost(self, report: Download) -> ExitCode:
        self._name([*report.missing, *report.failed])
        if report.failed:
            complain(f"to retry the failed files: {self._resume()}")
        self._print(report)
        return ExitCode.FILES_LOST

    def _archives_incomplete(self, report: ArchiveDownload) -> ExitCode:
        self._name([*report.missing, *report.failed])
        for ending in report.broken:
            complain(describe_broken(ending))
        if report.broken:
            complain(f"to retry: {self._resume()}")
        if report.paths or self._arguments.json:
            self._print(report)
        return ExitCode.FILES_LOST

    def _name(self, lost: list[FileOutcome], *, count: int | None = None) -> None:
        """Names the first files and counts the rest."""
        for file in lost[:SHOWN]:
            complain(describe_file(file))
        left = (len(lost) if count is None else count) - min(len(lost), SHOWN)
        if left > 0:
            every = command_line(self._arguments, "status", self._job_id, "--state", "missing", "--state", "failed")
            complain(f"and {left:,} more: {every}")

    def _name_renamed(self, report: Download) -> None:
        for key, name in report.renamed[:SHOWN]:
            complain(f"renamed: {printable(key)} is {printable(name)}")
        if report.renamed:
            complain(f"{human_files(len(report.renamed))} renamed; {report.folder / RENAMED_LIST} lists them")

    def _interrupted(self, interrupt: KeyboardInterrupt) -> ExitCode:
        terminated = isinstance(interrupt, Terminated)
        word = "lorry: terminated" if terminated else "\nlorry: interrupted"
        job = self._job
        if not self._job_id:
            complain(f"{word} while the job was started; `lorry jobs` lists it if the request was received.")
        elif job is not None and job.ended:
            complain(f"{word}. Job {self._job_id} is {job.status}, and downloaded data is kept.")
            complain(f"  to continue:  {self._resume()}")
        else:
            complain(f"{word}. Job {self._job_id} keeps running, and downloaded data is kept.")
            complain(f"  to continue:  {self._resume()}")
            complain(f"  to stop it:   {command_line(self._arguments, 'cancel', self._job_id)}")
        return ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED

    def _say_how_to_continue(self, error: LorryError) -> None:
        """Unless the job cannot be continued: it was not started, is unknown or expired, or has no archive."""
        unknown = isinstance(error, LorryProblem) and error.status < 500 and not error.retryable
        if not self._job_id or unknown or isinstance(error, NoArchive):
            return
        state = f"is {self._job.status}" if self._job is not None and self._job.ended else "keeps running"
        complain(f"job {self._job_id} {state}; to continue: {self._resume()}")

    def _resume(self) -> str:
        """The command that continues with the job."""
        arguments = self._arguments
        words = ["get", "--job", self._job_id]
        if arguments.zip is not None:
            words += ["--zip", str(arguments.zip)] + (["--no-verify"] if arguments.no_verify else [])
            return command_line(arguments, *words)
        words += ["-o", str(arguments.output)]
        words += ["--layout", "tree"] if self._layout() == "tree" else []
        words += ["--strip", self._stripped()] if self._layout() == "tree" and self._stripped() else []
        for option in ("include", "exclude"):
            for pattern in getattr(arguments, option):
                words += [f"--{option}", pattern]
        words += ["--skip-existing"] if arguments.skip_existing else []
        words += ["--checksum"] if arguments.checksum else []
        return command_line(arguments, *words)

    def _print(self, report: Download | ArchiveDownload) -> None:
        if self._arguments.json:
            print(json.dumps(self._as_json(report)))
        elif isinstance(report, Download):
            print(describe_download(report))
            self._name_renamed(report)
        else:
            print(describe_archives(report))

    def _as_json(self, report: Download | ArchiveDownload) -> Mapping[str, Any]:
        job = self._job.answer if self._job else None
        files = {"missing": _as_json(report.missing), "failed": _as_json(report.failed), "bytes": report.bytes}
        if isinstance(report, Download):
            figures = {"folder": str(report.folder), "complete": report.complete, "skipped": report.skipped}
            figures["renamed"] = [{"key": key, "name": name} for key, name in report.renamed]
            return {"job": job, **figures, **files, "files": list(report.names)}
        broken = [{"path": str(ending.path), "reason": ending.reason} for ending in report.broken]
        return {"job": job, "archives": [str(path) for path in report.paths], "broken": broken, **files}


def _as_json(files: Iterable[FileOutcome]) -> list[dict[str, Any]]:
    return [{name: value for name, value in asdict(file).items() if name != "url"} for file in files]
