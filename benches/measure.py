"""Measures the library beside libcurl, a raw socket, Python's requests and SQLite; see the Makefile.

The programs of a comparison run in turn, many times over, so that other load on the machine affects
all of them. The table shows the median, the minimum and the maximum of each program's runs.
"""

import argparse
import contextlib
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SYSTEMS_ROOTS = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
PARTS = ["first", "http", "tls", "count", "threads", "memory", "outbox", "drain"]


class Bench:
    def __init__(self, build: pathlib.Path, folder: pathlib.Path, smoke: bool, server) -> None:
        self.build = build
        self.folder = folder
        self.smoke = smoke
        self.server = server
        plain, encrypted = server.stdout.readline().split()
        self.port = int(plain)
        self.http = f"http://127.0.0.1:{plain}"
        self.https = f"https://127.0.0.1:{encrypted}"
        self.ca_file = folder / "ca.pem"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
        }
        self.missed = 0

    def count(self, usual: int, smoke: int) -> int:
        return smoke if self.smoke else usual

    def client(self, name: str) -> list[str]:
        if name == "requests":
            return [sys.executable, str(HERE / "client_requests.py")]
        return [str(self.build / name)]

    def run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}")
        return done.stdout

    def control(self, path: str) -> None:
        request = urllib.request.Request(f"{self.http}/{path}", data=b"", method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=30).read()

    # Output.

    def table(self, title: str, unit: str) -> None:
        print(f"\n{title}, {unit}\n")
        print(f"  {'':36}{'median':>10}{'min':>10}{'max':>10}{'ratio':>8}   goal")

    def row(self, name: str, values: list[float], ratio: float | None = None, goal=None) -> None:
        smallest, largest = min(values), max(values)
        cells = "".join(f"{value:10.{1 if value < 1000 else 0}f}" for value in
                        (statistics.median(values), smallest, largest))
        print(f"  {name:36}{cells}{self.verdict(ratio, goal)}", flush=True)

    def verdict(self, ratio: float | None, goal: float | None) -> str:
        if ratio is None:
            return ""
        if goal is None:
            return f"{ratio:8.2f}"
        if self.smoke:
            return f"{ratio:8.2f}   at most {goal}"
        is_met = ratio <= goal
        self.missed += not is_met
        return f"{ratio:8.2f}   at most {goal}: {'met' if is_met else 'MISSED'}"

    def compare(self, runs: dict[str, list[float]], goals: dict[str, float]) -> None:
        """Prints a row for each client. The others' rows show the library's ratio to them."""
        ours = statistics.median(runs["lifepay"])
        self.row("lifepay", runs["lifepay"])
        for name, values in runs.items():
            if name != "lifepay":
                self.row(f"{name} (ratio: lifepay to it)", values,
                         ours / statistics.median(values), goals.get(name))

    # Measurements.

    def launch(self, rounds: int, commands: list[list[str]]) -> list[list[tuple[float, float]]]:
        """Returns the microseconds of the process and of its first call, by command and run."""
        joined = [part for command in commands for part in ["--", *command]][1:]
        printed = self.run([str(self.build / "launch"), str(rounds), *joined])
        times: list[list[tuple[float, float]]] = [[] for _ in commands]
        for line in printed.splitlines():
            number, whole, _, first, _ = line.split()
            times[int(number)].append((float(whole), float(first)))
        return times

    def first(self) -> None:
        rounds = self.count(40, 2)
        call = [self.https, str(self.ca_file), "1", "0", "0"]
        names = ["lifepay", "curl", "requests"]
        times = self.launch(rounds, [[*self.client(name), *call] for name in names])
        goals = {"curl": 0.6}
        self.table("A process from its start to the uuid, TLS", "milliseconds")
        self.compare(
            {name: [whole / 1e3 for whole, _ in runs] for name, runs in zip(names, times)}, goals
        )
        self.table("The first TLS call of a process", "milliseconds")
        self.compare(
            {name: [first / 1e3 for _, first in runs] for name, runs in zip(names, times)}, goals
        )
        if SYSTEMS_ROOTS.exists():
            self.roots(rounds, goals)

    def roots(self, rounds: int, goals: dict[str, float]) -> None:
        both = self.folder / "with-systems.pem"
        both.write_bytes(SYSTEMS_ROOTS.read_bytes() + self.ca_file.read_bytes())
        with_ours = [self.https, str(self.ca_file), "1", "0", "0"]
        with_all = [self.https, str(both), "1", "0", "0"]
        lifepay = self.client("lifepay")
        commands = [
            [*lifepay, *with_all],
            [*self.client("curl"), *with_all],
            ["env", "TRUST=1", *lifepay, *with_ours],
            ["env", "TRUST=2", *lifepay, *with_ours],
        ]
        times = [[first / 1e3 for _, first in runs] for runs in self.launch(rounds, commands)]
        count = SYSTEMS_ROOTS.read_text().count("BEGIN CERTIFICATE")
        self.table(f"The same with the system's {count} roots in the CA file", "milliseconds")
        self.compare({"lifepay": times[0], "curl": times[1]}, goals)
        self.table("Cost of reading the system's roots in a first call", "milliseconds")
        self.row("LP_TRUST_BUNDLED: not read", times[2])
        self.row("LP_TRUST_SYSTEM: read", times[3])
        cost = statistics.median(times[3]) - statistics.median(times[2])
        print(f"  the difference of the medians: {cost:.1f}; LP_TRUST_DEFAULT reads them only if")
        print("  neither Mozilla's roots nor the ca_file verify the server")

    def warm(self, base_url: str, ca_file: str, names: list[str], goals: dict[str, float],
             threads: int = 1) -> None:
        rounds = self.count(21, 1)
        calls = self.count(2000 if threads == 1 else 300, 5)
        warmup = self.count(200, 2)
        wall: dict[str, list[float]] = {name: [] for name in names}
        cpu: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                # Python takes much longer, so a tenth of the calls is enough.
                fewer = 10 if name == "requests" and not self.smoke else 1
                printed = self.run([*self.client(name), base_url, ca_file, str(threads),
                                    str(warmup // fewer), str(calls // fewer)])
                _, taken, used, *_ = printed.splitlines()[-1].split()
                wall[name].append(float(taken))
                cpu[name].append(float(used))
        self.compare(wall, goals)
        used = ", ".join(f"{name} {statistics.median(values):.1f}" for name, values in cpu.items())
        print(f"  of which CPU time in the client: {used}")

    def run_on(self, processors: set[int]) -> None:
        tasks = pathlib.Path(f"/proc/{self.server.pid}/task").iterdir()
        for task in [0, *(int(path.name) for path in tasks)]:
            # The thread of a closed connection may have ended.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(task, processors)

    @contextlib.contextmanager
    def one_processor(self):
        """Keeps server and clients on one processor. On two, most of a warm call's time is the system
        waking an idle processor, twice, whatever the client does."""
        everywhere = os.sched_getaffinity(0)
        self.run_on({max(everywhere)})
        try:
            yield
        finally:
            self.run_on(everywhere)

    def warm_http(self) -> None:
        with self.one_processor():
            self.table("A warm call over HTTP, server and client on one processor", "microseconds")
            self.warm(self.http, "-", ["lifepay", "curl", "raw"], {"curl": 0.85})
        self.table("A warm call over HTTP", "microseconds")
        self.warm(self.http, "-", ["lifepay", "curl", "raw", "requests"], {"curl": 0.85, "raw": 1.3})

    def warm_tls(self) -> None:
        with self.one_processor():
            self.table("A warm call over TLS, server and client on one processor", "microseconds")
            self.warm(self.https, str(self.ca_file), ["lifepay", "curl"], {"curl": 0.85})
        self.table("A warm call over TLS", "microseconds")
        self.warm(self.https, str(self.ca_file), ["lifepay", "curl", "requests"], {"curl": 0.85})

    def count_calls(self) -> None:
        """Counts what a warm call costs, regardless of other load on the machine: the difference
        between a run of some calls and a run of twice as many."""
        tools = [tool for tool in ["valgrind", "strace"] if not shutil.which(tool)]
        if tools:
            print(f"\nThe cost of a warm call is not counted: there is no {' and no '.join(tools)}")
            return
        calls = self.count(1000, 10)
        for title, base_url, ca_file in [("HTTP, with a ca_file", self.http, str(self.ca_file)),
                                         ("TLS", self.https, str(self.ca_file))]:
            print(f"\nThe cost of a warm call over {title}\n")
            print(f"  {'':36}{'lifepay':>10}{'curl':>10}{'ratio':>8}   goal")
            for unit, count, limit, ratio_limit in [
                ("instructions", self.instructions, None, 0.6),
                ("system calls", self.system_calls, 3, None),
                ("allocations", self.allocations, 40, None),
            ]:
                def each(name: str) -> float:
                    # Counts the warm-up calls, during which the program does nothing else.
                    command = [*self.client(name), base_url, ca_file, "1"]
                    once, twice = (count([*command, str(n), "1"]) for n in (calls, 2 * calls))
                    return (twice - once) / calls
                ours, theirs = each("lifepay"), each("curl")
                ratio = ours / theirs if theirs else 0.0
                cells = f"  {unit:36}{ours:10.1f}{theirs:10.1f}"
                if limit is None:
                    print(f"{cells}{self.verdict(ratio, ratio_limit)}", flush=True)
                    continue
                is_met = round(ours, 1) <= limit
                self.missed += not is_met and not self.smoke
                words = "" if self.smoke else f": {'met' if is_met else 'MISSED'}"
                print(f"{cells}{ratio:8.2f}   lifepay at most {limit}{words}", flush=True)

    def counted(self, command: list[str], pattern: str) -> int:
        done = subprocess.run(command, env=self.environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        found = re.search(pattern, done.stderr)
        if done.returncode != 0 or not found:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        return int(found[1].replace(",", ""))

    def instructions(self, command: list[str]) -> int:
        callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        return self.counted([*callgrind, *command], r"Collected : (\d+)")

    def allocations(self, command: list[str]) -> int:
        memcheck = ["valgrind", "--leak-check=no", "--undef-value-errors=no"]
        return self.counted([*memcheck, *command], r"total heap usage: ([\d,]+) allocs")

    def system_calls(self, command: list[str]) -> int:
        return self.counted(["strace", "-f", "-c", *command], r"([\d,]+) +(?:\d+ +)?total")

    def threads(self) -> None:
        for title, base_url, ca_file in [("HTTP", self.http, "-"),
                                         ("TLS", self.https, str(self.ca_file))]:
            self.table(f"16 threads over {title}, elapsed time divided by all calls", "microseconds")
            self.warm(base_url, ca_file, ["lifepay", "curl"], {"curl": 0.85}, threads=16)

    def memory(self) -> None:
        calls = self.count(100_000, 1500)
        print(f"\nResident memory over {calls} calls of a process, KiB\n")
        print(f"  {'':36}{'at 1000':>10}{'at end':>10}{'growth':>10}")
        for title, base_url, ca_file in [("HTTP", self.http, "-"),
                                         ("TLS", self.https, str(self.ca_file))]:
            for name in ["lifepay", "curl"]:
                printed = self.run([*self.client(name), base_url, ca_file, "1", "0", str(calls)])
                *_, at_1000, at_end = printed.splitlines()[-1].split()
                growth = int(at_end) - int(at_1000)
                verdict = ""
                if name == "lifepay":
                    # A difference of one or two pages comes from the allocator.
                    verdict = self.verdict(growth / int(at_1000), 0.02)
                print(f"  {name + ' over ' + title:36}{at_1000:>10}{at_end:>10}{growth:>10}{verdict}")

    def outbox(self) -> None:
        rounds = self.count(60, 1)
        each = self.count(25, 3)
        runs: dict[str, list[float]] = {"lifepay": [], "bare insert": [], "the same, indexed": []}
        self.control("hold")
        for _ in range(rounds):
            for name in runs:
                file = self.folder / f"{name.replace(' ', '-')}.db"
                if name == "lifepay":
                    command = ["outbox", str(file), f"{self.http}/outbox", str(each)]
                else:
                    form = ["indexed"] if "indexed" in name else []
                    command = ["bare-insert", str(file), str(each), *form]
                command[0] = str(self.build / command[0])
                times = [float(line) for line in self.run(command).split()]
                runs[name].append(statistics.median(times))
        self.control("release")
        self.table("lp_outbox_submit, on disk when it returns", "microseconds")
        self.compare(runs, {"bare insert": 1.2})

    def drain(self) -> None:
        print("\nPending entries drained, four at once\n")
        print(f"  {'entries':>10}{'seconds':>10}{'ms each':>10}")
        each = []
        for count in [self.count(2500, 5), self.count(10_000, 20)]:
            self.control("hold")
            file = self.folder / f"drain-{count}.db"
            printed = self.run([str(self.build / "outbox"), str(file), f"{self.http}/outbox",
                                str(count), str(self.port)])
            seconds = float(printed)
            each.append(seconds / count)
            print(f"  {count:10}{seconds:10.2f}{seconds / count * 1e3:10.3f}", flush=True)
        print(f"  {'cost per entry, the large queue to the small one':56}"
              f"{self.verdict(each[1] / each[0], 1.3)}")
        command = [str(self.build / "bare-insert"), str(self.folder / "bare.db"), str(self.count(2000, 5))]
        insert = statistics.median(float(line) for line in self.run(command).split()) / 1e6
        print(f"  {'one entry, which has two commits, to two bare inserts':56}"
              f"{self.verdict(each[1] / (2 * insert), 0.95)}")


def processor() -> str:
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        if found:
            return found[1]
    return platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--smoke", action="store_true", help="few calls, to check that all works")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    build = arguments.build.resolve()
    # In the build folder, because a temporary one may be in memory, where durability costs nothing.
    with tempfile.TemporaryDirectory(dir=build) as folder:
        server = subprocess.Popen([build / "lifepay-bench-server", folder],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with server:
            bench = Bench(build, pathlib.Path(folder), arguments.smoke, server)
            print(f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
                  f"load {os.getloadavg()[0]:.1f}")
            methods = {"first": bench.first, "http": bench.warm_http, "tls": bench.warm_tls,
                       "count": bench.count_calls, "threads": bench.threads, "memory": bench.memory, "outbox": bench.outbox,
                       "drain": bench.drain}
            for part in arguments.parts or PARTS:
                methods[part]()
            server.stdin.close()
    if arguments.smoke:
        print("\neverything works; the numbers of so few calls mean nothing")
    else:
        print(f"\ngoals missed: {bench.missed}")


if __name__ == "__main__":
    main()
