"""The rendered Deployment as `podman run` flags, and its probes as questions: what is tried is what the cluster gets."""

from __future__ import annotations

import json
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.chart import Object, named, of, render
from workbench.containers.engine import FOLDERS, NETWORK, REGISTRY, TAG, address, logs, podman

NAME = "eventstorming-generator"


Secrets = dict[str, dict[str, str]]  # text by secret and key


def objects(example: str = "demo", *, sets: Sequence[str] = ()) -> tuple[Object, ...]:
    return render(f"image.registry={REGISTRY}", f"image.tag={TAG}", *sets, example=example)


def deployments(chart: Path) -> list[Object]:
    return list(named(render(chart=chart), "Deployment").values())


def pod(component: str, example: str = "demo", *, sets: Sequence[str] = ()) -> Object:
    """The pod spec of poller, executor or test."""
    rendered = objects(example, sets=sets)
    if component == "test":
        spec: Object = of(rendered, "Pod")["spec"]
        return spec
    name = NAME if component == "poller" else f"{NAME}-executor"
    template: Object = of(rendered, "Deployment", name)["spec"]["template"]["spec"]
    return template


def flags(spec: Object, container: Object, *, name: str, secrets: Secrets | None = None) -> list[str]:
    """Everything the kubelet would apply, except the network, which is the caller's."""
    secrets = secrets or {}
    security = spec["securityContext"]
    limits = container["resources"]["limits"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    result = ["--name", name, "--label", "check=eventstorming", "--read-only", "--read-only-tmpfs=false"]
    result += ["--user", f"{security['runAsUser']}:{security['runAsGroup']}", "--cap-drop", "ALL"]
    result += ["--security-opt", "no-new-privileges"]
    result += [
        "--cpus",
        str(int(limits["cpu"].rstrip("m")) / 1000),
        "--memory",
        limits["memory"].replace("Mi", "m"),
    ]
    for entry in container.get("env", []):
        if (value := _value(entry, name, secrets)) is not None:
            result += ["--env", f"{entry['name']}={value}"]
    for mount in container["volumeMounts"]:
        volume = next(it for it in spec["volumes"] if it["name"] == mount["name"])
        result += _mount(volume, mount["mountPath"], secrets)
    return result


def _value(entry: Object, name: str, secrets: Secrets) -> str | None:
    """None for an optional key that is not there; a needed one that is missing ends the check, as it stops a pod."""
    if "value" in entry:
        return str(entry["value"])
    if "fieldRef" in entry["valueFrom"]:
        return name
    reference = entry["valueFrom"]["secretKeyRef"]
    found = secrets.get(reference["name"], {}).get(reference["key"])
    if found is None and not reference["optional"]:
        raise SystemExit(f"{reference['name']} lacks {reference['key']}")
    return found


def _mount(volume: Object, path: str, secrets: Secrets) -> list[str]:
    if "emptyDir" in volume:
        return ["--tmpfs", f"{path}:rw,size={volume['emptyDir']['sizeLimit'].replace('Mi', 'm')},mode=1777"]
    folder = Path(tempfile.mkdtemp(prefix=FOLDERS))
    folder.chmod(0o755)
    if "secret" in volume:
        for item in volume["secret"]["items"]:
            file = folder / item["path"]
            file.write_text(secrets[volume["secret"]["secretName"]][item["key"]])
            os.chown(file, 0, 10001)  # the pod's fsGroup
            file.chmod(volume["secret"]["defaultMode"])
    else:
        for name, text in of(objects(), "ConfigMap", volume["configMap"]["name"])["data"].items():
            (folder / name).write_text(text)
    return ["--volume", f"{folder}:{path}:ro"]


def command(container: Object) -> list[str]:
    return ["--entrypoint", json.dumps(container["command"])] if "command" in container else []


def start_executor(name: str, settings: Mapping[str, str] | None = None, *, tag: str = TAG) -> None:
    """`settings` are the chart's values `settings`, `tag` is the image's."""
    sets = tuple(f"settings.{key}={value}" for key, value in sorted((settings or {}).items()))
    spec = pod("executor", sets=(f"image.tag={tag}", *sets))
    container = spec["containers"][0]
    aliases = [f"{NAME}-executor", f"{NAME}-executor-headless"]
    network = ["--network", NETWORK, *(part for alias in aliases for part in ("--network-alias", alias))]
    podman("run", "--detach", *flags(spec, container, name=name), *network, container["image"])


def start_database(*, tag: str = TAG) -> None:
    """The pod's other container first: it carries the pod's network, as a pause container does."""
    spec = pod("poller", sets=(f"image.tag={tag}",))
    container = next(it for it in spec["containers"] if it["name"] == "rtdb")
    network = ["--network", NETWORK, "--network-alias", f"{NAME}-jobs", "--network-alias", f"{NAME}-service"]
    given = flags(spec, container, name="check-rtdb")
    podman("run", "--detach", *given, *network, *command(container), container["image"])


def start_poller(name: str, *, tag: str = TAG) -> None:
    spec = pod("poller", sets=(f"image.tag={tag}",))
    container = spec["containers"][0]
    podman(
        "run",
        "--detach",
        *flags(spec, container, name=name),
        "--network",
        "container:check-rtdb",
        container["image"],
    )


def start_with_secrets(component: str, name: str, secrets: Secrets) -> None:
    """As with default values: no demo, the operators' two secrets."""
    spec = pod(component, "default")
    container = spec["containers"][0]
    given = flags(spec, container, name=name, secrets=secrets)
    podman("run", "--detach", *given, "--network", NETWORK, container["image"])


def run_test_pod() -> str:
    """`helm test`: the init containers, then the container; a Service's port 80 is the pod's 2024 here."""
    spec, said = pod("test"), ""
    for container in [*spec["initContainers"], *spec["containers"]]:
        words = [word.replace("-service/ok", "-service:2024/ok") for word in container["command"]]
        given = flags(
            spec, container | {"volumeMounts": container.get("volumeMounts", [])}, name=container["name"]
        )
        entry = ["--entrypoint", json.dumps(words)]
        said += podman("run", "--rm", *given, "--network", NETWORK, *entry, container["image"])
    return said


def until_ready(container: str, component: str, since: float, *, within: float = 60) -> float:
    """Asks the rendered startup probe, then the readiness probe; seconds since `since`."""
    spec = pod(component)["containers"][0]
    ports = {it["name"]: it["containerPort"] for it in spec["ports"]}
    host = address("check-rtdb" if component == "poller" else container)
    for probe in ("startupProbe", "readinessProbe"):
        get = spec[probe]["httpGet"]
        while not answers(f"http://{host}:{ports[get['port']]}{get['path']}"):
            if time.monotonic() - since > within:
                raise SystemExit(f"{container}: {probe} fails\n{logs(container)[-3000:]}")
            time.sleep(0.05)
    return time.monotonic() - since


def text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(200 <= response.status < 400)
    except (urllib.error.URLError, OSError):
        return False


def stop(containers: Sequence[str], component: str) -> dict[str, float]:
    """Stops one after the other as the kubelet does, with the rendered grace; seconds each took."""
    grace = str(pod(component)["terminationGracePeriodSeconds"])
    took = {}
    for name in containers:
        before = time.monotonic()
        podman("stop", "--time", grace, name)
        took[name] = time.monotonic() - before
    return took
