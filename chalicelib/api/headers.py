"""What every answer carries."""

from __future__ import annotations

from chalicelib.calls.rates import Verdict

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
EXPOSED = (
    "Location, Retry-After, X-Request-ID, Allow, ETag, Idempotency-Replayed, Deprecation, Link, WWW-Authenticate, "
    "RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)
PREFLIGHT = {
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, X-Request-ID, traceparent, Idempotency-Key, If-None-Match, Last-Event-ID"
    ),
    "Access-Control-Max-Age": "600",
}


def common(cors_origins: tuple[str, ...], *, request_id: str, origin: str) -> dict[str, str]:
    """Headers of every answer to a caller of `origin` (empty: not a browser)."""
    return {**SECURITY, "X-Request-ID": request_id, **_cors(cors_origins, origin)}


def rate_limit(verdict: Verdict) -> dict[str, str]:
    """Both families: the three that everybody reads, and draft-ietf-httpapi-ratelimit-headers."""
    policy = verdict.policy
    return {
        "RateLimit-Limit": str(policy.limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.reset),
        "RateLimit-Policy": f'"{policy.name}";q={policy.limit};w={-(-policy.window // 1000)}',
        "RateLimit": f'"{policy.name}";r={verdict.remaining};t={verdict.reset}',
    }


def preflight(methods: tuple[str, ...]) -> dict[str, str]:
    """Headers that an OPTIONS answer carries beside the common ones."""
    allowed = ", ".join(methods)
    return {"Allow": allowed, "Access-Control-Allow-Methods": allowed, **PREFLIGHT}


def _cors(allowed: tuple[str, ...], origin: str) -> dict[str, str]:
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    if origin in allowed:
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": EXPOSED,
            "Vary": "Origin",
        }
    return {"Vary": "Origin"}
