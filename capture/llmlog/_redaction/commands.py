"""Passwords in commands and in files of programs that have a notation of their own."""

from __future__ import annotations

from typing import Final

from llmlog._redaction.text import PatternRule, Rule, compiled
from llmlog._redaction.values import is_placeholder, is_random


def _is_password(match: str, _start: int, _text: str) -> bool:
    return not is_placeholder(match)


_USER: Final = (
    r"(?i)(?:log ?in|cred(?:ential)?s|zugangsdaten|sign in|account)[^\n/]{0,40}?"
    r"(?: is| are|:|with|=) [\w.@+-]{2,64} / \Z"
)


def _is_password_after_user(match: str, start: int, text: str) -> bool:
    if is_placeholder(match) or not is_random(match):
        return False
    return compiled(_USER).search(text[max(0, start - 128) : start]) is not None


def _is_http_password(match: str, start: int, text: str) -> bool:
    # `docker run -u 1000:1000` names a group.
    before = text[max(0, start - 300) : start]
    has_program = compiled(r"(?i)\b(?:curl|wget|https?|xh|httpie)\b").search(before) is not None
    return has_program and not match.isdigit() and not is_placeholder(match)


COMMANDS: Final[tuple[Rule, ...]] = (
    PatternRule(
        "user_password",
        (" -u", " --", " -a "),
        r" (?:-u|--user|--proxy-user|-a)[ =]{0,2}\\{0,3}[\"']?[^\s:\"'/]{1,128}:"
        r"(?P<secret>[^\s\"'\\]{3,256})",
        _is_http_password,
    ),
    PatternRule(
        "user_password",
        (
            "sshpass ", "sql", " /p:", "redis-cli ", "ConvertTo-SecureString ", "-pass",
            "smbclient ", "openssl ", "7z", "zip -", "rclone ", "ldap", " login ", "htpasswd -b",
            "jdbc:oracle:",
        ),
        r"(?:sshpass -p ?|(?<=my)sql(?:dump|admin|import)?\b[^\n|;]{0,200}? -p|"
        r"(?<=snow)sql [^\n|;]{0,200}? -p |sqlcmd [^\n|;]{0,200}? -P | /p:|"
        r"redis-cli [^\n|;]{0,100}?-a |ConvertTo-SecureString (?:-String )?|-pass(?:in|out) pass:|"
        r"openssl [^\n|;]{0,200}? -k |7z\w? [^\n|;]{0,100}? -p|zip [^\n|;]{0,60}?-P |"
        r"rclone [^\n|;]{0,200}? pass(?:word)? |"
        r"smbclient [^\n|;]{0,200}?-U [^\s%]{1,64}%|ldap\w{3,8} [^\n|;]{0,200}?-w |"
        r" login [^\n|;]{0,200}?-p |htpasswd -b\w{0,4} \S{1,128} \S{1,64} |"
        r"jdbc:oracle:\w{1,8}:[^\s/]{1,64}/)"
        r"[\"']?(?P<secret>[^\s\"'-][^\s\"']{2,128})",
        _is_password,
    ),
    PatternRule(
        "user_password",
        ("auth",),
        r"auth\\{0,3}[\"']?\s{0,4}[:=]\s{0,4}(?:\w{1,32})?[\[(]\s{0,4}[\"'][^\"'\r\n]{0,64}[\"'],"
        r"\s{0,4}[\"'](?P<secret>[^\"'\r\n]{3,128})[\"']\s{0,4}[\])]",
        _is_password,
    ),
    # Arguments of a method: user and password.
    PatternRule(
        "user_password",
        ('("', "('"),
        r"(?i)(?:(?:(?<=login)|(?<=wifi\.begin)|(?<=authenticate)|(?<=signin)|(?<=sign_in)|"
        r"(?<=basicauth))\([\"'][^\"'\r\n]{1,64}[\"'],\s{0,8}|"
        # A client's only argument.
        r"(?<=client)\((?=.[a-z0-9]{32,128}[\"']\)))[\"'](?P<secret>[^\"'\r\n]{3,128})[\"']\s{0,8}\)",
        _is_password,
    ),
    # Arguments of a connection or of a signature: url, user and password.
    PatternRule(
        "user_password",
        ("onnect", "PDO(", "jwt."),
        r"(?:(?:(?<=mysqli_c)onnect|(?<=getC)onnection|PDO)\((?:[^,()\n]{1,200},\s{0,8}){2}|"
        r"jwt\.(?:sign|encode|verify|decode)\([^\n\"']{1,200},\s{0,8})"
        r"[\"'](?P<secret>[^\"'\r\n]{6,128})[\"']",
        _is_password,
    ),
    # Log in with kim / …
    PatternRule(
        "user_password", (" / ",), r" / (?P<secret>[^\s/,;]{6,64})", _is_password_after_user
    ),
    # Written to a program: echo x | sudo -S.
    PatternRule(
        "user_password",
        ("echo ",),
        r"echo (?:-n |-e )?(?:\\{0,3}[\"'])?"
        r"(?P<secret>[^\s\"'|;$]{3,128})\\{0,3}[\"']? ?\| ?(?:\S{1,64} ){0,8}?"
        r"(?:sudo (?:-\w{1,8} )?-S\b|-?-(?:password|passphrase)-(?:stdin|fd)|passwd\b|chpasswd\b)",
        _is_password,
    ),
    PatternRule(
        "user_password",
        ("net use",),
        r"net use(?: [^\n]{0,200}?/user:\S{1,64}|r [^\s/]{1,64}) \"?(?P<secret>[^\s\"/]{3,128})",
        _is_password,
    ),
    # .pgpass: host:port:database:user:password.
    PatternRule(
        "user_password",
        (":5432:", ":3306:", ":*:"),
        r":(?:\d{2,5}|\*):[\w*.-]{1,64}:[\w.-]{1,64}:(?P<secret>[^\s:]{3,128})",
        _is_password,
    ),
    PatternRule(
        "user_password",
        ("identified by ", "with password "),
        r"(?:identified by|with password) (?:password )?[\"'](?P<secret>[^\"'\r\n]{3,128})[\"']",
        _is_password,
        any_case=True,
    ),
    # crypt(3) and its like.
    PatternRule(
        "password_hash",
        ("$",),
        r"\$(?:1|2[aby]|5|6|y|apr1|argon2\w{1,2}|pbkdf2[\w-]{0,16}|scrypt)\$[\w./$,=+-]{20,512}",
    ),
)  # fmt: skip
