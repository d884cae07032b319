"""Listings of objects, uploads and parts, page by page."""

from __future__ import annotations

import base64
from typing import Any

from tests.simulation.s3.buckets import PAGE, Answer, Buckets


class Listings(Buckets):
    def list_objects_v2(
        self, *, Bucket: str, Prefix: str = "", MaxKeys: int = PAGE, Delimiter: str = "", **where: Any
    ) -> Answer:
        bucket, most = self._bucket(Bucket), min(MaxKeys, self.page)
        after = where.get("StartAfter", "")
        if where.get("ContinuationToken"):
            after = base64.urlsafe_b64decode(where["ContinuationToken"]).decode()
        with_restore = "RestoreStatus" in where.get("OptionalObjectAttributes", ())
        contents: list[Answer] = []
        prefixes: list[str] = []
        last, truncated = after, False
        for key in bucket.keys(Prefix, after):
            place = key.find(Delimiter, len(Prefix)) if Delimiter else -1
            common = key[: place + len(Delimiter)] if place >= 0 else ""
            if common and after.startswith(common):
                continue
            if common and prefixes and prefixes[-1] == common:
                last = key
                continue
            if len(contents) + len(prefixes) == most:
                truncated = most > 0
                break
            if common:
                prefixes.append(common)
            else:
                contents.append(bucket.objects[key].listed(with_restore=with_restore))
            last = key
        answer: Answer = {"Name": Bucket, "Prefix": Prefix, "MaxKeys": MaxKeys, "IsTruncated": truncated}
        answer["KeyCount"] = len(contents) + len(prefixes)
        if contents:
            answer["Contents"] = contents
        if prefixes:
            answer["CommonPrefixes"] = [{"Prefix": prefix} for prefix in prefixes]
        if truncated:
            answer["NextContinuationToken"] = base64.urlsafe_b64encode(last.encode()).decode()
        return answer

    def list_multipart_uploads(
        self, *, Bucket: str, Prefix: str = "", KeyMarker: str = "", UploadIdMarker: str = "", **limits: Any
    ) -> Answer:
        most = limits.get("MaxUploads", PAGE)
        place = (KeyMarker, UploadIdMarker) if UploadIdMarker else (KeyMarker, "\U0010ffff")
        found = sorted((upload.key, upload.upload_id) for upload in self._bucket(Bucket).uploads.values())
        found = [one for one in found if one[0].startswith(Prefix) and (not KeyMarker or one > place)]
        answer: Answer = {"Bucket": Bucket, "Prefix": Prefix, "IsTruncated": len(found) > most}
        if found[:most]:
            answer["Uploads"] = [{"Key": key, "UploadId": upload_id} for key, upload_id in found[:most]]
            answer["NextKeyMarker"], answer["NextUploadIdMarker"] = found[:most][-1]
        return answer

    def list_parts(
        self, *, Bucket: str, Key: str, UploadId: str, PartNumberMarker: int = 0, MaxParts: int = PAGE, **_: Any
    ) -> Answer:
        parts = self._upload(Bucket, Key, UploadId).parts
        found = [parts[number] for number in sorted(parts) if number > PartNumberMarker]
        shown = [
            {"PartNumber": part.number, "ETag": f'"{part.etag}"', "Size": part.content.size}
            for part in found[:MaxParts]
        ]
        answer: Answer = {"Bucket": Bucket, "Key": Key, "IsTruncated": len(found) > MaxParts}
        if shown:
            answer |= {"Parts": shown, "NextPartNumberMarker": shown[-1]["PartNumber"]}
        return answer
