"""A till with an outbox: it can be killed and restarted at any moment without losing a shift.

    LIFEPAY_APIKEY=... python3 outbox.py --file shifts.db --login 79031234567 submit

Commands: submit [EXT_ID], list, wait EXT_ID, cancel EXT_ID, retry [EXT_ID], forget EXT_ID.

Exit status: 0 accepted, or done; 1 LifePay rejected it; 2 wrong arguments; 3 still pending;
4 anything else: cancelled, expired, no such entry, the file cannot be used.
"""

import argparse
import os
import sys
from datetime import datetime, timezone

import lifepay


def report(result: lifepay.Result) -> int:
    if result.ok:
        print(f"uuid: {result.uuid or '(none: test mode)'}")
        return 0
    print(f"{result.name}: {result.message}")
    for wrong in result.errors:
        print(f"  {wrong.field}: {wrong.message}")
    if result.pending:
        return 3
    ended = result.code in (lifepay.LP_ERR_CANCELLED, lifepay.LP_ERR_EXPIRED)
    if ended and result.outcome == lifepay.Outcome.UNKNOWN:
        print("LifePay may have it all the same: a report may still be printed.")
        print(f"If the shift is still needed, submit it again with {result.ext_id} only.")
    return 1 if result.code > 0 else 4


def show(entry: lifepay.Entry) -> None:
    line = f"{entry.ext_id}  {lifepay.code_name(entry.code)}  attempts {entry.attempts}"
    if entry.foreign:
        line += f"  of {entry.base_url}, not sent from here"
    elif entry.sending:
        line += "  being sent"
    elif entry.next_attempt_at:
        seconds = (entry.next_attempt_at - datetime.now(timezone.utc)).total_seconds()
        line += f"  next in {max(0, round(seconds))} s"
    print(f"{line}\n    {entry.uuid or entry.message}")


def execute(outbox: lifepay.Outbox, given: argparse.Namespace) -> int:
    wait_ms = given.wait * 1000
    if given.command == "submit":
        submitted = outbox.submit(ext_id=given.ext_id or lifepay.ext_id_new())
        # The request is on disk: from here on a crash loses nothing.
        print(f"ext_id: {submitted.ext_id}", flush=True)
        return report(outbox.wait(submitted.ext_id or "", wait_ms))
    if given.command == "list":
        for entry in outbox.entries():
            show(entry)
    elif given.command == "retry":
        outbox.retry_now(given.ext_id)
        if given.ext_id:
            return report(outbox.wait(given.ext_id, wait_ms))
    elif given.command == "wait":
        return report(outbox.wait(given.ext_id or "", wait_ms))
    elif given.command == "cancel":
        result = outbox.cancel(given.ext_id or "")
        status = report(result)
        return 0 if result.code == lifepay.LP_ERR_CANCELLED else status
    elif given.command == "forget":
        outbox.forget(given.ext_id or "")
    return 0


def main() -> int:
    commands = ["submit", "list", "wait", "cancel", "retry", "forget"]
    parser = argparse.ArgumentParser(description="LIFEPAY_APIKEY holds the API key.")
    parser.add_argument("--file", required=True, help="on a local disk")
    parser.add_argument("--login")
    parser.add_argument("--base-url", help="such as http://127.0.0.1:8080, the sandbox")
    parser.add_argument("--wait", type=int, default=10, metavar="SECONDS")
    parser.add_argument("command", choices=commands)
    parser.add_argument("ext_id", nargs="?")
    given = parser.parse_args()
    try:
        # Opening the outbox starts to send. Entries that are pending when it is closed are sent at
        # the next start.
        with lifepay.Outbox(
            given.file,
            # Not an option: other users of this machine see command lines.
            apikey=os.environ.get("LIFEPAY_APIKEY", ""),
            login=given.login,
            base_url=given.base_url,
        ) as outbox:
            return execute(outbox, given)
    except lifepay.LifePayError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, lifepay.InvalidArgument) else 4


if __name__ == "__main__":
    sys.exit(main())
