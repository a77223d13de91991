"""The state of a folder of workbooks (.xlsx): sheets, rows and cells, read and made without Excel.

A workbook is a zip of XML files. Ours is a small part of the format (ECMA-376, part 1): values,
formulas and the order of sheets. Styles, charts and notes are not part of the state, so tools that
change nothing else should not be offered.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from pydantic import JsonValue

from agentsynth.core.errors import ServerError
from agentsynth.worlds.scratch_files import Tree
from agentsynth.worlds.tables import Row, Tables

__all__ = ["sheet_tables", "workbook_bytes"]

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MOST_UNPACKED = 32 * 1024**2
_MOST_CELLS = 100_000
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_EPOCH = (1980, 1, 1, 0, 0, 0)

_Value = str | int | float | bool | None


def sheet_tables(tree: Tree) -> Tables:
    """Return `sheets` (workbook and sheet to its place), `rows` and `cells`.

    A row of `rows` has the workbook, the sheet, its number and a field for each heading of the
    sheet's first row; `cells` has every cell with its value and its formula.

    Raises:
        ServerError: a workbook cannot be read any more, or holds too much.
    """
    sheets: dict[str, Row] = {}
    rows: dict[str, Row] = {}
    cells: dict[str, Row] = {}
    for path, data in tree.items():
        if data is None or not path.endswith(".xlsx"):
            continue
        for place, (sheet, found) in enumerate(_sheets(path, data)):
            where: dict[str, JsonValue] = {"workbook": path, "sheet": sheet}
            sheets[f"{path}/{sheet}"] = {**where, "place": place}
            for (row, column), (value, formula) in found.items():
                name = f"{column}{row}"
                cells[f"{path}/{sheet}!{name}"] = {
                    **where, "cell": name, "value": value, "formula": formula,
                }  # fmt: skip
            for number, fields in _records(found):
                rows[f"{path}/{sheet}!{number}"] = {**where, "row": number, **fields}
            if len(cells) > _MOST_CELLS:
                raise ServerError(f"the workbooks grew beyond {_MOST_CELLS} cells")
    return {"sheets": sheets, "rows": rows, "cells": cells}


def workbook_bytes(sheets: Mapping[str, str]) -> bytes:
    """Return a workbook made from sheet names and the CSV text of each, in this order.

    A cell that looks like a number is one; everything else is text.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _parts(sheets):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), '<?xml version="1.0"?>\n' + text)
    return packed.getvalue()


def _records(
    found: Mapping[tuple[int, str], tuple[_Value, str | None]],
) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    headings = {column: value for (row, column), (value, _) in found.items() if row == 1 and value}
    numbers = sorted({row for row, _ in found if row > 1})
    for number in numbers:
        yield (
            number,
            {
                str(heading): found.get((number, column), (None, None))[0]
                for column, heading in headings.items()
            },
        )


def _sheets(
    path: str, data: bytes
) -> Iterator[tuple[str, dict[tuple[int, str], tuple[_Value, str | None]]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
                raise ServerError(f"the workbook {path!r} grew beyond {_MOST_UNPACKED} bytes")
            book = _xml(archive, "xl/workbook.xml")
            links = {
                link.get("Id"): str(link.get("Target"))
                for link in _xml(archive, "xl/_rels/workbook.xml.rels")
            }
            shared = _shared(archive)
            for sheet in book.iter(f"{_MAIN}sheet"):
                target = links[sheet.get(_LINK)].removeprefix("/xl/").removeprefix("xl/")
                yield str(sheet.get("name")), dict(_cells(_xml(archive, f"xl/{target}"), shared))
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, IndexError) as exc:
        raise ServerError(f"the workbook {path!r} cannot be read any more: {exc}") from exc


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as file:
        text = file.read(_MOST_UNPACKED)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError("its XML has a document type, which no workbook has")
    return ElementTree.fromstring(text)


def _shared(archive: zipfile.ZipFile) -> Sequence[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    items = _xml(archive, "xl/sharedStrings.xml").iter(f"{_MAIN}si")
    return ["".join(part.text or "" for part in item.iter(f"{_MAIN}t")) for item in items]


def _cells(
    sheet: ElementTree.Element, shared: Sequence[str]
) -> Iterator[tuple[tuple[int, str], tuple[_Value, str | None]]]:
    for cell in sheet.iter(f"{_MAIN}c"):
        name = str(cell.get("r"))
        column = name.rstrip("0123456789")
        formula = cell.find(f"{_MAIN}f")
        value = _value(cell, shared)
        # A formula's remembered result depends on who computed it last.
        if formula is not None:
            yield (int(name[len(column) :]), column), (None, f"={formula.text or ''}")
        elif value is not None:
            yield (int(name[len(column) :]), column), (value, None)


def _value(cell: ElementTree.Element, shared: Sequence[str]) -> _Value:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{_MAIN}t"))
    text = cell.findtext(f"{_MAIN}v")
    if text is None:
        return None
    match kind:
        case "s":
            return shared[int(text)]
        case "b":
            return text == "1"
        case "n":
            return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
        case _:
            return text


def _parts(sheets: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    numbered = list(enumerate(sheets, 1))
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = _MAIN.strip("{}")
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    yield (
        "[Content_Types].xml",
        (
            f'<Types xmlns="{package}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
            + "".join(
                f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
                f'ContentType="{kinds}.worksheet+xml"/>'
                for n, _ in numbered
            )
            + "</Types>"
        ),
    )
    yield (
        "_rels/.rels",
        (
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
    )
    yield (
        "xl/workbook.xml",
        (
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            + "".join(
                f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>'
                for n, name in numbered
            )
            + "</sheets></workbook>"
        ),
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        (
            f'<Relationships xmlns="{package}/relationships">'
            + "".join(
                f'<Relationship Id="rId{n}" Type="{office}/worksheet" '
                f'Target="worksheets/sheet{n}.xml"/>'
                for n, _ in numbered
            )
            + "</Relationships>"
        ),
    )
    for n, name in numbered:
        rows = enumerate(csv.reader(io.StringIO(sheets[name])), 1)
        body = "".join(f'<row r="{number}">{_row_xml(number, row)}</row>' for number, row in rows)
        yield (
            f"xl/worksheets/sheet{n}.xml",
            f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
        )


def _row_xml(number: int, row: Sequence[str]) -> str:
    return "".join(
        f'<c r="{_column(place)}{number}"><v>{text}</v></c>'
        if _NUMBER.fullmatch(text)
        else f'<c r="{_column(place)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        for place, text in enumerate(row)
        if text
    )


def _column(place: int) -> str:
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(65 + letter) + name
    return name
