"""Both images in containers, started as the chart renders them: `make containers`. Prints what it measured.

Demo mode of the chart: the embedded database beside the poller, the language model that works by rules. Not part of
`make test`, since it needs root, podman, runc and (unless BASE_IMAGE is given) mmdebstrap.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from scripts import chart_package, kube_tools
from scripts import images as scripts_images
from workbench.chart import asked_metrics, container
from workbench.containers import calls, engine, registry, rendered
from workbench.containers.engine import REGISTRY, TAG
from workbench.containers.jobs import LIBRARY, completed, submitted

EXTRAS = ("a2a", "mcp")  # packages that the default image lacks
LARGEST = {"poller": 150, "executor": 220}  # MB
LIMIT = 256  # MiB, of the chart
FOREIGN = {"poller": ("langgraph", "langchain_core", "openai"), "executor": ("firebase_admin", "rich")}
_rows: list[tuple[str, str, str]] = []


def main() -> int:
    engine.require_tools()
    engine.remove_all()
    if reason := engine.why_not():
        print(f"No container runs on this machine, whatever is in it: {reason}")
        return 0 if "--skip-where-impossible" in sys.argv else 1
    try:
        images()
        starts()
        helm_test()
        load()
        scaled_to_three()
        looked_after()
        with tempfile.TemporaryDirectory() as folder:
            upgrade_with_jobs_in_flight(Path(folder) / "calls.jsonl")
        everything_stops()
        with_the_operators_secrets()
        released()
    finally:
        engine.remove_all()
        report()
    return 0


def note(what: str, measured: str, limit: str = "") -> None:
    _rows.append((what, measured, limit))


def report() -> None:
    width = max((len(what) for what, _, _ in _rows), default=0)
    for what, measured, limit in _rows:
        print(f"{what:<{width}}  {measured:<28} {limit}")


def images() -> None:
    engine.build_images()
    for program, largest in LARGEST.items():
        image = f"{REGISTRY}/eventstorming-{program}:{TAG}"
        size = engine.megabytes(image)
        note(f"image {program}", f"{size:.0f} MB", f"≤ {largest} MB on the minimal base")
        engine.expect(size <= largest, f"{image} is {size:.0f} MB")
        note(f"modules imported in {program}", engine.python(image, _import_all(program)))


def _import_all(program: str) -> str:
    """Imports every module of the program, but for what needs an extra that this image lacks, and makes sure that the other
    program's libraries are not there."""
    return f"""
import importlib, importlib.util, pkgutil
import {program}
names = [it.name for it in pkgutil.walk_packages({program}.__path__, "{program}.") if not it.name.endswith("__main__")]
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name.partition(".")[0] not in {EXTRAS!r}:
            raise
assert all(importlib.util.find_spec(it) is None for it in {FOREIGN[program]!r})
print(len(names))"""


def starts() -> None:
    engine.podman("network", "create", engine.NETWORK)
    begin = time.monotonic()
    rendered.start_database()
    rendered.start_executor("check-executor-1")
    rendered.start_poller("check-poller-1")
    for component in ("executor", "poller"):
        took = rendered.until_ready(f"check-{component}-1", component, begin)
        note(f"{component} ready (300m CPU)", f"{took:.1f} s")
    for name in ("check-executor-1", "check-poller-1", "check-rtdb"):
        note(f"memory of {name}, idle", f"{engine.memory(name)[0]:.0f} MiB", f"limit {LIMIT} MiB")


def helm_test() -> None:
    begin = time.monotonic()
    rendered.run_test_pod()
    note("helm test: /ok, then a job from end to end", f"{time.monotonic() - begin:.1f} s")


def load() -> None:
    begin = time.monotonic()
    completed(submitted([LIBRARY] * 8))
    note("8 jobs at once, one executor", f"{time.monotonic() - begin:.1f} s")
    for name in ("check-executor-1", "check-poller-1", "check-rtdb"):
        most = engine.memory(name)[1]
        note(f"memory of {name}, most under 8 jobs", f"{most:.0f} MiB", f"limit {LIMIT} MiB")
        engine.expect(most < LIMIT, f"{name} reached {most:.0f} MiB")


