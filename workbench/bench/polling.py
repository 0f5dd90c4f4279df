"""The baseline: a worker that polls. `python -m workbench.bench.polling URL SECONDS` reads the whole queue at URL every so
often and claims everything it finds by a conditional write (kinder than the old worker, which took one job per poll)."""

from __future__ import annotations

import json
import sys
import time

import httpx

_OWNER = {"Authorization": "Bearer owner"}


def main() -> None:
    url, every = sys.argv[1], float(sys.argv[2])
    print("polling ready", flush=True)
    with httpx.Client(timeout=30, headers=_OWNER) as http:
        while True:
            for job_id, entry in (http.get(url).raise_for_status().json() or {}).items():
                if "assignedPodId" not in entry:
                    _claim(http, url.replace(".json", f"/{job_id}.json"), job_id)
            time.sleep(every)


def _claim(http: httpx.Client, url: str, job_id: str) -> None:
    found = http.get(url, headers={"X-Firebase-ETag": "true"})
    entry = found.json() | {"assignedPodId": "polling"}
    claimed = http.put(url, json=entry, headers={"if-match": found.headers["ETag"]})
    if claimed.status_code == 200:
        print(json.dumps({"job": job_id, "time": time.time()}), flush=True)


if __name__ == "__main__":
    main()
