"""Each thing that can be wrong in contracts.yaml, by breaking a good one: one row per mistake."""

from pathlib import Path

import pytest

from agentsynth.core.errors import UserError
from agentsynth.worlds.contract_file import load_contracts
from agentsynth.worlds.runtime import DomainRuntime

MOVE = "- {update: book, key: =args.book_id, set: {shelf_id: =args.shelf_id}}"
CASES = [
    ("  move_book:\n", "  moove_book:\n", "tools.moove_book", "unknown tool 'moove_book'; the domain has: list_shelves, find_books"),
    ("  list_shelves:\n    returns:\n      shelves: {rows: shelf, order: [name]}\n", "", "tools", "the tool 'list_shelves' has no contract"),
    ("rows: shelf,", "rows: shelve,", "tools.list_shelves.returns.shelves.rows", "unknown entity 'shelve'; the domain has: shelf, book"),
    ("order: [name]", "order: [-size]", "tools.list_shelves.returns.shelves.order", "'shelf' has no field 'size'"),
    ("order: [name]", "where: {size: 1}", "tools.list_shelves.returns.shelves.where.size", "'shelf' has no field 'size'"),
    ("order: [name]", "if: it.size > 1", "tools.list_shelves.returns.shelves.if", "'it' has no field 'size'"),
    ("order: [name]", "if: it.room >", "tools.list_shelves.returns.shelves.if", "is not a well-formed expression"),
    ("note: =it.note", "note: =it.nte", "tools.find_books.returns.books.show.note", "'it' has no field 'nte'"),
    ("order: [name]", "of: room", "tools.list_shelves.returns.shelves.lookup", "'of' does not go with 'rows', which takes: deleted, if, join, limit, order, show, where"),
    ("rows: shelf, order", "max: shelf, order", "tools.list_shelves.returns.shelves.lookup", "'order' does not go with 'max'"),
    ("{rows: shelf, order: [name]}", "{max: shelf}", "tools.list_shelves.returns.shelves.lookup", "'max' needs 'of'"),
    ("{rows: shelf, order", "{rows: shelf, count: shelf, order", "tools.list_shelves.returns.shelves.lookup", "a lookup has exactly one of: record, count"),
    ("as_of: =today", "as_of: =toady", "tools.find_books.returns.as_of", "unknown name 'toady'; in scope here: args, now, today"),
    ("book: {record: book, key: =args.book_id}", "book: {record: book, key: =args.id}", "tools.move_book.given.book.key", "'args' has no field 'id'; it has: book_id, shelf_id"),
    ("shelf.room < 1", "shelf.space < 1", "tools.move_book.errors.shelf_full", "'shelf' has no field 'space'"),
    ("shelf_full:", "shelf_ful:", "tools.move_book.errors.shelf_ful", "no step fails with 'shelf_ful'; the steps give: book_not_found, shelf_full, shelf_not_found"),
    ("      shelf_full: shelf != null && shelf.room < 1\n", "", "tools.move_book.errors", "the tool can fail with 'shelf_full', which the contract does not name"),
    (MOVE, MOVE.replace("update: book", "update: bok"), "tools.move_book.effects.0.update", "unknown entity 'bok'"),
    (MOVE, MOVE.replace("shelf_id:", "shelf:"), "tools.move_book.effects.0.set.shelf", "'book' has no field 'shelf'"),
    (MOVE, MOVE.replace("shelf_id: =args.shelf_id", "id: BK-1"), "tools.move_book.effects.0.set.id", "the key is given by the world"),
    (MOVE, MOVE.replace("=args.shelf_id", "7"), "tools.move_book.effects.0.set.shelf_id", "expected string, got 7"),
    (MOVE, MOVE.replace("=args.book_id", "=args.bok"), "tools.move_book.effects.0.key", "'args' has no field 'bok'"),
    (MOVE, MOVE.replace("update: book", "updat: book"), "tools.move_book.effects.0", "an effect has exactly one verb of: create, update, delete, schedule, unschedule"),
    (MOVE, MOVE[:-1] + ", each: mine}", "tools.move_book.effects.0.each", "unknown name 'mine'"),
    (MOVE, MOVE[:-1] + ", if: it.x}", "tools.move_book.effects.0.if", "unknown name 'it'"),
    (MOVE, "- {delete: bok, key: =args.book_id}", "tools.move_book.effects.0.delete", "unknown entity 'bok'"),
    ("          price_cents: 500\n", "", "tools.add_book.effects.0.set", "field 'price_cents' of 'book' is not set"),
    ("kind: novel", "kind: novle", "tools.add_book.effects.0.set.kind", "expected one of novel, atlas"),
    ("assumes: shelf.room > 0", "assumes: shef.room > 0", "tools.add_book.assumes", "unknown name 'shef'"),
    ("book_id: =book.id\n", "book_id: =buch.id\n", "tools.add_book.returns.book_id", "unknown name 'buch'"),
    ("  find_books:\n", "  find_books:\n    effects: [{delete: book, key: BK-101}]\n", "tools.find_books.effects", "a read tool changes nothing"),
    ("  find_books:\n", "  find_books:\n    pages: {cursor: after, next: next, items: books}\n", "tools.find_books.pages.cursor", "unknown parameter 'after'; the domain has: title, kind"),
    ("  find_books:\n", "  find_books:\n    pages: {cursor: title, next: next, items: rows}\n", "tools.find_books", "'returns' has to promise 'rows'"),
    ("schema_version: 1", "schema_version: 2", "schema_version", "written for a newer agentsynth"),
    ("    returns:\n      shelves", "    retuns:\n      shelves", "tools.list_shelves.retuns", "unknown field; check the spelling"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "message"), CASES)
def test_a_mistake_is_reported_with_file_line_and_path(
    small: DomainRuntime,
    small_files: dict[str, str],
    tmp_path: Path,
    old: str,
    new: str,
    place: str,
    message: str,
) -> None:
    text = small_files["contracts.yaml"]
    assert old in text
    file = tmp_path / "contracts.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError) as raised:
        load_contracts(tmp_path, small.domain)
    found = [line for line in str(raised.value).splitlines() if message in line]
    assert found, str(raised.value)
    where, _, rest = found[0].partition(": ")
    name, _, line = where.rpartition(":")
    assert (name, rest.split(": ")[0]) == (str(file), place)
    assert int(line) >= 1


def test_the_line_is_that_of_the_mistake(
    small: DomainRuntime, small_files: dict[str, str], tmp_path: Path
) -> None:
    text = small_files["contracts.yaml"].replace("shelf_full:", "shelf_ful:", 1)
    line = text[: text.index("shelf_ful:")].count("\n") + 1
    (tmp_path / "contracts.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(
        UserError, match=rf"contracts.yaml:{line}: tools.move_book.errors.shelf_ful"
    ):
        load_contracts(tmp_path, small.domain)


def test_a_folder_without_contracts_has_none(small: DomainRuntime, tmp_path: Path) -> None:
    assert load_contracts(tmp_path, small.domain) is None
