"""Members of stickers, classes and relations that never vary, as the canvas expects them. Data only."""

from __future__ import annotations

import json
from typing import Final

from poller.msaez.encoding import Json

TYPE: Final = "org.uengine.modeling.model."
UML: Final = "org.uengine.uml.model."
RELATION_STYLE: Final = '{"arrow-start": "none", "arrow-end": "none"}'
CLASS_LEFT, CLASS_STEP = 700, 250

_NOWHERE = {"x": 0, "y": 0, "width": 0, "height": 0}
_WHERE = {"viewField": None, "eventField": None}
VIEW_KEY: Final[dict[str, Json]] = {
    "_type": "org.uengine.model.FieldDescriptor",
    "name": "id",
    "className": "Long",
    "nameCamelCase": "id",
    "namePascalCase": "Id",
    "isKey": True,
}


def _rule(operation: str, mapping: dict[str, Json]) -> list[Json]:
    rule = {"_type": "viewStoreRule", "operation": operation, "when": None}
    return [rule | {"fieldMapping": [mapping], "where": [_WHERE]}]


_ELEMENTS: dict[str, dict[str, Json]] = {
    "BoundedContext": {"policies": [], "members": [], "views": [], "gitURL": None, "tempId": ""}
    | {"preferredPlatform": "template-spring-boot", "preferredPlatformConf": {}, "templatePerElements": {}},
    "Aggregate": {"commands": [], "events": []},
    "Command": {"isRestRepository": False, "trigger": "@PrePersist", "visibility": "public"}
    | {"relationEventInfo": [], "relationCommandInfo": []},
    "Event": {"trigger": "@PostPersist", "relationPolicyInfo": [], "relationCommandInfo": []}
    | {"alertURL": "/static/image/symbol/alert-icon.png", "checkAlert": True, "visibility": "public"},
    "Policy": {"isSaga": False, "fieldDescriptors": []},
    "View": {
        "visibility": "public",
        "dataProjection": "query-for-aggregate",
        "editingView": False,
        "definitionId": "",
        "controllerInfo": {"url": ""},
        "createRules": _rule("CREATE", _WHERE | {"operator": "="}),
        "updateRules": _rule("UPDATE", _WHERE | {"operator": "="}),
        "deleteRules": _rule("DELETE", _WHERE),
    },
    "UI": {
        "uiType": "Chart",
        "chart": {"type": "", "fieldMapping": {"category": [], "data": []}},
        "grid": {"columns": []},
        "card": {"title": "", "subtitle": "", "text": ""},
        "generateDescription": "",
    },
    "Actor": {"innerAggregate": {"command": [], "event": [], "external": [], "policy": [], "view": []}},
}
_VIEWS: dict[str, dict[str, Json]] = {
    "Command": {"z-index": 999},
    "View": {"z-index": 999},
    "Event": {"angle": 0},
}
_HEXAGONS: dict[str, dict[str, Json]] = {
    "BoundedContext": {"x": 235, "y": 365, "width": 350, "height": 350, "style": "{}"},
    "Aggregate": _NOWHERE | {"subWidth": 0},
    "Command": _NOWHERE | {"style": "{}"},
    "Event": _NOWHERE | {"style": "{}"},
    "Policy": {"x": 0, "y": 0, "subWidth": 100, "width": 20, "height": 20, "style": "{}"},
}

_CLASS: dict[str, Json] = {"operations": [], "parentOperations": [], "relationType": None}
_CLASS |= {"isVO": False, "isAbstract": False, "isInterface": False, "isAggregateRoot": False}
_CLASSES: dict[str, dict[str, Json]] = {
    "root": _CLASS | {"_type": f"{UML}Class", "isAggregateRoot": True},
    "entity": _CLASS | {"_type": f"{UML}Class"},
    "value object": _CLASS | {"_type": f"{UML}vo.Class", "groupElement": None, "isVO": True},
    "enumeration": _CLASS | {"_type": f"{UML}enum", "useKeyValue": False},
}
_SIZE = {"width": 200, "height": 100, "style": "{}", "titleH": 50}
_CLASS_VIEWS: dict[str, dict[str, Json]] = {
    "root": {"_type": f"{UML}Class", "x": 200, "y": 200, "subEdgeH": 120, "fieldH": 90, "methodH": 30},
    "entity": {"_type": f"{UML}Class", "y": 760, "height": 150, "subEdgeH": 120, "fieldH": 90, "methodH": 30},
    "value object": {
        "_type": f"{UML}vo.address.Class",
        "y": 152,
        "subEdgeH": 170,
        "fieldH": 150,
        "methodH": 30,
    },
    "enumeration": {"_type": f"{UML}enum", "y": 456, "subEdgeH": 50},
}
_TABLES = {kind: json.dumps(members) for kind, members in (_ELEMENTS | _CLASSES).items()}


def constants(kind: str) -> dict[str, Json]:
    """Of a sticker, or of a root, entity, value object or enumeration; a fresh copy: whoever gets it may change it."""
    members: dict[str, Json] = json.loads(_TABLES[kind])
    return members


def view_constants(kind: str) -> dict[str, Json]:
    """What the view of a sticker has beside its place."""
    return {"style": "{}"} | _VIEWS.get(kind, {})


def hexagon_constants(kind: str) -> dict[str, Json] | None:
    """None for what the hexagonal view does not draw."""
    return _HEXAGONS.get(kind)


def class_view_constants(kind: str) -> dict[str, Json]:
    """Size and place of a class in its diagram; all but the root get their x from where they are drawn."""
    return _SIZE | _CLASS_VIEWS[kind]
