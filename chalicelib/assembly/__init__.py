"""Runs the plan of an archive: many workers, one multipart upload, no byte moved that S3 can copy."""
