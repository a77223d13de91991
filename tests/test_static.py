"""Each static check of a domain, by breaking a good one in one place: one row per mistake."""

from pathlib import Path

import pytest
import yaml

from agentsynth.core.errors import UserError
from agentsynth.pipeline.domains import load_checked
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.load import domain_names

D, P, L = "domain.yaml", "intents.yaml", "lexicon.en.yaml"
RARE = 'require: "!book.rare"'
GUARD = '- {guard: no_rare, ok: "!book.rare"}'
MOVE = '- {call: move_book, args: {book_id: "@book.id", shelf_id: "@place.id"}, as: moved}'
FIND = "- {call: find_books, args: {title: $title}, as: found, stable: true}"
PICK = "- {pick: book, from: found.books, where: {title: $title}}"

CASES = [
    # entities
    (D, "natural_key: [name]", "natural_key: [nmae]", "entities.shelf", "key field 'nmae' is not"),
    (D, 'id_pattern: "SH-##"', 'id_pattern: "SH"', "entities.shelf.id_pattern", "at least one '#'"),
    (D, "ref: shelf}", "ref: shelve}", "entities.book.fields.shelf_id", "unknown entity 'shelve'; the domain has: shelf, book"),
    (D, "{type: enum, values: [novel, atlas]}", "{type: enum}", "entities.book.fields.kind", "an enum needs it"),
    (D, "pages: {type: integer}", "pages: {type: integer, values: [a]}", "entities.book.fields.pages", "'values' belongs to enums"),
    (D, "name: North Wall", "nam: North Wall", "entities.shelf.records.0.nam", "no such field"),
    (D, "room: {type: integer}\n", "room: {type: integer}\n    generate: {fields: {id: x, sise: 1}}\n", "entities.shelf.generate.fields.sise", "no such field"),
    (D, "room: {type: integer}\n", "room: {type: integer}\n    generate: {fields: {name: x}}\n", "entities.shelf.generate.fields", "the key 'id' is not made"),
    (D, "room: {type: integer}\n", "room: {type: integer}\n    generate: {for_each: box, fields: {id: x}}\n", "entities.shelf.generate.for_each", "unknown entity 'box'"),
    # tools and steps
    (D, 'description: "A part of the title."}', "}", "tools.find_books.parameters.title", "needs a 'description'"),
    (D, "title: {type: string, minLength: 2, description: \"A part", "title: {minLength: 2, description: \"A part", "tools.find_books.parameters.title", "needs one 'type'"),
    (D, "minLength: 2, description: \"A part", "minLength: two, description: \"A part", "tools.find_books.parameters.title", "is not a JSON Schema"),
    (D, "      - return: {shelves: =shelves}\n", "", "tools.list_shelves.steps", "a tool ends with 'return'"),
    (D, "kind: read\n    steps", "kind: write\n    steps", "tools.list_shelves.kind", "needs a create, update or delete step"),
    (D, "Put a book on another shelf.\n    kind: write", "Put a book on another shelf.\n    kind: read", "tools.move_book.steps.3", "a read tool may not write"),
    (D, "- {list: shelf, sort: [name], as: shelves}", "- return: 1\n      - {list: shelf, sort: [name], as: shelves}", "tools.list_shelves.steps.0", "nothing after 'return'"),
    (D, "list: shelf, sort", "list: shelve, sort", "tools.list_shelves.steps.0.list", "unknown entity 'shelve'"),
    (D, "sort: [name]", "sort: [-size]", "tools.list_shelves.steps.0.sort", "'shelf' has no field 'size'; it has: id, name, room"),
    (D, "sort: [name]", "fields: [size]", "tools.list_shelves.steps.0.fields", "'shelf' has no field 'size'"),
    (D, "sort: [name]", "filter: it.size > 1", "tools.list_shelves.steps.0.filter", "'it' has no field 'size'"),
    (D, "sort: [name]", "filter: it.room >", "tools.list_shelves.steps.0.filter", "is not a well-formed expression"),
    (D, "sort: [name]", "where: {size: 1}", "tools.list_shelves.steps.0.where.size", "'shelf' has no field 'size'"),
    (D, "sort: [name]", "where: {name: =args.name}", "tools.list_shelves.steps.0.where.name", "'args' has no field 'name'; it has: none"),
    (D, "where_given: {kind: =args.kind}", "where_given: {kin: =args.kind}", "tools.find_books.steps.0.where_given.kin", "no field 'kin'"),
    (D, "match: {title: =args.title}", "match: {title: =arg.title}", "tools.find_books.steps.0.match.title", "unknown name 'arg'; in scope here: args, now, today"),
    (D, "- return: {shelves: =shelves}", "- return: {shelves: [1, {deep: =shelvs}]}", "tools.list_shelves.steps.1.return.shelves.1.deep", "unknown name 'shelvs'"),
    (D, "shelf.room > 0, code", "shelf.size > 0, code", "tools.move_book.steps.2.require", "'shelf' has no field 'size'"),
    (D, "code: shelf_full, message", "code: shelf_full, if: shlf.room > 0, message", "tools.move_book.steps.2.if", "unknown name 'shlf'"),
    (D, "The shelf {shelf.name} is full.", "The shelf {shelf.nme} is full.", "tools.move_book.steps.2.message", "'shelf' has no field 'nme'"),
    (D, 'message: "No shelf {args.shelf_id}."}\n      - {require', 'message: "No shelf {shelf.id}."}\n      - {require', "tools.move_book.steps.1.missing.message", "unknown name 'shelf'"),
    (D, "- {update: book, key: =book.id, set: {shelf_id: =shelf.id}}", "- {update: boook, key: =book.id, set: {shelf_id: =shelf.id}}", "tools.move_book.steps.3.update", "unknown entity 'boook'"),
    (D, "set: {shelf_id: =shelf.id}}", "set: {shelf: =shelf.id}}", "tools.move_book.steps.3.set.shelf", "'book' has no field 'shelf'"),
    (D, "set: {shelf_id: =shelf.id}}", "set: {id: BK-1}}", "tools.move_book.steps.3.set.id", "the key is given by the world"),
    (D, "set: {shelf_id: =shelf.id}}", "set: {pages: many}}", "tools.move_book.steps.3.set.pages", "expected integer, got 'many'"),
    (D, "key: =book.id, set", "key: =bok.id, set", "tools.move_book.steps.3.key", "unknown name 'bok'"),
    (D, "          price_cents: 500\n", "", "tools.add_book.steps.1.set", "field 'price_cents' of 'book' is not set"),
    (D, "- create: book", "- create: bok", "tools.add_book.steps.1.create", "unknown entity 'bok'"),
    (D, "- return: {book_id: =book.id, title: =args.title}", "- {delete: bok, key: =book.idd}\n      - return: 1", "tools.add_book.steps.3.delete", "unknown entity 'bok'"),
    (D, "- return: {book_id: =book.id, title: =args.title}", "- {delete: book, key: =book.idd}\n      - return: 1", "tools.add_book.steps.3.key", "'book' has no field 'idd'"),
    (D, "- return: {book_id: =book.id, title: =args.title}", "- let: {x: =y}\n      - return: 1", "tools.add_book.steps.3.let.x", "unknown name 'y'"),
    (D, "- return: {book_id: =book.id, title: =args.title}", "- {find: book, where: {title: =tilte}, as: b}\n      - return: 1", "tools.add_book.steps.3.where.title", "unknown name 'tilte'"),
    (D, "- return: {book_id: =book.id, title: =args.title}", "- {find: boook, where: {title: x}, as: b}\n      - return: 1", "tools.add_book.steps.3.find", "unknown entity 'boook'"),
    # policy and invariants
    (D, "tools: [add_book, move_book]", "tools: [add_book, moove]", "policy.ask_first.tools", "unknown tool 'moove'"),
    (D, "codes: [shelf_full]", "codes: [shelf_ful]", "policy.room.codes", "no tool fails with the code 'shelf_ful'"),
    (D, RARE, 'require: "!book.rar"', "policy.no_rare.require", "'book' has no field 'rar'"),
    (D, RARE, 'when: book.rar\n    require: "!book.rare"', "policy.no_rare.when", "'book' has no field 'rar'"),
    (D, "told: [=book.title]", "told: [=book.titel]", "policy.named_first.told", "'book' has no field 'titel'"),
    (D, RARE, RARE + "\n    forbid: {title: '(x'}", "policy.no_rare.forbid.title", "not a regular expression"),
    (D, "key: =args.book_id\n        as: book\n        missing: {code: book_not_found, message: \"No book {args.book_id}.\"}\n    require", "key: =args.bok\n        as: book\n    require", "policy.no_rare.steps.0.key", "'args' has no field 'bok'; it has: book_id, shelf_id"),
    (D, "    " + RARE, "      - {delete: book, key: =book.id}\n    " + RARE, "policy.no_rare.steps.1", "a policy clause may not write"),
    (D, "text: Read a change back and wait for a clear yes.\n    enforced_by: agent\n    tools: [add_book, move_book]", "text: Read a change back.\n    enforced_by: agent\n    require: 1 == 1", "policy.ask_first", "names the 'tools' it governs"),
    (D, "entity: shelf, require", "entity: shelve, require", "invariants.0.entity", "unknown entity 'shelve'"),
    (D, "require: it.room >= 0", "require: it.roon >= 0", "invariants.0.require", "'it' has no field 'roon'"),
    # plans
    (P, "book: {record: book}", "book: {record: bok}", "intents.move.draw.book", "unknown entity 'bok'"),
    (P, "book: {record: book}", "book: {record: book, choose: [1]}", "intents.move.draw.book", "exactly one of record, choose, rows, value"),
    (P, "filter: it.id != book.shelf_id", "filter: it.id !=", "intents.move.draw.shelf", "not a well-formed expression"),
    (P, "shared: [book]", "shared: [buch]", "intents.move.shared", "'buch' is not drawn"),
    (P, "      title: =book.title\n      shelf", "      name: =book.title\n      shelf", "intents.move.facts.name", "the lexicon has no slot"),
    (P, FIND, FIND.replace("find_books", "find"), "intents.move.steps.0.call", "unknown tool 'find'; there are: add_book, find_books,"),
    (P, FIND, FIND.replace("title: $", "name: $"), "intents.move.steps.0.args.name", "'find_books' has no parameter 'name'"),
    (P, FIND, FIND.replace("title: $title", ""), "intents.move.steps.0.args", "the parameter 'title' of 'find_books' is required"),
    (P, FIND, FIND.replace("$title", "$tilte"), "intents.move.steps.0.args.title", "the user knows no fact 'tilte'"),
    (P, FIND, FIND.replace("$title", "Fern"), "intents.move.steps.0.args.title", "the literal 'Fern' is not offered"),
    (P, FIND, FIND.replace("$title", '"@place.name"'), "intents.move.steps.0.args.title", "nothing before this step gives 'place'"),
    (P, FIND, FIND.replace("$title", "{text: 'x {$tilte}'}"), "intents.move.steps.0.args.title", "the user knows no fact 'tilte'"),
    (P, PICK, PICK.replace("pick: book", "pick: title"), "intents.move.steps.2.pick", "'title' is a fact of this intent already"),
    (P, PICK, PICK.replace("found.", "fund."), "intents.move.steps.2.from", "nothing before this step gives 'fund'"),
    (P, PICK, PICK.replace("$title", "$name"), "intents.move.steps.2.where.title", "the user knows no fact 'name'"),
    (P, GUARD, GUARD.replace("no_rare", "no_rar"), "intents.move.steps.4.guard", "the policy has no clause 'no_rar'"),
    (P, GUARD, GUARD.replace("no_rare", "ask_first"), "intents.move.steps.4.guard", "no words to decline by 'ask_first'"),
    (P, GUARD, GUARD.replace("!book", "!buch"), "intents.move.steps.4.ok", "nothing before this step gives 'buch'"),
    (P, GUARD, GUARD.replace("!book.rare", "!"), "intents.move.steps.4.ok", "not a well-formed expression"),
    (P, "price: {value: book.price_cents, type: money}", "price: {value: buch.price, type: money}", "intents.price.answers.price.value", "nothing before this step gives 'buch'"),
    (P, "    answers:\n      price: {value: book.price_cents, type: money}\n", "", "intents.price", "an intent of kind 'info' needs 'answers'"),
    # phrases
    (L, 'tell: ["{title}."]', 'tell: ["{titel}."]', "slots.title.tell.0", "unknown slot 'titel'; known here: shelf, title"),
    (L, 'tell: ["{title}."]', 'tell: ["({title}."]', "slots.title.tell.0", "expected ')'"),
    (L, 'ask: ["Which book is it?"]', 'ask: ["Which [book is it?"]', "slots.title.ask.0", "expected ']'"),
    (L, "asked_by: ['\\bwhich book\\b']", "asked_by: ['(which book']", "slots.title.asked_by.0", "not a regular expression"),
    (L, "[A-Z][a-z]+)']", "[A-Z])[a-z]+(x)']", "slots.title.patterns.0", "needs exactly 1 group"),
    (L, "hearing: seen", "hearing: seen\n    patterns: ['(x)']", "slots.shelf", "belongs to 'hearing: pattern'"),
    (L, 'tell: ["{title}, to the {shelf}."]', 'tell: ["{title}, to {place}."]', "asks.0.tell.0", "unknown slot 'place'"),
    (L, 'open: ["What does {title} cost?"]', 'open: ["What does the {shelf} cost?"]', "intents.price.open.0", "unknown slot 'shelf'"),
    (L, 'answer: ["{title} costs {price}."]', 'answer: ["{title} costs {prize}."]', "intents.price.answer.0", "unknown slot 'prize'"),
    (L, '    answer: ["{title} costs {price}."]\n', "", "intents.price.answer", "an intent of kind 'info' needs a phrase here"),
    (L, '    propose: ["So {title} goes to the {shelf}. Shall I go ahead?"]\n', "", "intents.move.propose", "an intent of kind 'write' needs a phrase here"),
    (L, "claims: ['\\bI(?:''ve| have) moved\\b']", "claims: ['moved)']", "intents.move.claims.0", "not a regular expression"),
    (L, "cues: ['\\brare\\b']", "cues: ['*']", "clauses.no_rare.cues.0", "not a regular expression"),
    (L, 'decline: ["I can\'t do that, the {shelf} is full."]', 'decline: ["I can\'t, {."]', "clauses.room.decline.0", "never closed"),
    (L, "  price:\n    open", "  prize:\n    open", "intents", "no phrases for the intent 'price'"),
]  # fmt: skip


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "message"),
    CASES,
    ids=[f"{file.split('.')[0]}-{path}-{n}" for n, (file, _, _, path, _) in enumerate(CASES)],
)
def test_a_mistake_is_named_with_its_file_line_and_path(
    file: str,
    old: str,
    new: str,
    path: str,
    message: str,
    small_files: dict[str, str],
    tmp_path: Path,
) -> None:
    assert old in small_files[file]
    write(tmp_path, {**small_files, file: small_files[file].replace(old, new, 1)})
    with pytest.raises(UserError) as refused:
        load_checked(str(tmp_path))
    told = [line for line in str(refused.value).splitlines() if f": {path}: " in line]
    assert told, str(refused.value)
    assert message in told[0]
    place, _, _ = told[0].partition(f": {path}: ")
    name, _, number = place.rpartition(":")
    assert name == str(tmp_path / file)
    keys = path.split(".")
    named = load_yaml(tmp_path / file).value
    for depth, key in enumerate(keys):
        step: str | int = int(key) if key.isdigit() else key
        known = step in named if isinstance(named, dict) else isinstance(step, int)
        if not known:
            keys = keys[:depth]  # what is missing is told at the place it belongs into
            break
        named = named[step]
    assert int(number) == line_of(tmp_path / file, keys)


