"""What is wrong in a Python domain's file is said on load, with file, line and what was expected."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.cli.main import main
from agentsynth.core.errors import UserError
from agentsynth.worlds.load import find_domain, load_folder

DEPOT = Path(__file__).parent / "data" / "python_small"
TOOLS = (DEPOT / "tools.py").read_text(encoding="utf-8")


def broken(folder: Path, **texts: str) -> Path:
    """Write the depot's files, with some of them replaced."""
    for path in DEPOT.glob("*.*"):
        text = texts.get(path.stem.partition(".")[0], path.read_text(encoding="utf-8"))
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_folder(folder)
    return str(caught.value)


SIGNATURE = """    state: Depot,
    ctx: Context,
    job_id: Annotated[str, "Id of the job."],
"""

# What is replaced (once), by what, and what is said; `@` stands for file:line of the first line
# that the replacement changes.
CASES: dict[str, tuple[str, str, str]] = {
    "no Python": ("class Depot:", "class Depot", "@: not valid Python: expected ':'"),
    "raises": ("STATE = Depot", "STATE = Depo", "@: running the file raised NameError: name 'Depo'"),
    "leaves": ("STATE = Depot", "raise SystemExit(3)", "@: running the file raised SystemExit: 3"),
    "no TOOLS": ("\nTOOLS = (", "\nOTHERS = (", "TOOLS: is missing; TOOLS = (read(list_jobs)"),
    "no STATE": ("STATE = Depot\n", "\n", "STATE: is missing; STATE = Depot: a frozen dataclass"),
    "no seed": ("def seed(", "def seeds(", "seed: is missing; def seed(rng: random.Random"),
    "seed shape": ("def seed(rng: random.Random, today: str)", "def seed(today: str)", "@: seed: expected def seed(rng"),
    "no function": ("    read(find_jobs),", "    find_jobs,", "TOOLS: find_jobs is no tool; wrap the function: read(find_jobs)"),
    "twice": ("    read(find_jobs),", "    read(find_jobs), read(find_jobs),", "'find_jobs' is exported twice"),
    "bad name": ("    read(find_jobs),", '    read(find_jobs, name="find jobs"),', "find_jobs: cannot be called 'find jobs'"),
    "no docstring": ('    """Close a job that is open."""\n', "", "close_job: has no docstring"),
    "short docstring": ("Close a job that is open.", "Close.", "close_job: description: String should have at least 10"),
    "no annotation": ('job_id: Annotated[str, "Id of the job."],', "job_id,", "@: close_job.job_id: has no annotation"),
    "no description": ('job_id: Annotated[str, "Id of the job."],', "job_id: str,", "@: close_job.job_id: has no description"),
    "odd parameter": ('job_id: Annotated[str, "Id of the job."],', 'job_id: Annotated[bytes, "Id."],', "@: close_job.job_id: bytes cannot be asked for; a parameter is str"),
    "two types": ('job_id: Annotated[str, "Id of the job."],', 'job_id: Annotated[str | int, "Id."],', "@: close_job.job_id: give one type, or one type and None"),
    "needless None": ('job_id: Annotated[str, "Id of the job."],', 'job_id: Annotated[str | None, "Id."],', "@: close_job.job_id: may be None, so its default is None"),
    "None unsaid": ('note: Annotated[str | None, "What was done."] = None', 'note: Annotated[str, "What."] = None', "close_job.note: has the default None, so its type needs '| None'"),
    "odd default": ('note: Annotated[str | None, "What was done."] = None', 'note: Annotated[str, "What."] = ...', "close_job.note: has the default Ellipsis, which is not JSON"),
    "no context": (SIGNATURE, SIGNATURE.replace("    ctx: Context,\n", ""), "close_job: it starts with (state: Depot, ctx: Context, ...)"),
    "starred": (SIGNATURE, SIGNATURE + "    *,\n", "close_job.note: is not a plain parameter"),
    "unknown annotation": (SIGNATURE, SIGNATURE.replace('Annotated[str, "Id of the job."]', "'Nothing'"), "close_job: its annotations cannot be read: name 'Nothing'"),
    "no result": ("def list_turbines(state: Depot, ctx: Context) -> dict[str, Any]:", "def list_turbines(state: Depot, ctx: Context) -> None:", "list_turbines: it returns nothing"),
    "no return type": ("def list_turbines(state: Depot, ctx: Context) -> dict[str, Any]:", "def list_turbines(state: Depot, ctx: Context):", "list_turbines: it has no return annotation"),
    "async": ("def list_turbines(", "async def list_turbines(", "list_turbines: is no plain function: no async"),
    "unknown Ref": ('Ref("turbine")', 'Ref("turbin")', "@: Job.turbine_id: Ref('turbin') is no entity; there are: turbine, job"),
    "Ref on a number": ("cost_cents: Money = 0\n", 'cost_cents: Annotated[int, Ref("job")] = 0\n', "@: Job.cost_cents: a Ref is a str, not int"),
    "float field": ("cost_cents: Money = 0\n", "cost_cents: float = 0.0\n", "@: Job.cost_cents: float cannot be kept; a field is str, int"),
    "no record": ('entity(Job, id_pattern="JO-####", natural_key=("title",))', 'entity(Depot, id_pattern="JO-####")  # pyright: ignore', "is no subclass of Record"),
    "one model twice": ('entity(Job, id_pattern="JO-####", natural_key=("title",))', 'entity(Turbine, id_pattern="JO-####")', "'job': Turbine already belongs to another entity"),
    "unknown key": ('natural_key=("title",)', 'natural_key=("titel",)', "ENTITIES: 'job': natural_key names 'titel', which Job does not have"),
    "unknown unique": ('unique=(("name",),)', 'unique=(("nam",),)', "'turbine': unique names 'nam', which Turbine does not have"),
    "unknown soft": ('soft_delete="retired_on"', 'soft_delete="gone"', "'turbine': soft_delete names 'gone'"),
    "soft not nullable": ('Annotated[Date | None, "Day it was taken down."] = None', 'Date = "2020-01-01"', "@: Turbine.retired_on: is set by remove(...), so it is 'Date | None'"),
    "entity name": ('    "job": entity(', '    "Job": entity(', "ENTITIES: 'Job' is no name of an entity"),
    "no entity": ('entity(Job, id_pattern="JO-####", natural_key=("title",))', "Job", "'job': expected entity(...), got"),
    "fixed keys": ('"JO-####"', '"JO"', "'job': id_pattern needs at least one '#'"),
    "no table": ("    jobs: Table[Job]\n", "    jobs: list[Job]\n", "@: Depot.jobs: is list["),
    "table left out": ("    turbines: Table[Turbine]\n", "", "ENTITIES: no field of Depot is a table of 'turbine'"),
    "stray table": ("    turbines: Table[Turbine]\n", "    turbines: Table[Turbine]\n    parts: 'Table[Part]'\n", "Depot.parts: Part is not among ENTITIES"),
    "no dataclass": ("@dataclass(frozen=True)\n", "", "STATE: is no dataclass"),
    "seed gives nonsense": ('yield Turbine(id=f"TU-{number:02d}", name=name, site=site)', "yield name", "@: seed: it gives 'Ada', which is no record of an entity"),
    "seed gives a type wrong": ('yield Turbine(id=f"TU-{number:02d}", name=name, site=site)', "yield Turbine(id=number, name=name, site=site)", "@: seed raised ValidationError"),
    "seed gives a key twice": ('id=f"TU-{number:02d}", name', 'id="TU-01", name', "seed: it gives turbine 'TU-01' twice"),
    "seed breaks a reference": ('turbine_id=f"TU-{rng.randint(1, 4):02d}"', 'turbine_id="TU-77"', "seed: job record 'JO-1001': field 'turbine_id': there is no turbine 'TU-77'"),
    "seed breaks an invariant": ("cost_cents=500 * rng.randint(1, 40),", "cost_cents=-5,", "breaks the invariant 'some_cost'"),
    "imports os": ("import random\n", "import os\nimport random\n", "@: imports os, which a domain does not need"),
    "imports the engine": ("import random\n", "import random\nfrom agentsynth.worlds.state import State\n", "imports agentsynth.worlds.state; of agentsynth, a domain imports only agentsynth.worlds.python"),
    "imports a neighbour": ("import random\n", "import random\nfrom . import more\n", "imports a neighbour; a Python domain is this one file"),
    "computed code": ('"job_closed", f"The', 'f"job_{job.status}", f"The', "@: close_job: give the error code as a text"),
    "keeps state": ("    closed = state.jobs", "    global STATE\n    closed = state.jobs", "@: keeps STATE between calls; use a table"),
    "loops over a set": ("for part in parts or ())", "for part in set(parts or ()))", "@: a loop over a set has no fixed order"),
    "lists a set": ("sorted(state.turbines.all(), key=lambda turbine: turbine.name)", "list({t.name for t in state.turbines.all()})", "@: list of a set has no fixed order"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_is_refused_with_its_line(case: str, tmp_path: Path) -> None:
    old, new, told = CASES[case]
    assert TOOLS.count(old) == 1, "the case no longer fits the depot"
    text = TOOLS.replace(old, new)
    pairs = zip(TOOLS.splitlines(), text.splitlines(), strict=False)
    line = next(number for number, (a, b) in enumerate(pairs, start=1) if a != b)
    said = problems(broken(tmp_path, tools=text))
    assert told.replace("@", f"{tmp_path / 'tools.py'}:{line}") in said
    assert said.startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("datetime.now()", "datetime.datetime.now reads the machine's clock; use ctx.today"),
        ("date.today()", "datetime.date.today reads the machine's clock"),
        ("clock = date.today", "datetime.date.today reads the machine's clock"),
        ("dt.datetime.utcnow()", "datetime.datetime.utcnow reads the machine's clock"),
        ("random.random()", "random.random draws from chance of its own; use the rng"),
        ("random.Random(5)", "random.Random draws from chance of its own"),
        ("random.SystemRandom()", "random.SystemRandom draws from chance of its own"),
        ("open('x')", "open reaches out of the world"),
        ("print('x')", "print writes to the terminal"),
        ("eval('x')", "eval runs code that nobody can check"),
        ("hash('x')", "hash differs between processes"),
    ],
)
def test_clocks_chance_and_the_outside_are_refused(line: str, told: str, tmp_path: Path) -> None:
    imports = "import datetime as dt\nfrom datetime import date, datetime\n"
    text = TOOLS.replace("import random\n", "import random\n" + imports).replace(
        "    found.sort(", f"    {line}\n    found.sort("
    )
    number = text[: text.index(f"    {line}\n")].count("\n") + 1
    assert f"{tmp_path / 'tools.py'}:{number}: {told}" in problems(broken(tmp_path, tools=text))


