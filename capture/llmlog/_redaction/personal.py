"""Personal data: emails, IBANs and IPv6 addresses by their shape, numbers by their name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from llmlog._redaction.names import words_of
from llmlog._redaction.text import Found, Text, compiled

_IPV6_SIGN: Final = r":[0-9A-Fa-f]{0,4}:"
_IPV6_SIGN_OF_ALL: Final = r":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:"
_IPV6_PART: Final = r"[0-9A-Fa-f:]{0,38}"
_IPV6_END: Final = rf"{_IPV6_PART}(?:(?<=:)(?:\d{{1,3}}\.){{3}}\d{{1,3}})?"
_IPV6_GROUPS: Final = 8
_IPV6_DIGITS: Final = 4


def ipv6_addresses(text: Text) -> Iterator[Found]:
    """Yield IPv6 addresses."""
    whole, end = text.text, 0
    # Times of day have two colons, too: without `::` there must be more.
    sign = _IPV6_SIGN if "::" in whole else _IPV6_SIGN_OF_ALL
    for colon in compiled(sign).finditer(whole):
        if colon.start() < end:
            continue
        before = compiled(_IPV6_PART).match(
            whole[max(end, colon.start() - 38) : colon.start()][::-1]
        )
        after = compiled(_IPV6_END).match(whole, colon.start())
        if before and after:
            start, end = colon.start() - before.end(), after.end()
            around = whole[max(0, start - 1) : start] + whole[end : end + 1]
            if not re.search(r"\w", around) and _is_ipv6(whole[start:end]):
                yield Found(start, end, "ip")


def _is_ipv6(match: str) -> bool:
    if not match.endswith("::"):
        match = match.rstrip(":")
    if match.count("::") > 1 or ":::" in match or not any(map(str.isdigit, match)):
        return False
    if "." in match:
        return match.lower().startswith("::ffff:")
    groups = [group for group in match.split(":") if group]
    if any(len(group) > _IPV6_DIGITS for group in groups):
        return False
    is_known = re.match(r"(?i)(?:2[0-9a-f]{3}|f[cd][0-9a-f]{2}|fe80):", match) is not None
    is_short = "::" in match and (2 if is_known else 3) <= len(groups) < _IPV6_GROUPS
    return is_short or len(groups) == _IPV6_GROUPS


# ISO 13616, with or without spaces.
_IBAN: Final = (
    r"[A-Z]{2}\d{2}(?:[ \u00a0-]?[A-Z0-9]{4}){2,7}(?:[ \u00a0-]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
_IBAN_SIGN: Final = r"[A-Z][A-Z]\d\d(?<![A-Za-z0-9].{4})"
_IBAN_COUNTRIES: Final = (
    "AD AE AL AT AZ BA BE BG BH BI BR BY CH CR CY CZ DE DJ DK DO EE EG ES FI FK FO FR GB GE GI GL "
    "GR GT HN HR HU IE IL IQ IS IT JO KW KZ LB LC LI LT LU LV LY MC MD ME MK MN MR MT MU NI NL NO "
    "OM PK PL PS PT QA RO RS RU SA SC SD SE SI SK SM SO ST SV TL TN TR UA VA VG XK YE"
)
_TO_CAPITALS: Final = {letter: letter - 32 for letter in range(ord("a"), ord("z") + 1)}


def ibans(text: Text) -> Iterator[Found]:
    """Yield international bank account numbers whose checksum is right."""
    searched = text.text.translate(_TO_CAPITALS) if "iban" in text.text else text.text
    for sign in compiled(_IBAN_SIGN).finditer(searched):
        if sign.group()[:2] not in _IBAN_COUNTRIES:
            continue
        match = compiled(_IBAN).match(searched, sign.start())
        while match and not _is_iban(match.group()):
            # A word in capitals after it may look like one more group.
            last = max(match.group().rfind(gap) for gap in " \u00a0-")
            end = sign.start() + max(last, 0)
            match = compiled(_IBAN).match(searched, sign.start(), end)
        if match:
            yield Found(match.start(), match.end(), "iban")


def _is_iban(match: str) -> bool:
    code = re.sub(r"[ \u00a0-]", "", match)
    # The first four characters go last, letters count from 10.
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


_LOCAL_PART: Final = r"(?:[\w.+%'-]{1,64}|\"[^\"\r\n]{1,64}\")"
_LOCAL_SIGNS: Final = ".'%-+"
_DOMAIN: Final = (
    r"(?!\dx\.)(?:[\w-]{1,63}\.){1,8}(?:xn--[\w-]{2,59}|[^\W\d_]{2,24})(?![^\W_]|-\w)|"
    r"\[[\d.:A-Fa-f]{7,40}\]"
)
_SPELLED: Final = (
    r"(?<![\w.+-])[\w.+-]{1,64} ?[\[({] ?at ?[\])}] ?"
    r"[\w-]{1,63}(?:(?:\.| ?[\[({] ?dot ?[\])}] ?| dot )[\w-]{2,63}){1,4}"
)
# Ends of files, of units of systemd, and of versions: icon@2x.png, getty@tty1.service.
_NO_DOMAIN: Final = (
    r"(?i).*\.(?:png|jpe?g|gif|svg|webp|ico|m?js|tsx?|jsx|s?css|html|json|ya?ml|toml|py|rb|rs|java|"
    r"service|socket|timer|target|mount|path|slice|scope|rc|beta|alpha|next|latest)\Z|"
    r"v?\d+\.(?:\d|x\b|\*)|v\d|(?:self|np|torch|this|cls)\."
)


def emails(text: Text) -> Iterator[Found]:
    """Yield email addresses, also such as `jane (at) example (dot) com`."""
    whole = text.text
    at = whole.find("@")
    while at >= 0:
        local = compiled(_LOCAL_PART).match(whole[max(0, at - 66) : at][::-1])
        domain = compiled(_DOMAIN).match(whole, at + 1) if local else None
        if local and domain:
            name = local.group()[::-1].lstrip(_LOCAL_SIGNS)
            is_call = whole.startswith("(", domain.end())
            is_address = name not in {"", "git"} and not compiled(_NO_DOMAIN).match(domain.group())
            if is_address and not is_call:
                yield Found(at - len(name), domain.end(), "email")
        at = whole.find("@", at + 1)
    if any(sign in text.lower for sign in ("at)", "at]", "at}")):
        for match in compiled(_SPELLED).finditer(text.lower):
            yield Found(match.start(), match.end(), "email")


_NAMES: Final = (
    r"(?P<ssn>ssn|socialsecurity(?:number|no)?|taxid|nationalid(?:number)?|itin)|"
    r"(?P<phone>(?:tele)?phone(?:number|no|nr)?|mobile(?:number|no|phone)?|cell(?:phone)?|tel|"
    r"fax(?:number)?|contactnumber|whatsapp(?:number)?|msisdn)|"
    r"(?P<card>(?:credit|debit)?card(?:number|no|num)|creditcard|cc(?:number|num)?|pan)|"
    r"(?P<cvv>cvv2?|cvc2?|cardcode|securitycode)|(?P<iban>iban)|"
    r"(?P<ip>ip(?:v4)?|(?:ip|client|remote|source|src|dst|dest|peer|server|host|user)addr(?:ess)?|"
    r"(?:client|remote|source|src|dst|dest|peer|server|host|user)ip|(?:remote)?host)|"
    r"(?P<account>(?:bank)?account(?:number|no)|routingnumber|sortcode)|"
    r"(?P<passport>passport(?:number|no)?|driverslicense(?:number)?|licen[sc]enumber)"
)
_LEAST_DIGITS: Final = {
    "cvv": 3, "phone": 7, "ssn": 9, "card": 12, "iban": 8, "account": 6, "passport": 5
}  # fmt: skip
_MOST_CHARACTERS: Final = 34
_IPV4: Final = r"(?!0\.|127\.)(?:\d{1,3}\.){3}\d{1,3}"


def personal_kind(name: str, value: object) -> str | None:
    """Return a number's kind of personal data by its name; None without one."""
    if not isinstance(value, (str, int)):
        return None
    words = words_of(name).split()
    ends = ("".join(words[start:]) for start in range(len(words)))
    match = next((match for end in ends if (match := compiled(_NAMES).fullmatch(end))), None)
    kind, text = match.lastgroup if match else None, str(value)
    if kind is None or kind == "ip":
        return kind if kind and re.fullmatch(_IPV4, text) else None
    digits = sum(map(str.isdigit, text))
    is_number = _LEAST_DIGITS[kind] <= digits and len(text) <= _MOST_CHARACTERS
    return kind if is_number and digits >= len(text) / 2 else None
