"""Restricted Pod Security, least privilege by secret, and what can be reached from where."""

from __future__ import annotations

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.responses import PlainTextResponse

from poller import admin
from workbench.chart import (
    EXAMPLES,
    Object,
    container,
    containers,
    env,
    executor,
    named,
    of,
    pods,
    poller,
    render,
    secret_keys,
    value,
)

PARITY_KEYS = {
    "AI_MODEL",
    "OPENAI_API_KEY",
    "LANGSMITH_TRACING",
    "LANGSMITH_PROJECT",
    "LANGSMITH_API_KEY",
    "FIREBASE_SERVICE_ACCOUNT_PATH",
    "FIREBASE_DATABASE_URL",
}
EVERYTHING = "large"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_pod_is_restricted(example: str) -> None:
    for name, pod in pods(render(example=example)).items():
        spec = pod["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert all(
            set(volume) - {"name"} <= {"emptyDir", "secret", "configMap"} for volume in spec["volumes"]
        )
        for it in containers(pod):
            assert it["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= it["resources"]["limits"].keys()


@pytest.mark.parametrize("example", EXAMPLES)
def test_service_accounts_are_our_own_and_carry_no_token(example: str) -> None:
    objects = render(example=example)
    accounts = named(objects, "ServiceAccount")
    assert all(account["automountServiceAccountToken"] is False for account in accounts.values())
    assert {pod["spec"]["serviceAccountName"] for pod in pods(objects).values()} == accounts.keys()
    deployments = named(objects, "Deployment").values()
    assert len({it["spec"]["template"]["spec"]["serviceAccountName"] for it in deployments}) == 2


def test_the_poller_gets_no_key_of_the_language_model() -> None:
    assert secret_keys(poller()).keys() == {
        "FIREBASE_DATABASE_URL",
        "FIREBASE_SERVICE_ACCOUNT_PATH",
        "GRPC_TOKEN",
    }
    assert "OPENAI" not in str(poller())
    assert "LANGSMITH" not in str(poller())


def test_the_executor_gets_no_key_of_firebase() -> None:
    assert "firebase" not in str(executor()).lower()


def test_the_test_pod_gets_only_the_token() -> None:
    text = str(of(render(), "Pod"))
    assert "firebase" not in text.lower()
    assert "OPENAI" not in text
    assert "GRPC_TOKEN" in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_pod_takes_a_whole_secret_as_environment(example: str) -> None:
    for pod in pods(render(example=example)).values():
        assert not any("envFrom" in it for it in containers(pod))


def test_the_operators_secret_as_it_is_starts_both_pods() -> None:
    taken = secret_keys(poller()) | secret_keys(executor())
    assert taken.keys() >= PARITY_KEYS
    assert {reference["name"] for reference in taken.values()} == {"app-secrets"}
    needed = {reference["key"] for reference in taken.values() if not reference["optional"]}
    assert needed == {"FIREBASE_DATABASE_URL", "OPENAI_API_KEY"}
    assert needed <= PARITY_KEYS


def test_an_endpoints_headers_come_from_the_secret_and_reach_the_executor_alone() -> None:
    headers = {"name": "app-secrets", "key": "LLM_EXTRA_HEADERS", "optional": True}
    assert secret_keys(executor())["LLM_EXTRA_HEADERS"] == headers
    assert "LLM_EXTRA_HEADERS" not in secret_keys(poller())


def test_the_key_file_is_where_the_relative_path_of_the_operators_secret_leads() -> None:
    mount = next(it for it in container(poller())["volumeMounts"] if it["name"] == "firebase-key")
    assert mount == {"name": "firebase-key", "mountPath": "/app/.auth", "readOnly": True}
    volume = next(
        it for it in poller()["spec"]["template"]["spec"]["volumes"] if it["name"] == "firebase-key"
    )
    assert volume["secret"]["secretName"] == "firebase-key"
    assert volume["secret"]["items"] == [{"key": "serviceAccountKey.json", "path": "serviceAccountKey.json"}]
    assert volume["secret"]["defaultMode"] == 0o440


def test_keys_of_another_name_are_mapped() -> None:
    keys = secret_keys(executor(example="private"))
    assert keys["OPENAI_API_KEY"] == {"name": "shared-secrets", "key": "openai-key", "optional": False}
    assert keys["AI_MODEL"]["key"] == "AI_MODEL"


@pytest.mark.parametrize(
    "sets", ["settings.AI_MODEL=offline:rules", "settings.OPENAI_BASE_URL=http://llm:8000/v1"]
)
def test_a_language_model_without_a_key_needs_none(sets: str) -> None:
    assert secret_keys(executor(sets))["OPENAI_API_KEY"]["optional"] is True


def test_workload_identity_replaces_the_key_file() -> None:
    objects = render(example="workload-identity")
    account = of(objects, "ServiceAccount", "eventstorming-generator")
    assert account["metadata"]["annotations"] == {
        "iam.gke.io/gcp-service-account": "eventstorming@eventstorming-tool-db.iam.gserviceaccount.com"
    }
    assert "firebase-key" not in str(objects)
    assert "FIREBASE_SERVICE_ACCOUNT_PATH" not in env(poller(example="workload-identity"))
    assert "annotations" not in of(objects, "ServiceAccount", "eventstorming-generator-executor")["metadata"]


def test_a_secret_made_by_the_chart_restarts_only_the_pod_that_reads_it() -> None:
    made = "secrets.app.create=true,secrets.app.values.FIREBASE_DATABASE_URL=https://x,secrets.app.values.OPENAI_API_KEY="
    before, after = made + "a", made + "b"
    assert pod_annotations(poller(before)) == pod_annotations(poller(after))
    assert pod_annotations(executor(before)) != pod_annotations(executor(after))


def test_a_rollout_token_restarts_both() -> None:
    assert pod_annotations(poller("rolloutToken=1")) != pod_annotations(poller())
    assert pod_annotations(executor("rolloutToken=1")) != pod_annotations(executor())


def test_a_new_version_of_the_chart_alone_restarts_nothing() -> None:
    for deployment in (poller(), executor()):
        template = deployment["spec"]["template"]["metadata"]
        assert not {"helm.sh/chart", "app.kubernetes.io/version"} & template["labels"].keys()


def pod_annotations(deployment: Object) -> Object:
    found: Object = deployment["spec"]["template"]["metadata"]["annotations"]
    return found


@pytest.mark.parametrize("example", EXAMPLES)
def test_one_port_is_public_and_it_serves_only_ok(example: str) -> None:
    objects = render(example=example)
    services = named(objects, "Service")
    for name, service in services.items():
        assert service["spec"]["type"] in ("LoadBalancer", "ClusterIP")
        if service["spec"]["type"] == "LoadBalancer":
            assert name == "eventstorming-generator-service"
            assert [(it["port"], it["targetPort"]) for it in service["spec"]["ports"]] == [(80, "http")]
    for deployment in named(objects, "Deployment").values():
        ports = {it["name"]: it["containerPort"] for it in container(deployment)["ports"]}
        assert ports["http"] == 2024
        assert not any("hostPort" in it for it in container(deployment)["ports"])


def test_the_demo_and_the_canary_have_no_address() -> None:
    for example in ("demo", "canary"):
        assert {it["spec"]["type"] for it in named(render(example=example), "Service").values()} == {
            "ClusterIP"
        }


def test_an_internal_address_for_known_ranges() -> None:
    service = of(render(example="private"), "Service", "eventstorming-generator-service")
    assert service["metadata"]["annotations"] == {"networking.gke.io/load-balancer-type": "Internal"}
    assert service["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/8"]


def test_services_reach_the_pods_they_are_for() -> None:
    objects = render()
    for service in named(objects, "Service").values():
        matching = [
            name
            for name, pod in pods(objects).items()
            if service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        ]
        expected = "eventstorming-generator" + (
            "-executor" if "executor" in service["metadata"]["name"] else ""
        )
        assert matching == [expected]


def test_health_and_jobs_answer_while_the_poller_is_not_ready() -> None:
    services = named(render(), "Service")
    unready = {name for name, it in services.items() if it["spec"].get("publishNotReadyAddresses")}
    assert unready == {"eventstorming-generator-service", "eventstorming-generator-jobs"}


def test_network_policies_admit_what_the_programs_need_and_nothing_else() -> None:
    policies = named(render(example=EVERYTHING), "NetworkPolicy")
    assert policies.keys() == {"eventstorming-generator", "eventstorming-generator-executor"}
    ours = policies["eventstorming-generator"]["spec"]
    open_to_all = [it["ports"][0]["port"] for it in ours["ingress"] if "from" not in it]
    assert open_to_all == ["http"]
    assert not [
        it for it in policies["eventstorming-generator-executor"]["spec"]["ingress"] if "from" not in it
    ]
    for policy in policies.values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        assert {"port": 53, "protocol": "UDP"} in policy["spec"]["egress"][0]["ports"]
    assert 50051 in [port["port"] for rule in ours["egress"] for port in rule["ports"]]


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://collector.observability:4318", 4318),
        ("https://traces.example.org/otlp", 443),
        ("http://collector", 80),
    ],
)
def test_network_policies_let_traces_out_where_they_are_collected(endpoint: str, port: int) -> None:
    def ports(*sets: str) -> list[set[int]]:
        policies = named(render("networkPolicy.enabled=true", *sets), "NetworkPolicy").values()
        return [
            {one["port"] for rule in policy["spec"]["egress"] for one in rule["ports"]} for policy in policies
        ]

    without, with_traces = ports(), ports(f"settings.OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}")
    assert [found | {port} for found in without] == with_traces


