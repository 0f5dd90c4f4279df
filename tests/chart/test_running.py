"""That it fits, starts, stops, scales and upgrades on the operators' node."""

from __future__ import annotations

import pytest

from workbench.chart import (
    EXAMPLES,
    Object,
    container,
    containers,
    env,
    executor,
    millicpu,
    named,
    of,
    pods,
    poller,
    render,
    value,
)

LEFT_ON_THE_NODE = 227  # millicores of an e2-medium node beside GKE's own pods


def requested(pod: Object) -> int:
    """What the scheduler counts: all containers together, or the greatest init container."""
    spec = pod["spec"]
    together = sum(millicpu(it["resources"]["requests"]["cpu"]) for it in spec["containers"])
    first = [millicpu(it["resources"]["requests"]["cpu"]) for it in spec.get("initContainers", [])]
    return max([together, *first])


def surge(deployment: Object) -> int:
    """CPU of the pods that an upgrade adds before it takes away."""
    strategy = deployment["spec"]["strategy"]
    if strategy["type"] == "Recreate":
        return 0
    more: int = strategy["rollingUpdate"]["maxSurge"]
    return more * requested(deployment["spec"]["template"])


@pytest.mark.parametrize(
    "example", ["default", "demo", "zero-downtime", "hpa", "private", "secrets-from-values"]
)
def test_everything_fits_the_node_also_while_upgrading_and_testing(example: str) -> None:
    objects = render(example=example)
    everything = sum(requested(pod) for pod in pods(objects).values())
    more = sum(surge(it) for it in named(objects, "Deployment").values())
    assert max(everything, everything - requested(of(objects, "Pod")) + more) <= LEFT_ON_THE_NODE


def test_the_figures_the_operators_settled_on() -> None:
    assert container(executor())["resources"]["requests"] == {"cpu": "200m", "memory": "128Mi"}
    assert container(poller())["resources"]["requests"] == {"cpu": "20m", "memory": "64Mi"}
    for deployment in (poller(), executor()):
        assert container(deployment)["resources"]["limits"] == {"cpu": "300m", "memory": "256Mi"}


def test_the_cpu_limit_can_be_dropped() -> None:
    assert container(executor("executor.resources.limits.cpu=null"))["resources"]["limits"] == {
        "memory": "256Mi"
    }


