"""What an engine says of files that are written for another one, and what ids do."""

from pathlib import Path

import pytest

from agentsynth import __version__
from agentsynth.core.domain import Domain
from agentsynth.core.errors import UserError
from agentsynth.core.resources import bundled
from agentsynth.worlds.compatibility import too_new
from agentsynth.worlds.files import load_yaml, parse_yaml, validate
from agentsynth.worlds.load import load_folder

TEMPLATE = bundled("domains") / "_template" / "declarative"


@pytest.mark.parametrize("engine", ["0.1", "0.1.0", __version__, "0.0"])
def test_an_engine_reads_what_is_made_for_it_or_an_older_one(engine: str) -> None:
    assert too_new({"schema_version": 1, "engine": engine}) is None


@pytest.mark.parametrize("engine", ["0.1.1", "0.2", "0.10", "1.0", "99.0.0"])
def test_an_engine_says_which_newer_one_is_needed(engine: str) -> None:
    found = too_new({"schema_version": 1, "engine": engine})
    assert found is not None
    assert found[0] == "engine"
    assert f"needs agentsynth-engine {engine} or newer, and yours is {__version__}" in found[1]


def test_a_newer_form_is_told_and_nothing_else_about_the_file() -> None:
    text = "name: x\nschema_version: 2\nsomething_new: {of: form 2}\n"
    with pytest.raises(UserError) as refused:
        validate(Domain, parse_yaml(text, "domain.yaml"))
    assert str(refused.value).startswith(
        "domain.yaml:2: schema_version: this file is written for a newer agentsynth: "
        f"it has form 2, and yours ({__version__}) reads 1; `pip install --upgrade"
    )


def test_a_field_of_a_newer_engine_asks_for_the_engine_and_not_for_the_spelling() -> None:
    text = (TEMPLATE / "domain.yaml").read_text(encoding="utf-8")
    newer = text.replace('engine: "0.1"', 'engine: "9.1"\nweather: rain')
    with pytest.raises(UserError, match=r"needs agentsynth-engine 9\.1") as refused:
        validate(Domain, parse_yaml(newer, "domain.yaml"))
    assert "weather" not in str(refused.value)


@pytest.mark.parametrize("value", ["one", "-1", "0", "2.5", "[2]", "null"])
def test_a_form_that_is_none_is_an_error_of_the_file(value: str) -> None:
    text = (TEMPLATE / "domain.yaml").read_text(encoding="utf-8")
    broken = text.replace("schema_version: 1", f"schema_version: {value}")
    with pytest.raises(UserError, match=r"domain\.yaml:6: schema_version: expected 1"):
        validate(Domain, parse_yaml(broken, "domain.yaml"))


def test_the_engine_a_domain_asks_for_is_no_part_of_its_content(tmp_path: Path) -> None:
    for path in TEMPLATE.iterdir():
        text = path.read_text(encoding="utf-8")
        without = "\n".join(line for line in text.split("\n") if not line.startswith("engine:"))
        (tmp_path / path.name).write_text(without, encoding="utf-8")
    assert load_yaml(TEMPLATE / "domain.yaml").value["engine"] == "0.1"
    assert "engine" not in load_yaml(tmp_path / "domain.yaml").value
    assert load_folder(tmp_path).domain.id == load_folder(TEMPLATE).domain.id


def test_comments_and_the_order_of_keys_are_no_part_of_a_domains_content(tmp_path: Path) -> None:
    for path in TEMPLATE.iterdir():
        text = path.read_text(encoding="utf-8")
        if path.name == "domain.yaml":
            title = "title: A lending shelf for board games\n"
            text = "# mine\n" + text.replace(title, "") + title
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    assert load_folder(tmp_path).domain.id == load_folder(TEMPLATE).domain.id


def test_a_word_in_a_message_makes_another_domain(tmp_path: Path) -> None:
    for path in TEMPLATE.iterdir():
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text.replace("is out.", "is away."), encoding="utf-8")
    assert load_folder(tmp_path).domain.id != load_folder(TEMPLATE).domain.id
