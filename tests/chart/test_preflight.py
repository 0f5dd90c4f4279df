"""Each thing that would stop an install is found, with the command that repairs it; asked of a cluster made of answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from scripts import preflight
from scripts.preflight import Answer, Failure, Site, Unseen
from workbench.chart import Object, render

ACCOUNT = {"serviceAccountKey.json": json.dumps({"type": "service_account", "private_key": "..."})}
APP = {"FIREBASE_DATABASE_URL": "https://x", "OPENAI_API_KEY": "sk-secret"}
GKE_SYSTEM = (270, 105, 105, 100, 133)  # what the operators' node carries


def encoded(data: dict[str, str]) -> Object:
    return {"data": {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}}


def granted(role: str, account: str = "123-compute@developer.gserviceaccount.com") -> Object:
    return {"bindings": [{"role": role, "members": [f"serviceAccount:{account}"]}]}


def node(name: str = "n1", cpu: str = "940m") -> Object:
    return {"metadata": {"name": name}, "spec": {}, "status": {"allocatable": {"cpu": cpu}}}


def pod(
    cpu: int,
    *,
    name: str = "system",
    namespace: str = "ns",
    labels: dict[str, str] | None = None,
    status: Object | None = None,
) -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": {"nodeName": "n1", "containers": [{"resources": {"requests": {"cpu": f"{cpu}m"}}}]},
        "status": {"phase": "Running"} | (status or {}),
    }


class Cloud:
    """Answers commands by the beginning of their words; what nobody foresaw fails."""

    def __init__(self, **changes: Answer | Object | None) -> None:
        self.answers: dict[str, Answer | Object | None] = {
            "helm version": Answer(0, "v4.3.1"),
            "gcloud config get-value project": Answer(0, "p\n"),
            "gcloud config get-value account": Answer(0, "me@example.org\n"),
            "gcloud billing projects describe p": Answer(0, "True\n"),
            "gcloud container clusters describe": Answer(0, "default\n"),
            "gcloud projects describe p": Answer(0, "123\n"),
            "gcloud projects get-iam-policy p": {"bindings": []},
            "gcloud artifacts repositories get-iam-policy": granted("roles/artifactregistry.reader"),
            "gcloud services list": Answer(0, "container.googleapis.com\nartifactregistry.googleapis.com\n"),
            "gcloud artifacts docker images describe": Answer(0, ""),
            "gcloud container clusters list": Answer(0, "eventstorming-cluster\n"),
            "kubectl get namespace": Answer(0, "namespace/kube-system"),
            "kubectl get nodes": {"items": [node()]},
            "kubectl get pods --all-namespaces": {"items": [pod(cpu) for cpu in GKE_SYSTEM]},
            "kubectl get secret firebase-key": encoded(ACCOUNT),
            "kubectl get secret app-secrets": encoded(APP),
            "kubectl get pods --namespace": {"items": []},
        }
        self.answers |= {name.replace("_", " "): answer for name, answer in changes.items()}

    def set(self, words: str, answer: Answer | Object | None) -> Cloud:
        self.answers[words] = answer
        return self

    def run(self, *words: str) -> Answer:
        said = " ".join(word for word in words if not word.startswith("--request-timeout"))
        for begin, answer in self.answers.items():
            if said.startswith(begin) and answer is not None:
                return answer if isinstance(answer, Answer) else Answer(0, json.dumps(answer))
        return Answer(1, "", "not found")


def site(cloud: Cloud, *sets: str) -> Site:
    objects = render(*sets)
    return Site(run=cloud.run, release="es", registry="r-docker.pkg.dev/p/r", objects=objects, namespace="ns")


def found(check: object, cloud: Cloud, *sets: str) -> Sequence[Failure]:
    assert callable(check)
    return [it for it in check(site(cloud, *sets)) if isinstance(it, Failure)]


def test_the_operators_cluster_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.report(site(Cloud())) == 0
    assert "✗" not in capsys.readouterr().out


def test_no_secret_value_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud().set("kubectl get secret app-secrets", encoded({"OPENAI_API_KEY": "sk-secret\n"}))
    assert preflight.report(site(cloud)) == 1
    assert "sk-secret" not in capsys.readouterr().out


def test_kubectl_without_a_cluster_or_credentials() -> None:
    refused = Answer(1, "", "The connection to the server localhost:8080 was refused")
    [failure] = found(preflight.cluster, Cloud().set("kubectl get namespace", refused))
    assert failure.repair.startswith("gcloud container clusters get-credentials eventstorming-cluster")
    none = Cloud().set("kubectl get namespace", refused).set("gcloud container clusters list", Answer(0, ""))
    [failure] = found(preflight.cluster, none)
    assert failure.repair.startswith("gcloud container clusters create eventstorming-cluster")


def test_the_plugin_of_kubectl_is_missing() -> None:
    answer = Answer(1, "", "exec: executable gke-gcloud-auth-plugin not found")
    [failure] = found(preflight.cluster, Cloud().set("kubectl get namespace", answer))
    assert failure.repair == "gcloud components install gke-gcloud-auth-plugin"


def test_after_a_cluster_that_does_not_answer_nothing_more_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert preflight.report(site(Cloud().set("kubectl get namespace", Answer(1, "", "refused")))) == 1
    assert "secrets" not in capsys.readouterr().out


def test_too_little_cpu_on_the_node() -> None:
    assert not found(preflight.cpu, Cloud())
    [failure] = found(preflight.cpu, Cloud(), "executor.resources.requests.cpu=250m")
    assert "250m + 20m; left: n1 227m" in failure.wrong
    assert failure.repair.endswith("eventstorming-cluster --zone asia-northeast3-a --num-nodes 2")


def test_the_repair_names_the_cluster_one_is_connected_to() -> None:
    cloud = Cloud().set("kubectl config current-context", Answer(0, "gke_project_us-east1-b_mine\n"))
    [failure] = found(preflight.cpu, cloud, "executor.resources.requests.cpu=250m")
    assert failure.repair == "gcloud container clusters resize mine --zone us-east1-b --num-nodes 2"


def test_what_runs_of_this_release_makes_room_for_its_successor() -> None:
    labels = {"app.kubernetes.io/instance": "es", "app.kubernetes.io/name": "eventstorming"}
    full = [*(pod(cpu) for cpu in GKE_SYSTEM), pod(220, labels=labels)]
    assert not found(preflight.cpu, Cloud().set("kubectl get pods --all-namespaces", {"items": full}))
    other = [*full[:-1], pod(220)]
    assert found(preflight.cpu, Cloud().set("kubectl get pods --all-namespaces", {"items": other}))


def test_pods_are_counted_on_the_nodes_they_fit() -> None:
    two = Cloud().set("kubectl get nodes", {"items": [node(), node("n2", "210m")]})
    assert not found(preflight.cpu, two, "executor.replicas=2")
    assert found(preflight.cpu, two, "executor.replicas=3")


def test_a_registry_that_is_shut_down() -> None:
    failures = found(preflight.images, Cloud(), "image.registry=gcr.io/project")
    assert len(failures) == 2
    assert all("pkg.dev" in failure.repair for failure in failures)


def test_an_image_that_is_not_there() -> None:
    cloud = Cloud().set("gcloud artifacts docker images describe", Answer(1, "", "NOT_FOUND"))
    failures = found(preflight.images, cloud, "image.tag=nope")
    assert [failure.repair for failure in failures] == ["make build push"] * 2
    assert "eventstorming-executor:nope" in failures[0].wrong


def test_the_full_image_is_looked_up_where_something_needs_it() -> None:
    full = "gcloud artifacts docker images describe asia-northeast3-docker.pkg.dev/eventstorming-tool-db/eventstorming-repo/eventstorming-poller:nope-full"
    cloud = Cloud(**{full: Answer(1, "", "NOT_FOUND")})
    cloud.answers = dict(sorted(cloud.answers.items(), key=lambda it: -len(it[0])))
    assert not found(preflight.images, cloud, "image.tag=nope")
    [failure] = found(preflight.images, cloud, "image.tag=nope", "a2a.enabled=true")
    assert "eventstorming-poller:nope-full is not in the registry" in failure.wrong


def test_images_on_the_node_are_not_looked_up() -> None:
    cloud = Cloud().set("gcloud artifacts docker images describe", Answer(1, "", "NOT_FOUND"))
    assert not found(preflight.images, cloud, "image.registry=")


def test_a_dot_in_the_tag_is_no_registry() -> None:
    asking = replace(site(Cloud(), "image.registry=", "image.tag=0.1.0"), tools=frozenset({"docker"}))
    assert not list(preflight.images(asking))
    elsewhere = replace(asking, objects=render("image.registry=localhost:5000"))
    assert len(list(preflight.images(elsewhere))) == 2


def test_apis_that_are_off() -> None:
    cloud = Cloud().set("gcloud services list", Answer(0, "container.googleapis.com\n"))
    [failure] = found(preflight.project, cloud)
    assert failure.repair == "gcloud services enable artifactregistry.googleapis.com"


def test_a_project_that_nobody_pays_for_and_a_helm_that_is_too_old() -> None:
    [failure] = found(
        preflight.project, Cloud().set("gcloud billing projects describe p", Answer(0, "False\n"))
    )
    assert failure.repair.startswith("gcloud billing projects link p --billing-account ")
    denied = Cloud().set("gcloud billing projects describe p", Answer(1, "", "ERROR: denied"))
    assert list(preflight.project(site(denied))) == [Unseen("whether somebody pays for p: ERROR: denied")]
    for said, good in (("v3.16.4", False), ("v3.17.3", True), ("", False), ("v4.0.0-rc.1+g1", True)):
        assert bool(found(preflight.helm, Cloud().set("helm version", Answer(0, said)))) is not good, said


@pytest.mark.parametrize(
    ("account", "name", "repair"),
    [
        ("(unset)\n", "p\n", "gcloud auth login"),
        ("me@x.org\n", "(unset)\n", "gcloud config set project PROJECT"),
        ("me@x.org\n", "p\n", "gcloud projects list"),
    ],
)
def test_without_services_the_missing_step_is_named(account: str, name: str, repair: str) -> None:
    cloud = Cloud().set("gcloud services list", Answer(1, "", "ERROR"))
    cloud.set("gcloud config get-value account", Answer(0, account))
    cloud.set("gcloud config get-value project", Answer(0, name))
    assert [failure.repair for failure in found(preflight.project, cloud)] == [repair]


def test_a_machine_without_the_plugin_is_told_before_the_cluster_is_asked() -> None:
    bare = replace(site(Cloud()), tools=frozenset({"gcloud", "kubectl"}))
    [failure] = preflight.project(bare)
    assert failure == preflight.NO_PLUGIN
    assert not list(preflight.project(replace(bare, registry="ghcr.io/me")))


def test_nodes_that_may_not_pull() -> None:
    cloud = Cloud().set("gcloud artifacts repositories get-iam-policy", {"etag": "x"})
    [failure] = found(preflight.pull, cloud)
    assert "123-compute@developer.gserviceaccount.com has no role" in failure.wrong
    assert failure.repair == (
        "gcloud artifacts repositories add-iam-policy-binding r --location=r --project=p "
        "--member serviceAccount:123-compute@developer.gserviceaccount.com --role roles/artifactregistry.reader"
    )
    assert not found(preflight.pull, cloud.set("gcloud projects get-iam-policy p", granted("roles/editor")))
    own = granted("roles/artifactregistry.reader", "nodes@p.iam.gserviceaccount.com")
    cloud = Cloud().set("gcloud container clusters describe", Answer(0, "nodes@p.iam.gserviceaccount.com"))
    assert found(preflight.pull, cloud)
    assert not found(preflight.pull, cloud.set("gcloud artifacts repositories get-iam-policy", own))
    hidden = Cloud().set("gcloud projects get-iam-policy p", None)
    hidden.set("gcloud artifacts repositories get-iam-policy", {})
    assert not found(preflight.pull, hidden), "what may not be read is not wrong"
    [unseen] = preflight.pull(site(hidden))
    assert isinstance(unseen, Unseen)
    assert unseen.why.endswith("may pull from r-docker.pkg.dev/p/r: not found")
    hidden.set("gcloud artifacts repositories get-iam-policy", granted("roles/artifactregistry.reader"))
    assert not list(preflight.pull(site(hidden))), "one role is enough"


@pytest.mark.parametrize("answer", [Answer(1, "", "ERROR: no account"), Answer(0, "\n")])
def test_nodes_whose_account_is_not_told_are_not_said_to_pull(answer: Answer) -> None:
    [unseen] = preflight.pull(site(Cloud().set("gcloud container clusters describe", answer)))
    assert isinstance(unseen, Unseen)
    assert "whose right to pull" in unseen.why


def test_what_nobody_could_look_at_is_not_called_well(capsys: pytest.CaptureFixture[str]) -> None:
    bare = replace(site(Cloud()), tools=frozenset({"kubectl"}))
    assert preflight.report(bare) == 0
    said = capsys.readouterr().out
    assert said.count("? images: ") == 2
    assert "neither gcloud, docker nor podman is here" in said
    assert "✓ images" not in said


def test_the_cpu_that_is_left_is_told_and_managed_prometheus_where_it_is_in_the_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert preflight.report(site(Cloud())) == 0
    assert "✓ CPU: pods ask for 200m + 20m; left: n1 227m" in capsys.readouterr().out
    collectors = [pod(40, namespace="gmp-system"), *(pod(cpu) for cpu in GKE_SYSTEM)]
    [failure] = found(preflight.cpu, Cloud().set("kubectl get pods --all-namespaces", {"items": collectors}))
    assert "left: n1 187m" in failure.wrong
    assert failure.repair.endswith(" --disable-managed-prometheus")
    collectors.append(pod(100))
    [failure] = found(preflight.cpu, Cloud().set("kubectl get pods --all-namespaces", {"items": collectors}))
    assert failure.repair.endswith("--num-nodes 2")


def test_a_missing_secret_and_a_missing_key() -> None:
    cloud = Cloud().set("kubectl get secret firebase-key", None)
    [failure] = found(preflight.secrets, cloud)
    assert failure.repair == (
        "kubectl create secret generic firebase-key --namespace ns "
        "--from-file=serviceAccountKey.json=serviceAccountKey.json"
    )
    cloud = Cloud().set("kubectl get secret app-secrets", encoded({"OPENAI_API_KEY": "x"}))
    [failure] = found(preflight.secrets, cloud)
    assert "lacks FIREBASE_DATABASE_URL" in failure.wrong


def test_mapped_keys_are_the_ones_looked_for() -> None:
    cloud = Cloud().set("kubectl get secret app-secrets", encoded(APP | {"k": "x"}))
    assert not found(preflight.secrets, cloud, "secrets.app.keys.OPENAI_API_KEY=k")
    [failure] = found(preflight.secrets, cloud, "secrets.app.keys.OPENAI_API_KEY=other")
    assert "lacks other" in failure.wrong


def test_a_key_that_ends_with_a_line_break_and_a_file_that_is_no_key() -> None:
    cloud = Cloud().set("kubectl get secret app-secrets", encoded(APP | {"OPENAI_API_KEY": "x\n"}))
    assert "line break" in found(preflight.secrets, cloud)[0].wrong
    cloud = Cloud().set("kubectl get secret firebase-key", encoded({"serviceAccountKey.json": "{}"}))
    assert "not a service account key" in found(preflight.secrets, cloud)[0].wrong


def test_the_demo_needs_no_secret() -> None:
    cloud = Cloud().set("kubectl get secret firebase-key", None).set("kubectl get secret app-secrets", None)
    assert not found(preflight.secrets, cloud, "demo.enabled=true")


def waiting(reason: str) -> Object:
    state = {
        "containerStatuses": [{"name": "executor", "state": {"waiting": {"reason": reason, "message": "m"}}}]
    }
    return {"items": [pod(200, name="p", status=state)]}


def test_a_crash_loop_for_lack_of_a_package() -> None:
    cloud = Cloud().set("kubectl get pods --namespace", waiting("CrashLoopBackOff"))
    cloud.set("kubectl logs p", Answer(0, "Traceback\nModuleNotFoundError: No module named 'langgraph'\n"))
    [failure] = found(preflight.pods, cloud)
    assert "lacks a package (ModuleNotFoundError: No module named 'langgraph')" in failure.wrong
    assert failure.repair.startswith("make build push")


def test_a_pod_that_ran_out_of_memory() -> None:
    found_pods = waiting("CrashLoopBackOff")
    [status] = found_pods["items"][0]["status"]["containerStatuses"]
    status["lastState"] = {"terminated": {"reason": "OOMKilled"}}
    [failure] = found(preflight.pods, Cloud().set("kubectl get pods --namespace", found_pods))
    assert "OOMKilled" in failure.wrong
    assert "executor.resources.limits.memory=" in failure.repair


def test_a_pod_that_no_node_takes() -> None:
    why = "0/1 nodes are available: 1 node(s) had untolerated taint {a: b}."
    condition = {"type": "PodScheduled", "status": "False", "message": why}
    pending = {"items": [pod(200, name="p", status={"phase": "Pending", "conditions": [condition]})]}
    [failure] = found(preflight.pods, Cloud().set("kubectl get pods --namespace", pending))
    assert failure.wrong == f"p is Pending: {why}"
    assert failure.repair == "kubectl describe pod p --namespace ns"


def test_a_pod_that_waits_for_a_secret() -> None:
    cloud = Cloud().set("kubectl get pods --namespace", waiting("CreateContainerConfigError"))
    [failure] = found(preflight.pods, cloud)
    assert failure.repair == "kubectl describe pod p --namespace ns"


def test_a_running_poller_is_asked_about_what_only_it_can_tell() -> None:
    cloud = Cloud().set("kubectl get deployment eventstorming-generator", {"status": {"replicas": 1}})
    cloud.set("kubectl exec deployment/eventstorming-generator", Answer(3, "✗ language model: wrong name"))
    [failure] = found(preflight.programs, cloud)
    assert "wrong name" in failure.wrong
    assert list(preflight.programs(site(Cloud()))) == ["no poller runs here yet"]


def test_a_poller_that_does_not_run_is_said_to() -> None:
    cloud = Cloud().set("kubectl get deployment", {"status": {"replicas": 1}})
    cloud.set("kubectl exec", Answer(1, "", "error: unable to upgrade connection: container not found"))
    (failure,) = found(preflight.programs, cloud)
    assert "does not run" in failure.wrong
    assert "container not found" in failure.wrong
    assert failure.repair.startswith("kubectl describe deployment/eventstorming-generator")
