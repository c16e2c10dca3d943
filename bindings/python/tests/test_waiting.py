"""Waiting calls: other threads run, progress is reported, and the call can be stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable, List

import pytest
from conftest import Call

import lifepay

both_threads = pytest.mark.parametrize("on", ["main", "other"])


def on_thread(name: str, function: Callable[[], Any]) -> Any:
    """Calls a function on the main thread or on another one. Returns its result or raises its
    exception."""
    if name == "main":
        return function()
    returned: List[Any] = []
    raised: List[BaseException] = []

    def target() -> None:
        try:
            returned.append(function())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return returned[0]


@both_threads
def test_other_threads_run_while_a_call_waits(call: Call, silent: str, on: str) -> None:
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.wait(0.01):
            ticks += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        with pytest.raises(lifepay.OutcomeUnknown) as caught:
            on_thread(
                on, lambda: lifepay.open_shift(**{**call, "base_url": silent}, timeout_ms=1000)
            )
        assert caught.value.code == lifepay.LP_ERR_TIMEOUT
        # There would be none if the call kept the GIL.
        assert ticks > 20
    finally:
        done.set()
        ticker.join()


def test_calls_of_many_threads_wait_at_once(call: Call, silent: str) -> None:
    def wait() -> None:
        with pytest.raises(lifepay.OutcomeUnknown):
            lifepay.open_shift(**{**call, "base_url": silent}, timeout_ms=1000)

    begun = time.monotonic()
    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun < 4


@both_threads
def test_progress_is_reported_on_the_callers_thread(call: Call, closed_port: str, on: str) -> None:
    reports: List[lifepay.Progress] = []
    threads = set()

    def record(progress: lifepay.Progress) -> None:
        reports.append(progress)
        threads.add(threading.get_ident())

    def attempt() -> int:
        with pytest.raises(lifepay.NotSent):
            lifepay.open_shift(
                **{**call, "base_url": closed_port},
                retry_for_ms=700,
                retry_delays_ms=[300],
                on_progress=record,
            )
        return threading.get_ident()

    assert threads == {on_thread(on, attempt)}
    failed = [progress for progress in reports if progress.phase is lifepay.Phase.FAILED]
    assert [progress.attempts for progress in failed[:2]] == [1, 2]
    assert failed[0].code == lifepay.LP_ERR_NETWORK
    assert failed[0].http_status == 0
    assert 0 < failed[0].next_attempt_ms <= 300
    assert any(progress.phase is lifepay.Phase.PAUSE for progress in reports)
    times = [progress.elapsed_ms for progress in reports]
    assert times == sorted(times) and times[-1] > 200


@both_threads
def test_false_stops_the_call(call: Call, silent: str, on: str) -> None:
    begun = time.monotonic()
    with pytest.raises(lifepay.LifePayError) as caught:
        on_thread(
            on,
            lambda: lifepay.open_shift(
                **{**call, "base_url": silent},
                on_progress=lambda progress: progress.phase != lifepay.Phase.EXCHANGE,
            ),
        )
    assert caught.value.code == lifepay.LP_ERR_CANCELLED
    assert isinstance(caught.value, lifepay.OutcomeUnknown)
    assert time.monotonic() - begun < 5


@both_threads
def test_an_exception_stops_the_call_and_is_raised(call: Call, silent: str, on: str) -> None:
    class Fault(Exception):
        pass

    calls = 0

    def fail(_progress: lifepay.Progress) -> None:
        nonlocal calls
        calls += 1
        raise Fault("mine")

    with pytest.raises(Fault, match="mine") as caught:
        on_thread(on, lambda: lifepay.open_shift(**{**call, "base_url": silent}, on_progress=fail))
    assert calls == 1
    cause = caught.value.__cause__
    assert isinstance(cause, lifepay.LifePayError)
    assert cause.code == lifepay.LP_ERR_CANCELLED
    assert cause.ext_id is not None and len(cause.ext_id) == 36


@both_threads
def test_progress_may_open_another_shift(call: Call, closed_port: str, on: str) -> None:
    opened: List[lifepay.Shift] = []

    def open_another(_progress: lifepay.Progress) -> bool:
        opened.append(lifepay.open_shift(**call))
        return False

    with pytest.raises(lifepay.NotSent):
        on_thread(
            on,
            lambda: lifepay.open_shift(
                **{**call, "base_url": closed_port}, retry_for_ms=5000, on_progress=open_another
            ),
        )
    assert len(opened) == 1 and opened[0].uuid


INTERRUPTED = """
import lifepay, signal, sys, time
# A shell makes its background processes ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
lifepay.version()
print("ready", flush=True)
begun = time.monotonic()
try:
    {call}
    print("not interrupted")
