from typing import Any

import pytest

from agentsynth.core.errors import UserError
from agentsynth.core.secrets import canary, find_canaries, is_secret_name, is_secret_value
from agentsynth.evolve.launchable import Launchable, Need, Unlaunchable, command_line
from agentsynth.evolve.registry_launch import launchable
from agentsynth.evolve.registry_record import ServerRecord, read_record

SERVER = "io.example/notes"


def record(*packages: dict[str, Any], remotes: Any = (), **fields: Any) -> ServerRecord:
    raw = {"name": SERVER, "version": "1", "packages": list(packages), "remotes": list(remotes)}
    made = read_record({**raw, **fields}, "here")
    assert isinstance(made, ServerRecord), made
    assert made.problems == ()
    return made


def package(**fields: Any) -> dict[str, Any]:
    return {"registryType": "npm", "identifier": "@example/notes", "version": "2.1.0", **fields}


def launched(*packages: dict[str, Any], remotes: Any = (), **options: Any) -> Launchable:
    made = launchable(record(*packages, remotes=remotes), **options)
    assert isinstance(made, Launchable), made
    return made


def refused(*packages: dict[str, Any], remotes: Any = ()) -> str:
    made = launchable(record(*packages, remotes=remotes), missing="dummy")
    assert isinstance(made, Unlaunchable), made
    return made.reason


def args(*arguments: dict[str, Any], **options: Any) -> tuple[str, ...]:
    return launched(package(packageArguments=list(arguments)), **options).args


def named(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "named", "name": name, **fields}


def placed(hint: str, **fields: Any) -> dict[str, Any]:
    return {"type": "positional", "valueHint": hint, **fields}


# --- what is chosen -----------------------------------------------------------------------------


def test_an_npm_package_becomes_a_value_with_everything_a_manifest_needs() -> None:
    made = launchable(
        record(
            package(
                packageArguments=[
                    named("--mode", value="local"),
                    placed("folder", default="/data"),
                ],
                environmentVariables=[{"name": "LEVEL", "default": "info"}],
                runtimeArguments=[named("-c", value="rm -rf /")],
            ),
            title="Notes",
            description="Keeps notes",
            websiteUrl="https://notes.test",
        )
    )
    assert isinstance(made, Launchable)
    assert made == Launchable(
        name=SERVER,
        title="Notes",
        description="Keeps notes",
        homepage="https://notes.test",
        registry="npm",
        package="@example/notes",
        version="2.1.0",
        runtime_args=("-c", "rm -rf /"),
        args=("--mode=local", "/data"),
        env={"LEVEL": "info"},
    )
    assert command_line(made) == ["npx", "-y", "@example/notes@2.1.0", "--mode=local", "/data"]
    assert made.licence == "unknown"


def test_a_launchable_survives_being_written_down() -> None:
    made = launched(package(environmentVariables=[{"name": "A", "isRequired": True}]))
    assert made.needs_config
    assert Launchable.model_validate_json(made.model_dump_json()) == made


def test_a_pypi_package_is_started_by_uvx() -> None:
    made = launched(package(registryType="pypi", identifier="notes-mcp", version="1.0.0rc1"))
    assert command_line(made) == ["uvx", "notes-mcp==1.0.0rc1"]


def test_a_package_over_stdio_comes_before_any_address() -> None:
    remote = {"type": "streamable-http", "url": "https://notes.test/mcp"}
    image = package(registryType="oci", identifier="example/notes")
    over_http = package(transport={"type": "streamable-http", "url": "http://localhost:1/mcp"})
    assert launched(image, package(), remotes=[remote]).registry == "npm"
    made = launched(image, over_http, remotes=[{"type": "sse", "url": "https://a.test"}, remote])
    assert (made.registry, made.transport) == ("remote", "streamable-http")
    assert (made.url, made.package, made.args) == ("https://notes.test/mcp", None, ())
    with pytest.raises(ValueError, match="is reached at an address"):
        command_line(made)


@pytest.mark.parametrize("kind", ["oci", "docker", "mcpb", "nuget", "cargo", "floppy"])
def test_what_has_no_runtime_is_refused_with_the_reason(kind: str) -> None:
    assert "packages.0: " in (reason := refused(package(registryType=kind)))
    assert "there is no runtime" in reason