@pytest.mark.parametrize("name", ["uuid", "time", "secrets", "subprocess", "numpy"])
def test_modules_that_reach_out_are_refused_by_name(name: str, tmp_path: Path) -> None:
    text = TOOLS.replace("import random\n", f"import random\nimport {name}\n")
    assert f"imports {name}, which a domain does not need" in problems(broken(tmp_path, tools=text))


def test_pure_dates_and_a_rng_as_annotation_are_fine(tmp_path: Path) -> None:
    imports = "from random import Random\nfrom datetime import date, timedelta\n"
    text = TOOLS.replace("import random\n", imports).replace("random.Random", "Random")
    text = text.replace(
        "    found.sort(", "    date.fromisoformat(ctx.today) + timedelta(days=1)\n    found.sort("
    )
    assert load_folder(broken(tmp_path, tools=text)).python is not None


def test_annotations_may_be_postponed(tmp_path: Path) -> None:
    text = TOOLS.replace(
        "import random\n", "from __future__ import annotations\nimport random\n", 1
    )
    loaded, plain = load_folder(broken(tmp_path, tools=text)), load_folder(DEPOT)
    assert loaded.domain.tools == plain.domain.tools
    assert loaded.domain.entities == plain.domain.entities


def test_a_python_domain_says_no_entities_or_tools_in_yaml(tmp_path: Path) -> None:
    text = (DEPOT / "domain.yaml").read_text(encoding="utf-8")
    text += "entities:\n  job: {id_pattern: '#', fields: {id: {type: string}}}\n"
    said = problems(broken(tmp_path, domain=text))
    line = text.count("\n") - 1
    assert f"domain.yaml:{line}: entities: belongs into tools.py: this is a Python domain" in said


