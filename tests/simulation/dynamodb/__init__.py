"""A simulated DynamoDB.

service.py       the operations of one item, of a page, of a batch
transactions.py  TransactWriteItems
writes.py        puts, updates, deletes and checks, alone or in a transaction
queries.py       key conditions, pages, projections
requests.py      the expressions of one request
parsing.py       text becomes expressions.py, conditions.py and updates.py
tables.py        partitions, indexes, earlier versions, the stream
items.py         attribute values in one form
"""