def line_of(file: Path, keys: list[str]) -> int:
    """Return the line of a node, found by PyYAML's own marks."""
    node = yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader)
    line = 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            label, node = next(pair for pair in node.value if pair[0].value == key)
            line = label.start_mark.line + 1
        else:
            assert isinstance(node, yaml.SequenceNode)
            node = node.value[int(key)]
            line = node.start_mark.line + 1
    return line


def test_the_good_domain_and_every_bundled_one_have_no_problem(
    small_files: dict[str, str], tmp_path: Path
) -> None:
    write(tmp_path, small_files)
    for name in (str(tmp_path), *domain_names()):
        assert load_checked(name).domain.policy


def test_a_policy_that_the_world_enforces_for_the_most_part_is_refused(
    small_files: dict[str, str], tmp_path: Path
) -> None:
    text = small_files["domain.yaml"]
    write(tmp_path, {**small_files, "domain.yaml": text.replace("by: agent", "by: world", 1)})
    assert load_checked(str(tmp_path)).domain.policy
    write(tmp_path, {"domain.yaml": text.replace("by: agent", "by: world", 2)})
    with pytest.raises(UserError, match=r":10: policy: at least half of the clauses must be"):
        load_checked(str(tmp_path))


def test_all_problems_of_a_file_are_told_at_once(
    small_files: dict[str, str], tmp_path: Path
) -> None:
    broken = small_files["domain.yaml"].replace("it.room >= 0", "it.roon >= 0")
    broken = broken.replace("it.pages > 0", "it.page > 0")
    write(tmp_path, {**small_files, "domain.yaml": broken})
    with pytest.raises(UserError) as refused:
        load_checked(str(tmp_path))
    assert [line.split(": ")[1] for line in str(refused.value).splitlines()] == [
        "invariants.0.require",
        "invariants.1.require",
    ]


def test_the_line_is_the_one_of_the_broken_step(
    small_files: dict[str, str], tmp_path: Path
) -> None:
    text = small_files["domain.yaml"].replace("shelf.room > 0, code", "shelf.size > 0, code")
    write(tmp_path, {**small_files, "domain.yaml": text})
    line = text[: text.index("shelf.size > 0")].count("\n") + 1
    with pytest.raises(UserError) as refused:
        load_checked(str(tmp_path))
    assert str(refused.value) == (
        f"{tmp_path / 'domain.yaml'}:{line}: tools.move_book.steps.2.require: "
        "'shelf' has no field 'size'; it has: id, name, room"
    )
