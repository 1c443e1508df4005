"""`python -m llmlog PROMPT...`: ask a model; the record goes to stdout, the answer to stderr."""

from __future__ import annotations

import argparse
import os
import sys

from llmlog._sdk.fields import Foreign, items, pick
from llmlog._session import Session
from llmlog._writer import open_writer


class _Stdout:
    """Stdout as a sink; that it cannot be written to is remembered, not raised."""

    def __init__(self) -> None:
        self.error: OSError | None = None

    def __call__(self, line: bytes) -> None:
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except OSError as error:
            self.error = error
            # What Python flushes at exit must not fail once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _NotSetUpError(Exception):
    """Something the program needs is missing; the text says what."""


def main(argv: list[str] | None = None) -> int:
    """Ask once per prompt, as steps of one trace. 0: answered, 1: an error, 2: not set up."""
    options = _options(argv)
    stdout = _Stdout()
    try:
        client = _client(options, stdout)
        for prompt in options.prompts:
            _ask(client, os.environ["LLMLOG_MODEL"], prompt)
            if isinstance(stdout.error, BrokenPipeError):
                return 1
            if stdout.error is not None:
                return _complain(f"cannot write the record: {stdout.error.strerror}", 1)
    except KeyboardInterrupt:
        return 130
    except _NotSetUpError as error:
        return _complain(str(error), 2)
    except Exception as error:  # noqa: BLE001 - whatever the SDK raises ends in one clear line
        return _complain(" ".join(f"{type(error).__name__}: {error}".split()), 1)
    return 0


def _client(options: argparse.Namespace, stdout: _Stdout) -> Foreign:
    missing = [name for name in ("OPENAI_API_KEY", "LLMLOG_MODEL") if not os.environ.get(name)]
    if missing:
        raise _NotSetUpError(f"set {' and '.join(missing)} in the environment")
    try:
        import openai  # noqa: PLC0415 - not there unless the application has it
    except ImportError:
        raise _NotSetUpError(
            'the openai package is missing: pip install "llmlog[openai]"'
        ) from None
    try:
        session = Session(open_writer(stdout), options.session)
        trace = session.trace(options.trace, first_step=options.step)
    except ValueError as error:
        raise _NotSetUpError(str(error)) from None
    client: Foreign = openai.OpenAI()
    return trace.wrap(client)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m llmlog",
        description="Ask a model. One JSON record per prompt goes to stdout, the answer to stderr.",
        epilog="Environment: OPENAI_API_KEY, OPENAI_BASE_URL, LLMLOG_MODEL.",
    )
    parser.add_argument("prompts", nargs="+", metavar="PROMPT")
    parser.add_argument("--session", metavar="S", help="session id (default: a new one)")
    parser.add_argument("--trace", metavar="T", help="trace id (default: a new one)")
    parser.add_argument("--step", metavar="N", type=int, default=0, help="first step (default: 0)")
    return parser.parse_args(argv)


def _ask(client: Foreign, model: str, prompt: str) -> None:
    completion = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": prompt}]
    )
    choices = items(completion.choices)
    answer: str | None = pick(choices[0], "message", "content") if choices else None
    print(answer or "(no answer)", file=sys.stderr)  # noqa: T201 - a command line program


def _complain(message: str, code: int) -> int:
    print(f"llmlog: {message}", file=sys.stderr)  # noqa: T201 - a command line program
    return code


if __name__ == "__main__":
    sys.exit(main())
