"""Links: presigned URLs that a client can open without credentials of its own."""
