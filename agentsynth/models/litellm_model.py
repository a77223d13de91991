"""A model behind litellm, for endpoints that do not speak the OpenAI wire format.

litellm is imported when such a model is opened and never before: it takes seconds and well over
100 MB. It is asked for one request and nothing else: no retries, fallbacks, caches, budgets or
deadlines of its own, since each of them hides requests from our meters.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, ModelError, ModelFault
from agentsynth.core.errors import UserError
from agentsynth.models.codec import from_bytes, to_bytes
from agentsynth.models.faults import Secret, fault_of, retry_after, shorten
from agentsynth.models.http import _secret
from agentsynth.models.reply import read_reply
from agentsynth.models.settings import ModelSettings
from agentsynth.models.wire import Wire

__all__ = ["LitellmModel", "litellm_model"]

INSTALL = 'pip install "agentsynth-engine[litellm]"'

STOLEN = ("1.82.7", "1.82.8")
"""Versions that sent credentials to a stranger."""

Completion = Callable[..., Awaitable[Any]]
"""litellm's `acompletion`: keywords in, an object with `model_dump` out."""


class LitellmModel:
    """One model that litellm reaches."""

    def __init__(
        self,
        settings: ModelSettings,
        completion: Completion,
        *,
        errors: tuple[type[Exception], ...],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Prepare requests; nothing is sent yet.

        Args:
            completion: sends one request.
            errors: what it raises when there is no reply.
            environ: where the key is looked up.

        Raises:
            UserError: if the key's variable is not set, or `stream` is asked for.
        """
        if settings.stream:
            raise UserError(
                f"models: {settings.model!r} has 'stream: true' and 'via: litellm'; "
                "streams are for 'via: http', so take 'stream' out"
            )
        self._settings = settings
        self._completion = completion
        self._errors = errors
        self._secret: Secret = _secret(settings, environ)
        self._wire = Wire(settings)
        self._fixed: dict[str, Any] = {"num_retries": 0, "max_retries": 0}
        self._fixed["timeout"] = settings.timeouts.call
        if settings.url is not None:
            self._fixed["api_base"] = settings.url
        if self._secret.value:
            self._fixed["api_key"] = self._secret.value

    def __repr__(self) -> str:
        return f"LitellmModel({self._settings.model!r})"

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Send the request once and return the reply.

        Raises:
            ModelError: with the endpoint's own words, shortened, and never with the key.
        """
        asked: dict[str, Any] = from_bytes(self._wire.body(request)) | self._fixed
        timer = asyncio.timeout(self._settings.timeouts.call)
        try:
            async with timer:
                response = await self._completion(**asked)
            # What it makes of any provider's reply is the dict of the OpenAI wire.
            body = from_bytes(to_bytes(response.model_dump(mode="json")))
            return read_reply(body, tools_offered=bool(request.tools))
        except TimeoutError:
            seconds = self._settings.timeouts.call
            late = f"the reply was not complete within {seconds:g} s ('timeouts: call')"
            failure = self._signed(ModelError("timeout", late if timer.expired() else "timed out"))
        except ModelError as error:
            failure = self._signed(error)
        except self._errors as error:
            failure = self._signed(_failed(error))
        # Outside of the handler: the errors above hold the request, and with it the key.
        raise failure

    def _signed(self, error: ModelError) -> ModelError:
        words = f"model {self._settings.model!r} through litellm: {error}"
        return ModelError(
            error.fault,
            self._secret.hide(words),
            retry_after=error.retry_after,
            usage=error.usage,
        )


def litellm_model(settings: ModelSettings) -> LitellmModel:
    """Return the model that litellm knows by the settings' name.

    Raises:
        UserError: if litellm is not installed or is a version that steals keys, or the key's
            variable is not set.
    """
    if find_spec("litellm") is None:
        raise UserError(
            f"models: 'via: litellm' needs a package that is not installed; run: {INSTALL}"
        )
    check_version()
    # Without this its import asks a web server for prices.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm: Any = import_module("litellm")
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.telemetry = False
    errors = (import_module("openai").OpenAIError,)
    return LitellmModel(settings, litellm.acompletion, errors=errors)


def check_version(installed: Callable[[str], str] | None = None) -> None:
    """Check the installed version before anything of it runs.

    Raises:
        UserError: if it is one that steals keys.
    """
    ask: Callable[[str], str] = installed or import_module("importlib.metadata").version
    version = ask("litellm")
    if version in STOLEN:
        raise UserError(
            f"models: litellm {version} sends keys to a stranger; run: {INSTALL} --upgrade"
        )


_PREFIX = re.compile(r"^(?:litellm\.\w+: )?(?:\w+: )?")


def _failed(error: Exception) -> ModelError:
    """Return the fault behind one of litellm's errors; its classes are OpenAI's with a status."""
    words = shorten(_PREFIX.sub("", str(error), count=1)) or type(error).__name__
    headers = getattr(error, "litellm_response_headers", None)
    wait = retry_after(headers) if isinstance(headers, Mapping) else None
    return ModelError(_fault(error, words), words, retry_after=wait)


def _fault(error: Exception, words: str) -> ModelFault:
    name = type(error).__name__
    status = getattr(error, "status_code", None)
    if "Timeout" in name:
        return "timeout"
    if "Connection error" in words or "Connection refused" in words:
        return "unreachable"
    if "No module named" in words:
        return "refused"
    if name == "APIResponseValidationError":
        return "bad_reply"
    if isinstance(status, int):
        return fault_of(status, words)
    return "unreachable" if "Connection" in name else "bad_reply"