except KeyboardInterrupt as interrupt:
    print(round(time.monotonic() - begun), type(interrupt.__cause__).__name__)
"""


def interrupted(program: str, silent: str, path: str = "") -> str:
    """Runs a program that gets Ctrl-C while it waits, and returns its output."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(call=program), silent, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    # Ctrl-C must work at any time. The pause makes it arrive during the call.
    time.sleep(1)
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0 and not errors, errors
    return output.strip()


posix = pytest.mark.skipif(sys.platform == "win32", reason="no signal can be sent to one process")
CALL = "lifepay.open_shift(apikey='s3cr3t', login='79031234567', base_url=sys.argv[1]{more})"


@posix
def test_ctrl_c_stops_a_call(silent: str) -> None:
    seconds, cause = interrupted(CALL.format(more=""), silent).split()
    assert int(seconds) < 10
    assert cause == "OutcomeUnknown"


@posix
def test_ctrl_c_stops_a_call_with_progress(silent: str) -> None:
    program = CALL.format(more=", on_progress=lambda progress: None")
    seconds, cause = interrupted(program, silent).split()
    assert int(seconds) < 10
    assert cause == "OutcomeUnknown"


@posix
def test_ctrl_c_stops_a_pause(closed_port: str) -> None:
    seconds, cause = interrupted(CALL.format(more=", retry_for_ms=600000"), closed_port).split()
    assert int(seconds) < 10
    assert cause == "NotSent"


@posix
def test_ctrl_c_stops_a_wait_for_an_outbox(silent: str, tmp_path: Any) -> None:
    program = (
        "outbox = lifepay.Outbox(sys.argv[2], apikey='s3cr3t', login='79031234567', base_url=sys.argv[1])"
        "; outbox.wait(outbox.submit().ext_id)"
    )
    seconds, cause = interrupted(program, silent, str(tmp_path / "shifts.db")).split()
    assert int(seconds) < 10
    assert cause == "NoneType"


@posix
def test_a_storm_of_ctrl_c_is_heard_and_leaves_nothing_behind(silent: str, run: Any) -> None:
    # KeyboardInterrupt is raised only inside the package, at arbitrary points.
    ended = run(
        f"""
import lifepay, os, signal, threading, time
lifepay.version()
def raise_inside(_signal, frame):
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("lifepay."):
            raise KeyboardInterrupt
        frame = frame.f_back
signal.signal(signal.SIGINT, raise_inside)
def storm(stop, pause):
    time.sleep(pause)
    while not stop.is_set():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.002)
interrupts = 0
for step in range(30):
    stop = threading.Event()
    thread = threading.Thread(target=storm, args=(stop, step * 0.0005))
    thread.start()
    try:
        lifepay.open_shift(
            apikey='s3cr3t', login='79031234567', base_url={silent!r}, timeout_ms=20000,
            on_progress=lambda progress: None,
        )
    except KeyboardInterrupt:
        interrupts += 1
    stop.set()
    thread.join()
deadline = time.monotonic() + 10
while threading.active_count() > 1 and time.monotonic() < deadline:
    time.sleep(0.01)
print(interrupts, threading.active_count())
"""
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "30 1\n", "")


def test_a_program_may_end_while_its_daemon_threads_call(
    silent: str, closed_port: str, run: Any
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("on_exit exists on Linux only")
    # A thread that calls back into Python after the interpreter has ended is terminated inside the
    # library, which brings the process down. Here the process outlives the interpreter by two
    # seconds.
    ended = run(
        f"""
import ctypes, lifepay, logging, sys, threading
logging.getLogger("lifepay").setLevel(logging.DEBUG)
libc = ctypes.CDLL(None)
libc.on_exit(libc.sleep, None)  # sleeps for as many seconds as the exit status
reported = threading.Event()
def call(base_url, on_progress):
    try:
        lifepay.open_shift(
            apikey='s3cr3t', login='79031234567', base_url=base_url, on_progress=on_progress,
            retry_for_ms=60000, retry_delays_ms=[100],
        )
    except lifepay.LifePayError:
        pass
for arguments in [
    ({silent!r}, None),
    ({silent!r}, lambda progress: reported.set()),
    ({closed_port!r}, None),
]:
    threading.Thread(target=call, args=arguments, daemon=True).start()
assert reported.wait(10)
print("end", flush=True)
sys.exit(2)
"""
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "end\n", "")


def test_a_call_can_be_made_when_the_interpreter_ends(sandbox: str, run: Any) -> None:
    # No other thread can be started then.
    ended = run(
        f"""
import atexit, lifepay
@atexit.register
def last():
    shift = lifepay.open_shift(apikey='s3cr3t', login='79031234567', base_url={sandbox!r})
    print(bool(shift.uuid))
lifepay.version()
"""
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")
