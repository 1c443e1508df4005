"""`python -m llmlog PROMPT...`: ask a model; record to stdout, answer to stderr."""

from __future__ import annotations

import argparse
import os
import sys

from llmlog._core import Core
from llmlog._foreign import Foreign, as_list, get_path
from llmlog._optional import import_optional
from llmlog._session import Session
from llmlog._writer import open_writer


class _Stdout:
    """Standard output as a target; keeps a write error instead of raising it."""

    # Raised from here it would be a fault of recording, which the guard swallows.

    def __init__(self) -> None:
        self.error: OSError | None = None

    def __call__(self, line: bytes) -> None:
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except OSError as error:
            self.error = error
            # Python flushes stdout at exit, which would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _NotSetUpError(Exception):
    """Something the program needs is missing; the text names it."""


def main(argv: list[str] | None = None) -> int:
    """Ask once per prompt, as steps of one trace.

    Returns the exit code: 0 answered, 1 an error, 2 not set up, 130 interrupted.
    """
    options = _options(argv)
    stdout = _Stdout()
    try:
        client = _client(options, stdout)
        for prompt in options.prompts:
            _ask(client, os.environ["LLMLOG_MODEL"], prompt)
            # The reader has gone, as in `| head -1`: that is no failure to report.
            if isinstance(stdout.error, BrokenPipeError):
                return 1
            if stdout.error is not None:
                return _fail(f"cannot write the record: {stdout.error.strerror}", 1)
    except KeyboardInterrupt:
        return 130
    except _NotSetUpError as error:
        return _fail(str(error), 2)
    # Whatever the SDK raises ends in one clear line.
    except Exception as error:  # noqa: BLE001
        return _fail(" ".join(f"{type(error).__name__}: {error}".split()), 1)
    return 0


def _client(options: argparse.Namespace, stdout: _Stdout) -> Foreign:
    missing = [name for name in ("OPENAI_API_KEY", "LLMLOG_MODEL") if not os.environ.get(name)]
    if missing:
        raise _NotSetUpError(f"set {' and '.join(missing)} in the environment")
    try:
        session = Session(Core(open_writer(stdout), options.session))
        trace = session.trace(options.trace, first_step=options.step)
        openai = import_optional("openai", "llmlog[openai]")  # last: it takes most of a second
    except (ModuleNotFoundError, ValueError) as error:
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
    choices = as_list(completion.choices)
    answer: str | None = get_path(choices[0], "message", "content") if choices else None
    print(answer or "(no answer)", file=sys.stderr)  # noqa: T201 - a command line program


def _fail(message: str, code: int) -> int:
    print(f"llmlog: {message}", file=sys.stderr)  # noqa: T201 - a command line program
    return code


if __name__ == "__main__":
    sys.exit(main())
