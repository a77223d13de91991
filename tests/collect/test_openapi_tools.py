import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agentsynth.core.errors import UserError
from agentsynth.evolve.openapi_tools import META, openapi_tools
from agentsynth.evolve.own_tools import OwnTools, RawTool, parse_document

SHELF = """
openapi: 3.0.3
info: {title: Shelf, version: "1"}
paths:
  /books/{bookId}:
    parameters:
      - {name: bookId, in: path, required: true, schema: {type: integer}, description: Number of the book}
    get:
      operationId: getBook
      summary: Get a book
      description: Gives one book.
      parameters:
        - {name: lang, in: query, schema: {type: string, enum: [en, de]}}
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: Accept, in: header, schema: {type: string}}
      responses:
        404: {description: None}
        200:
          description: The book
          content:
            application/json; charset=utf-8:
              schema: {$ref: "#/components/schemas/Book"}
    put:
      summary: Change a book
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Book"}
      responses: {204: {description: Done}}
    delete:
      operationId: dropBook
      deprecated: true
      responses: {}
components:
  schemas:
    Book:
      type: object
      required: [id, title]
      properties:
        id: {type: integer, readOnly: true}
        title: {type: string, maxLength: 200}
        subtitle: {type: string, nullable: true}
        secret: {type: string, writeOnly: true}
        price: {type: number, minimum: 0, exclusiveMinimum: true}
"""


def check_schema(schema: Any) -> None:
    Draft202012Validator.check_schema(schema)


def read(raw: Any) -> OwnTools:
    found = openapi_tools(raw, "api.yaml")
    for tool in found.tools:
        check_schema(tool["inputSchema"])
    return found


def document(
    paths: Any, schemas: Any = None, version: str = "3.1.0", **components: Any
) -> dict[str, Any]:
    return {
        "openapi": version,
        "paths": paths,
        "components": {"schemas": schemas or {}, **components},
    }


def one(
    operation: dict[str, Any], schemas: Any = None, path: str = "/things", **components: Any
) -> RawTool:
    found = read(document({path: {"post": operation}}, schemas, **components))
    assert found.skipped == ()
    assert "$ref" not in str(found.tools)
    return found.tools[0]


def notes(
    operation: dict[str, Any], schemas: Any = None, path: str = "/things", **components: Any
) -> str:
    operation = {"description": "Does it", **operation}
    return "\n".join(read(document({path: {"post": operation}}, schemas, **components)).notes)


def arguments(operation: dict[str, Any], schemas: Any = None, **options: Any) -> Any:
    return one(operation, schemas, **options)["inputSchema"]


def body(
    schema: Any, required: bool = True, kind: str = "application/json", **fields: Any
) -> dict[str, Any]:
    return {"requestBody": {"required": required, "content": {kind: {"schema": schema}}, **fields}}


def taken(schema: Any, schemas: Any = None) -> Any:
    """The schema of one argument."""
    parameter = {"name": "x", "in": "query", "schema": schema}
    return arguments({"parameters": [parameter]}, schemas)["properties"]["x"]


def meta(tool: RawTool) -> Any:
    held: Any = tool["_meta"]
    return held[META]


# --- a whole document ---------------------------------------------------------------------------


