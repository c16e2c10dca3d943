#!/bin/sh
# Runs a program against the LifePay sandbox: starts the sandbox on a free port, runs
#
#     PROGRAM --base-url http://127.0.0.1:PORT ARGUMENTS...
#
# and stops the sandbox again, however the program ends. The exit status is the program's.
#
#     with-sandbox.sh SANDBOX PROGRAM ARGUMENTS...
#
# PORT_FILE, if set, is where the sandbox writes its port; it is removed again.
set -u

sandbox=$1
program=$2
shift 2

port_file=${PORT_FILE:-${TMPDIR:-/tmp}/lifepay-sandbox-port.$$}
sandbox_id=
program_id=

stop() {
    # A signal may come after the sandbox was started and before its id was noted.
    [ -n "$sandbox_id" ] || sandbox_id=${!-}
    # The program first, so that it can still end in an orderly way.
    for id in $program_id $sandbox_id; do
        kill -s TERM "$id" 2>/dev/null && wait "$id" 2>/dev/null
    done
    rm -f "$port_file"
}

# EXIT alone is not enough: a shell that dies of a signal does not run it.
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

rm -f "$port_file"
"$sandbox" --port 0 --port-file "$port_file" &
sandbox_id=$!

# The file appears, with the port in it, once requests are accepted. Ten seconds are plenty.
waited=0
until [ -s "$port_file" ]; do
    if ! kill -s 0 "$sandbox_id" 2>/dev/null; then
        echo "The sandbox did not start." >&2
        exit 1
    fi
    if [ "$waited" -ge 100 ]; then
        echo "The sandbox has not written its port to $port_file." >&2
        exit 1
    fi
    waited=$((waited + 1))
    sleep 0.1 2>/dev/null || sleep 1
done
read -r port <"$port_file"

# In the background, because a shell that waits for a program in the foreground hears no signal.
"$program" --base-url "http://127.0.0.1:$port" "$@" &
program_id=$!
wait "$program_id"
status=$?
program_id=
exit "$status"