def test_every_way_that_failed_is_named() -> None:
    reason = refused(package(registryType="mcpb"), remotes=[{"type": "carrier-pigeon", "url": "x"}])
    assert reason == (
        "packages.0: is an MCP bundle, for which there is no runtime; "
        "remotes.0: speaks 'carrier-pigeon'; known are streamable-http and sse"
    )
    assert refused() == "it names no package and no address"


@pytest.mark.parametrize(
    "name",
    ["--global", "git+https://x.test/a", "../a", "a b", "https://x.test/a.tgz", "@a/b/c", "a@2", "", "file:a", "-c"],
)  # fmt: skip
def test_a_package_name_cannot_be_an_option_an_address_or_a_path(name: str) -> None:
    assert "is no npm package name" in refused(package(identifier=name))
    assert "is no pypi package name" in refused(package(registryType="pypi", identifier=name))


@pytest.mark.parametrize("version", ["^1.2.3", "~1", ">=1.0", "1.x", "1.*", "*", "1 || 2", "-c"])
def test_a_range_of_versions_is_refused(version: str) -> None:
    assert "is not one exact version" in refused(package(version=version))


def test_a_package_without_a_version_is_not_pinned() -> None:
    for version in (None, "", "latest"):
        made = launched(package(version=version))
        assert (made.version, command_line(made)[2]) == (None, "@example/notes")


@pytest.mark.parametrize("url", ["ftp://a.test", "file:///etc/passwd", "https://", "https://me:pw@a.test", "http://[::", "{x}.test"])  # fmt: skip
def test_an_address_has_to_be_one(url: str) -> None:
    assert "its address" in refused(remotes=[{"type": "sse", "url": url}])


# --- arguments ----------------------------------------------------------------------------------


def test_arguments_are_tokens_that_no_shell_reads() -> None:
    assert args(
        named("--name", value="a b; rm -rf ~ && $(x)"),
        named("-e", value="A=1"),
        named("--verbose", value=""),
        placed("query", value="--not a flag"),
    ) == ("--name=a b; rm -rf ~ && $(x)", "-e", "A=1", "--verbose", "--not a flag")


def test_an_argument_that_repeats_takes_all_values_it_is_given() -> None:
    given = {"root": ["/a", "/b"], "tag": ["x", "y"]}
    repeats = {"isRepeated": True}
    assert args(named("--root", **repeats), named("-t", valueHint="x"), placed("tag", **repeats), given=given) == (
        "--root=/a", "--root=/b", "x", "y",
    )  # fmt: skip


def test_a_value_comes_before_what_the_user_gives_and_that_before_the_default() -> None:
    given = {"--a": "mine", "b": "mine"}
    assert args(
        named("--a", value="fixed", default="default"),
        named("--b", default="default"),
        named("--c", default="default"),
        named("--d"),
        given=given,
    ) == ("--a=fixed", "--b=mine", "--c=default")


def test_variables_are_filled_in_and_unknown_braces_stay() -> None:
    variables = {"src": {"format": "filepath"}, "dst": {"default": "/to"}, "empty": {"value": ""}}
    bound = named("--mount", value="{src}:{dst}{empty}:{other}", variables=variables)
    assert args(bound, given={"src": "/from"}) == ("--mount=/from:/to:{other}",)
    assert args(bound) == ()  # optional, and nobody said where from


def test_an_optional_input_nobody_gave_is_left_out() -> None:
    made = launched(
        package(packageArguments=[named("--x"), placed("y")], environmentVariables=[{"name": "Z"}])
    )
    assert (made.args, made.env, made.needs_config) == ((), {}, ())


def test_a_required_input_nobody_gave_is_a_need() -> None:
    inputs = [
        named("--mode", isRequired=True, choices=["a", "b"], description="How"),
        named("--mount", value="{src}", variables={"src": {"isRequired": True}}),
    ]
    made = launched(package(packageArguments=inputs))
    assert made.needs_config == (
        Need(name="--mode", where="argument", description="How", choices=("a", "b")),
        Need(name="src", where="argument"),
    )
    assert (made.args, made.dummies) == ((), ())


