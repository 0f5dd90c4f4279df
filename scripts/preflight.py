"""Looks for what would stop an install, before it does. Each failure comes with the one command that repairs it.

    python -m scripts.preflight --release R --registry REG --flags='...'

It reads the cluster and changes nothing; no value of a secret is printed.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from scripts import kube_tools

Object = dict[str, Any]
CHART = kube_tools.ROOT / "charts" / "eventstorming"
APIS = ("container.googleapis.com", "artifactregistry.googleapis.com")
CLUSTER = "eventstorming-cluster --zone asia-northeast3-a"
OLDEST_HELM = (3, 17)
PULLS = {
    "roles/artifactregistry.reader",
    "roles/artifactregistry.writer",
    "roles/artifactregistry.repoAdmin",
    "roles/artifactregistry.admin",
    "roles/editor",
    "roles/owner",
}
"""Roles of Google Cloud that let a node pull an image."""
PROMETHEUS = ("gmp-system", "gke-gmp-system")
APP = "app=eventstorming-generator"
TOOLS = ("gcloud", "gke-gcloud-auth-plugin", "kubectl", "docker", "podman")
STUCK = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong, in a sentence, and the command that repairs it."""

    wrong: str
    repair: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """What could not be looked at, in a sentence: neither well nor wrong."""

    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended."""

    code: int
    text: str
    error: str = ""


NO_PLUGIN = Failure("kubectl lacks its plugin for GKE.", "gcloud components install gke-gcloud-auth-plugin")
Run = Callable[..., Answer]
Finding = Failure | Unseen | str
Findings = Iterator[Finding]
"""What is wrong, what nobody could see, and what is worth knowing where nothing is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the release is to go, and how to ask there."""

    run: Run
    release: str
    registry: str
    objects: tuple[Object, ...]
    namespace: str
    tools: frozenset[str] = field(default=frozenset({"gcloud", "gke-gcloud-auth-plugin", "kubectl"}))

    @property
    def is_google(self) -> bool:
        """Another registry needs none of Google Cloud's APIs, accounts and plugins."""
        return "gcloud" in self.tools and self.registry.split("/")[0].endswith("pkg.dev")

    @property
    def here(self) -> str:
        """The namespace, as kubectl is told it."""
        return f"--namespace {self.namespace}"

    @property
    def deployments(self) -> list[Object]:
        """What keeps pods running."""
        return [it for it in self.objects if it["kind"] == "Deployment"]

    @property
    def specs(self) -> list[Object]:
        """Of a pod of each deployment."""
        return [it["spec"]["template"]["spec"] for it in self.deployments]

    def kubectl(self, *arguments: str) -> Answer:
        """Asked for 10 s at most."""
        return self.run("kubectl", "--request-timeout=10s", *arguments)

    def read(self, *arguments: str) -> Object | None:
        """The answer of `kubectl get ... -o json`; None when there is none."""
        answer = self.kubectl("get", *arguments, "-o", "json")
        found: Object | None = json.loads(answer.text) if answer.code == 0 else None
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Renders the chart as it would be installed, and reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--release", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--flags", default="", help="of `helm template`")
    given = parser.parse_args(arguments)
    rendered = run("helm", "template", given.release, str(CHART), *shlex.split(given.flags))
    if rendered.code:
        print(f"✗ chart: {rendered.error.strip()}")
        return 1
    objects = tuple(it for it in yaml.safe_load_all(rendered.text) if it)
    site = Site(
        run=run,
        release=given.release,
        registry=given.registry,
        objects=objects,
        namespace=objects[0]["metadata"]["namespace"],
        tools=frozenset(filter(shutil.which, TOOLS)),
    )
    return report(site)


def report(site: Site) -> int:
    """Runs every check; those of the cluster only when it answers."""
    worst = 0
    for name, check in (("Helm", helm), ("project", project), ("images", images), ("cluster", cluster)):
        failed = _say(name, list(check(site)))
        worst |= failed
    if failed:
        return 1
    inside = (("pull", pull), ("CPU", cpu), ("secrets", secrets), ("pods", pods), ("programs", programs))
    for name, check in inside:
        worst |= _say(name, list(check(site)))
    return worst


