"""Reads of small ranges at half of what the SDK asks for one.

An archive of small files is bound by the CPU that each GET costs, not by bytes. So the request is a presigned link,
sent through the HTTP session of the SDK's own client: its pool, timeouts, proxies and certificates. Whatever comes but
the wanted bytes is no answer here; the SDK is asked then, which knows about retries, redirects and error codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.exceptions import BotoCoreError

from chalicelib.aws.s3_links import presigner_of
from chalicelib.delivery.presign import now

LINK_SECONDS = 300  # more than a request may wait for a connection


@dataclass(frozen=True, slots=True)
class QuickReads:
    client: Any
    bucket: str

    def read(self, key: str, etag: str, *, start: int, size: int) -> bytes | None:
        """These bytes of this version of an object, or None if the store answers anything else."""
        link = presigner_of(self.client, self.bucket).link(key, expires=LINK_SECONDS, at=now())
        headers = HeadersDict({"If-Match": f'"{etag}"', "Range": f"bytes={start}-{start + size - 1}"})
        try:
            answer = self.client._endpoint.http_session.send(AWSPreparedRequest("GET", link, headers, None, False))
        except BotoCoreError:
            return None
        body: bytes = answer.content
        return body if answer.status_code == 206 and len(body) == size else None