def test_to_list_tools_only_a_dummy_of_the_right_type_does() -> None:
    required = {"isRequired": True}
    made = launched(
        package(
            packageArguments=[named("--mode", choices=["a", "b"], **required), placed("n", format="number", **required)],
            environmentVariables=[
                {"name": "FLAG", "format": "boolean", **required},
                {"name": "FOLDER", "format": "filepath", **required},
                {"name": "SERVICE_URL", **required},
                {"name": "WHO", **required},
                {"name": "OPTIONAL"},
            ],
        ),
        missing="dummy",
    )  # fmt: skip
    assert made.args == ("--mode=a", "1")
    assert made.env == {
        "FLAG": "false", "FOLDER": "{scratch}", "SERVICE_URL": "http://127.0.0.1:9", "WHO": "dummy"
    }  # fmt: skip
    assert made.dummies == ("--mode", "n", "FLAG", "FOLDER", "SERVICE_URL", "WHO")
    assert made.needs_config == ()


def test_what_the_user_gives_has_to_be_among_the_choices_and_one_value() -> None:
    with pytest.raises(
        UserError, match=r"server 'io.example/notes': input '--mode': 'c' is not one of a, b"
    ):
        args(named("--mode", choices=["a", "b"]), given={"mode": "c"})
    with pytest.raises(UserError, match="takes one value, 2 were given"):
        args(named("--mode"), given={"mode": ["a", "b"]})


@pytest.mark.parametrize("name", ["", "A B", "A=B", "1A", "LD\0X"])
def test_an_environment_variable_needs_a_name_that_can_be_one(name: str) -> None:
    env = [{"name": name, "value": "x"}]
    assert "cannot be the name of an environment variable" in refused(
        package(environmentVariables=env)
    )


def test_a_header_cannot_smuggle_in_another() -> None:
    remote = {
        "type": "sse",
        "url": "https://a.test",
        "headers": [{"name": "X-A", "value": "1\r\nX-B: 2"}],
    }
    assert "line end" in refused(remotes=[remote])
    assert "zero byte" in refused(package(packageArguments=[named("--a", value="\0")]))


# --- addresses ----------------------------------------------------------------------------------


def test_an_address_is_filled_in_but_never_with_a_dummy() -> None:
    remote = {
        "type": "streamable-http",
        "url": "https://{tenant}.{region}.test/mcp",
        "variables": {
            "tenant": {"isRequired": True},
            "region": {"choices": ["eu", "us"], "isRequired": True},
        },
    }
    made = launched(remotes=[remote], given={"tenant": "acme"}, missing="dummy")
    assert (made.url, made.dummies) == ("https://acme.eu.test/mcp", ("region",))
    made = launched(remotes=[remote], missing="dummy")
    assert (made.url, [need.name for need in made.needs_config]) == (None, ["tenant"])


def test_an_address_with_a_variable_nobody_describes_is_refused() -> None:
    assert "not described" in refused(remotes=[{"type": "sse", "url": "https://{tenant}.test"}])


# --- secrets ------------------------------------------------------------------------------------

TOKEN = {"name": "API_TOKEN", "isSecret": True, "isRequired": True}


def test_a_secret_becomes_a_canary_of_its_server_and_input() -> None:
    made = launched(package(environmentVariables=[TOKEN]))
    value = made.env["API_TOKEN"]
    assert find_canaries(f"the key {value}, once more {value}") == [value]
    assert made.secrets == ("API_TOKEN",)
    assert value == canary(SERVER, "API_TOKEN") != canary("io.example/other", "API_TOKEN")
    assert find_canaries(f"401: bad key {value}, {value}.") == [value]


def test_a_published_secret_is_never_used() -> None:
    inputs = [
        {**TOKEN, "value": "live-key-of-somebody"},
        {**TOKEN, "name": "B", "default": "theirs"},
    ]
    made = launched(package(environmentVariables=inputs), given={"B": "mine"})
    assert set(find_canaries(" ".join(made.env.values()))) == set(made.env.values())


def test_a_key_that_was_published_without_being_marked_is_not_used_either() -> None:
    key = "sk-abcdefghijklmnop1234"
    env = [
        {"name": "A", "value": key},
        {"name": "B", "default": key},
        {"name": "C", "default": "x"},
    ]
    made = launched(package(environmentVariables=env))
    assert made.env == {"A": canary(SERVER, "A"), "B": canary(SERVER, "B"), "C": "x"}


