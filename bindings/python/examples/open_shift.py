"""Opens a shift. Shows a countdown to the next attempt; Ctrl-C stops the call.

    LIFEPAY_APIKEY=... python3 open_shift.py --login 79031234567 --retry-for 600

Exit status: 0 accepted, 1 LifePay rejected it, 2 wrong arguments, 3 not sent, 4 outcome unknown.
"""

import argparse
import os
import sys

import lifepay


def countdown(progress: lifepay.Progress) -> None:
    """Prints why an attempt failed, and counts down to the next one."""
    if progress.phase == lifepay.Phase.FAILED:
        print(f"\n{lifepay.code_name(progress.code)}: {lifepay.code_text(progress.code)}")
    elif progress.phase == lifepay.Phase.PAUSE:
        print(f"\rnext attempt in {progress.next_attempt_ms // 1000} s ", end="", flush=True)


def explain(error: lifepay.LifePayError) -> int:
    print(f"{error.name} ({error.code}): {error.message}", file=sys.stderr)
    for wrong in error.errors:
        print(f"  {wrong.field}: {wrong.message}", file=sys.stderr)
    if error.detail:
        print(f"  {error.detail}", file=sys.stderr)
    if isinstance(error, lifepay.InvalidArgument):
        return 2
    if error.outcome == lifepay.Outcome.NOT_SENT:
        print("Nothing was sent.", file=sys.stderr)
        return 3
    if error.outcome == lifepay.Outcome.UNKNOWN:
        print(f"LifePay may have it. Repeat with --ext-id {error.ext_id} only.", file=sys.stderr)
        return 4
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Opens a shift; LIFEPAY_APIKEY holds the API key.")
    parser.add_argument("--login", required=True)
    parser.add_argument("--test", action="store_true", help="nothing is fiscalised")
    parser.add_argument("--cashier-name")
    parser.add_argument("--cashier-inn")
    parser.add_argument("--target-serial", help="of the fiscal printer")
    parser.add_argument("--ext-id", help="your own identifier, for a repeat that is safe")
    parser.add_argument("--callback-url")
    parser.add_argument("--base-url", help="such as http://127.0.0.1:8080, the sandbox")
    parser.add_argument("--retry-for", type=int, default=0, metavar="SECONDS")
    given = parser.parse_args()

    # Printed before the request is sent: a retry is safe even if this program is killed now.
    ext_id = given.ext_id or lifepay.ext_id_new()
    print(f"ext_id: {ext_id}", flush=True)
    try:
        shift = lifepay.open_shift(
            # Not an option: other users of this machine see command lines.
            apikey=os.environ.get("LIFEPAY_APIKEY", ""),
            login=given.login,
            test=given.test,
            cashier_name=given.cashier_name,
            cashier_inn=given.cashier_inn,
            target_serial=given.target_serial,
            ext_id=ext_id,
            callback_url=given.callback_url,
            base_url=given.base_url,
            retry_for_ms=given.retry_for * 1000,
            on_progress=countdown,
        )
    except lifepay.LifePayError as error:
        return explain(error)
    except KeyboardInterrupt as interrupt:
        # The cause says whether LifePay may have the request.
        cause = interrupt.__cause__
        return explain(cause) if isinstance(cause, lifepay.LifePayError) else 4
    print(f"uuid: {shift.uuid or '(none: test mode)'}")
    print("Accepted is not yet open: the report that the cash register prints shows that.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