def test_headers_of_the_collector_are_a_secret_that_both_programs_get_and_only_with_traces() -> None:
    on = "settings.OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"
    for deployment in (poller, executor):
        assert "OTEL_EXPORTER_OTLP_HEADERS" in secret_keys(deployment(on))
        assert "OTEL" not in str(deployment())


def test_other_agents_get_in_only_where_they_are_asked_for() -> None:
    plain, agents = render(), render(example="agents")
    assert "a2a" not in str(named(plain, "Service")).replace("eventstorming-generator", "")
    assert not {"A2A_PORT", "A2A_EXTERNAL_URL"} & env(poller()).keys()
    service = of(agents, "Service", "eventstorming-generator-a2a")
    assert service["spec"]["type"] == "ClusterIP"
    assert [it["port"] for it in service["spec"]["ports"]] == [5000, 50052]
    assert value(poller(example="agents"), "A2A_PORT") == "5000"
    assert (
        value(poller(example="agents"), "A2A_EXTERNAL_URL")
        == "http://eventstorming-generator-a2a.ns.svc:5000"
    )
    assert (
        value(poller("settings.A2A_EXTERNAL_URL=https://a", example="agents"), "A2A_EXTERNAL_URL")
        == "https://a"
    )
    assert "A2A_PORT" not in env(executor(example="agents"))
    policies = named(agents, "NetworkPolicy")
    ours = policies["eventstorming-generator"]["spec"]["ingress"]
    [rule] = [it for it in ours if {"port": "a2a", "protocol": "TCP"} in it["ports"]]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tools"}}}]
    assert "a2a" not in str(policies["eventstorming-generator-executor"]["spec"]["ingress"])


