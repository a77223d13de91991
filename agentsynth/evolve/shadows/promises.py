"""What a shadow's tools promise, written from the operations and not from the steps.

A contract says what the state was, what changes and what is shown, so that steps that do something
else are found out by running them.
"""

from collections.abc import Sequence
from typing import Any

from agentsynth.evolve.shadows.emit import needed
from agentsynth.evolve.shadows.forms import Forms, taken_by
from agentsynth.evolve.shadows.model import Inferred, Operation, ShadowEntity, ShadowField
from agentsynth.evolve.shadows.steps import UNSUPPORTED, initial_value, not_found

__all__ = ["contracts_of"]


def contracts_of(inferred: Inferred, operations: Sequence[Operation]) -> dict[str, Any]:
    """Return a domain's contracts as the value of their YAML."""
    entities = needed(inferred, operations)
    forms = Forms(inferred)
    return {
        "schema_version": 1,
        "tools": {one.tool: _Contract(forms, one, entities).written() for one in operations},
    }


class _Contract:
    def __init__(
        self, forms: Forms, operation: Operation, entities: dict[str, ShadowEntity]
    ) -> None:
        self.forms, self.operation, self.entities = forms, operation, entities
        self.entity = entities[operation.entity]
        self.given: dict[str, Any] = {}
        self.errors: dict[str, list[str]] = {}

    def written(self) -> dict[str, Any]:
        tests = [f"args.{name} != null" for name in self.operation.refused if "." not in name]
        if tests:
            self.errors[UNSUPPORTED] = tests
        rest = getattr(self, f"_{self.operation.deed}")()
        errors = {
            code: " || ".join(f"({test})" for test in tests) for code, tests in self.errors.items()
        }
        return {"given": self.given, "errors": errors, **rest}

    def _reference(self, field: ShadowField, parameter: str, *, required: bool) -> None:
        if field.ref is None or field.ref not in self.entities:
            return
        target = self.entities[field.ref]
        name = f"of_{parameter}".lower().replace(".", "_")
        value = self.forms.key_given(target, parameter)
        if target.named_by:
            lookup: dict[str, Any] = {"first": target.name, "where": {target.key: f"={value}"}}
        else:
            lookup = {"record": target.name, "key": f"={value}"}
        if not required:
            lookup = self._only_if_given(lookup, parameter, target)
        self.given[name] = lookup
        test = f"{name} == null" if required else f"args.{parameter} != null && {name} == null"
        self.errors.setdefault(not_found(target.name), []).append(test)

    def _only_if_given(
        self, lookup: dict[str, Any], parameter: str, target: ShadowEntity
    ) -> dict[str, Any]:
        value = "string(args.{0})" if target.key_number else "args.{0}"
        given = value.format(parameter)
        return {
            "first": target.name,
            "if": f"args.{parameter} != null && it.{target.key} == {given}",
        }

    def _found(self) -> str:
        """Look the record up that the call speaks of; return how effects name it."""
        operation, entity = self.operation, self.entity
        self.given["subject"] = {
            "first": entity.name,
            "where": self.forms.where_one(entity, operation),
        }
        self.errors.setdefault(not_found(entity.name), []).append("subject == null")
        return f"=subject.{self.forms.key(entity)}"

    def _view(self, values: dict[str, str]) -> dict[str, Any]:
        """Return what is shown of a record whose fields have these values (expressions)."""
        entity = self.entity
        shape = self.operation.shape
        shown: dict[str, Any] = {}
        for said, name in self.forms.names(entity, shape).items():
            if name not in values:
                continue
            value = values[name]
            field = entity.field(name)
            number = name == entity.key and entity.key_number
            if field is not None and field.ref in self.entities:
                number = number or self.entities[field.ref or ""].key_number
            elif field is not None and field.ref is not None:
                number = self.forms.entity(field.ref).key_number
            test = (
                f"({value}) == null ? null : int({value})"
                if name != entity.key
                else f"int({value})"
            )
            shown[said] = f"={test}" if number else f"={value}"
        return shown

    def _single(self, values: dict[str, str]) -> dict[str, Any]:
        """Return what a result with one record shows."""
        shown = self._view(values)
        shape = self.operation.shape
        if shape is None:
            return shown
        if shape.inner is not None:
            shown = {f"{shape.inner}.{name}": value for name, value in shown.items()}
        return {**shown, **shape.said}

    def _create(self) -> dict[str, Any]:
        operation, entity = self.operation, self.entity
        values: dict[str, Any] = {}
        for field in entity.fields:
            values[field.name] = initial_value(field)
        for parameter, name in operation.sets.items():
            field = entity.field(name)
            assert field is not None
            self._reference(field, parameter, required=field.required)
            values[name] = self._stored(field, parameter, values[name])
        if entity.named_by:
            if operation.key is not None:
                values[entity.key] = f"=args.{operation.key}"
            where = {name: values[name] for name in taken_by(entity)}
            self.given["same"] = {"count": entity.name, "where": where}
            self.errors["already_exists"] = ["same > 0"]
        effect = {"create": entity.name, "as": "fresh", "set": values}
        names = {entity.key: f"fresh.{entity.key}"}
        names |= {field.name: f"fresh.{field.name}" for field in entity.fields}
        return {"effects": [effect], "returns": self._single(names)}

    def _stored(self, field: ShadowField, parameter: str, fallback: Any) -> str:
        given = f"args.{parameter}"
        number = field.ref is not None and self.forms.entity(field.ref).key_number
        text = f"string({given})" if number else given
        if field.required and not number:
            return f"={given}"
        other = "null" if fallback is None else _literal(fallback)
        return f"={given} == null ? {other} : {text}"

    def _get(self) -> dict[str, Any]:
        self._found()
        names = {self.entity.key: f"subject.{self.entity.key}"}
        names |= {field.name: f"subject.{field.name}" for field in self.entity.fields}
        return {"returns": self._single(names), "idempotent": True}

    def _update(self) -> dict[str, Any]:
        operation, entity = self.operation, self.entity
        key = self._found()
        names = {entity.key: f"subject.{entity.key}"}
        names |= {field.name: f"subject.{field.name}" for field in entity.fields}
        written: dict[str, Any] = {}
        for parameter, name in operation.sets.items():
            field = entity.field(name)
            assert field is not None
            self._reference(field, parameter, required=False)
            number = field.ref is not None and self.forms.entity(field.ref).key_number
            text = f"string(args.{parameter})" if number else f"args.{parameter}"
            names[name] = f"args.{parameter} == null ? subject.{name} : {text}"
            written[name] = f"={names[name]}"
        for name, value in operation.fixed.items():
            names[name] = _literal(value)
            written[name] = value
        effect = {"update": entity.name, "key": key, "set": written, "if": "subject != null"}
        shown = {name: f"({value})" if " " in value else value for name, value in names.items()}
        return {"effects": [effect], "returns": self._single(shown), "idempotent": True}

    def _delete(self) -> dict[str, Any]:
        key = self._found()
        entity = self.entity
        names = {entity.key: f"subject.{entity.key}"}
        effect = {"delete": entity.name, "key": key, "if": "subject != null"}
        if self.operation.shape is not None:
            names |= {field.name: f"subject.{field.name}" for field in entity.fields}
            return {"effects": [effect], "returns": self._single(names)}
        return {"effects": [effect], "returns": {**self._view(names), "deleted": True}}

    def _list(self) -> dict[str, Any]:
        operation, entity = self.operation, self.entity
        tests: list[str] = []
        for parameter, name in {**operation.scope, **operation.filters}.items():
            field = entity.field(name)
            assert field is not None
            required = parameter in operation.scope
            self._reference(field, parameter, required=required)
            number = field.ref is not None and self.forms.entity(field.ref).key_number
            text = f"string(args.{parameter})" if number else f"args.{parameter}"
            tests.append(f"(args.{parameter} == null || it.{name} == {text})")
        if operation.query is not None:
            tests.append(self._contains(operation.query))
        condition = " && ".join(tests)
        rows: dict[str, Any] = {"rows": entity.name}
        count: dict[str, Any] = {"count": entity.name}
        if condition:
            rows["if"] = count["if"] = condition
        names = {entity.key: f"it.{entity.key}"}
        names |= {field.name: f"it.{field.name}" for field in entity.fields}
        rows["show"] = self._view(names)
        shape = operation.shape
        returns = {
            self.forms.list_name(entity, shape) or ".": rows,
            **(shape.said if shape else {}),
        }
        total = self.forms.total_name(shape)
        if total is not None:
            returns[total] = count
        made: dict[str, Any] = {"returns": returns, "idempotent": True}
        paging = operation.paging
        cut = [f"args.{p} == null" for p in (paging.limit, paging.page, paging.offset) if p]
        if cut:
            self.given["matching"] = count
            most = paging.default or (25 if paging.page else None)
            cut += [f"matching <= {most}"] if most else []
            made["assumes"] = " && ".join(cut)
        return made

    def _contains(self, parameter: str) -> str:
        wanted = f"lower(args.{parameter})"
        texts = [
            f.name for f in self.entity.fields if f.type in ("string", "text", "enum") and not f.ref
        ]
        if self.entity.named_by and self.entity.key not in texts:
            texts.append(self.entity.key)
        tests = [f"(it.{name} != null && lower(it.{name}).contains({wanted}))" for name in texts]
        return f"(args.{parameter} == null || {' || '.join(tests)})"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return text[1:] if text.startswith("=") else repr(text)
