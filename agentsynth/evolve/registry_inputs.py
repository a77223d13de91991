"""What a server's inputs become: fixed values, a user's, defaults, dummies, secrets, or a need.

The order is value (with its variables), the user's configuration, default, then, when the server
is only to list its tools, the first choice or a typed dummy. Secrets come from a function and from
nowhere else: a default or a fixed value of a secret is somebody's key, and is never used.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agentsynth.core.errors import UserError
from agentsynth.core.secrets import SecretSource, is_secret_name, is_secret_value
from agentsynth.evolve.launchable import Need
from agentsynth.evolve.registry_record import Input

__all__ = ["Given", "Inputs", "Where"]

Where = Literal["env", "argument", "header", "url"]
Given = Mapping[str, str | Sequence[str]]
"""A user's values by input: environment variable, flag (with or without dashes), header, hint of a
positional argument, or variable; several values for an argument that repeats."""

_DUMMIES = {"number": "1", "boolean": "false", "filepath": "{scratch}"}
_ADDRESS = re.compile(r"(?:^|[_-])(?:url|uri|endpoint|base_?url)$", re.IGNORECASE)
_NO_ADDRESS = "http://127.0.0.1:9"
"""An address at which nothing answers (port 9 is the discard service's)."""
_VARIABLE = re.compile(r"\{([A-Za-z0-9_.-]+)\}")


@dataclass(slots=True)
class Inputs:
    """Resolves the inputs of one server and gathers what was missing."""

    server: str
    given: Given
    secret: SecretSource
    missing: Literal["dummy", "report"]
    """dummy = the server is only to list its tools; report = it is to work."""
    secrets: list[str] = field(default_factory=list[str])
    dummies: list[str] = field(default_factory=list[str])
    needs: list[Need] = field(default_factory=list[Need])

    def values(self, one: Input, name: str, where: Where) -> list[str]:
        """Return the values of an input: none if it is left out, several only if it repeats.

        Args:
            one: the input.
            name: what it is called: its own name, or its hint.
            where: what it is for. A dummy never goes into an address: it could be somebody's.

        Raises:
            UserError: the user gave something that is not among the input's choices, or several
                values where one is expected.
        """
        if one.value is not None:
            value = self._fixed(one, name, where)
            return [] if value is None else [value]
        if one.is_secret:
            return self._secret(one, name, where)
        chosen = self._chosen(one, name)
        if chosen is not None:
            return chosen
        if one.default is not None and not _is_key(one.default):
            return [one.default]
        if one.default is not None:
            return self._secret(one, name, where)
        if not one.choices and is_secret_name(name):  # publishers forget to mark them
            return self._secret(one, name, where)
        return self._lacking(one, name, where)

    def substituted(
        self, text: str, variables: Mapping[str, Input], where: Where, *, hides: bool = False
    ) -> str | None:
        """Return the text with its `{variables}` filled in; None = one of them has no value.

        Args:
            text: a value or an address. Braces around unknown names stay as they are.
            variables: by name.
            where: what the text is for.
            hides: the text is a secret, so an unknown name in braces stands for one too.
        """
        found: dict[str, str | None] = {}
        for name in dict.fromkeys(_VARIABLE.findall(text)):
            if name in variables:
                values = self.values(variables[name], name, where)
                found[name] = values[0] if values else None
            elif hides:
                found[name] = next(iter(self._secret(Input(is_required=True), name, where)), None)
        if None in found.values():
            return None
        return _VARIABLE.sub(lambda match: str(found.get(match[1], match[0])), text)

    def need(self, one: Input, name: str, where: Where) -> None:
        """Note that somebody has to give this input."""
        new = Need(name=name, where=where, description=one.description, choices=one.choices)
        if new not in self.needs:
            self.needs.append(new)

    def _fixed(self, one: Input, name: str, where: Where) -> str | None:
        text = one.value or ""
        hides = one.is_secret or _is_key(text)
        if hides and _VARIABLE.search(text) is None:
            return next(iter(self._secret(one, name, where)), None)
        needed = len(self.needs)
        value = self.substituted(text, one.variables, where, hides=hides)
        if value is None and one.is_required and len(self.needs) == needed:
            self.need(one, name, where)
        return value

    def _secret(self, one: Input, name: str, where: Where) -> list[str]:
        value = self.secret(self.server, name)
        if value is not None:
            _note(self.secrets, name)
            return [value]
        if one.is_required:
            self.need(one, name, where)
        return []

    def _chosen(self, one: Input, name: str) -> list[str] | None:
        """Return what the user gave for this input; None = nothing."""
        given = self.given.get(name, self.given.get(name.lstrip("-")))
        if given is None:
            return None
        values = [given] if isinstance(given, str) else list(given)
        where = f"server {self.server!r}: input {name!r}"
        for value in values:
            if one.choices and value not in one.choices:
                raise UserError(f"{where}: {value!r} is not one of {', '.join(one.choices)}")
        if len(values) > 1 and not one.is_repeated:
            raise UserError(f"{where}: takes one value, {len(values)} were given")
        return values

    def _lacking(self, one: Input, name: str, where: Where) -> list[str]:
        if not one.is_required:
            return []
        if self.missing == "report" or (where == "url" and not one.choices):
            self.need(one, name, where)
            return []
        _note(self.dummies, name)
        return [one.choices[0] if one.choices else _dummy(one, name)]


def _is_key(text: str) -> bool:
    """Return whether a published value is somebody's key; addresses are sample ones as a rule."""
    return "://" not in text and is_secret_value(text)


def _dummy(one: Input, name: str) -> str:
    if one.format in _DUMMIES:
        return _DUMMIES[one.format]
    return _NO_ADDRESS if _ADDRESS.search(name) else "dummy"


def _note(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
