"""Static checks of the steps over a list: for_each and document."""

from agentsynth.core.steps import DocumentStep, ForEachStep
from agentsynth.worlds.static_checker import Checker, FilePath
from agentsynth.worlds.static_infer import Scope
from agentsynth.worlds.static_types import ANY, TEXT, Type, list_of, mapping_of

__all__ = ["check_collected", "check_document", "check_for_each"]


def _list(checker: Checker, text: str, scope: Scope, path: FilePath) -> Type:
    """Check that a text names a list; return the type of its entries."""
    if not text.startswith("="):
        checker.report(path, f"needs '=path' of a list in scope, such as '={text}'")
        return ANY
    found = checker.value(text, scope, path)
    if found.kind not in ("list", "any"):
        checker.report(path, f"needs a list, this is {found}")
    return found.item or ANY


def check_for_each(checker: Checker, step: ForEachStep, scope: Scope, path: FilePath) -> Type:
    """Check what a `for_each` goes over; return the type of an entry."""
    return _list(checker, step.for_each, scope, (*path, "for_each"))


def check_collected(
    checker: Checker, step: ForEachStep, scope: Scope, inner: Scope, path: FilePath
) -> None:
    """Check what a `for_each` leaves behind; `inner` is the scope its steps end with."""
    if step.collect is not None:
        value = checker.value(step.collect.value, inner, (*path, "collect", "value"))
        scope.names[step.collect.into] = list_of(value)
    if step.failed is not None:
        item = inner.names.get(step.as_, ANY)
        parts = {"item": item, "code": TEXT, "message": TEXT}
        scope.names[step.failed] = list_of(mapping_of(parts))


def check_document(checker: Checker, step: DocumentStep, scope: Scope, path: FilePath) -> None:
    """Check a `document`."""
    document, here = step.document, (*path, "document")
    checker.template(document.head, scope, (*here, "head"))
    checker.template(document.foot, scope, (*here, "foot"))
    if document.each is None:
        if document.row:
            checker.report((*here, "row"), "rows need 'each', the list they are made of")
        return
    item = _list(checker, document.each, scope, (*here, "each"))
    checker.template(document.row, scope.with_(it=item), (*here, "row"))
