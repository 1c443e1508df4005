"""Expand the LOG arguments of a command line into files."""

from __future__ import annotations

import contextlib
import glob
import importlib.util
import os
import re
import shlex
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from llmlog_tui.errors import UserError, reason
from llmlog_tui.humanize import plural
from llmlog_tui.log.archive_manifest import is_archive, is_part, parts_of, stamp_of
from llmlog_tui.user_folders import user_folder

DEFAULT_LOG: Final = "calls.jsonl"
"""The log of a command line that names none."""

STDIN: Final = Path("-")
"""The name of standard input among files."""


_EXTRA: Final = "a ClickHouse table needs clickhouse-connect: pip install 'llmlog[clickhouse]'"
_TABLES: Final = ("clickhouse://", "clickhouses://")
"""Beginnings of a table's address."""


def url_of(path: Path) -> str | None:
    """Return the address of a table among files, None for a file."""
    text = str(path)
    scheme, colon, rest = text.partition(":/")  # a Path has one of its slashes only
    url = f"{scheme}://{rest}"
    return url if colon and url.startswith(_TABLES) else None


def path_text(path: Path) -> str:
    """Return a path, or a table's address, as valid UTF-8; other bytes become `�`."""
    return url_of(path) or os.fsencode(path).decode(errors="replace")


class SourceError(UserError):
    """A file that cannot be read as a log; the message is one line."""


class Sources:
    """The files named on a command line: paths, globs, folders, tables, - for standard input.

    A path is that file only. A glob or a folder is one log with its rotated and compressed parts,
    and may match more files later; a folder without logs is searched below. The
    bookmarks and metrics beside a log are never read as one. A folder with a manifest is an
    archive: its files are its parts, as they are now; where all names are archives, later ones too.
    """

    def __init__(self, names: Sequence[str], *, must_exist: bool) -> None:
        """Raise SourceError for a name that is no file, with `must_exist` also if missing.

        (A follower waits for it instead.)
        """
        self.names = _only_logs(names)
        self._archives: dict[str, _Archived] = {}
        self._patterns: set[str] = set()  # a folder stays a pattern even if it is deleted
        self._listing = _Listing()
        for name in self.names:
            if name == str(STDIN) and sys.__stdin__ is None:
                raise SourceError("-: standard input is closed")
            try:
                if _is_pattern(name):
                    self._patterns.add(name)
                if name and not _is_table(name) and is_archive(Path(name)):
                    self._archives[name] = _archived(name)
                if name != str(STDIN):
                    _check(name, must_exist=must_exist)
            except OSError as error:
                raise SourceError(f"{name}: {reason(error)}") from error
        # Later parts hold records of logs that are read beside an archive: they were read there.
        self._has_later_parts = bool(self._archives) and self._archives.keys() == set(self.names)
        self.may_grow = self._has_later_parts or not self._patterns <= self._archives.keys()
        """Whether files() may return more files later."""

    def files(self) -> list[Path]:
        """Return the current files (a path whether or not it exists), each once, in order.

        Raises OSError if a folder cannot be listed.
        """
        found = [self._files(name) for name in self.names]
        return found[0] if len(found) == 1 else list(dict.fromkeys(chain.from_iterable(found)))

    def _files(self, name: str) -> list[Path]:
        if name in self._archives:
            return self._parts(name)
        return self._listing.files(name) if name in self._patterns else [Path(name)]

    def _parts(self, name: str) -> list[Path]:
        try:
            if self._has_later_parts and stamp_of(Path(name)) != self._archives[name].stamp:
                self._archives[name] = _archived(name)
        except OSError as error:
            raise OSError(error.errno, error.strerror, name) from error
        return self._archives[name].parts


def expand(names: Sequence[str], *, must_exist: bool) -> list[Path]:
    return Sources(names, must_exist=must_exist).files()


_LOG_NAME: Final = re.compile(
    r"(?P<base>.*?\.(?:jsonl|ndjson|log)|session-.*\.json)(?:[.-](?P<age>.+?))?(?:\.gz|\.zst)?"
)
"""calls.jsonl, calls.jsonl.1, calls.jsonl-20261123.gz, calls-2026-11-23.jsonl.zst"""

