"""A tool as the map sees it, and the libraries that the map needs (extra `map`)."""

from importlib import import_module
from typing import Literal

from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen

__all__ = ["MappedTool", "require_libraries"]

_LIBRARIES = ("numpy", "scipy", "sklearn", "matplotlib")


class MappedTool(Frozen):
    """One tool: whose it is and what it says of itself."""

    side: Literal["real", "synthetic"]
    owner: str
    """Server of a real tool, domain of a synthetic one."""
    name: str
    description: str
    parameters: tuple[str, ...]
    """Names of the parameters, those inside others left out."""
    category: tuple[str, ...]
    """From the general to the special; empty = none is given."""

    @property
    def group(self) -> str:
        """The most general category; `other` = none is given."""
        return self.category[0] if self.category and self.category[0] else "other"


def require_libraries() -> None:
    """See that the libraries of the map are installed.

    Raises:
        UserError: naming what to install, if one is missing.
    """
    for name in _LIBRARIES:
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            raise UserError(
                f"the map of tools needs libraries that are not installed ({error.name} is "
                "missing): pip install 'agentsynth-engine[map]'"
            ) from None
