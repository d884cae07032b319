"""A simulated Lambda.

runtime.py  functions, their containers, invocations with a time limit
sources.py  what invokes them: queues, streams, schedules
events.py   the events that AWS hands over
"""
