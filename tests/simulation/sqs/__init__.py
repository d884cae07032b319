"""A simulated SQS, standard queues only.

service.py  the operations
queues.py   messages: visible, hidden, delivered, moved to a dead-letter queue
"""
