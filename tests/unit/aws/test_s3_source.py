"""Answers of the store that are not what S3 documents."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.errors import StorageUnavailable


class Client:
    """Answers every HEAD with these fields."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def head_object(self, **_: Any) -> dict[str, Any]:
        return self.fields


@pytest.mark.parametrize(("fields", "absent"), [({}, "ContentLength"), ({"ContentLength": 1}, "ETag")])
def test_an_answer_that_lacks_a_field_is_an_outage_that_names_it(fields: dict[str, Any], absent: str) -> None:
    with pytest.raises(StorageUnavailable, match=f"'downloads/a': its answer has no {absent}"):
        S3SourceStore(Client(**fields), "files").head("downloads/a")
