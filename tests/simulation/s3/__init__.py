"""A simulated S3.

service.py    objects: put, head, get, delete
listings.py   pages of objects, uploads, parts
multipart.py  operations of multipart uploads
buckets.py    objects in order, open uploads, faults
uploads.py    one multipart upload
objects.py    what is kept of an object, and what may be wrong with it
content.py    bytes, or content of any size that is never held
"""
