"""What runs in MiniStack's process and with its Python: neither Lorry nor boto3 is there.

    __main__.py           MiniStack with everything below
    browser_gate.py       what web pages and foreign hosts reach
    concurrency_gate.py   how many calls of the API are served at once
    workers.py            how many workers start at once, and what becomes of one that does not

`emulator.py` starts it: python -m localstack.emulator_process
"""
