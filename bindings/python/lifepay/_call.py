"""Calls that block, with Python's exceptions kept out of C.

An exception cannot pass through C: ctypes prints it and goes on. On most threads it is enough to
catch what on_progress raises. On the main thread signals add exceptions anywhere, also before a
callback has reached its `try`, and without a callback Ctrl-C would wait for the end of the call. So
the main thread lends the call to another one, and waits where Python may interrupt it.
"""

import atexit
import threading
from queue import Empty, SimpleQueue
from typing import Any, Callable, Optional, Tuple

from ._arguments import OnProgress, wrong_type
from ._constants import LP_ERR_CANCELLED
from ._results import Progress, progress_of
from ._structs import ProgressFunction, lp_config

_GO_ON = 0
_STOP = 1
# Where the system does not interrupt a wait (Windows), Ctrl-C is looked for this often, seconds.
_LOOK = 0.2

Call = Callable[[], int]


def call_with_progress(
    call: Call, config: lp_config, on_progress: Optional[OnProgress]
) -> Tuple[int, Optional[BaseException]]:
    """Makes the call of lp_open_shift or lp_send. Returns its code, and what on_progress or a signal
    raised."""
    if on_progress is not None and not callable(on_progress):
        raise wrong_type("on_progress", "callable", on_progress)
    try:
        if threading.current_thread() is threading.main_thread():
            return _lend(call, config, on_progress)
        return _make(call, config, on_progress)
    finally:
        # The callback knows the call, and the call the config: otherwise they would keep the apikey
        # in memory until a garbage collection.
        config.on_progress = ProgressFunction()


def call_without_progress(call: Call) -> int:
    """Makes a call that cannot be stopped; a signal's exception waits for its end."""
    if threading.current_thread() is threading.main_thread():
        code, thrown = _lend(call, None, None)
        if thrown is not None:
            raise thrown
        return code
    return call()


class _Ending:
    """Calls with callbacks that are under way, which the end of the interpreter must wait for: a
    thread that enters it after its end is ended itself, in the middle of the library."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._under_way = 0
        self.has_begun = False
        atexit.register(self._begin)

    def __enter__(self) -> None:
        with self._condition:
            if self.has_begun:
                raise RuntimeError("the interpreter is ending")
            self._under_way += 1

    def __exit__(self, *_: Any) -> None:
        with self._condition:
            self._under_way -= 1
            self._condition.notify_all()

    def _begin(self) -> None:
        with self._condition:
            self.has_begun = True
            self._condition.wait_for(lambda: self._under_way == 0, timeout=5)


_ending = _Ending()


def _goes_on(on_progress: OnProgress, progress: Progress) -> int:
    answer = on_progress(progress)
    return _GO_ON if answer is None or answer else _STOP


def _make(
    call: Call, config: Optional[lp_config], on_progress: Optional[OnProgress]
) -> Tuple[int, Optional[BaseException]]:
    """On this thread."""
    if config is None or on_progress is None:
        return call(), None
    function = on_progress
    thrown: Optional[BaseException] = None

    def tell(address: int, _user_data: Any) -> int:
        nonlocal thrown
        try:
            if thrown is not None or _ending.has_begun:
                return _STOP
            return _goes_on(function, progress_of(address))
        except BaseException as error:
            thrown = error
            return _STOP

    config.on_progress = ProgressFunction(tell)
    with _ending:
        code = call()
    return code, thrown


class _Lent:
    """A call on a thread of its own. That thread holds all that the call uses, so that nothing is
    pulled away from under it, whatever becomes of the one that waits."""

    def __init__(self, call: Call, on_progress: Optional[OnProgress]) -> None:
        self._call = call
        self._on_progress = on_progress
        # None: the call has ended.
        self._told: "SimpleQueue[Optional[Progress]]" = SimpleQueue()
        self._answers: "SimpleQueue[int]" = SimpleQueue()
        self._lock = threading.Lock()
        self._begun = False
        self._stopped = False
        self._ended = threading.Event()
        # What it stays if the call is stopped before it has begun.
        self.code = LP_ERR_CANCELLED
        self.failed: Optional[BaseException] = None

    def start(self) -> bool:
        """False: there can be no more threads, as when the interpreter ends."""
        try:
            threading.Thread(target=self._run, name="lifepay").start()
        except RuntimeError:
            return False
        return True

    def _run(self) -> None:
        try:
            with self._lock:
                if self._stopped:
                    return
                self._begun = True
            self.code = self._call()
        except BaseException as error:
            self.failed = error
        finally:
            self._told.put(None)
            self._ended.set()

    def tell(self, address: int, _user_data: Any) -> int:
        """on_progress of the call: asks the thread that waits."""
        try:
            if self._stopped:
                return _STOP
            if self._on_progress is None:
                return _GO_ON
            self._told.put(progress_of(address))
            return self._answers.get()
        except BaseException as error:
            self.failed = error
            return _STOP

    def attend(self) -> None:
        """Answers what the call asks until it has ended."""
        while True:
            try:
                progress = self._told.get(timeout=_LOOK)
            except Empty:
                continue
            if progress is None:
                return
            assert self._on_progress is not None
            self._answers.put(_goes_on(self._on_progress, progress))

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        # It may be waiting for one.
        self._answers.put(_STOP)

    def has_ended(self) -> bool:
        """Asked after attend or stop; waits a moment."""
        return not self._begun or self._ended.wait(_LOOK)


def _lend(
    call: Call, config: Optional[lp_config], on_progress: Optional[OnProgress]
) -> Tuple[int, Optional[BaseException]]:
    """On another thread, while this one waits and can be interrupted."""
    thrown: Optional[BaseException] = None
    lent = _Lent(call, on_progress)
    if config is not None:
        config.on_progress = ProgressFunction(lent.tell)
    started = False
    try:
        started = lent.start()
        if started:
            lent.attend()
    except BaseException as error:
        thrown = error
    if not started and thrown is None:
        return _make(call, config, on_progress)
    while True:
        try:
            if thrown is not None:
                lent.stop()
            if lent.has_ended():
                break
        except BaseException as error:
            # Another Ctrl-C: it stops all the same, within a second.
            thrown = thrown or error
    if lent.failed is not None:
        raise lent.failed
    return lent.code, thrown
