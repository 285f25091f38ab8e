"""What bodies look like, for the OpenAPI document: models made from the tables, every field with meaning and unit.

The models document; the reading is `documents`, which keeps to the same tables.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import WithJsonSchema, models_json_schema

from tidewaiter.core.tables import CONSIGNMENTS, DECLARATIONS, EVENTS, FieldType
from tidewaiter.core.tables import Field as TableField
from tidewaiter.faces.api.documents import HIGHEST_VERSION, MOST_ITEMS, TOP_ONLY
from tidewaiter.faces.api.spelling import DIGITS, ITEM_NUMBERS, LONGEST_LIST, longest

REF: Final = "#/components/schemas/{model}"
_NUMBER: Final = r"^\s*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?)?\s*$"
_WHOLE: Final = r"^\s*([+-]?[0-9]{1,18}(\.0*)?)?\s*$"
_NO_NUL: Final = r"^[^\u0000]*$"
_SOME_TEXT: Final = r"^[^\u0000]*[^\s\u0000-\u0020][^\u0000]*$"


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _of(field: TableField) -> dict[str, Any]:
    """Return the JSON Schema of a field's values."""
    if field.values:
        return {"type": "string", "enum": list(field.values)}
    match field.type:
        case FieldType.INTEGER if field.name == "item_number":
            return _whole(ITEM_NUMBERS[0], ITEM_NUMBERS[-1])
        case FieldType.INTEGER:
            return _whole(1 - 10**DIGITS, 10**DIGITS - 1)
        case FieldType.DECIMAL:
            return _decimal(field.scale)
        case FieldType.RATIO:
            return {"type": "number"}
        case FieldType.DATE:
            return {"type": "string", "format": "date"}
        case FieldType.INSTANT:
            return {"type": "string", "format": "date-time"}
        case FieldType.FLAG:
            return {"type": "boolean"}
        case FieldType.CODES:
            return {"type": "array", "maxItems": LONGEST_LIST, "items": {"type": "string", "maxLength": longest(field)}}
        case FieldType.RECORDS:
            parts = {part.name: _described(part) for part in field.fields}
            entry = {"type": "object", "additionalProperties": False, "properties": parts}
            return {"type": "array", "maxItems": LONGEST_LIST, "items": entry}
        case _:
            pattern = _SOME_TEXT if field.required else _NO_NUL
            return {"type": "string", "maxLength": longest(field), "pattern": pattern}


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, {"type": "string", "pattern": _WHOLE}]}


def _decimal(scale: int) -> dict[str, Any]:
    """Return the schema of an exact number; written as text it keeps every digit in any client."""
    top = 10 ** (DIGITS - scale) - 1
    number = {"type": "number", "minimum": -top, "maximum": top, "multipleOf": 10**-scale}
    return {"anyOf": [number, {"type": "string", "pattern": _NUMBER, "maxLength": 100}]}


def _described(field: TableField) -> dict[str, Any]:
    unit = {
        "money": f"; amount in {field.currency}" if field.currency != "national" else "; amount in national currency",
        "": "",
    }.get(field.unit, f"; in {field.unit}")
    places = f", {field.scale} decimal places" if field.type is FieldType.DECIMAL else ""
    return {**_of(field), "description": f"{field.meaning}{unit}{places}"}


def _model(name: str, meaning: str, fields: Mapping[str, tuple[dict[str, Any], bool]]) -> type[BaseModel]:
    """Return a documented model: of each field its schema and whether it is required."""
    typed: dict[str, Any] = {}
    for field, (schema, required) in fields.items():
        kind = Annotated[Any, WithJsonSchema(schema if required else _or_null(schema))]
        typed[field] = (kind, ...) if required else (kind, Field(default=None))
    return create_model(name, __base__=_Documented, __doc__=meaning, **typed)


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    described = {"description": schema["description"]} if "description" in schema else {}
    plain = {key: value for key, value in schema.items() if key != "description"}
    return {"anyOf": [*plain.pop("anyOf", [plain]), {"type": "null"}], **described}


_VERSION = {
    **_whole(1, HIGHEST_VERSION),
    "description": "Number of the version; without one, the next. The same content again is the same version",
}


def _fields(fields: tuple[TableField, ...]) -> dict[str, tuple[dict[str, Any], bool]]:
    return {field.name: (_described(field), field.required) for field in fields}


Item = _model(
    "Item",
    "One item. What it does not give holds as it stands at the top of the declaration.",
    _fields(tuple(field for field in DECLARATIONS.fields if field.name not in TOP_ONLY)),
)


