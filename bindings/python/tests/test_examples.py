"""The examples do what their help says."""

import os
import subprocess
import sys
from pathlib import Path

from conftest import RESETTING_PRINTER, AcceptingServer

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        env={
            **os.environ,
            "LIFEPAY_APIKEY": "s3cr3t-apikey",
            "PYTHONIOENCODING": "utf-8",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_open_shift(sandbox: str, ext_id: str) -> None:
    common = ["--base-url", sandbox, "--ext-id", ext_id]
    done = run("open_shift.py", *common, "--login", "79031234567", "--cashier-name", "Иванова")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"ext_id: {ext_id}"
    assert len(lines[1]) == len("uuid: ") + 36


def test_open_shift_exits_with_the_status_of_each_outcome(sandbox: str, closed_port: str) -> None:
    rejected = run("open_shift.py", "--base-url", sandbox, "--login", "70000000400")
    assert rejected.returncode == 1
    assert "LP_DATA_ERROR (400)" in rejected.stderr
    wrong = run("open_shift.py", "--login", "79031234567", LIFEPAY_APIKEY="")
    assert wrong.returncode == 2
    assert "apikey" in wrong.stderr
    retried = ["--base-url", closed_port, "--login", "79031234567", "--retry-for", "1"]
    not_sent = run("open_shift.py", *retried)
    assert not_sent.returncode == 3
    assert "LP_ERR_NETWORK: " in not_sent.stdout
    lost = ["--base-url", sandbox, "--login", "79031234567", "--target-serial", RESETTING_PRINTER]
    unknown = run("open_shift.py", *lost)
    assert unknown.returncode == 4
    assert f"--ext-id {unknown.stdout.split()[1]}" in unknown.stderr


def test_close_shift(accepting: AcceptingServer) -> None:
    common = ["--base-url", accepting.url, "--login", "79031234567"]
    done = run("close_shift.py", *common, "--cashier-name", "Иванова", "--target-serial", "0010")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"uuid: {AcceptingServer.UUID}\n")
    ((path, body),) = accepting.requests
    assert path == "/cloud-print/create-z-report"
    assert body.endswith(',"cashier_name":"Иванова","target_serial":"0010"}')
    assert "ext_id" not in body


def test_close_shift_exits_with_the_status_of_each_outcome(accepting: AcceptingServer, closed_port: str) -> None:
    assert run("close_shift.py", "--login", "", "--base-url", accepting.url).returncode == 2
    nowhere = run("close_shift.py", "--login", "79031234567", "--base-url", closed_port)
    assert nowhere.returncode == 3
    for answer, status in (('{"code":6080,"message":"","data":{}}', 1), ("<html>", 4)):
        accepting.answer = answer
        ended = run("close_shift.py", "--login", "79031234567", "--base-url", accepting.url)
        assert ended.returncode == status, ended.stderr
        assert ("personal account first" in ended.stderr) == (status == 4)


def test_outbox(sandbox: str, closed_port: str, tmp_path: Path, ext_id: str) -> None:
    file = ["--file", str(tmp_path / "shifts.db"), "--login", "79031234567"]
    here = [*file, "--base-url", sandbox]
    done = run("outbox.py", *here, "submit", ext_id)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"ext_id: {ext_id}\nuuid: ")
    assert run("outbox.py", *here, "wait", ext_id).stdout == done.stdout.splitlines()[1] + "\n"
    assert f"{ext_id}  LP_OK  attempts 1" in run("outbox.py", *here, "list").stdout
    assert run("outbox.py", *here, "forget", ext_id).returncode == 0
    assert run("outbox.py", *here, "list").stdout == ""
    assert run("outbox.py", *here, "cancel", ext_id).returncode == 4
    assert run("outbox.py", "--file", str(tmp_path), "list", LIFEPAY_APIKEY="").returncode == 2
    nowhere = [*file, "--base-url", closed_port, "--wait", "1"]
    assert run("outbox.py", *nowhere, "submit", ext_id).returncode == 3
    cancelled = run("outbox.py", *nowhere, "cancel", ext_id)
    assert cancelled.returncode == 0
    assert "LP_ERR_CANCELLED" in cancelled.stdout