_MAX_DEPTH: Final = 4
"""Maximum number of levels below a folder that are searched: sessions/2026/11/23."""

_MAX_AGE_DIGITS: Final = 4
"""Maximum digits of a rotation number; more are a date."""


_BOOKMARKS: Final = ".bookmarks"
_METRICS: Final = ".metrics"
_BESIDE: Final = (_BOOKMARKS, _METRICS)
"""Endings of files beside a log that are no logs."""


def metrics_of(path: Path) -> Path:
    """Return the metrics file of a log: beside it, one for all its rotated parts.

    That of a table is in the user's folder.
    """
    return _beside(path, _METRICS)


def bookmarks_of(path: Path) -> Path:
    """Return the bookmarks file of a log: beside it, one for all its rotated parts.

    That of a table is in the user's folder.
    """
    return _beside(path, _BOOKMARKS)


def make_folder_beside(path: Path) -> None:
    """Make the folder of bookmarks_of() a table; that of a file is there. Raises OSError."""
    if url_of(path):
        bookmarks_of(path).parent.mkdir(parents=True, exist_ok=True)


def _beside(path: Path, ending: str) -> Path:
    if url := url_of(path):
        folder = user_folder("XDG_CONFIG_HOME", ".config") / "tables"
        return folder / (re.sub(r"[^\w.@-]+", "_", url) + ending)
    if is_part(path):
        return path.with_name("archive" + ending)
    match = _LOG_NAME.fullmatch(path.name)
    return path.with_name((match["base"] if match else path.name) + ending)


def _only_logs(names: Sequence[str]) -> tuple[str, ...]:
    logs = tuple(name for name in names if not name.endswith(_BESIDE) or Path(name).is_dir())
    if names and not logs:
        what = "bookmarks" if names[0].endswith(_BOOKMARKS) else "metrics"
        raise SourceError(f"{names[0]}: is a {what} file, not a log")
    return logs


def _is_table(name: str) -> bool:
    return name.startswith(_TABLES)


def _is_pattern(name: str) -> bool:
    path = Path(name)
    if _is_table(name):
        return False
    return path.is_dir() or (any(mark in name for mark in "*?[") and not path.exists())


def _check(name: str, *, must_exist: bool) -> None:
    if not name:
        raise SourceError("a file without a name: is a variable empty?")
    if _is_table(name):
        _check_table(name)
        return
    if _is_pattern(name):
        if Path(name).is_dir():
            os.scandir(name).close()  # may it be listed?
        # A folder of thousands of files is listed once: a follower's files() does it, too.
        if must_exist and not is_archive(Path(name)) and not _matches(name):
            raise SourceError(
                f"{name}: no log in there" if Path(name).is_dir() else f"{name}: no such file"
            )
        _check_folder(name)
        return
    try:
        mode = Path(name).stat().st_mode
    except FileNotFoundError:
        if must_exist:
            raise SourceError(f"{name}: no such file") from None
        _check_folder(name)
    else:
        if not stat.S_ISREG(mode):
            raise SourceError(f"{name}: is not a regular file")