Declaration = create_model(
    "Declaration",
    __base__=_model(
        "DeclarationTop",
        "The fields of the whole declaration.",
        {
            "version": (_VERSION, False),
            **_fields(tuple(field for field in DECLARATIONS.fields if field.name != "item_number")),
        },
    ),
    __doc__="A declaration with all its items. A field at the top holds for every item that does not give its own.",
    items=(
        list[Item],  # type: ignore[valid-type]  # made above
        Field(min_length=1, max_length=MOST_ITEMS, description="The items, each with a number of its own"),
    ),
)
Consignment = _model(
    "Consignment",
    CONSIGNMENTS.meaning,
    {
        "version": (_VERSION, False),
        **{name: (schema, name == "filed_at") for name, (schema, _) in _fields(CONSIGNMENTS.fields).items()},
    },
)
Event = _model(
    "Event",
    EVENTS.meaning,
    {name: (schema, name in ("kind", "occurred_at")) for name, (schema, _) in _fields(EVENTS.fields).items()},
)


def body(model: type[BaseModel]) -> dict[str, Any]:
    """Return what a route states in `openapi_extra` about the document it reads."""
    return _request({"$ref": REF.format(model=model.__name__)})


def batch(name: str, model: type[BaseModel], most: int) -> dict[str, Any]:
    """Return what a route states in `openapi_extra` about the list of documents it reads."""
    listed = {"type": "array", "minItems": 1, "maxItems": most, "items": {"$ref": REF.format(model=model.__name__)}}
    return _request({"type": "object", "required": [name], "additionalProperties": False, "properties": {name: listed}})


def _request(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def components() -> dict[str, Any]:
    """Return the schemas that the statements of `body` and `batch` refer to."""
    read = [(model, "validation") for model in (Declaration, Consignment, Event)]
    _, found = models_json_schema(read, ref_template=REF)  # type: ignore[arg-type]
    schemas: dict[str, Any] = found["$defs"]
    return schemas


class Treatment(Schema):
    """A treatment given: a channel and its controls."""

    channel: str
    controls: list[str]


class ItemInstructions(Schema):
    """What the examiner is asked to do with an item."""

    item_number: int
    instructions: list[str]


class DecisionAnswer(Schema):
    """The decision about one version of a declaration, as it was first given, and where the declaration stands now."""

    decision_id: str
    declaration_id: str
    version: int
    decided_at: str
    channel: str = Field(description="green, blue, yellow, orange or red")
    treatments: list[Treatment]
    items: list[ItemInstructions]
    delay_minutes: int = Field(description="How long a green release waits")
    current_channel: str = Field(description="The channel now: it may have risen since, and never falls by itself")
    current_decision: str = Field(description="The decision now in force")
    acts_open: bool = Field(description="Whether officers have something to do about the goods yet: release waits")


class ProblemAnswer(Schema):
    """One thing that is wrong."""

    place: str | None
    message: str
    suggestion: str | None


class BatchEntry(Schema):
    """What became of one entry: its answer, or its problems."""

    status: str = Field(description="decided, repeated, conflict or invalid")
    decision: DecisionAnswer | None = None
    problems: list[ProblemAnswer] | None = None


class BatchAnswer(Schema):
    """What became of each entry, in the order of the request."""

    answers: list[BatchEntry]


class OverrideItem(Schema):
    """What is to be done with an item since."""

    item_number: int
    instructions: list[str]


class OverrideAnswer(Schema):
    """What holds since a person changed the channel: lines for the examiner by item; none where it was lowered.

    Then the lines of the decision hold for what is still open.
    """

    channel: str
    items: list[OverrideItem]


class Change(Schema):
    """An entry of the feed: a channel is now another, a yellow's treatment ended, or officers have nothing to do."""

    cursor: int
    kind: str = Field(
        description="rise; override: a person raised or lowered it; lapsed: nobody looked in time; acts_closed: "
        "officers have nothing to do about the goods any more"
    )
    at: str
    declaration_id: str
    before: str
    after: str
    decision: dict[str, Any] = Field(description="The answer of the decision in force then")
    override: OverrideAnswer | None = Field(None, description="With an override: what holds instead of that answer")


class Changes(Schema):
    """A part of the feed; ask again after `next`."""

    changes: list[Change]
    next: int


class EventAnswer(Schema):
    """What became of one event."""

    event_id: str
    status: str = Field(description="kept or repeated")


class EventAnswers(Schema):
    """What became of each event, in the order of the request."""

    answers: list[EventAnswer]


class ConsignmentAnswer(Schema):
    """What a filer is told about one consignment."""

    model_config = ConfigDict(extra="allow")

    consignment_id: str
    outcome: str
    requested: list[str] = Field(default_factory=list)


class ConsignmentAnswers(Schema):
    """What each consignment was given, in the order of the request."""

    answers: list[ConsignmentAnswer]