def _say(name: str, found: Sequence[Finding]) -> int:
    failures = [it for it in found if isinstance(it, Failure)]
    unseen = [it.why for it in found if isinstance(it, Unseen)]
    facts = ", ".join(it for it in found if isinstance(it, str))
    if facts or not (failures or unseen):
        print(f"✓ {name}" + (f": {facts}" if facts else ""))
    for why in unseen:
        print(f"? {name}: {why}")
    for failure in failures:
        print(f"✗ {name}: {failure.wrong}\n    {failure.repair}")
    return int(bool(failures))


def run(name: str, *arguments: str) -> Answer:
    """Runs a program: the one on the PATH, or ours."""
    own = {"helm": kube_tools.helm, "kubectl": kube_tools.kubectl}
    program = shutil.which(name) or (str(own[name]()) if name in own else name)
    try:
        command, nothing = [program, *arguments], subprocess.DEVNULL
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, stdin=nothing)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return Answer(127, "", str(error))
    return Answer(done.returncode, done.stdout, done.stderr)


# ── before there is a cluster ────────────────────────────────────────────────────────────────────────────────────────


def helm(site: Site) -> Findings:
    """Whether it is one that this chart is tested with, or newer."""
    said = site.run("helm", "version", "--template", "{{.Version}}").text.strip()
    found = re.match(r"v(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) >= OLDEST_HELM:
        yield said
    else:
        wrong = f"{said or 'no version'}: this chart wants {'.'.join(map(str, OLDEST_HELM))} or newer."
        yield Failure(wrong, "install a newer Helm, or move it off the PATH: make brings its own")


def project(site: Site) -> Findings:
    """Google Cloud's side: an account, somebody who pays, the APIs, kubectl's plugin."""
    if not site.is_google:
        return
    answer = site.run("gcloud", "services", "list", "--enabled", "--format=value(config.name)")
    if answer.code:
        yield from _no_services(site)
        return
    missing = [name for name in APIS if name not in answer.text.split()]
    if missing:
        yield Failure(f"{' and '.join(missing)} off.", f"gcloud services enable {' '.join(missing)}")
    if "gke-gcloud-auth-plugin" not in site.tools:
        yield NO_PLUGIN
    name = _project(site)
    paid = site.run("gcloud", "billing", "projects", "describe", name, "--format=value(billingEnabled)")
    if paid.code:
        yield Unseen(f"whether somebody pays for {name}: {_last(paid)}")
    elif paid.text.strip() != "True":
        yield Failure(
            f"Nobody pays for the project {name}: billing is off.",
            f"gcloud billing projects link {name} --billing-account $(gcloud billing accounts list --format='value(name)' --limit 1)",
        )


def _no_services(site: Site) -> Findings:
    account = site.run("gcloud", "config", "get-value", "account").text.strip()
    if account in ("", "(unset)"):
        yield Failure("gcloud has no account.", "gcloud auth login")
    elif not _project(site):
        yield Failure("gcloud has no project.", "gcloud config set project PROJECT")
    else:
        wrong = f"{account} may not list the services of {_project(site)}, or there is no such project."
        yield Failure(wrong, "gcloud projects list")


def _project(site: Site) -> str:
    name = site.run("gcloud", "config", "get-value", "project").text.strip()
    return "" if name == "(unset)" else name


def images(site: Site) -> Findings:
    """Whether each image of the chart can be pulled."""
    for image in sorted({it["image"] for spec in site.specs for it in _containers(spec)}):
        host = image.split("/")[0]
        if host.endswith("gcr.io"):
            yield Failure(
                f"{image}: that registry is shut down; pushes hang and pulls fail.",
                "make build push REGISTRY=REGION-docker.pkg.dev/PROJECT/REPOSITORY",
            )
        elif "/" not in image or not ("." in host or ":" in host):  # a dot in the tag is no host
            continue  # already on the node
        elif not (asked := _asked_for(site, image)):
            yield Unseen(f"{image}: neither gcloud, docker nor podman is here to ask the registry")
        elif site.run(*asked).code:
            yield Failure(f"{image} is not in the registry, or you may not read it.", "make build push")


def _asked_for(site: Site, image: str) -> tuple[str, ...]:
    """The command that asks the registry; empty where nothing can ask."""
    if "gcloud" in site.tools and ".pkg.dev/" in image:
        return "gcloud", "artifacts", "docker", "images", "describe", image
    tool = next((it for it in ("docker", "podman") if it in site.tools), None)
    return (tool, "manifest", "inspect", image) if tool else ()


def cluster(site: Site) -> Findings:
    """Whether it answers, and what is missing where it does not."""
    answer = site.kubectl("get", "namespace", "kube-system", "-o", "name")
    if answer.code == 0:
        return
    if "gke-gcloud-auth-plugin" in answer.error:
        yield NO_PLUGIN
        return
    listing = ("gcloud", "container", "clusters", "list", "--format=value(name)")
    listed = site.run(*listing) if "gcloud" in site.tools else Answer(1, "")
    if listed.code == 0 and not listed.text.strip():
        create = f"gcloud container clusters create {CLUSTER} --num-nodes 1 --machine-type e2-medium"
        yield Failure("There is no cluster.", create)
        return
    repair = f"gcloud container clusters get-credentials {CLUSTER}"
    yield Failure(f"kubectl reaches no cluster ({_last(answer)}).", repair)


def _last(answer: Answer) -> str:
    """Of what a failed command said: the line with the reason."""
    return (answer.error.strip().splitlines() or ["no reason given"])[-1]


# ── in the cluster ───────────────────────────────────────────────────────────────────────────────────────────────────


def pull(site: Site) -> Findings:
    """Whether the nodes' account may read the registry; a new project gives it no role by itself."""
    host, _, path = site.registry.partition("/")
    where = _cluster_name(site)
    asked = ("container", "clusters", "describe", *where.split(), "--format=value(nodeConfig.serviceAccount)")
    if not site.is_google:
        return
    told = site.run("gcloud", *asked)
    if not (account := told.text.strip()):
        yield Unseen(f"which account the nodes have, whose right to pull counts: {_last(told)}")
        return
    owner, _, repository = path.partition("/")
    if account == "default":
        number = site.run(
            "gcloud", "projects", "describe", owner, "--format=value(projectNumber)"
        ).text.strip()
        account = f"{number}-compute@developer.gserviceaccount.com"
    place = (
        repository.split("/")[0],
        f"--location={host.removesuffix('-docker.pkg.dev')}",
        f"--project={owner}",
    )
    granted = [
        site.run("gcloud", "projects", "get-iam-policy", owner, "--format=json"),
        site.run("gcloud", "artifacts", "repositories", "get-iam-policy", *place, "--format=json"),
    ]
    unread = next((it for it in granted if it.code), None)
    if unread and not _roles([it for it in granted if not it.code], account) & PULLS:
        yield Unseen(f"whether {account}, the nodes' account, may pull from {site.registry}: {_last(unread)}")
    elif not _roles(granted, account) & PULLS:
        member = f"--member serviceAccount:{account} --role roles/artifactregistry.reader"
        yield Failure(
            f"The nodes' account {account} has no role that lets it pull from {site.registry}.",
            f"gcloud artifacts repositories add-iam-policy-binding {' '.join(place)} {member}",
        )


def _roles(policies: Sequence[Answer], account: str) -> set[str]:
    bindings = [it for policy in policies for it in json.loads(policy.text or "{}").get("bindings", [])]
    return {it["role"] for it in bindings if f"serviceAccount:{account}" in it["members"]}


def cpu(site: Site) -> Findings:
    """Whether each of our pods finds a node; what runs of this release now makes room for its successor."""
    nodes, running = site.read("nodes"), site.read("pods", "--all-namespaces")
    if nodes is None or running is None:
        yield Failure("you may not list nodes and pods.", "gcloud projects get-iam-policy PROJECT")
        return
    others = [pod for pod in running["items"] if not _of_release(pod, site)]
    left, wanted = _free_cpu(nodes["items"], others), sorted(_wanted_cpu(site), reverse=True)
    listed = ", ".join(f"{name} {free}m" for name, free in left.items())
    said = f"pods ask for {' + '.join(f'{it}m' for it in wanted)}; left: {listed}"
    if _fits(wanted, left):
        yield said
        return
    where = _cluster_name(site)
    without = [pod for pod in others if pod["metadata"]["namespace"] not in PROMETHEUS]
    if len(without) < len(others) and _fits(wanted, _free_cpu(nodes["items"], without)):
        yield Failure(
            f"{said}. A pod would stay Pending; without managed Prometheus it would not.",
            f"gcloud container clusters update {where} --disable-managed-prometheus",
        )
        return
    yield Failure(
        f"{said}. A pod would stay Pending.",
        f"gcloud container clusters resize {where} --num-nodes {len(left) + 1}",
    )


def _cluster_name(site: Site) -> str:
    """With its zone, as gcloud wants it; from the context that `get-credentials` made."""
    parts = site.kubectl("config", "current-context").text.strip().split("_")
    return f"{parts[3]} --zone {parts[2]}" if len(parts) == 4 and parts[0] == "gke" else CLUSTER


def _free_cpu(nodes: Sequence[Object], running: Sequence[Object]) -> dict[str, int]:
    """Millicores by schedulable node."""
    left = {
        node["metadata"]["name"]: _millicpu(node["status"]["allocatable"]["cpu"])
        for node in nodes
        if not node["spec"].get("unschedulable")
    }
    for pod in running:
        node = pod["spec"].get("nodeName")
        if node in left and pod["status"]["phase"] not in ("Succeeded", "Failed"):
            left[node] -= _pod_cpu(pod["spec"])
    return left


def _fits(wanted: Sequence[int], left: dict[str, int]) -> bool:
    """Greatest first, each onto the fullest node that still takes it."""
    free = sorted(left.values())
    for amount in wanted:
        place = next((index for index, it in enumerate(free) if it >= amount), None)
        if place is None:
            return False
        free[place] -= amount
        free.sort()
    return True


def _wanted_cpu(site: Site) -> list[int]:
    replicas = [it["spec"].get("replicas", 1) for it in site.deployments]
    return [_pod_cpu(spec) for spec, count in zip(site.specs, replicas, strict=True) for _ in range(count)]


def _pod_cpu(spec: Object) -> int:
    requests = [it.get("resources", {}).get("requests", {}) for it in spec.get("containers", [])]
    return sum(_millicpu(request.get("cpu", 0)) for request in requests)


def _millicpu(quantity: str | int) -> int:
    text = str(quantity)
    return round(float(text[:-1])) if text.endswith("m") else round(float(text) * 1000)


def _of_release(pod: Object, site: Site) -> bool:
    ours = {"app.kubernetes.io/instance": site.release, "app.kubernetes.io/name": "eventstorming"}
    labels: dict[str, str] = pod["metadata"].get("labels", {})
    return bool(pod["metadata"]["namespace"] == site.namespace) and ours.items() <= labels.items()


def secrets(site: Site) -> Findings:
    """Whether each secret that no pod starts without is there, with its keys, in a form that works."""
    made = {it["metadata"]["name"] for it in site.objects if it["kind"] == "Secret"}
    for name, keys in sorted(_needed_secrets(site).items()):
        if name in made:
            continue
        secret = site.read("secret", name, "--namespace", site.namespace)
        if secret is None:
            yield Failure(f"The secret {name} is missing in {site.namespace}.", _creation(site, name, keys))
            continue
        data = secret.get("data") or {}
        if missing := sorted(keys - data.keys()):
            again = f"kubectl delete secret {name} {site.here} && {_creation(site, name, keys | data.keys())}"
            yield Failure(f"The secret {name} lacks {', '.join(missing)}.", again)
        yield from _malformed(name, data, site)


def _creation(site: Site, name: str, keys: set[str]) -> str:
    parts = [
        f"--from-file={key}=serviceAccountKey.json" if key.endswith(".json") else f"--from-literal={key}=..."
        for key in sorted(keys)
    ]
    return f"kubectl create secret generic {name} {site.here} {' '.join(parts)}"


def _needed_secrets(site: Site) -> dict[str, set[str]]:
    """By secret, the keys without which a pod does not start; taken from what Helm renders."""
    needed: dict[str, set[str]] = {}
    for spec in site.specs:
        for it in _containers(spec):
            for reference in (entry.get("valueFrom", {}).get("secretKeyRef") for entry in it.get("env", [])):
                if reference and not reference.get("optional"):
                    needed.setdefault(reference["name"], set()).add(reference["key"])
        for volume in spec.get("volumes", []):
            if secret := volume.get("secret"):
                keys = {item["key"] for item in secret.get("items", [])} or {"tls.crt", "tls.key", "ca.crt"}
                needed.setdefault(secret["secretName"], set()).update(keys)
    return needed


def _malformed(name: str, data: dict[str, str], site: Site) -> Findings:
    """The two mistakes that pass as a secret and stop the program: a line break at the end, and a key file that is none."""
    for key, encoded in sorted(data.items()):
        text = base64.b64decode(encoded).decode(errors="replace")
        if key.endswith(".json"):
            if not _is_service_account(text):
                again = f"{_creation(site, name, {key})} --dry-run=client -o yaml | kubectl apply -f -"
                yield Failure(f"{key} in {name} is not a service account key.", again)
        elif text != text.strip() and not text.startswith("-----BEGIN"):
            patch = json.dumps({"stringData": {key: "..."}}, separators=(",", ":"))
            repair = f"kubectl patch secret {name} {site.here} --type merge -p '{patch}'"
            yield Failure(f"{key} in {name} begins or ends with a blank or a line break.", repair)


def _is_service_account(text: str) -> bool:
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and "private_key" in found and str(found.get("type")) == "service_account"


def pods(site: Site) -> Findings:
    """Pods of an earlier install that do not come up, and why."""
    found = site.read("pods", "--namespace", site.namespace, "-l", APP)
    for pod in (found or {"items": []})["items"]:
        for condition in pod["status"].get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                name = pod["metadata"]["name"]
                wrong = f"{name} is Pending: {condition.get('message', 'no reason given')}"
                yield Failure(wrong, f"kubectl describe pod {name} {site.here}")
        for status in pod["status"].get("containerStatuses", []):
            waiting = status["state"].get("waiting", {})
            if waiting.get("reason") in STUCK:
                yield _stuck(site, pod["metadata"]["name"], status)


def _stuck(site: Site, pod: str, status: Object) -> Failure:
    waiting, container = status["state"]["waiting"], status["name"]
    reason = waiting["reason"]
    if reason != "CrashLoopBackOff":
        wrong = f"{pod}: {reason}: {waiting.get('message', '')}"
        return Failure(wrong, f"kubectl describe pod {pod} {site.here}")
    if status.get("lastState", {}).get("terminated", {}).get("reason") == "OOMKilled":
        more = f"make install HELM_FLAGS='--set {container}.resources.limits.memory=512Mi'"
        return Failure(f"{pod} crashes: it needs more memory than its limit (OOMKilled).", more)
    previous = ("logs", pod, "-c", container, "--namespace", site.namespace, "--previous")
    logs = site.kubectl(*previous, "--tail=20").text
    last = (logs.strip().splitlines() or ["no output"])[-1]
    if "ModuleNotFoundError" in logs:
        return Failure(
            f"{pod} crashes: the image lacks a package ({last}).", "make build push install TAG=NEW"
        )
    return Failure(f"{pod} crashes: {last}", f"kubectl {' '.join(previous)}")


def programs(site: Site) -> Findings:
    """What only a running poller can tell: database, executors, language model."""
    part = "app.kubernetes.io/component"
    named = (it["metadata"] for it in site.deployments)
    name = next(str(it["name"]) for it in named if it["labels"][part] == "poller")
    running = site.read("deployment", name, "--namespace", site.namespace)
    if not (running or {}).get("status", {}).get("replicas"):
        yield "no poller runs here yet"
        return
    where = ("exec", f"deployment/{name}", "-c", "poller", "--namespace", site.namespace, "--")
    doctor = (*where, "python3", "-m", "poller.cli", "doctor")
    answer = site.kubectl(*doctor)
    if answer.code and answer.text.strip():
        yield Failure(f"doctor in the poller says:\n{answer.text.strip()}", f"kubectl {' '.join(doctor)}")
    elif answer.code:
        yield Failure(
            f"the poller's pod does not run ({_last(answer)}).",
            f"kubectl describe deployment/{name} {site.here}",
        )


def _containers(spec: Object) -> list[Object]:
    return [*spec.get("initContainers", []), *spec["containers"]]


if __name__ == "__main__":
    sys.exit(main())
