"""Members of stickers, classes and relations that never vary, as the canvas expects them. Data only."""

from __future__ import annotations

import json
from typing import Final

from poller.msaez.encoding import Json

TYPE: Final = "org.uengine.modeling.model."
RELATION_STYLE: Final = '{"arrow-start": "none", "arrow-end": "none"}'

_NOWHERE = {"x": 0, "y": 0, "width": 0, "height": 0}
_WHERE = [{"viewField": None, "eventField": None}]
_MAPPING = [{"viewField": None, "eventField": None, "operator": "="}]


def _rule(operation: str, mapping: list[Json]) -> list[Json]:
    return [
        {
            "_type": "viewStoreRule",
            "operation": operation,
            "when": None,
            "fieldMapping": mapping,
            "where": _WHERE,
        }
    ]


_ELEMENTS: dict[str, dict[str, Json]] = {
    "BoundedContext": {
        "policies": [],
        "members": [],
        "views": [],
        "gitURL": None,
        "preferredPlatform": "template-spring-boot",
        "preferredPlatformConf": {},
        "templatePerElements": {},
        "tempId": "",
    },
    "Aggregate": {"commands": [], "events": []},
    "Command": {
        "isRestRepository": False,
        "trigger": "@PrePersist",
        "relationEventInfo": [],
        "relationCommandInfo": [],
        "visibility": "public",
    },
    "Event": {
        "trigger": "@PostPersist",
        "relationPolicyInfo": [],
        "relationCommandInfo": [],
        "alertURL": "/static/image/symbol/alert-icon.png",
        "checkAlert": True,
        "visibility": "public",
    },
    "Policy": {"isSaga": False, "fieldDescriptors": []},
    "View": {
        "visibility": "public",
        "dataProjection": "query-for-aggregate",
        "editingView": False,
        "definitionId": "",
        "fieldDescriptors": [
            {
                "_type": "org.uengine.model.FieldDescriptor",
                "name": "id",
                "className": "Long",
                "nameCamelCase": "id",
                "namePascalCase": "Id",
                "isKey": True,
            }
        ],
        "controllerInfo": {"url": ""},
        "createRules": _rule("CREATE", _MAPPING),
        "updateRules": _rule("UPDATE", _MAPPING),
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
_CLASSES: dict[str, dict[str, Json]] = {
    "root": _CLASS
    | {
        "_type": "org.uengine.uml.model.Class",
        "isVO": False,
        "isAbstract": False,
        "isInterface": False,
        "isAggregateRoot": True,
    },
    "value object": _CLASS
    | {
        "_type": "org.uengine.uml.model.vo.Class",
        "groupElement": None,
        "isVO": True,
        "isAggregateRoot": False,
        "isAbstract": False,
        "isInterface": False,
    },
    "enumeration": _CLASS
    | {
        "_type": "org.uengine.uml.model.enum",
        "isVO": False,
        "isAbstract": False,
        "isInterface": False,
        "isAggregateRoot": False,
        "useKeyValue": False,
    },
}

_SIZE = {"width": 200, "height": 100, "style": "{}", "titleH": 50}
_CLASS_VIEWS: dict[str, dict[str, Json]] = {
    "root": {
        "_type": "org.uengine.uml.model.Class",
        "x": 200,
        "y": 200,
        **_SIZE,
        "subEdgeH": 120,
        "fieldH": 90,
        "methodH": 30,
    },
    "value object": {
        "_type": "org.uengine.uml.model.vo.address.Class",
        "y": 152,
        **_SIZE,
        "subEdgeH": 170,
        "fieldH": 150,
        "methodH": 30,
    },
    "enumeration": {"_type": "org.uengine.uml.model.enum", "y": 456, **_SIZE, "subEdgeH": 50},
}
CLASS_LEFT, CLASS_STEP = 700, 250

_TABLES = {
    kind: json.dumps(table)
    for kind, table in {
        **{f"element {kind}": members for kind, members in _ELEMENTS.items()},
        **{f"class {kind}": members for kind, members in _CLASSES.items()},
    }.items()
}


def element_constants(kind: str) -> dict[str, Json]:
    """A fresh copy: whoever gets a sticker may change it."""
    return json.loads(_TABLES[f"element {kind}"])  # type: ignore[no-any-return]  # a table is an object


def class_constants(kind: str) -> dict[str, Json]:
    """A fresh copy for a class of the diagram: root, value object or enumeration."""
    return json.loads(_TABLES[f"class {kind}"])  # type: ignore[no-any-return]  # a table is an object


def view_constants(kind: str) -> dict[str, Json]:
    return {"style": "{}"} | _VIEWS.get(kind, {})


def hexagon_constants(kind: str) -> dict[str, Json] | None:
    """None for what the hexagonal view does not draw."""
    return _HEXAGONS.get(kind)


def class_view_constants(kind: str) -> dict[str, Json]:
    return dict(_CLASS_VIEWS[kind])
