"""What callers are called: as owners of jobs, in the audit trail, and where calls are counted."""

from __future__ import annotations

import re

ANONYMOUS = "anonymous"  # everybody, where AUTH_MODE is none
TICKET_HOLDER = "ticket"  # whoever shows a ticket for a job

_ASSUMED_ROLE = re.compile(r"(arn:[^:]*):sts::(\d+):assumed-role/([^/]+)/.*")


def bearer(subject: str) -> str:
    """The subject of a token, by a name that is nobody else's."""
    return f"user:{subject}"


def pool_member(identity_id: str) -> str:
    """A user of a Cognito identity pool. All of them share one role."""
    return f"cognito:{identity_id}"


def signer(arn: str) -> str:
    """An IAM user or role. Whoever assumes a role chooses the session's name, so that tells no two callers apart."""
    role = _ASSUMED_ROLE.fullmatch(arn)
    return f"{role[1]}:iam::{role[2]}:role/{role[3]}" if role else arn