def test_each_operation_of_a_document_becomes_a_tool() -> None:
    found = read(parse_document(SHELF, "shelf.yaml"))
    assert (found.title, found.skipped) == ("Shelf", ())
    get, put, drop = found.tools
    assert get == {
        "name": "get_book",
        "description": "Get a book\n\nGives one book.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "bookId": {"type": "integer", "description": "Number of the book"},
                "lang": {"type": "string", "enum": ["en", "de"]},
                "X-Trace": {"type": "string"},
            },
            "required": ["bookId"],
        },
        "outputSchema": {
            "type": "object",
            "required": ["id", "title"],
            "properties": {
                "id": {"type": "integer"},
                "title": {"type": "string", "maxLength": 200},
                "subtitle": {"type": ["string", "null"]},
                "price": {"type": "number", "exclusiveMinimum": 0},
            },
        },
        "annotations": {"readOnlyHint": True},
        "_meta": {
            META: {
                "method": "GET", "path": "/books/{bookId}", "deprecated": False, "body": None,
                "arguments": {
                    "bookId": {"in": "path", "name": "bookId"},
                    "lang": {"in": "query", "name": "lang"},
                    "X-Trace": {"in": "header", "name": "X-Trace"},
                },
            }
        },
    }  # fmt: skip
    assert (put["name"], put["description"]) == ("put_books_book_id", "Change a book")
    assert put["annotations"] == {"readOnlyHint": False}
    assert put["inputSchema"] == {
        "type": "object",
        "properties": {
            "bookId": {"type": "integer", "description": "Number of the book"},
            "title": {"type": "string", "maxLength": 200},
            "subtitle": {"type": ["string", "null"]},
            "secret": {"type": "string"},
            "price": {"type": "number", "exclusiveMinimum": 0},
        },
        "required": ["bookId", "title"],
    }
    assert meta(put)["body"] == "parts"
    assert meta(put)["arguments"]["title"] == {"in": "body", "name": "title"}
    assert "outputSchema" not in put
    assert (drop["name"], meta(drop)["deprecated"]) == ("drop_book", True)
    assert found.notes == (
        "api.yaml: DELETE /books/{bookId}: is deprecated",
        "api.yaml: DELETE /books/{bookId}: has no description",
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (None, "expected an OpenAPI document"),
        ([], "expected an OpenAPI document"),
        ({}, "openapi: expected a version 3.0 or 3.1, found 'None'"),
        ({"swagger": "2.0", "paths": {}}, "swagger '2.0' is not read; convert it to OpenAPI 3"),
        ({"openapi": "4.0.0", "paths": {"/": {}}}, "openapi: expected a version"),
        ({"openapi": "3.1.0"}, "paths: expected an object with at least one path"),
        ({"openapi": "3.1.0", "paths": []}, "paths: expected an object"),
    ],
)
def test_a_file_that_is_no_openapi_document_is_an_error_that_says_why(raw: Any, words: str) -> None:
    with pytest.raises(UserError, match=rf"^api\.yaml: {words}"):
        read(raw)


def test_a_broken_operation_costs_only_itself() -> None:
    get = {"summary": "Good"}
    loop = {"$ref": "#/components/parameters/loop"}
    paths = {
        "x-ignored": {"get": get},
        "/a": {"get": 5, "post": {**get, "parameters": {"q": {}}}, "put": get},
        "/b": {"get": {**get, "parameters": [{"name": "x"}]}, "summary": "b", "servers": []},
        "/c": {"get": {**get, "parameters": [{"$ref": "#/nowhere"}]}},
        "/d": {"get": {**get, "parameters": [loop]}},
        "/e": {"post": {**get, "requestBody": {"$ref": "other.yaml#/x"}}},
        "/f": {"post": {**get, **body({"type": "object"}, kind="application/xml")}},
        "/g": {"get": {**get, "parameters": [{"name": "x", "in": "query", "schema": {"enum": 5}}]}},
        "/h": "text",
        "/i": {"$ref": "#/paths/~1a/put"},
    }
    found = read(document(paths, parameters={"loop": loop}))
    assert [tool["name"] for tool in found.tools] == ["put_a"]
    starts = [
        "GET /a: is not an object",
        "POST /a: its parameters are not a list",
        "GET /b: parameter 0 needs a name and an 'in' of path, query, header, cookie",
        "GET /c: parameter 0 is not an object, or its reference leads nowhere",
        "GET /d: parameter 0 is not an object, or its reference leads nowhere",
        "POST /e: its requestBody is not an object, or its reference leads nowhere",
        "POST /f: its body has no JSON form; it takes application/xml",
        "GET /g: its arguments' schema is no JSON Schema at 'properties.x.enum': ",
        "/h: is not an object",
    ]
    for line, start in zip(found.skipped, starts, strict=True):
        assert line.startswith(f"api.yaml: {start}")