def scaled_to_three() -> None:
    begin = time.monotonic()
    for name in ("check-executor-2", "check-executor-3"):
        rendered.start_executor(name)
    for name in ("check-executor-2", "check-executor-3"):
        rendered.until_ready(name, "executor", begin)
    _until(
        lambda: engine.logs("check-poller-1").count("executor.attached") >= 3,
        "the poller found three executors",
    )
    note("scaled to 3: all attached", f"{time.monotonic() - begin:.1f} s")
    completed(submitted([LIBRARY] * 24))
    shares = [_runs(f"check-executor-{number}") for number in (1, 2, 3)]
    note("24 jobs on 3 executors (with the 9 before)", " + ".join(map(str, shares)))
    engine.expect(min(shares) > 0, f"an executor got no job: {shares}")


def _runs(name: str) -> int:
    return engine.logs(name).count("run.completed")


def _until(holds: Callable[[], bool], what: str, *, within: float = 30) -> None:
    end = time.monotonic() + within
    while not holds():
        engine.expect(time.monotonic() < end, f"waited {within:.0f} s in vain: {what}")
        time.sleep(0.1)


def looked_after() -> None:
    """What an operator asks a pod: doctor, and the metrics that dashboard and alerts are made of."""
    said = engine.inside("check-poller-1", "python3", "-m", "poller.cli", "doctor")
    note("doctor in the poller's container", f"{said.count('✓')} checks, all well")
    hosts = (engine.address("check-rtdb"), engine.address("check-executor-1"))
    read = "".join(rendered.text(f"http://{host}:2025/metrics") for host in hosts)
    asked = asked_metrics()
    missing = {it for it in asked if f"# HELP {it} " not in read}
    engine.expect(not missing, f"dashboard and alerts ask for what nobody counts: {missing}")
    note("metrics of dashboard and alerts, found on 2025", str(len(asked)))


def upgrade_with_jobs_in_flight(log: Path) -> None:
    """Three executors and then the poller are replaced one after the other, by the chart's maxSurge 0, each amid jobs."""
    with calls.language_model(engine.gateway(), log) as settings:
        jobs: list[str] = []
        for number in (1, 2, 3):
            replace_executor(number, settings)
        for number in (4, 5, 6):
            jobs += in_flight(6, log)
            replace_executor(number, settings)
        jobs += in_flight(6, log)
        replace_poller()
        completed(jobs)
        note("jobs through all that", f"{len(jobs)} of {len(jobs)} completed")
        count_repeated(log, jobs)


def in_flight(count: int, log: Path) -> list[str]:
    """Submits, and returns when each job has asked about twice."""
    before = calls.count_asked(log)
    jobs = submitted([LIBRARY] * count)
    calls.until_asked(log, 2 * count, than=before, until=engine.expect)
    return jobs


def replace_executor(number: int, settings: dict[str, str]) -> None:
    old, new = f"check-executor-{number}", f"check-executor-{number + 3}"
    took = rendered.stop([old], "executor")[old]
    note(f"drain of {old}" + (" with jobs in flight" if number > 3 else ", idle"), f"{took:.1f} s", "≤ 30 s")
    engine.expect(engine.exit_code(old) == 0, f"{old} ended with {engine.exit_code(old)}")
    rendered.start_executor(new, settings)
    rendered.until_ready(new, "executor", time.monotonic())


def replace_poller() -> None:
    host = engine.address("check-rtdb")
    expect_none_repeated(rendered.text(f"http://{host}:2025/metrics"))
    took = rendered.stop(["check-poller-1"], "poller")["check-poller-1"]
    note("drain of the poller with jobs in flight", f"{took:.1f} s", "≤ 30 s")
    code = engine.exit_code("check-poller-1")
    engine.expect(code == 0, f"the poller ended with {code}")
    rendered.start_poller("check-poller-2")
    rendered.until_ready("check-poller-2", "poller", time.monotonic())


def expect_none_repeated(metrics: str) -> None:
    engine.expect(
        "eventstorming_repeated_calls_total 0.0" in metrics,
        "the poller counted repeated calls, or none at all",
    )


