"""Secrets we never hold: what looks like one, and the canary that stands in its place.

A canary is a made-up secret that can be recognised: if one turns up in a listing or a result, the
server gives away what it was trusted with. A server has one of its own, and one for each input
that is known by name.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from agentsynth.core.ids import digest

__all__ = ["SecretSource", "canary", "find_canaries", "is_secret_name", "is_secret_value"]

SecretSource = Callable[[str, str], str | None]
"""(server, input) to the secret's value; None = there is none. What it gives is never logged."""

_CANARY = re.compile(r"canary[0-9a-f]{20}")

# Words at the end of a name: MAX_TOKENS and TOKEN_LIMIT are no secrets, ACCESS_TOKEN is one.
_NAME = re.compile(
    r"(?:^|[_-])(?:api_?-?key|apikey|access_?-?key|secret_?-?key|private_?-?key|auth_?-?key"
    r"|subscription_?-?key|account_?-?key|encryption_?-?key|master_?-?key|service_?-?key|token|secret"
    r"|password|passwd|passphrase|pwd|pat|credentials?|authorization|cookie|auth|key|dsn"
    r"|connection_?-?string)$"
)
_PREFIXED = re.compile(
    r"(?:sk|pk|rk)-[A-Za-z0-9_-]{12,}|(?:sk|pk|rk)_(?:live|test)_\w{8,}|gh[pousr]_\w{16,}"
    r"|github_pat_\w{16,}|glpat-[\w-]{12,}|xox[abeprs]-[\w-]{8,}|A[KS]IA[0-9A-Z]{16}"
    r"|AIza[\w-]{30,}|hf_\w{16,}|npm_\w{20,}|pypi-[\w-]{16,}|ya29\.[\w-]{8,}"
    r"|eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_SCHEME = re.compile(r"(?:bearer|basic|token)\s+\S", re.IGNORECASE)
_DENSE = re.compile(r"[A-Za-z0-9+_=-]{32,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def canary(server: str, name: str = "") -> str:
    """Return `canary` and a hash of 20 digits: the same for the same server and input.

    Lower-case letters and digits only, so it fits a header, a URL, a command line and what checks
    the form of a key.

    Args:
        server: as its manifest, its registry or its configuration calls it.
        name: the input it stands for; "" = all of them.
    """
    return "canary" + digest(f"canary of {server}" + (f"\n{name}" if name else ""))[:20]


def find_canaries(text: str) -> list[str]:
    """Return every canary in a text, once each, in order."""
    return list(dict.fromkeys(_CANARY.findall(text)))


def is_secret_name(name: str) -> bool:
    """Return whether an input of this name holds a secret, by how such names end.

    Knows env variables, headers and flags: `API_KEY`, `apiKey`, `X-Auth-Token`, `--password`.
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip().strip("-_")).lower()
    return _NAME.search(snake) is not None


def is_secret_value(value: str) -> bool:
    """Return whether a value looks like a secret, whatever its name.

    Known prefixes of keys, tokens of three parts, `Bearer …`, addresses with a password or with a
    secret in their query, and long runs of mixed letters and digits.
    """
    if _PREFIXED.search(value) or _SCHEME.match(value):
        return True
    if "://" in value:
        return _is_secret_address(value)
    return any(_is_dense(run) for run in _DENSE.findall(value))


def _is_secret_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return True  # no address that can be read: better hidden than stored
    if parts.username or parts.password:
        return True
    pairs = [pair.partition("=") for pair in re.split("[&;]", parts.query)]
    named = any(is_secret_name(key) and given for key, _, given in pairs)
    return named or any(_is_dense(run) for run in _DENSE.findall(value))


def _is_dense(run: str) -> bool:
    if _UUID.fullmatch(run) or _CANARY.fullmatch(run):
        return False
    digits = sum(letter.isdigit() for letter in run)
    return digits >= 4 and digits < len(run) and not re.search(r"[-_][a-z]{3,}[-_]", run)
