"""Numbers of persons: phones, cards, social security numbers and IPv4 addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from llmlog._redaction.text import Found, Text, compiled

_SEPARATORS: Final = " ().\\-/\u00a0\u2010-\u2015"
_RUN: Final = rf"\d[\d{_SEPARATORS}]{{5,}}\d"
_START: Final = r"(?:(?<![\w+.-])|(?<=[是为為は]))(?:\+|\(\+?)?\d"
_END: Final = r"(?!\w|[-.]\d|-\w)"
_GAP: Final = "[ .\\-\u00a0\u2010-\u2015]"

_CARD: Final = (
    rf"(?:\d{{4}}(?P<gap>{_GAP}?)\d{{4}}(?P=gap)\d{{4}}(?P=gap)\d{{1,7}}"
    rf"|3\d{{3}}{_GAP}?\d{{6}}{_GAP}?\d{{4,5}}){_END}"
)
# ISO/IEC 7812 prefixes of Visa, Mastercard, American Express, Discover, JCB, Diners and UnionPay.
_ISSUER: Final = (
    r"4(?:\d{12}|\d{15}|\d{18})\Z|5[1-5]\d{14}\Z|2(?:2[2-9]|[3-6]\d|7[01])\d{13}\Z|2720\d{12}\Z|"
    r"3[47]\d{13}\Z|6(?:011|5\d\d|4[4-9]\d)\d{12}\Z|35(?:2[89]|[3-8]\d)\d{12}\Z|"
    r"3(?:0[0-5]|[689]\d)\d{11}\Z|62\d{14,17}\Z|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}\Z"
)
_SSN: Final = r"(?!000|666)\d{3}(?P<gap>[-\u2010-\u2015 .]?)(?!00)\d\d(?P=gap)(?!0000)\d{4}" + _END
_IP: Final = r"(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\w)"
_NORTH_AMERICA: Final = (
    rf"(?:\+?1{_GAP}?)?"
    rf"(?:\([2-9]\d\d\){_GAP}?|(?:[2-9]\d\d|123(?=[.-]))(?P<gap>[ .\-\u2010-\u2015]))"
    rf"\d{{3}}(?(gap)(?P=gap)|{_GAP})\d{{4}}{_END}"
)
_INTERNATIONAL: Final = (
    rf"\+[1-9]\d{{0,2}}(?:[ ./-]?\(?\d{{1,5}}\)?|{_GAP}\(?\d{{1,5}}\)?){{2,6}}{_END}"
)
_NATIONAL: Final = (
    rf"(?:\(0\d{{1,4}}\)|0\d{{1,4}}){_GAP}?/?{_GAP}?\d{{2,8}}(?:{_GAP}\d{{2,5}}){{0,4}}{_END}"
)
_LOCAL: Final = (
    rf"(?:\(\d{{2,4}}\) ?\d{{4,5}}-\d{{4}}|1[3-9]\d(?P<gap>[ -])\d{{4}}(?P=gap)\d{{4}}|"
    rf"[6-9]\d{{4}}[ -]\d{{5}}){_END}"
)
_ANY_PHONE: Final = rf"\(?\+?\d(?:{_GAP}?[()/]?{_GAP}?\d){{6,14}}{_END}"
_PHONE_WORD: Final = (
    r"(?:\b(?:tele)?(?:phone|fon|fono|foon)|\b(?:tel|ph|mobile?|cell(?:ular)?|fax|whats ?app|sms|"
    r"handy|portable|natel|téléphone|tél|teléfono|móvil|contact (?:no|number)|"
    r"call(?:ed|ing)?(?: (?:me|us|him|her|them))?|dial(?:ed)?|text (?:me|him|her)|"
    r"reach(?:ed)? (?:me|us|him|her)|ring(?: me)?))(?:[ _-]?(?:number|nr|no|nummer))?\b\.?[\"']?"
    r"(?: (?:is|at|on|under|was|me))?\s{0,2}[:=#\uff1a]?\s{0,2}[\"']?\Z|"
    r"(?:电话|手机|電話|携帯)(?:号码?|番号|號碼?)?[是为為は]?[:\uff1a]? ?\Z"
)
_SSN_WORD: Final = r"(?:\bssn|social security|tax id|\btin\b|\bitin\b).{0,30}\Z"


_LEAST_DIGITS: Final = 7


def numbers(text: Text) -> Iterator[Found]:
    """Yield phones, cards, social security numbers and IPv4 addresses."""
    for run in compiled(_RUN).finditer(text.text):
        end = 0
        # A sign may be in front of its first digit: +1, (415, (+1.
        for start in compiled(_START).finditer(text.text, max(0, run.start() - 2), run.end()):
            if start.start() < end:
                continue
            if run.end() - start.start() < _LEAST_DIGITS:
                break
            found = _number(text, start.start(), start.group()[0])
            if found:
                end = found.end
                yield found


def _number(text: Text, start: int, first: str) -> Found | None:
    for firsts, kind, pattern, check in _SHAPES:
        if first not in firsts:
            continue
        match = compiled(pattern).match(text.text, start)
        if match and check(match.group(), start, text.text):
            return Found(start, match.end(), kind)
    match = compiled(_ANY_PHONE).match(text.text, start)
    if match and text.has_phone_word and _is_called_phone(start, text.text):
        return Found(start, match.end(), "phone")
    return None


def _digits(match: str) -> str:
    return "".join(filter(str.isdecimal, match))


def _is_card(match: str, start: int, text: str) -> bool:
    digits = _digits(match)
    if not compiled(_ISSUER).match(digits) or _is_other_number(start, text):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _is_ssn(match: str, start: int, text: str) -> bool:
    if _is_other_number(start, text):
        return False
    if match[3] in "-\u2010\u2011\u2012\u2013\u2014\u2015" and match[0] != "9":
        return True
    before = text[max(0, start - 48) : start].lower()
    return compiled(_SSN_WORD).search(before) is not None


# Before a number of four parts that counts versions, or sections.
_VERSION_WORD: Final = (
    r"(?:version|release|build|firmware|driver|revision|\brev|\bver|\bv|sdk|runtime|kernel|agent|firefox|"
    r"chrom(?:e|ium)|safari|edge|opera|windows|macos|ios|android|python|java|jdk|mysql|postgres(?:ql)?|nginx|"
    r"openssl|docker|office|zoom|vscode|hotfix|patch|plugin|package|library|module|\boid|netmask|mask)s?"
    r"[\"'(\s:=.#>-]{0,6}(?:is |to |from )?[\"']?\Z|[\w)]/\Z"
)
# Before an address whose numbers are as small as those of sections.
_NETWORK_WORD: Final = (
    r"(?:\b(?:ips?|ipv4|host(?:name)?|server|client|addr(?:ess)?|ping|ssh|dns|gateway|peer|"
    r"node|proxy|listen(?:ing)?|bind|subnet|remote|forwarded-for|visitor|resolver|nameserver|blocked|"
    r"banned|(?:connect\w*|ping\w*|log(?:ged|in)? ?(?:in|attempts?|s)?|attempts?|traffic|requests?|"
    r"packets?|routed?|bound|listening|resolv\w*|time-?out|response|redirect\w*|sent|call(?:ed)?) "
    r"(?:to|at|on|from|by|via|for))|"
    r"(?:client|remote|source|src|dst|server|host|peer)_?ip|_ip|_addr|@|//)"
    r"[\"'\s:=(\[,>-]{0,4}(?:is |was )?[\"']?\Z"
)
_SECTION_WORD: Final = (
    r"(?:section|sect?\.|chapter|clause|paragraph|para|article|appendix|annex|figure|fig|table|item|step|"
    r"rule|requirement|req|part|heading|exercise|example|theorem|lemma|equation|eq|abschnitt|kapitel|"
    r"§)"
)
_LARGEST_SECTION: Final = 40
_PRIVATE: Final = 10


def _is_ipv4(match: str, start: int, text: str) -> bool:
    numbers = match.split(".")
    parts = [int(part) for part in numbers]
    if max(parts) > 255 or any(part[0] == "0" != part for part in numbers):  # noqa: PLR2004 - a byte
        return False
    before = text[max(0, start - 64) : start].lower()
    if parts[0] in {0, 127, 255} or compiled(_VERSION_WORD).search(before):
        return False
    is_private = parts[0] == _PRIVATE and min(parts) == 0
    if max(parts) <= _LARGEST_SECTION and _is_heading(match, start, text):
        return False
    if is_private or max(parts) > _LARGEST_SECTION or len(set(parts)) == 1:
        return True
    if compiled(_SECTION_WORD).search(before):
        return False
    has_port = compiled(r":\d{2,5}\b|/\d{1,2}\b| - ").match(text, start + len(match)) is not None
    return has_port or compiled(_NETWORK_WORD).search(before) is not None


def _is_heading(match: str, start: int, text: str) -> bool:
    before, after = text[max(0, start - 16) : start], text[start + len(match) :][:3]
    is_first = re.search(r"(?:\A|\n)[#*\s]{0,8}\Z", before) is not None
    return is_first and re.match(r" [A-Z][a-z]", after) is not None


_OTHER_NUMBER: Final = (
    r"(?:isbn|issn|receipt|voucher|coupon|booking|policy|member|customer|order|invoice|tracking|sku|part|serial|ticket|doi|ean|upc|gtin|batch|lot|"
    r"ref(?:erence)?|model|item|case|po|frames?|pages?|lines?|range|commit)"
    r"(?:[ _-]?(?:number|nr|no|id|code)s?)?\.?[\"']?(?: is)?[ :=#]{0,3}[\"']?\Z"
)


def _is_other_number(start: int, text: str) -> bool:
    """Whether the words before a number say that it counts orders, books or the like."""
    return compiled(_OTHER_NUMBER).search(text[max(0, start - 48) : start].lower()) is not None


def _is_phone(match: str, start: int, text: str) -> bool:
    return 8 <= len(_digits(match)) <= 15 and not _is_other_number(start, text)  # noqa: PLR2004 - E.164


def _is_national(match: str, start: int, text: str) -> bool:
    digits = _digits(match)
    groups = re.findall(r"\d+", match)
    if digits[1] == "0":
        right = len(digits) in range(11, 16) and digits[2] != "0"
    else:
        right = len(digits) in range(9, 13) and len(groups) > 1
    # Counted up with zeros in front: 01 02 03 04 05.
    is_counted = len(groups) > 2 and all(group[0] == "0" for group in groups)  # noqa: PLR2004
    is_date = re.match(r"\d\d[-./ ]\d\d[-./ ](?:19|20)\d\d", match) is not None
    return right and not is_counted and not is_date and _is_phone(match, start, text)


def _is_called_phone(start: int, text: str) -> bool:
    before = text[max(0, start - 40) : start].lower()
    return compiled(_PHONE_WORD).search(before) is not None


_SHAPES: Final = (
    ("23456", "card", _CARD, _is_card),
    ("0123456789", "ssn", _SSN, _is_ssn),
    ("123456789", "ip", _IP, _is_ipv4),
    ("+", "phone", _INTERNATIONAL, _is_phone),
    ("+(123456789", "phone", _NORTH_AMERICA, _is_phone),
    ("0(", "phone", _NATIONAL, _is_national),
    ("(16789", "phone", _LOCAL, _is_phone),
)
"""First characters, kind, pattern and check."""
