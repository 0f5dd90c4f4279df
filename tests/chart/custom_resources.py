"""Schemas of the custom resources the chart may make, as far as it uses them; Kubernetes' own set does not have them."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SECONDS: Schema = {"type": "string", "pattern": "^[0-9]+s$"}


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": items}


_METADATA = _object(
    {"name": _TEXT, "namespace": _TEXT, "labels": {"type": "object"}}, {"annotations": {"type": "object"}}
)


def _resource(api_version: str, kind: str, spec: Schema) -> Schema:
    return _object(
        {"apiVersion": {"const": api_version}, "kind": {"const": kind}, "metadata": _METADATA, "spec": spec}
    )


_SELECTOR = _object({"matchLabels": {"type": "object", "additionalProperties": _TEXT}})
_ENDPOINT = {"port": {"const": "admin"}, "path": {"const": "/metrics"}, "interval": _SECONDS}
_RELABELLING = _object({"targetLabel": _TEXT, "replacement": _TEXT})
_SERVICE_MONITOR = _object(
    {"selector": _SELECTOR, "endpoints": _list(_object(_ENDPOINT, {"relabelings": _list(_RELABELLING)}))}
)
_FROM_POD = _object({"fromPod": _list(_object({"from": _TEXT, "to": _TEXT}))})
_POD_MONITORING = _object(
    {"selector": _SELECTOR, "endpoints": _list(_object(_ENDPOINT))}, {"targetLabels": _FROM_POD}
)
_TEXTS: Schema = {"type": "object", "additionalProperties": _TEXT}
_RULE = _object(
    {"alert": _TEXT, "expr": _TEXT},
    {"for": {"type": "string", "pattern": "^[0-9]+[smh]$"}, "labels": _TEXTS, "annotations": _TEXTS},
)
_GROUP = _object(
    {"name": _TEXT, "rules": _list(_RULE)}, {"interval": {"type": "string", "pattern": "^[0-9]+[smh]$"}}
)
_RULES = _object({"groups": _list(_GROUP)})
# The external scaler's metadata is free-form, but every value is text.
_TRIGGER = _object(
    {
        "type": {"enum": ["external", "external-push"]},
        "metricType": {"enum": ["AverageValue", "Value"]},
        "metadata": {"type": "object", "required": ["scalerAddress"], "additionalProperties": _TEXT},
    },
    {"authenticationRef": _object({"name": _TEXT})},
)
_POLICY = _object({"type": {"enum": ["Pods", "Percent"]}, "value": _COUNT, "periodSeconds": _COUNT})
_BEHAVIOUR = _object(
    {"scaleDown": _object({"stabilizationWindowSeconds": _COUNT, "policies": _list(_POLICY)})}
)
_FALLBACK = _object(
    {"failureThreshold": _COUNT, "replicas": _COUNT},
    {
        "behavior": {
            "enum": ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]
        }
    },
)
_SCALED = _object(
    {"scaleTargetRef": _object({"name": _TEXT}), "triggers": _list(_TRIGGER)},
    {
        "minReplicaCount": _COUNT,
        "maxReplicaCount": _COUNT,
        "pollingInterval": _COUNT,
        "fallback": _FALLBACK,
        "advanced": _object({"horizontalPodAutoscalerConfig": _object({"behavior": _BEHAVIOUR})}),
    },
)
_PARAMETER = _object(
    {"parameter": {"enum": ["caCert", "tlsClientCert", "tlsClientKey"]}, "name": _TEXT, "key": _TEXT}
)

SCHEMAS: dict[tuple[str, str], Schema] = {
    (api_version, kind): _resource(api_version, kind, spec)
    for api_version, kind, spec in (
        ("monitoring.googleapis.com/v1", "PodMonitoring", _POD_MONITORING),
        ("monitoring.coreos.com/v1", "ServiceMonitor", _SERVICE_MONITOR),
        ("monitoring.googleapis.com/v1", "Rules", _RULES),
        ("monitoring.coreos.com/v1", "PrometheusRule", _RULES),
        ("keda.sh/v1alpha1", "ScaledObject", _SCALED),
        ("keda.sh/v1alpha1", "TriggerAuthentication", _object({"secretTargetRef": _list(_PARAMETER)})),
    )
}
