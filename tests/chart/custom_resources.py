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
_ENDPOINT = _object({"port": {"const": "admin"}, "path": {"const": "/metrics"}, "interval": _SECONDS})
_MONITOR = _object({"selector": _SELECTOR, "endpoints": _list(_ENDPOINT)})
# The external scaler's metadata is free-form, but every value is text.
_TRIGGER = _object(
    {
        "type": {"const": "external"},
        "metricType": {"enum": ["AverageValue", "Value"]},
        "metadata": {"type": "object", "required": ["scalerAddress"], "additionalProperties": _TEXT},
    },
    {"authenticationRef": _object({"name": _TEXT})},
)
_SCALED = _object(
    {"scaleTargetRef": _object({"name": _TEXT}), "triggers": _list(_TRIGGER)},
    {"minReplicaCount": _COUNT, "maxReplicaCount": _COUNT, "pollingInterval": _COUNT},
)
_PARAMETER = _object(
    {"parameter": {"enum": ["caCert", "tlsClientCert", "tlsClientKey"]}, "name": _TEXT, "key": _TEXT}
)

SCHEMAS: dict[tuple[str, str], Schema] = {
    (api_version, kind): _resource(api_version, kind, spec)
    for api_version, kind, spec in (
        ("monitoring.googleapis.com/v1", "PodMonitoring", _MONITOR),
        ("monitoring.coreos.com/v1", "ServiceMonitor", _MONITOR),
        ("keda.sh/v1alpha1", "ScaledObject", _SCALED),
        ("keda.sh/v1alpha1", "TriggerAuthentication", _object({"secretTargetRef": _list(_PARAMETER)})),
    )
}