async def test_agents_without_a_token_get_in_by_the_names_that_the_chart_gives() -> None:
    walled = admin.for_programs(PlainTextResponse("in"), token="")
    names = [
        value(poller("a2a.enabled=true"), "A2A_EXTERNAL_URL"),
        "http://eventstorming-generator-mcp.ns.svc:2025",
    ]
    async with AsyncClient(transport=ASGITransport(walled)) as http:
        assert [(await http.post(str(name))).text for name in names] == ["in", "in"]


def test_coding_agents_get_in_only_where_they_are_asked_for_and_stay_with_one_poller() -> None:
    assert "mcp" not in str(render()).lower()
    assert value(poller("mcp.enabled=true"), "MCP_HTTP") == "true"
    assert "MCP_HTTP" not in env(executor("mcp.enabled=true"))
    objects = render(
        "mcp.enabled=true",
        "networkPolicy.enabled=true",
        "networkPolicy.agents[0].podSelector.matchLabels.it=agent",
    )
    spec = of(objects, "Service", "eventstorming-generator-mcp")["spec"]
    assert (spec["type"], spec["sessionAffinity"]) == ("ClusterIP", "ClientIP")
    assert [(it["port"], it["targetPort"]) for it in spec["ports"]] == [(2025, "admin")]
    policies = named(objects, "NetworkPolicy")
    [rule] = [it for it in policies["eventstorming-generator"]["spec"]["ingress"] if "agent" in str(it)]
    assert rule["ports"] == [{"port": "admin", "protocol": "TCP"}]
    assert "agent" not in str(policies["eventstorming-generator-executor"]["spec"])


def test_the_metadata_server_is_open_for_workload_identity_only() -> None:
    assert "169.254.169.252/32" in str(named(render(example="workload-identity"), "NetworkPolicy"))
    assert "169.254" not in str(named(render(example=EVERYTHING), "NetworkPolicy"))


def test_authorities_of_ones_own_are_trusted_by_both_programs() -> None:
    for deployment in (poller, executor):
        given = deployment("certificates.configMap=company", "certificates.key=bundle.pem")
        trusted = {env(given)[name]["value"] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")}
        assert trusted == {"/app/.ca/ca.crt"}
        mount = {"name": "certificates", "mountPath": "/app/.ca", "readOnly": True}
        assert mount in container(given)["volumeMounts"]
        source = {"name": "company", "items": [{"key": "bundle.pem", "path": "ca.crt"}]}
        volumes = given["spec"]["template"]["spec"]["volumes"]
        assert {"name": "certificates", "configMap": source} in volumes
        assert "SSL_CERT_FILE" not in env(deployment())


def test_annotations_reach_the_pods_of_their_program() -> None:
    one = "executor.podAnnotations.reloader\\.stakater\\.com/auto=on"
    assert executor(one)["spec"]["template"]["metadata"]["annotations"]["reloader.stakater.com/auto"] == "on"
    assert "reloader" not in str(poller(one))


def test_tls_comes_from_a_secret_in_both_pods_and_for_the_autoscaler() -> None:
    for deployment in (poller("grpc.tlsSecret=tls"), executor("grpc.tlsSecret=tls")):
        assert env(deployment)["GRPC_TLS_CERT"]["value"] == "/app/.tls/tls.crt"
        assert {"name": "tls", "mountPath": "/app/.tls", "readOnly": True} in container(deployment)[
            "volumeMounts"
        ]
    objects = render("grpc.tlsSecret=tls", "autoscaling.mode=keda")
    authentication = of(objects, "TriggerAuthentication")["metadata"]["name"]
    assert of(objects, "ScaledObject")["spec"]["triggers"][0]["authenticationRef"] == {"name": authentication}