def count_repeated(log: Path, jobs: Sequence[str]) -> None:
    expect_none_repeated(rendered.text(f"http://{engine.address('check-rtdb')}:2025/metrics"))
    journals = json.loads(engine.inside("check-rtdb", "python3", "-c", calls.READ_JOURNALS))
    repeated = calls.repeated({job: journals[job] for job in jobs})
    note("language-model calls", str(calls.count_asked(log)))
    note("jobs continued by another run", str(calls.continued(journals)))
    note("of them open when their run was stopped", str(calls.unanswered(log, journals, jobs)))
    note("calls repeated although the answer was stored", str(len(repeated)), "0")
    engine.expect(not repeated, f"repeated: {repeated}")
    engine.expect(calls.continued(journals) > 0, "no job was in flight at any stop: this run shows nothing")


def everything_stops() -> None:
    took = rendered.stop(["check-poller-2"], "poller") | rendered.stop(
        ["check-executor-7", "check-executor-8", "check-executor-9"], "executor"
    )
    for name, seconds in took.items():
        engine.expect(engine.exit_code(name) == 0, f"{name} ended with {engine.exit_code(name)}")
        note(f"stop of {name}, idle", f"{seconds:.1f} s, exit 0", "≤ 30 s")


def with_the_operators_secrets() -> None:
    """Default values and the guide's keys, the relative path included. No network leads out, so /ok is all that can be well."""
    for component in ("poller", "executor"):
        begin = time.monotonic()
        rendered.start_with_secrets(component, f"check-{component}", guide_secrets())
        url = f"http://{engine.address(f'check-{component}')}:2024/ok"
        _until(partial(rendered.answers, url), f"{component} with the guide's secrets answers {url}")
        took = rendered.stop([f"check-{component}"], component)[f"check-{component}"]
        engine.expect(engine.exit_code(f"check-{component}") == 0, engine.logs(f"check-{component}"))
        note(
            f"{component} with the guide's secrets: /ok",
            f"{time.monotonic() - begin - took:.1f} s, stop {took:.1f} s",
        )


def guide_secrets() -> rendered.Secrets:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": "nowhere",
        "private_key": key.decode(),
        "client_email": "nobody@nowhere.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.invalid/token",
    }
    app = {
        "AI_MODEL": "openai:gpt-4.1-2025-04-14",
        "OPENAI_API_KEY": "none",
        "LANGSMITH_TRACING": "false",
        "LANGSMITH_PROJECT": "eventstorming-generator",
        "LANGSMITH_API_KEY": "",
        "FIREBASE_SERVICE_ACCOUNT_PATH": "./.auth/serviceAccountKey.json",
        "FIREBASE_DATABASE_URL": "https://nowhere-default-rtdb.invalid",
    }
    return {"firebase-key": {"serviceAccountKey.json": json.dumps(account)}, "app-secrets": app}


def released() -> None:
    """`make push chart-package chart-push` against a registry in memory; what comes back names the pushed digests."""
    begin = time.monotonic()
    with registry.running() as store, tempfile.TemporaryDirectory() as scratch:
        repository = f"{store.host}/repo"
        for program in LARGEST:
            engine.podman(
                "tag",
                f"{REGISTRY}/eventstorming-{program}:{TAG}",
                f"{repository}/eventstorming-{program}:{TAG}",
            )
        push = ["push", f"--registry={repository}", f"--tag={TAG}", "--tool=podman"]
        push.append(f"--only={','.join(scripts_images.PROGRAMS)}")
        code = scripts_images.main([*push, "--flags=--tls-verify=false --quiet"])
        engine.expect(code == 0, "make push failed")
        digests = chart_package.pushed(repository, TAG)
        package = chart_package.package(repository, TAG, digests, Path(scratch))
        helm = str(kube_tools.helm())
        subprocess.run(
            [helm, "push", "--plain-http", package, f"oci://{repository}/charts"],
            check=True,
            capture_output=True,
        )
        version = package.stem.removeprefix("eventstorming-")
        pull = [
            helm,
            "pull",
            "--plain-http",
            f"oci://{repository}/charts/eventstorming",
            f"--version={version}",
        ]
        subprocess.run(pull, check=True, capture_output=True, cwd=scratch)
        images = {container(it)["image"] for it in rendered.deployments(package)}
        for program in LARGEST:
            engine.expect(
                f"{repository}/eventstorming-{program}@{digests[program]}" in images,
                f"not by digest: {images}",
            )
            engine.expect(
                (f"repo/eventstorming-{program}", digests[program]) in store.manifests,
                f"{program} is not there",
            )
            engine.podman("rmi", f"{repository}/eventstorming-{program}:{TAG}")
    note("push of images and chart, chart names digests", f"{time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
