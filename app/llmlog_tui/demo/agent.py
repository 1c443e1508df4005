"""Agent of the demo: plans, searches, reads and answers through a recorded client."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Final

import openai

from llmlog import Trace
from llmlog_tui.demo.clocks import DemoClock

_QUESTIONS: Final = (
    "Was order A-10442 refunded, and if not, why?",
    "Which of our plans include priority support?",
    "A customer was charged twice in May. What do we owe them?",
    "Summarise the open tickets about the mobile app.",
    "Does the warranty cover water damage?",
)
_SYSTEM: Final = "You are the support agent of a shop. Use the tools; answer in two sentences. " * 6
_ANSWER_LIMIT: Final = 400

Messages = list[Any]


class ToolTimeoutError(Exception):
    """A tool did not answer in time."""


class Agent:
    """One agent; `pace` is called before each of its steps."""

    def __init__(
        self,
        client: openai.OpenAI,
        clock: DemoClock,
        rng: random.Random,
        pace: Callable[[], None],
    ) -> None:
        self._client = client
        self._clock = clock
        self._rng = rng
        self._pace = pace

    def run(self, trace: Trace) -> None:
        """Run once; an error of the API ends the run and is recorded, not raised."""
        model = self._rng.choice(("openai/gpt-oss-120b", "openai/gpt-oss-120b", "gpt-5-mini"))
        messages: Messages = [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": self._rng.choice(_QUESTIONS)},
        ]
        with trace:
            client = trace.wrap(self._client)
            try:
                self._use_tools(client, trace, model, messages, ("search_docs", "search_tickets"))
                if self._rng.random() < 0.6:
                    self._research(client, trace, model, messages)
                self._answer(client, model, messages)
            except openai.OpenAIError:
                return

    def _research(
        self, client: openai.OpenAI, trace: Trace, model: str, messages: Messages
    ) -> None:
        with trace.span("research"):
            self._use_tools(client, trace, model, messages, ("fetch_page", "run_sql"))
            self._pace()
            summary = client.chat.completions.create(
                model="gpt-4.1-mini",
                messages=[*messages, {"role": "user", "content": "Summarise what you found."}],
            )
            messages.append({"role": "assistant", "content": summary.choices[0].message.content})

    def _use_tools(
        self,
        client: openai.OpenAI,
        trace: Trace,
        model: str,
        messages: Messages,
        tools: tuple[str, ...],
    ) -> None:
        """Offer the model tools, and run the ones it calls."""
        offered = tools[: self._rng.randint(1, len(tools))]
        self._pace()
        plan = client.chat.completions.create(
            model=model,
            messages=messages,
            tools=[{"type": "function", "function": {"name": name}} for name in offered],
        )
        message = plan.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls or ():
            if call.type != "function":
                continue
            self._pace()
            result = self._run_tool(
                client, trace, call.function.name, call.function.arguments, call.id
            )
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})

    def _run_tool(
        self, client: openai.OpenAI, trace: Trace, name: str, arguments: str, call_id: str
    ) -> str:
        try:
            with trace.tool(name, arguments, tool_call_id=call_id) as run:
                query = json.loads(arguments)["query"]
                if name == "search_docs":
                    client.embeddings.create(model="text-embedding-3-small", input=query)
                usual_ms = {"run_sql": 40, "fetch_page": 420}.get(name, 140)
                self._clock.sleep(usual_ms * self._rng.uniform(0.5, 2.2))
                self._may_time_out(name)
                run.result = f"{query}: " + "paid once, never refunded. " * self._rng.randint(5, 60)
                return str(run.result)
        except (ToolTimeoutError, ValueError) as error:
            return f"error: {error}"

    def _may_time_out(self, name: str) -> None:
        if name == "fetch_page" and self._rng.random() < 0.15:
            raise ToolTimeoutError(name)

    def _answer(self, client: openai.OpenAI, model: str, messages: Messages) -> None:
        self._pace()
        stream = client.chat.completions.create(
            model=model,
            messages=messages,
            max_completion_tokens=_ANSWER_LIMIT,
            stream=True,
            stream_options={"include_usage": True},
        )
        for _ in stream:
            pass
