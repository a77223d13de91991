"""How a model is reached and spoken to: the part of a run config that names an endpoint."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from agentsynth.core.frozen import Frozen

__all__ = ["ModelSettings", "PriceSettings", "Timeouts", "sampling_of"]

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Dollars = Annotated[float, Field(ge=0)]


class PriceSettings(Frozen):
    """US dollars per million tokens."""

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None
    """For tokens that were in the endpoint's cache; None = as `input`."""


class Timeouts(Frozen):
    """Wall-clock deadlines in seconds. They hold against a body that trickles."""

    connect: Seconds = 10
    call: Seconds = 180
    """One request, from sending it to the last byte."""
    first_token: Seconds = 60
    """Until the first token, with `stream: true`; a dead endpoint is noticed that early."""
    turn: Seconds = 900
    """All calls of one turn of a conversation."""
    rollout: Seconds = 3600
    """All calls of a conversation. Waiting for a paused endpoint does not count."""


class ModelSettings(Frozen):
    """One model in a seat."""

    url: str | None = None
    """Base URL of an endpoint that speaks the OpenAI wire format, up to and with `/v1`; None =
    `model` names what to start or what litellm is to reach."""
    model: str
    """The model's name at the endpoint; `local` = the small one that `[local]` installs; with
    `via: litellm` the name litellm knows it by."""
    via: Literal["http", "litellm", "local"] = "http"
    key_env: str | None = None
    """Name of the environment variable that holds the key; None = the endpoint needs none."""
    mode: Literal["native", "action"] = "native"
    """`native` = the endpoint's own tool calling; `action` = one JSON action at a time under
    `response_format`, for endpoints with weak tool calling."""
    stream: bool = False
    reasoning: Literal["turn", "drop"] = "turn"
    """`turn` = what the model thought is sent back with its calls until the turn ends
    (interleaved thinking); `drop` = it is stored and never sent back."""
    reasoning_field: Literal["reasoning_content", "reasoning"] = "reasoning_content"
    """Name under which reasoning is sent back."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """None = the endpoint's own."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    """Most tokens of one reply; None = the endpoint's own."""
    context: int | None = Field(default=None, ge=256)
    """Context length in tokens; None = not known."""
    in_flight: int | None = Field(default=None, ge=1, le=100_000)
    """Most requests at once; None = as many as the run plays rollouts."""
    retries: int = Field(default=5, ge=0, le=50)
    """How often a request is sent again after one that may succeed later."""
    send_seed: bool = False
    """Send a seed with each request, for endpoints that sample reproducibly."""
    timeouts: Timeouts = Timeouts()
    price: PriceSettings | None = None
    """None = looked up in the price table; a model not in it costs an unknown amount."""
    extra: dict[str, JsonValue] = {}
    """More fields for the request body, such as `{"chat_template_kwargs": {"thinking": true}}`."""

    @model_validator(mode="before")
    @classmethod
    def _local(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("model") == "local" and "url" not in value:
            return {"via": "local", "mode": "action", **value}
        return value

    @model_validator(mode="after")
    def _reachable(self) -> "ModelSettings":
        if self.via == "http" and self.url is None:
            raise ValueError(
                "give the 'url' of an endpoint (such as http://localhost:8000/v1), "
                "or 'via: litellm', or 'model: local'"
            )
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ValueError("'url' begins with http:// or https://")
        if self.url is not None and "@" in self.url.split("/")[2]:
            raise ValueError("'url' holds no user or password; name the key's variable in key_env")
        return self


_REACHED = {"url", "key_env", "stream", "in_flight", "retries", "timeouts", "price", "context"}


def sampling_of(settings: ModelSettings) -> dict[str, Any]:
    """Return what decides the replies; how the model is reached, paid and waited for is left out.

    A replay asks for the same, and a run whose endpoint has moved is still the same run.
    """
    return settings.model_dump(mode="json", exclude=_REACHED)
