"""Closes a shift: sends a Z report.

    LIFEPAY_APIKEY=... python3 close_shift.py --login 79031234567

The request has no ext_id, because it is not published whether LifePay recognises a repeated one
here. So the library does not retry. After status 4, check in LifePay's personal account whether the
report was made.

Exit status: 0 accepted, 1 LifePay rejected it, 2 wrong arguments, 3 not sent, 4 outcome unknown.
"""

import argparse
import os
import sys

import lifepay


def explain(error: lifepay.LifePayError) -> int:
    print(f"{error.name} ({error.code}): {error.message}", file=sys.stderr)
    for wrong in error.errors:
        print(f"  {wrong.field}: {wrong.message}", file=sys.stderr)
    if isinstance(error, lifepay.InvalidArgument):
        return 2
    if error.outcome == lifepay.Outcome.NOT_SENT:
        print("Nothing was sent.", file=sys.stderr)
        return 3
    if error.outcome == lifepay.Outcome.UNKNOWN:
        print("LifePay may have it. Look at its personal account first.", file=sys.stderr)
        return 4
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Closes a shift; LIFEPAY_APIKEY holds the API key.")
    parser.add_argument("--login", required=True)
    parser.add_argument("--test", action="store_true", help="nothing is fiscalised")
    parser.add_argument("--cashier-name")
    parser.add_argument("--cashier-inn")
    parser.add_argument("--target-serial", help="of the fiscal printer")
    parser.add_argument("--base-url", help="such as http://127.0.0.1:8080, the sandbox")
    given = parser.parse_args()
    try:
        document = lifepay.send(
            "/cloud-print/create-z-report",
            # Not an option: other users of this machine see command lines.
            apikey=os.environ.get("LIFEPAY_APIKEY", ""),
            login=given.login,
            test=given.test,
            cashier_name=given.cashier_name,
            cashier_inn=given.cashier_inn,
            target_serial=given.target_serial,
            base_url=given.base_url,
        )
    except lifepay.LifePayError as error:
        return explain(error)
    print(f"uuid: {document.uuid or '(none: test mode)'}")
    print("Accepted is not yet closed: the report that the cash register prints shows that.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