def _check_folder(name: str) -> None:
    """Raise SourceError if a file cannot appear: its folder, before any mark, is not there."""
    parts = Path(name).parts[:-1]
    marked = next((at for at, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    folder = Path(*parts[:marked])
    if not folder.exists():
        raise SourceError(f"{name}: there is no folder {folder}")


def _check_table(name: str) -> None:
    """Raise SourceError for an address, a login or an installation that cannot be used."""
    # Needed for a table only: the first frame does not wait for it.
    from llmlog_tui.clickhouse.url import Login, TableUrl  # noqa: PLC0415

    if importlib.util.find_spec("clickhouse_connect") is None:
        raise SourceError(_EXTRA)
    try:
        Login.to(TableUrl.of(name))
    except UserError as error:
        raise SourceError(str(error)) from None


def unread_parts(names: Sequence[str]) -> str:
    """Return a hint at rotated parts beside files that are read alone; empty without any."""
    paths = (Path(name) for name in names if not _is_table(name))
    files = dict.fromkeys(path for path in paths if path.is_file())
    beside = Counter[Path]()
    for folder in dict.fromkeys(file.parent for file in files):
        beside.update(part.with_name(base) for base, part in _parts_in(folder) if part not in files)
    hints = (
        f"{plural(beside[file], 'rotated part')} beside {file.name} not read; all of it is "
        f"{shlex.quote(glob.escape(str(file)) + '*')}"
        for file in files
        if beside[file]
    )
    return "; ".join(hints)


def _parts_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (log name, rotated part) of a folder; a part has a number or date."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _LOG_NAME.fullmatch(entry.name)
            if match and (match["age"] or "")[:1].isdecimal():
                yield match["base"], folder / entry.name


class _Archived(NamedTuple):
    """The parts of an archive, and the stamp of its manifest then."""

    stamp: tuple[int, int, int]
    parts: list[Path]


def _archived(name: str) -> _Archived:
    return _Archived(stamp_of(Path(name)), parts_of(Path(name)))


class _Log(NamedTuple):
    """A file that a folder or glob has, and its place among them."""

    path: Path
    age: _Age


class _Listing:
    """Lists folders and globs again and again; what it makes of a name is kept."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}

    def files(self, name: str) -> list[Path]:
        """Return the files of a folder or glob, the oldest of each rotated set first."""
        # A file's name is taken apart once: a folder of thousands is listed every second.
        logs = {path: self._logs.get(path) or _log(path) for path in _matches(name)}
        self._logs |= logs
        return [log.path for log in sorted(logs.values(), key=_age_of)]


_Age = tuple[str, bool, int, str]
_age_of: Final = attrgetter("age")


def _matches(name: str) -> list[str]:
    """Return the logs of a folder or glob, in no order."""
    if is_archive(Path(name)):
        return [str(part) for part in parts_of(Path(name))]
    if os.path.isdir(name):  # noqa: PTH112 - of a string
        found = _logs_in(name)
    else:
        matches = glob.iglob(name, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = [match for match in matches if os.path.isfile(match)]  # noqa: PTH113
    return [path for path in found if not path.endswith(_BESIDE)]


def _logs_in(folder: str, depth: int = 0) -> list[str]:
    """The logs of a folder, and of those below it that belong to them.

    Coding agents keep a tree: folders without logs of their own lead to the logs, and a session's
    log has a folder of its name beside it for the logs of its subagents.
    """
    with os.scandir(folder) as entries:
        seen = [entry for entry in entries if not entry.name.startswith(".")]
    logs = [entry for entry in seen if _LOG_NAME.fullmatch(entry.name) and entry.is_file()]
    names = {entry.name.partition(".")[0] for entry in logs}
    below: list[str] = []
    for entry in seen if depth < _MAX_DEPTH else ():
        if (not names or entry.name in names) and entry.is_dir(follow_symlinks=False):
            with contextlib.suppress(OSError):  # it was not asked for by its name
                below += _logs_in(entry.path, depth + 1)
    return [entry.path for entry in logs] + below


def reads_below(folder: Path, parts: Sequence[str]) -> bool:
    """Return whether a folder's logs would include a new file; `parts` is its relative path."""
    if not _LOG_NAME.fullmatch(parts[-1]) or len(parts) > _MAX_DEPTH + 1:
        return False
    if any(part.startswith(".") for part in parts) or is_archive(folder):
        return False
    for part in parts[:-1]:
        with contextlib.suppress(OSError):
            names = {each.name.partition(".")[0] for each in folder.iterdir() if _is_log(each)}
            if names and part not in names:
                return False
        folder /= part
    return True


def _is_log(path: Path) -> bool:
    return _LOG_NAME.fullmatch(path.name) is not None and path.is_file()


def _log(name: str) -> _Log:
    """Return a file with its sort key: numbered parts descending, dated ones, the plain one."""
    path = Path(name)
    match = _LOG_NAME.fullmatch(path.name)
    base = str(path)
    if match:
        base = base[: len(base) - len(path.name)] + match["base"]  # with_name() is slower
    age = match["age"] if match else None
    if age is None:
        return _Log(path, (base, True, 0, ""))
    number = int(age) if age.isdecimal() and len(age) <= _MAX_AGE_DIGITS else 0
    return _Log(path, (base, False, -number, age))