# --- names and words ----------------------------------------------------------------------------


def test_names_are_in_snake_case_unique_and_short() -> None:
    given_names = [
        "listHTTPServers",
        "list http-servers",
        "",
        "v".join("ab" * 50),
        "列表",
        "list_http_servers",
    ]
    paths = {f"/{n}": {"get": {"operationId": name}} for n, name in enumerate(given_names)}
    found = read(document(paths))
    made = [str(tool["name"]) for tool in found.tools]
    assert made[:3] == ["list_http_servers", "list_http_servers_2", "get_2"]
    assert made[4:] == ["get_4", "list_http_servers_3"]
    assert len(made[3]) == 64
    assert (
        "api.yaml: GET /1: another operation is called 'list_http_servers'; this one becomes 'list_http_servers_2'"
        in found.notes
    )


def test_a_path_without_latin_letters_still_gives_a_name() -> None:
    name = str(read(document({"/列表": {"get": {}}})).tools[0]["name"])
    assert name.startswith("get_")
    assert name.isascii()


def test_a_summary_that_the_description_repeats_is_said_once() -> None:
    assert (
        one({"summary": "Add it.", "description": "Add it to all."})["description"]
        == "Add it to all."
    )
    assert one({"summary": " Add it "})["description"] == "Add it"
    assert one({"summary": 5})["description"] == ""


@pytest.mark.parametrize(("method", "reads"), [("get", True), ("head", True), ("options", True), ("post", False), ("patch", False), ("delete", False)])  # fmt: skip
def test_only_safe_methods_are_hinted_to_read(method: str, reads: bool) -> None:
    tool = read(document({"/a": {method: {}}})).tools[0]
    assert tool["annotations"] == {"readOnlyHint": reads}


# --- arguments ----------------------------------------------------------------------------------


def test_arguments_of_one_name_in_several_places_are_told_apart() -> None:
    parameters = [
        {"name": "id", "in": where, "schema": {"type": "string"}}
        for where in ("cookie", "query", "path")
    ]
    operation = {
        "parameters": parameters,
        **body({"properties": {"id": {"type": "integer"}, "id_query": {}}}),
    }
    tool = one(operation, path="/things/{id}")
    assert meta(tool)["arguments"] == {
        "id": {"in": "path", "name": "id"},
        "id_query": {"in": "query", "name": "id"},
        "id_cookie": {"in": "cookie", "name": "id"},
        "id_body": {"in": "body", "name": "id"},
        "id_query_body": {"in": "body", "name": "id_query"},
    }
    assert "the body argument 'id' becomes 'id_body'" in notes(operation, path="/things/{id}")


def test_a_name_that_providers_refuse_is_changed() -> None:
    listed = [{"name": name, "in": "query"} for name in ("filter[name]", "日", "$top", "x" * 70)]
    made = meta(one({"parameters": listed}))["arguments"]
    assert [place["name"] for place in made.values()] == ["filter[name]", "日", "$top", "x" * 70]
    assert next(iter(made)) == "filter_name_"
    assert all(len(name) <= 64 and name.isascii() for name in made)


def test_the_operations_parameter_stands_in_for_the_paths() -> None:
    holder = {
        "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
        "get": {
            "parameters": [
                {"name": "q", "in": "query", "required": True, "schema": {"type": "integer"}}
            ]
        },
    }
    schema: Any = read(document({"/a": holder})).tools[0]["inputSchema"]
    assert schema == {"type": "object", "properties": {"q": {"type": "integer"}}, "required": ["q"]}


def test_a_name_in_the_path_that_nobody_describes_is_taken_as_text() -> None:
    schema = arguments({}, path="/a/{b}/{c}")
    assert schema["properties"] == {"b": {"type": "string"}, "c": {"type": "string"}}
    assert schema["required"] == ["b", "c"]


