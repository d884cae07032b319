"""Starts LocalStack; run by LocalStack's own Python, see localstack_host.py."""

import functools
import sys
import threading

if sys.version_info < (3, 13):  # where `Lock | None` is no type yet, and one of its modules says it
    _made = threading.Lock

    class Lock:
        """Makes locks, and can stand in an annotation."""

        def __new__(cls):
            return _made()

    threading.Lock = Lock  # type: ignore[assignment]

from twisted.internet import endpoints  # type: ignore[import-not-found]

# It would listen on all addresses, whatever GATEWAY_LISTEN says.
endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface="127.0.0.1")

from localstack.runtime.main import main  # type: ignore[import-not-found]  # noqa: E402  # after what is put in place above

main()
