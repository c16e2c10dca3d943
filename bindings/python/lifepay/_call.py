"""Makes blocking calls, and keeps Python's exceptions out of C.

An exception cannot pass through C: ctypes prints it and continues. On most threads it is enough to
catch the exceptions of on_progress. On the main thread a signal can raise an exception anywhere,
even before a callback reaches its `try`; and without a callback Ctrl-C would have to wait for the
end of the call. So the main thread runs the call on another thread, and waits where Python can
interrupt it.
"""

import atexit
import threading
from queue import Empty, SimpleQueue
from typing import Any, Callable, Optional, Tuple

from ._arguments import OnProgress, wrong_type
from ._constants import LP_ERR_CANCELLED
from ._results import Progress, progress_of
from ._structs import ProgressFunction, lp_config

_CONTINUE = 0
_STOP = 1
# On Windows, where Ctrl-C does not interrupt a wait, it is noticed at this interval.
_POLL_SECONDS = 0.2

Call = Callable[[], int]


def call_with_progress(
    call: Call, config: lp_config, on_progress: Optional[OnProgress]
) -> Tuple[int, Optional[BaseException]]:
    """Makes a call of lp_open_shift or lp_send. Returns its code, and the exception of on_progress
    or of a signal, if any."""
    if on_progress is not None and not callable(on_progress):
        raise wrong_type("on_progress", "callable", on_progress)
    try:
        if threading.current_thread() is threading.main_thread():
            return _call_on_worker(call, config, on_progress)
        return _call_here(call, config, on_progress)
    finally:
        # The callback refers to the call, and the call to the config. Without breaking this cycle
        # the apikey would stay in memory until a garbage collection.
        config.on_progress = ProgressFunction()


def call_without_progress(call: Call) -> int:
    """Makes a call that cannot be stopped. The exception of a signal is raised after it has
    ended."""
    if threading.current_thread() is threading.main_thread():
        code, thrown = _call_on_worker(call, None, None)
        if thrown is not None:
            raise thrown
        return code
    return call()


class _Ending:
    """Makes the end of the interpreter wait for running calls with callbacks. A thread that calls
    into the interpreter after its end is terminated, inside the library."""

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


def _report(on_progress: OnProgress, progress: Progress) -> int:
    """Calls on_progress, and converts its answer for C."""
    answer = on_progress(progress)
    return _CONTINUE if answer is None or answer else _STOP


def _call_here(
    call: Call, config: Optional[lp_config], on_progress: Optional[OnProgress]
) -> Tuple[int, Optional[BaseException]]:
    """Makes the call on this thread."""
    if config is None or on_progress is None:
        return call(), None
    function = on_progress
    thrown: Optional[BaseException] = None

    def callback(address: int, _user_data: Any) -> int:
        nonlocal thrown
        try:
            if thrown is not None or _ending.has_begun:
                return _STOP
            return _report(function, progress_of(address))
        except BaseException as error:
            thrown = error
            return _STOP

    config.on_progress = ProgressFunction(callback)
    with _ending:
        code = call()
    return code, thrown


class _WorkerCall:
    """A call on a separate thread. That thread holds references to everything the call uses, so
    that it stays valid even if the waiting thread gives up."""

    def __init__(self, call: Call, on_progress: Optional[OnProgress]) -> None:
        self._call = call
        self._on_progress = on_progress
        # None: the call has ended.
        self._reports: "SimpleQueue[Optional[Progress]]" = SimpleQueue()
        self._answers: "SimpleQueue[int]" = SimpleQueue()
        self._lock = threading.Lock()
        self._begun = False
        self._stopped = False
        self._ended = threading.Event()
        # The code if the call is stopped before it has begun.
        self.code = LP_ERR_CANCELLED
        self.failed: Optional[BaseException] = None

    def start(self) -> bool:
        """Returns False if no thread can be started, for example because the interpreter ends."""
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
            self._reports.put(None)
            self._ended.set()

    def callback(self, address: int, _user_data: Any) -> int:
        """The call's on_progress: passes the progress to the waiting thread, and returns its
        answer."""
        try:
            if self._stopped:
                return _STOP
            if self._on_progress is None:
                return _CONTINUE
            self._reports.put(progress_of(address))
            return self._answers.get()
        except BaseException as error:
            self.failed = error
            return _STOP

    def answer_reports(self) -> None:
        """Answers the call's progress reports until it has ended."""
        while True:
            try:
                progress = self._reports.get(timeout=_POLL_SECONDS)
            except Empty:
                continue
            if progress is None:
                return
            assert self._on_progress is not None
            self._answers.put(_report(self._on_progress, progress))

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        # The callback may be waiting for an answer.
        self._answers.put(_STOP)

    def has_ended(self) -> bool:
        """Waits a moment, and returns whether the call has ended. Must follow answer_reports or
        stop."""
        return not self._begun or self._ended.wait(_POLL_SECONDS)


def _call_on_worker(
    call: Call, config: Optional[lp_config], on_progress: Optional[OnProgress]
) -> Tuple[int, Optional[BaseException]]:
    """Makes the call on another thread, while this one waits and can be interrupted."""
    thrown: Optional[BaseException] = None
    worker = _WorkerCall(call, on_progress)
    if config is not None:
        config.on_progress = ProgressFunction(worker.callback)
    started = False
    try:
        started = worker.start()
        if started:
            worker.answer_reports()
    except BaseException as error:
        thrown = error
    if not started and thrown is None:
        return _call_here(call, config, on_progress)
    while True:
        try:
            if thrown is not None:
                worker.stop()
            if worker.has_ended():
                break
        except BaseException as error:
            # Another Ctrl-C. The call still stops within a second.
            thrown = thrown or error
    if worker.failed is not None:
        raise worker.failed
    return worker.code, thrown