def test_a_secret_inside_a_header_is_filled_in_where_it_belongs() -> None:
    described = {
        "name": "Authorization",
        "isSecret": True,
        "value": "Bearer {key}",
        "variables": {"key": {"isSecret": True}},
    }
    bare = {"name": "X-Auth", "isSecret": True, "value": "Basic {password}"}
    made = launched(
        remotes=[{"type": "sse", "url": "https://a.test", "headers": [described, bare]}]
    )
    assert made.headers == {
        "Authorization": f"Bearer {canary(SERVER, 'key')}",
        "X-Auth": f"Basic {canary(SERVER, 'password')}",
    }


def test_an_input_that_is_called_like_a_secret_is_one_unless_it_has_a_value() -> None:
    env = [{"name": "OPENAI_API_KEY"}, {"name": "SORT_KEY", "default": "name"}, {"name": "MAP_KEY"}]
    made = launched(package(environmentVariables=env), given={"MAP_KEY": "id"})
    key = canary(SERVER, "OPENAI_API_KEY")
    assert made.env == {"OPENAI_API_KEY": key, "SORT_KEY": "name", "MAP_KEY": "id"}
    assert made.secrets == ("OPENAI_API_KEY",)


def test_another_source_of_secrets_can_say_it_has_none() -> None:
    asked: list[tuple[str, str]] = []

    def source(server: str, name: str) -> str | None:
        asked.append((server, name))
        return None

    made = launched(
        package(environmentVariables=[TOKEN, {**TOKEN, "name": "B", "isRequired": False}]),
        secret=source,
    )
    assert asked == [(SERVER, "API_TOKEN"), (SERVER, "B")]
    assert (made.env, [need.name for need in made.needs_config]) == ({}, ["API_TOKEN"])


def test_no_secret_shows_in_the_text_form_of_a_launchable() -> None:
    made = launched(
        package(
            environmentVariables=[TOKEN],
            packageArguments=[named("--key", isSecret=True)],
            runtimeArguments=[named("--password", isSecret=True)],
        ),
        secret=lambda *_: "s3cret-value",
    )
    assert "s3cret-value" in made.env["API_TOKEN"]
    assert "s3cret-value" not in repr(made) + str(made)


SECRET_NAMES = [
    "API_KEY",
    "apiKey",
    "OPENAI_KEY",
    "X-Auth-Token",
    "--password",
    "DB_PWD",
    "GITHUB_PAT",
    "Authorization",
    "CLIENT_SECRET",
    "accessToken",
    "DATABASE_DSN",
]
PLAIN_NAMES = [
    "MAX_TOKENS",
    "TOKEN_LIMIT",
    "MONKEY",
    "KEYBOARD",
    "PATH",
    "HOME",
    "SECRET_SANTA_NAME",
    "AUTHOR",
    "KEY_PREFIX",
    "PATTERN",
    "--port",
]
SECRET_VALUES = [
    "sk-abcdefghijklmnop1234", "ghp_0123456789abcdefghij", "Bearer x", "postgres://me:pw@db.test/x",
    "https://a.test/?api_key=1", "AKIA0123456789ABCDEF", "xoxb-12345678-abc", "eyJhbGciOi.eyJzdWIiOi.c2ln",
    "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6", "http://[broken",
]  # fmt: skip
PLAIN_VALUES = [
    "info", "/home/me/notes", "https://a.test/path?page=2", "123e4567-e89b-12d3-a456-426614174000", "8080",
    "a-long-name-of-some-kind-with-many-words-2024-1-2", "@example/notes@2.1.0", "", "${API_KEY}",
]  # fmt: skip


def test_secrets_are_told_from_plain_values_by_name_and_by_look() -> None:
    assert [name for name in SECRET_NAMES if not is_secret_name(name)] == []
    assert [name for name in PLAIN_NAMES if is_secret_name(name)] == []
    assert [value for value in SECRET_VALUES if not is_secret_value(value)] == []
    assert [value for value in PLAIN_VALUES if is_secret_value(value)] == []
