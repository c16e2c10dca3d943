"""The same call with Python's requests, measured as in calls.c, but with one thread only."""

import statistics
import sys
import time

BEGAN = time.perf_counter()

import requests  # noqa: E402: the import is part of the first call

REQUEST = open(__file__.rpartition("/")[0] + "/request.json", "rb").read().strip()


def call(session: requests.Session, url: str) -> str:
    response = session.post(
        url,
        data=REQUEST,
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        timeout=(10, 30),
    )
    response.raise_for_status()
    answer = response.json()
    if answer["code"] != 0:
        sys.exit(f"failed: {answer}")
    return answer["data"]["uuid"]


def main() -> None:
    base_url, ca_file, _, warmup, calls = sys.argv[1:]
    url = base_url + "/cloud-print/create-session"
    session = requests.Session()
    # Otherwise every call would look for proxies in the environment.
    session.trust_env = False
    if ca_file != "-":
        session.verify = ca_file
    uuid = call(session, url)
    print(f"first {(time.perf_counter() - BEGAN) * 1e6:.1f} {uuid}", flush=True)
    for _ in range(int(warmup)):
        call(session, url)
    times = []
    cpu = time.process_time()
    for _ in range(int(calls)):
        before = time.perf_counter()
        call(session, url)
        times.append(time.perf_counter() - before)
    if times:
        cpu = (time.process_time() - cpu) / len(times)
        print(f"warm {statistics.median(times) * 1e6:.2f} {cpu * 1e6:.2f} 0 0")


if __name__ == "__main__":
    main()