def test_the_apis_own_key_is_no_argument() -> None:
    schemes = {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}, "broken": 5}
    listed = [
        {"name": "x-api-key", "in": "header"},
        {"name": "Authorization", "in": "header"},
        {"name": "q", "in": "query"},
    ]
    operation = {"parameters": listed}
    assert list(arguments(operation, securitySchemes=schemes)["properties"]) == ["q"]
    assert "is the API's key" in notes(operation, securitySchemes=schemes)


def test_a_body_that_is_no_plain_object_is_one_argument() -> None:
    for schema in (
        {"type": "array", "items": {"type": "string"}},
        {"oneOf": [{"type": "object"}]},
        {"type": "object"},
        {},
    ):
        tool = one({**body(schema, description="All of it")})
        made: Any = tool["inputSchema"]
        assert list(made["properties"]) == made["required"] == ["body"]
        assert made["properties"]["body"]["description"] == "All of it"
        assert meta(tool)["body"] == "whole"


def test_a_body_of_all_of_is_merged() -> None:
    schemas = {
        "Base": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    }
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Base"},
            {"properties": {"b": {}}, "required": ["b", "z"]},
        ]
    }
    made = arguments(body(schema), schemas)
    assert made == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {}},
        "required": ["a", "b"],
    }


def test_nothing_of_an_optional_body_is_required() -> None:
    operation = body({"required": ["a"], "properties": {"a": {}}}, required=False)
    assert "required" not in arguments(operation)
    assert "its body is optional" in notes(operation)
    operation = body({}, required=False, kind="text/csv")
    assert arguments(operation)["properties"] == {}
    assert "it has no JSON form, only text/csv" in notes(operation)


def test_a_parameter_described_by_content_has_its_schema() -> None:
    parameter = {
        "name": "f",
        "in": "query",
        "deprecated": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    assert arguments({"parameters": [parameter]})["properties"] == {
        "f": {"type": "object", "deprecated": True}
    }


# --- schemas ------------------------------------------------------------------------------------


def test_null_is_allowed_as_version_3_0_says_it() -> None:
    assert taken({"type": "string", "nullable": True}) == {"type": ["string", "null"]}
    assert taken({"type": "string", "enum": ["a"], "nullable": True}) == {
        "type": ["string", "null"],
        "enum": ["a", None],
    }
    assert taken(
        {"$ref": "#/components/schemas/A"}, {"A": {"type": "integer", "nullable": True}}
    ) == {"type": ["integer", "null"]}
    wrapped = {"nullable": True, "allOf": [{"$ref": "#/components/schemas/A"}]}
    assert taken(wrapped, {"A": {"type": "integer"}}) == {
        "anyOf": [{"allOf": [{"type": "integer"}]}, {"type": "null"}]
    }


def test_what_is_no_json_schema_is_left_out() -> None:
    raw = {
        "type": "string",
        "example": "x",
        "xml": {},
        "x-order": 1,
        "discriminator": {},
        "description": None,
        "examples": {},
        "default": None,
        "pattern": "\\p{L}+",
    }
    assert taken(raw) == {"type": "string", "default": None}
    assert taken({"type": "file"}) == {}
    assert taken({"type": ["string", "null", "what"]}) == {"type": ["string", "null"]}
    assert taken({"maximum": 5, "exclusiveMaximum": False}) == {"maximum": 5}
    assert taken({"exclusiveMaximum": 5}) == {"exclusiveMaximum": 5}


def test_references_are_written_out_with_what_stands_beside_them() -> None:
    schemas = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B~1b"}}},
        "B/b": {"type": "string", "description": "old"},
    }
    assert taken({"$ref": "#/components/schemas/A"}, schemas)["properties"] == {
        "b": {"type": "string", "description": "old"}
    }
    assert taken({"$ref": "#/components/schemas/B~1b", "description": "new"}, schemas) == {
        "type": "string",
        "description": "new",
    }


def test_a_schema_that_holds_itself_is_cut_off() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/components/schemas/Node"}, "v": {"type": "integer"}},
    }
    made = taken({"$ref": "#/components/schemas/Node"}, {"Node": node})
    assert made["properties"] == {"next": {"type": "object"}, "v": {"type": "integer"}}
    operation = {
        "parameters": [
            {"name": "x", "in": "query", "schema": {"$ref": "#/components/schemas/Node"}}
        ]
    }
    assert "holds itself" in notes(operation, {"Node": node})