@pytest.mark.parametrize("deployment", [poller(), executor()], ids=["poller", "executor"])
def test_probes_and_grace(deployment: Object) -> None:
    it = container(deployment)
    for probe in ("startupProbe", "livenessProbe"):
        assert it[probe]["httpGet"] == {"path": "/ok", "port": "http"}
        assert it[probe]["periodSeconds"] == 10
    assert it["startupProbe"]["failureThreshold"] >= 6
    assert it["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}
    assert it["readinessProbe"]["periodSeconds"] == 5
    assert "lifecycle" not in it
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 30


def test_more_grace_for_the_programs_is_more_for_the_pods() -> None:
    for deployment in (
        poller("settings.SHUTDOWN_GRACE_SECONDS=60"),
        executor("settings.SHUTDOWN_GRACE_SECONDS=60"),
    ):
        assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 70


def test_the_poller_knows_its_own_name_and_the_executors() -> None:
    assert env(poller())["POD_ID"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    target = value(poller(), "EXECUTOR_TARGET")
    headless = of(render(), "Service", "eventstorming-generator-executor-headless")
    assert target == f"{headless['metadata']['name']}:{headless['spec']['ports'][0]['port']}"
    assert headless["spec"]["clusterIP"] == "None"
    assert (
        value(poller(example="canary"), "EXECUTOR_TARGET") == "eventstorming-canary-executor-headless:50051"
    )


def test_one_poller_is_replaced_not_doubled() -> None:
    assert poller()["spec"]["strategy"] == {"type": "Recreate"}
    assert executor()["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


@pytest.mark.parametrize("example", EXAMPLES)
def test_selectors_hold_nothing_that_an_upgrade_changes(example: str) -> None:
    for deployment in named(render(example=example), "Deployment").values():
        labels = deployment["spec"]["selector"]["matchLabels"]
        assert labels.keys() == {
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
            "app.kubernetes.io/component",
        }
        assert labels.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_two_releases_share_no_name() -> None:
    first = {(it["kind"], it["metadata"]["name"]) for it in render()}
    assert not first & {(it["kind"], it["metadata"]["name"]) for it in render(example="canary")}


def test_the_names_the_operators_type() -> None:
    assert {"eventstorming-generator", "eventstorming-generator-executor"} == named(
        render(), "Deployment"
    ).keys()
    assert named(render(), "Service").keys() == {
        "eventstorming-generator-service",
        "eventstorming-generator-executor",
        "eventstorming-generator-executor-headless",
        "eventstorming-generator-jobs",
    }
    annotations = poller()["spec"]["template"]["metadata"]["annotations"]
    assert annotations["kubectl.kubernetes.io/default-container"] == "poller"


@pytest.mark.parametrize(
    "sets",
    ["autoscaling.mode=hpa", "autoscaling.mode=keda", "autoscaling.mode=external", "executor.replicas=null"],
)
@pytest.mark.parametrize("helm", [4, 3])
def test_a_scaled_deployment_states_no_replicas(sets: str, helm: int) -> None:
    """Where there is none yet; what is there: test_upgrade.py."""
    scaled = of(render(sets, helm=helm), "Deployment", "eventstorming-generator-executor")
    assert "replicas" not in scaled["spec"]
    assert executor()["spec"]["replicas"] == 1


def test_hpa_and_keda_aim_at_jobs_for_each_executor() -> None:
    hpa = of(render("autoscaling.mode=hpa"), "HorizontalPodAutoscaler")["spec"]
    assert hpa["scaleTargetRef"]["name"] == "eventstorming-generator-executor"
    assert hpa["metrics"][0]["external"]["target"] == {"type": "AverageValue", "averageValue": "6"}
    scaled = of(render("autoscaling.mode=keda", "settings.MAX_CONCURRENT_JOBS=50"), "ScaledObject")["spec"]
    assert scaled["triggers"][0]["metadata"] == {
        "scalerAddress": "eventstorming-generator-jobs.ns.svc:50052",
        "targetJobs": "40",
    }


def test_a_poller_that_does_not_answer_never_scales_running_executors_to_zero() -> None:
    for least in (0, 1, 3):
        spec = of(render("autoscaling.mode=keda", f"autoscaling.minReplicas={least}"), "ScaledObject")["spec"]
        assert spec["minReplicaCount"] == least
        assert spec["fallback"] == {
            "failureThreshold": 3,
            "replicas": max(1, least),
            "behavior": "currentReplicasIfHigher",
        }
        assert {it["metricType"] for it in spec["triggers"]} == {"AverageValue"}  # what `fallback` works with


@pytest.mark.parametrize("mode", ["hpa", "keda"])
def test_scaling_in_waits_and_goes_step_by_step(mode: str) -> None:
    objects = render(f"autoscaling.mode={mode}")
    if mode == "hpa":
        behaviour = of(objects, "HorizontalPodAutoscaler")["spec"]["behavior"]
    else:
        advanced = of(objects, "ScaledObject")["spec"]["advanced"]
        behaviour = advanced["horizontalPodAutoscalerConfig"]["behavior"]
    assert behaviour["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert all(it["periodSeconds"] == 60 for it in behaviour["scaleDown"]["policies"])
    assert "scaleUp" not in behaviour  # at once


def test_a_disruption_budget_never_blocks_a_drain() -> None:
    budget = of(render("executor.podDisruptionBudget.enabled=true"), "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget
    assert not named(render(), "PodDisruptionBudget")


def test_executors_spread_but_never_wait_for_it() -> None:
    spread = executor()["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {it["whenUnsatisfiable"] for it in spread} == {"ScheduleAnyway"}


def test_the_demo_needs_no_secret_and_no_other_image() -> None:
    objects = render(example="demo")
    assert "secretKeyRef" not in str(objects)
    assert not any("secret" in volume for pod in pods(objects).values() for volume in pod["spec"]["volumes"])
    images = {it["image"].rpartition("/")[2] for pod in pods(objects).values() for it in containers(pod)}
    assert images == {"eventstorming-poller:0.1.0", "eventstorming-executor:0.1.0"}
    assert value(executor(example="demo"), "AI_MODEL") == "offline:rules"
    assert value(poller(example="demo"), "FIREBASE_DATABASE_EMULATOR_HOST") == "127.0.0.1:9000"
    database = poller(example="demo")["spec"]["template"]["spec"]["containers"][1]
    assert database["command"] == ["python3", "-m", "poller.rtdb.emulator", "--port", "9000"]
    assert database["resources"]["requests"]["cpu"] == "1m"


def test_the_test_hook_runs_a_real_job_in_the_demo_and_spends_nothing_otherwise() -> None:
    command = of(render(example="demo"), "Pod")["spec"]["containers"][0]["command"]
    assert command[:4] == ["python3", "-m", "poller.cli", "submit"]
    assert command[-1] == "--watch"
    assert of(render(), "Pod")["spec"]["containers"][0]["command"][3] == "list"


def test_images_by_tag_or_digest() -> None:
    assert container(executor("image.tag=1.2"))["image"].endswith("/eventstorming-executor:1.2")
    assert container(executor("image.tag=1.2", "executor.image.tag=1.3"))["image"].endswith(":1.3")
    assert (
        container(poller("image.registry=", "image.tag=1234567"))["image"] == "eventstorming-poller:1234567"
    )
    assert "/eventstorming-poller@sha256:0123" in container(poller(example="private"))["image"]


def test_monitoring_reads_both_programs() -> None:
    for kind, sets in (("PodMonitoring", "podMonitoring"), ("ServiceMonitor", "serviceMonitor")):
        assert len(named(render(f"metrics.{sets}.enabled=true"), kind)) == 2
    for kind, sets in (("PodMonitoring", "podMonitoring"), ("ServiceMonitor", "serviceMonitor")):
        for name, monitor in named(render(f"metrics.{sets}.enabled=true"), kind).items():
            assert ("executor" if name.endswith("executor") else "poller") in str(monitor["spec"])
            assert "component" in str(monitor["spec"].get("targetLabels") or monitor["spec"]["endpoints"])
    with_admin = [
        service["metadata"]["name"]
        for service in named(render(), "Service").values()
        if any(port["name"] == "admin" for port in service["spec"]["ports"])
    ]
    assert with_admin == ["eventstorming-generator-executor-headless", "eventstorming-generator-jobs"]
