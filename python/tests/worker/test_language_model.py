"""Which model a run asks, and how settings reach it."""

from __future__ import annotations

import dspy
import pytest

from coilyard._worker.language_model import LanguageModels, bound, settings_of

pytestmark = [pytest.mark.asyncio, pytest.mark.dspy]


@pytest.mark.parametrize(
    ("environment", "model"),
    [
        ({}, None),
        ({"OPENAI_API_KEY": "k"}, None),
        ({"LM_MODEL": "gpt-4o-mini"}, None),
        ({"LM_MODEL": "gpt-4o-mini", "OPENAI_API_KEY": "k"}, "openai/gpt-4o-mini"),
        ({"LM_MODEL": "meta-llama/Llama-3", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "openai/meta-llama/Llama-3"),
        ({"LM_MODEL": "anthropic/claude", "OPENAI_API_KEY": "k"}, "anthropic/claude"),
    ],
    ids=str,
)
async def test_the_environment_names_the_model_where_user_code_does_not(
    environment: dict[str, str], model: str | None
) -> None:
    models = LanguageModels(environment)
    made = models.current(dspy)
    assert (None if made is None else made.model) == model
    assert models.current(dspy) is made


async def test_a_model_name_without_a_provider_keeps_the_one_that_was_there() -> None:
    lm = dspy.LM("openai/gpt-4o", max_tokens=5)
    assert bound(dspy, lm, {"model": "gpt-4", "max_tokens": 9}).model == "openai/gpt-4"
    assert bound(dspy, lm, {"model": "anthropic/claude"}).model == "anthropic/claude"
    assert bound(dspy, lm, {}) is lm
    reasoning = dspy.LM("openai/gpt-5", max_tokens=16_000)
    assert bound(dspy, reasoning, {"max_tokens": 20_000}).kwargs["max_completion_tokens"] == 20_000
    assert settings_of({"temperature": 0, "seed": 0, "stop": None, "other": 1}) == {"temperature": 0, "seed": 0}
