#!/bin/sh
# Runs a program against the LifePay sandbox: starts the sandbox on a free port, runs
#
#     PROGRAM --base-url http://127.0.0.1:PORT ARGUMENTS...
#
# and stops the sandbox when the program ends, for whatever reason. Exits with the program's status.
#
#     with-sandbox.sh SANDBOX PROGRAM ARGUMENTS...
#
# The sandbox writes its port to the file named by the variable PORT_FILE (default: a temporary
# file), which is removed at the end.
set -u

sandbox=$1
program=$2
shift 2

port_file=${PORT_FILE:-${TMPDIR:-/tmp}/lifepay-sandbox-port.$$}
sandbox_id=
program_id=

stop() {
    # A signal may arrive between the start of the sandbox and the assignment of sandbox_id.
    [ -n "$sandbox_id" ] || sandbox_id=${!-}
    # The program is stopped first, so that it can still shut down in an orderly way.
    for id in $program_id $sandbox_id; do
        kill -s TERM "$id" 2>/dev/null && wait "$id" 2>/dev/null
    done
    rm -f "$port_file"
}

# The EXIT trap alone is not enough: a shell that is killed by a signal does not run it.
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

rm -f "$port_file"
"$sandbox" --port 0 --port-file "$port_file" &
sandbox_id=$!

# The sandbox writes the file as soon as it accepts requests, which takes far less than 10 seconds.
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

# In the background, because a shell runs its traps only after a foreground program has ended.
"$program" --base-url "http://127.0.0.1:$port" "$@" &
program_id=$!
wait "$program_id"
status=$?
program_id=
exit "$status"