def test_references_that_multiply_stay_within_a_size() -> None:
    schemas: dict[str, Any] = {"L9": {"type": "string"}}
    for level in range(9):
        schemas[f"L{level}"] = {
            "type": "object",
            "properties": {
                f"p{n}": {"$ref": f"#/components/schemas/L{level + 1}"} for n in range(9)
            },
        }
    assert len(str(taken({"$ref": "#/components/schemas/L0"}, schemas))) < 500_000
    assert "too large" in notes(
        {
            "parameters": [
                {"name": "x", "in": "query", "schema": {"$ref": "#/components/schemas/L0"}}
            ]
        },
        schemas,
    )


def test_a_reference_out_of_the_file_is_never_followed() -> None:
    for target in (
        "https://a.test/x.json#/A",
        "other.yaml",
        "file:///etc/passwd",
        "#/components/schemas/None",
        5,
    ):
        assert taken({"$ref": target, "description": "What"}) == {"description": "What"}


def test_the_first_json_answer_of_success_is_what_a_tool_returns() -> None:
    def answer(schema: Any, kind: str = "application/json") -> dict[str, Any]:
        return {"content": {kind: {"schema": schema}}}

    responses = {
        "default": answer({"type": "null"}),
        "404": answer({"type": "null"}),
        "202": answer({"type": "integer"}),
        "201": answer({"type": "array", "items": {}}, "application/hal+json"),
        "200": answer({"type": "string"}, "text/plain"),
    }
    assert one({"responses": responses})["outputSchema"] == {"type": "array", "items": {}}
    assert "outputSchema" not in one({"responses": {"200": answer({"enum": 7})}})
    assert one(
        {"responses": {"2XX": {"$ref": "#/components/responses/R"}}},
        responses={"R": answer({"type": "string"})},
    )["outputSchema"] == {"type": "string"}


def test_the_document_is_not_changed_by_reading_it() -> None:
    raw = parse_document(SHELF, "f")
    before = copy.deepcopy(raw)
    assert openapi_tools(raw, "f") == openapi_tools(raw, "f")
    assert raw == before


KEYS = st.sampled_from(
    [
        "name",
        "in",
        "required",
        "schema",
        "content",
        "application/json",
        "parameters",
        "requestBody",
        "responses",
        "200",
        "properties",
        "items",
        "allOf",
        "oneOf",
        "type",
        "nullable",
        "$ref",
        "enum",
        "description",
        "summary",
        "operationId",
        "readOnly",
        "pattern",
        "deprecated",
        "exclusiveMinimum",
        "minimum",
        "additionalProperties",
    ]
)
PART = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4)
    | st.sampled_from(["a", "query", "path", "object", "string", "#/components/schemas/A", "#/components/schemas/B", "#", "["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["get", "post", "parameters", "$ref"]), PART), PART, PART, PART
)
def test_no_document_raises_anything_but_a_user_error(
    holder: Any, first: Any, second: Any, part: Any
) -> None:
    schemas = {"A": first, "B": second}
    operation = {
        "parameters": [{"name": "x", "in": "query", "schema": part}],
        **body(part),
        "responses": {"200": part},
    }
    found = read(
        document({"/a": holder, "/b/{c}": {"post": operation}, "/c": {"get": part}}, schemas)
    )
    for tool in found.tools:
        if "outputSchema" in tool:
            check_schema(tool["outputSchema"])


@given(PART, PART)
def test_no_value_in_place_of_a_document_raises_anything_but_a_user_error(
    paths: Any, components: Any
) -> None:
    for raw in (
        paths,
        {"openapi": "3.1.0", "paths": paths},
        {"openapi": "3.0.0", "paths": {"/a": {"get": {}}}, "components": components},
    ):
        try:
            read(raw)
        except UserError:
            continue