def test_policy_and_invariants_are_checked_against_the_code(tmp_path: Path) -> None:
    text = (DEPOT / "domain.yaml").read_text(encoding="utf-8")
    wrong = {
        "codes: [job_closed]": ("codes: [job_shut]", "no tool fails with the code 'job_shut'"),
        "it.cost_cents >= 0": ("it.cost >= 0", "has no field 'cost'"),
        "tools: [open_job, close_job]": ("tools: [open_jobs]", "unknown tool 'open_jobs'"),
        "key: =args.job_id": ("key: =args.job", "'args' has no field 'job'"),
        "python: tools.py": ("python: ../tools.py", "python: expected a Python file beside"),
    }
    for old, (new, told) in wrong.items():
        assert text.count(old) == 1
        said = problems(broken(tmp_path, domain=text.replace(old, new)))
        assert told in said
        assert "domain.yaml:" in said


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (broken(tmp_path) / "tools.py").unlink()
    assert problems(tmp_path) == f"{tmp_path / 'tools.py'}: no such file"


def test_without_python_a_tool_needs_its_steps(small_files: dict[str, str], tmp_path: Path) -> None:
    for name, text in small_files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    text = small_files["domain.yaml"]
    start = text.index("    steps:\n      - {list: shelf")
    end = text.index("  find_books:")
    (tmp_path / "domain.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    assert "tools.list_shelves" in problems(tmp_path)


def test_the_command_line_shows_the_problem_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = broken(tmp_path, tools=TOOLS.replace("class Depot:", "class Depot"))
    assert main(["check-domain", str(folder)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {folder / 'tools.py'}:")
    assert "Traceback" not in said


def test_a_python_domain_is_found_by_its_path() -> None:
    assert find_domain(str(DEPOT)) == DEPOT


@given(st.text(alphabet="abcdefxyz=()[]{}:.,'\"\n\t #0123456789\\@", max_size=80))
def test_any_text_for_a_file_is_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = broken(tmp_path_factory.mktemp("any"), tools=text)
    assert str(folder / "tools.py") in problems(folder)
