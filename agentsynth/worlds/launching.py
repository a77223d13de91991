"""How an installed server is started: its command, a nearly empty environment, a scratch folder."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from agentsynth.core.manifest import Prepared, ServerManifest
from agentsynth.core.secrets import canary
from agentsynth.worlds.stdio import Launch, Limits

__all__ = ["binaries_of", "launch_of", "prepare_scratch"]

_SHOWN_SCRATCH = "/scratch"
_SHOWN_PREFIX = "/server"

_ALWAYS: Mapping[str, str] = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",  # sets in a listing would come in another order at each start
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "NO_COLOR": "1",
    "NO_UPDATE_NOTIFIER": "1",
    "NODE_OPTIONS": "--max-old-space-size=1024",
}

_GIT = ("git", "-c", "user.name=agentsynth", "-c", "user.email=agentsynth@example.org")


def binaries_of(manifest: ServerManifest, prefix: Path) -> Path:
    """Return the folder of a prefix's commands."""
    return prefix / ("node_modules/.bin" if manifest.registry == "npm" else "bin")


def launch_of(
    manifest: ServerManifest, prefix: Path, scratch: Path, *, call_timeout_s: float = 15.0
) -> Launch:
    """Return how a server is started on a scratch folder of its own.

    Args:
        prefix: where it is installed.
        scratch: its home, and the only folder it is told of.
        call_timeout_s: seconds for one call.
    """
    binaries = binaries_of(manifest, prefix)
    if manifest.command.startswith("-m "):
        program = [str(binaries / "python"), "-m", manifest.command.removeprefix("-m ").strip()]
    else:
        program = [str(binaries / manifest.command)]
    stand_ins = {"{scratch}": str(scratch), "{secret}": canary(manifest.name)}
    env = {
        "PATH": os.pathsep.join([str(binaries), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        **_ALWAYS,
        **{name: _filled(value, stand_ins) for name, value in manifest.env.items()},
    }
    return Launch(
        name=manifest.name,
        argv=(*program, *(_filled(argument, stand_ins) for argument in manifest.args)),
        cwd=scratch,
        env=env,
        limits=Limits(
            start_timeout_s=manifest.start_timeout_s,
            list_timeout_s=manifest.start_timeout_s,
            call_timeout_s=call_timeout_s,
        ),
        hide=((str(scratch), _SHOWN_SCRATCH), (str(prefix), _SHOWN_PREFIX)),
    )


def prepare_scratch(manifest: ServerManifest, scratch: Path) -> None:
    """Put into a scratch folder what the server wants to find there.

    Raises:
        OSError: if it cannot be written, or git is needed and not there.
    """
    for one in manifest.prepare:
        _make(one, scratch / one.path)


def _make(one: Prepared, path: Path) -> None:
    if one.text is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.text, encoding="utf-8")
        return
    path.mkdir(parents=True, exist_ok=True)
    if one.git:
        for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "start"]):
            subprocess.run([*_GIT, *command], cwd=path, check=True, capture_output=True, timeout=30)


def _filled(text: str, stand_ins: Mapping[str, str]) -> str:
    for placeholder, value in stand_ins.items():
        text = text.replace(placeholder, value)
    return text
