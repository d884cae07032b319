"""What services take from the machine."""

from __future__ import annotations

import threading

from chalicelib.system import repeat_in_thread

PATIENCE = 60  # seconds


def test_a_thread_repeats_an_action_until_it_is_stopped() -> None:
    beats, third = [], threading.Event()

    def beat() -> None:
        beats.append(threading.current_thread())
        if len(beats) == 3:
            third.set()

    stop = repeat_in_thread(0.001, beat)
    assert third.wait(PATIENCE)
    stop()
    assert not beats[0].is_alive()


def test_stopping_waits_for_no_beat() -> None:
    began = threading.Event()
    stop = repeat_in_thread(10 * PATIENCE, began.set)
    assert began.wait(PATIENCE)
    stop()
