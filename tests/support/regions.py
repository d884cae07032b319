"""S3 in two regions: a proxy in front of two stores that answers as S3 does where a request is for the wrong one.

    with two_regions(Region("us-east-1", store, "archives"), Region("eu-west-1", other, "files")) as s3:
        s3.url        the address of all regions; that of the first one, for clients that ask it for the other's bucket
        s3.wrong      what was answered to requests that were signed for the wrong region: ["PUT 301", ...]

S3 gives each region an address, and a client that uses one signs for that region. So a request that is signed for a
bucket's own region counts as sent to the right address here, and any other is answered as S3 answers it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.seaweed import HOST, SeaweedFS

_SCOPE = re.compile(r"/\d{8}/([a-z0-9-]+)/s3/aws4_request")
_ERROR = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>{message}</Message><Region>{region}</Region><RequestId>1</RequestId></Error>"""
_COPIED = """<?xml version="1.0" encoding="UTF-8"?>
<CopyPartResult><ETag>{etag}</ETag><ChecksumCRC32>{crc}</ChecksumCRC32></CopyPartResult>"""


class Region(NamedTuple):
    """A region, the store that holds its one bucket, and that bucket."""

    name: str
    store: SeaweedFS
    bucket: str


class TwoRegions(ThreadingHTTPServer):
    """The proxy. The first region is the one whose address clients use by default."""

    daemon_threads = True

    def __init__(self, *regions: Region) -> None:
        self.regions = {region.bucket: region for region in regions}
        self.default = regions[0].name
        self.wrong: list[str] = []
        super().__init__((HOST, 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"


@contextmanager
def two_regions(*regions: Region) -> Iterator[TwoRegions]:
    with TwoRegions(*regions) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TwoRegions

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        region = self.server.regions[urlsplit(self.path).path.split("/")[1]]
        found = _SCOPE.search(unquote(self.headers.get("Authorization") or self.path))
        signed_for = found[1] if found else ""
        if signed_for != region.name:
            self._refuse(region, signed_for)
        elif "x-amz-copy-source" in self.headers:
            self._copy(region)
        else:
            self._forward(region.store, body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _refuse(self, region: Region, signed_for: str) -> None:
        """docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: the address of another region, or its name."""
        if signed_for == self.server.default:
            status, code, message = 301, "PermanentRedirect", "The bucket must be addressed at another endpoint."
        else:
            status, code, message = 400, "AuthorizationHeaderMalformed", f"the region '{signed_for}' is wrong"
        self.server.wrong.append(f"{self.command} {status}")
        text = _ERROR.format(code=code, message=message, region=region.name)
        self._answer(status, {"x-amz-bucket-region": region.name, "Content-Type": "application/xml"}, text.encode())

    def _forward(self, store: SeaweedFS, body: bytes) -> None:
        """Passes a request on as it is; the signature names this proxy's host, which the store compares."""
        connection = HTTPConnection(HOST, store.port, timeout=30)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        region = next(found for found in self.server.regions.values() if found.store is store)
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        length = answer.getheader("Content-Length") or "0"
        self._answer(answer.status, {**headers, "x-amz-bucket-region": region.name}, answer.read(), length=length)
        connection.close()

    def _copy(self, region: Region) -> None:
        """A copy from the other region's bucket: S3 reads there what it writes here."""
        bucket, _, key = unquote(self.headers["x-amz-copy-source"]).lstrip("/").partition("/")
        source, query = self.server.regions[bucket], parse_qs(urlsplit(self.path).query)
        pinned = self.headers["x-amz-copy-source-if-match"]
        wanted = self.headers["x-amz-copy-source-range"]
        body = source.store.client().get_object(Bucket=bucket, Key=key, IfMatch=pinned, Range=wanted)["Body"].read()
        target = unquote(urlsplit(self.path).path).split("/", 2)[2]
        place: dict[str, Any] = {"Bucket": region.bucket, "Key": target, "UploadId": query["uploadId"][0]}
        number = int(query["partNumber"][0])
        part = region.store.client().upload_part(**place, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        text = _COPIED.format(etag=part["ETag"], crc=part["ChecksumCRC32"])
        self._answer(200, {"Content-Type": "application/xml"}, text.encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes, *, length: str = "0") -> None:
        """`length` is that of the body that a HEAD leaves out."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}
