"""The ZIP format and the plan of an archive, in plain Python and without I/O. In the order of the data:

entries    the files of a job as columns         names      keys become safe, unique names
volumes    one archive or several                manifest   MANIFEST.json, its size known beforehand
layout     which body lies where, every offset   records    the ZIP's records as bytes, CRC-32s joined without bytes
cutting    parts as S3 takes them                parts      parts, their sources and chunks, as they are stored
generated  manifest and directory, their CRC-32s written in later
costs      bytes, requests and dollars           encoding   how all of this is stored
"""
