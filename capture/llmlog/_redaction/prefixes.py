"""Keys known by their first characters, of the services whose keys have some."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Final

from llmlog._redaction.text import Found, Text, compiled

_UUID: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"

# By kind, patterns of what follows a character that is no letter and no digit.
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "jwt": (
        (
            r"eyJ(?<![\w-]...)[\w-]{8,8192}\."
            r"(?:eyJ[\w-]{0,16384}|[\w-]{4,16384}\.[\w-]{0,8192})(?:\.[\w-]{0,8192}){0,3}"
        ),
    ),
    "aws_key": (
        r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{12,20}(?![A-Za-z0-9])",
        r"ABSK[A-Za-z0-9+/]{40,256}={0,2}",
        r"bedrock-api-key-[\w+/=-]{20,2048}",
    ),
    "google_key": (
        r"AIza[\w-]{30,45}",
        r"ya29\.[\w.-]{20,2048}",
        r"GOCSPX-[\w-]{16,64}",
        r"1//0[\w-]{30,256}",
        r"AQ\.Ab[\w-]{30,256}",
    ),
    "hf_token": (r"(?:hf_|api_org_)[A-Za-z0-9]{20,64}(?![A-Za-z0-9])",),
    "github_token": (
        r"gh[pousr]_[A-Za-z0-9_]{20,255}",
        r"github_pat_\w{22,255}",
        r"v1\.[0-9a-f]{40}(?![0-9a-f])",
    ),
    "gitlab_token": (
        r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[\w.-]{16,300}",
        r"GR1348941[\w-]{16,64}",
    ),
    "slack_token": (r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,512}", r"xapp-[\w-]{10,512}"),
    "discord_token": (r"[MNO][\w-]{22,28}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])", r"mfa\.[\w-]{60,128}"),
    "telegram_token": (
        r"(?:bot)?\d{6,12}:(?![0-9a-f]{30,40}(?![\w-]))[A-Za-z0-9_-]{30,40}(?![\w-])",
    ),
    "shopify_token": (r"shp(?:at|ca|pa|ss|tka|ua)_[A-Za-z0-9]{16,64}",),
    "docker_token": (r"dckr_(?:pat|oat|sat)_[\w-]{16,64}",),
    "vault_token": (
        r"hv[sbr]\.[\w-]{20,256}",
        r"[sbr]\.(?=[A-Za-z]{0,23}\d)[A-Za-z0-9]{24}(?![\w.-])",
    ),
    "linear_token": (r"lin_(?:api|oauth|wh)_\w{20,128}",),
    "notion_token": (r"secret_[A-Za-z0-9]{32,64}", r"ntn_\w{32,64}"),
    "stripe_key": (r"(?:sk|rk)_(?:live|test|prod|org)_\w{10,512}", r"whsec_[\w+/=]{16,512}"),
    "npm_token": (r"npm_[A-Za-z0-9]{30,64}",),
    "pypi_token": (r"pypi-[\w-]{16,1024}",),
    "age_key": (r"AGE-SECRET-KEY-1[0-9A-Z]{20,64}", r"AGE-PLUGIN-[0-9A-Z]{2,16}-1[0-9A-Z]{20,512}"),
    "api_key": (
        # Of language models.
        (
            r"sk-(?:proj|ant|or|svcacct|admin|lf|helicone|live|test|None|litellm|org|user)-"
            r"(?!your|my-|xxx)[\w-]{16,512}"
        ),
        r"sk-[A-Za-z0-9]{20,512}(?![A-Za-z0-9_-])",
        r"sk_[0-9a-f]{40,64}(?![0-9a-f])",
        (
            r"(?:gsk|r8|fw|fpk|pplx|xai|csk|tvly|jina|esecret|rpa|e2b|wandb_v1|lsv2_pt|lsv2_sk|ls_|pcsk|"
            r"vck|vcp|dsk|phx|pul|tgp_v1|cfut|cfat|cfk|ops|sgp|crsr|nvapi|unkey|novita|hyp)"
            r"[_-](?:(?:dev|prod|live|test|us|eu)[_-])?(?=[\w-]{0,64}\d|[A-Za-z]{18})"
            r"(?:[A-Za-z0-9]{16}[\w-]{2,512}|(?<=nvapi-)[\w-]{30,128})"
        ),
        r"pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{20,128}",
        r"pa-(?=[A-Za-z_-]{0,40}\d)[\w-]{40,64}",
        r"fc-[0-9a-f]{32}(?![0-9a-f])",
        r"(?:ak|as)-[A-Za-z0-9]{22}(?![\w-])",
        r"sk-lf-" + _UUID,
        # Of everything else.
        r"SG\.[\w-]{10,64}\.[\w-]{10,128}",
        r"ATATT3x[\w=-]{20,512}",
        r"ATCTT3x[\w=-]{20,512}",
        r"1/\d{13,19}:[0-9a-f]{32}(?![0-9a-f])",
        r"2/\d{13,19}/\d{13,19}:[0-9a-f]{32}(?![0-9a-f])",
        r"sk\.eyJ[\w-]{20,512}\.[\w-]{16,64}",
        r"AA{17,23}(?=[A-Za-z0-9]{20,100}%)[\w%]{60,200}",
        r"ATBB[A-Za-z0-9]{24,64}",
        r"AKCp[A-Za-z0-9]{20,128}",
        r"LTAI[A-Za-z0-9]{12,24}(?![A-Za-z0-9])",
        r"AKID[A-Za-z0-9]{32}(?![A-Za-z0-9])",
        r"AQVN[\w-]{35,64}",
        r"EAA(?:A|C|G|B)[A-Za-z0-9]{40,300}",
        r"EZ[AT]K[A-Za-z0-9]{40,64}",
        r"HRKU-[\w-]{32,70}",
        r"NRAK-[A-Z0-9]{20,40}",
        r"NR(?:II|JS|RA|SP)-[\w-]{16,64}",
        r"PMAK-[0-9a-f]{20,32}(?:-[0-9a-f]{20,40})?",
        r"SCW[A-Z0-9]{17}(?![A-Za-z0-9])",
        r"SK[0-9a-f]{32}(?![0-9a-f])",
        r"CFPAT-[\w-]{40,64}",
        r"FLW(?:PUB|SEC)K(?:_TEST)?-[\w-]{16,64}",
        r"FlyV1 (?:fm\d|fo\d)_[\w+/=,-]{20,2048}",
        r"f[mo]\d_[\w+/=-]{32,2048}",
        r"bkua_[a-z0-9]{20,64}",
        r"dapi[0-9a-f]{32}(?:-\d)?(?![0-9a-f])",
        r"d(?:kea|ose|oo|op|or|sap)_?(?:v1_)?[0-9a-f]{32,64}(?![0-9a-f])",
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]{1,40}\.)?[A-Za-z0-9]{32,64}",
        r"dt0[cs]01\.[A-Z0-9]{16,32}\.[A-Z0-9]{32,80}",
        r"fig[dourh]{1,2}_[\w-]{20,64}",
        r"fio-u-[\w-]{40,80}",
        r"gl(?:c|sa)_[\w+/=-]{20,256}",
        r"ico-[A-Za-z0-9]{32}",
        r"key-[0-9a-f]{32}(?![0-9a-f-])",
        r"mob-" + _UUID,
        r"sdk-" + _UUID,
        r"pat-(?:na|eu|ap)\d-[\w-]{16,64}",
        r"pat[A-Za-z0-9]{14}\.[0-9a-f]{40,64}",
        r"access-(?:sandbox|development|production)-" + _UUID,
        r"n(?:fp|api)_[A-Za-z0-9]{30,72}",
        r"o(?:y2)[a-z0-9]{43}",
        r"pn[ub]_[A-Za-z0-9]{32,40}",
        r"pscale_(?:tkn|pw|oauth)_[\w.-]{20,64}",
        r"rdme_[a-z0-9]{40,80}",
        r"re_[A-Za-z0-9]{6,10}_[A-Za-z0-9]{16,40}",
        r"rnd_[A-Za-z0-9]{20,40}",
        r"rubygems_[0-9a-f]{32,64}",
        r"rzp_(?:live|test)_[A-Za-z0-9]{14,24}",
        r"s(?:bp|b_secret)_[\w-]{20,64}",
        r"sq[upa]_[0-9a-f]{32,48}",
        r"sl\.(?:u\.)?[\w-]{40,2048}",
        r"sntry[su]_[\w+/=-]{30,512}",
        r"shippo_(?:live|test)_[0-9a-f]{32,48}",
        r"sq0(?:atp|csp)-[\w-]{16,64}",
        r"EAAA[\w-]{56,64}",
        r"tfp_[\w.-]{30,80}",
        r"tskey-[\w-]{12,128}",
        r"u\+[A-Za-z0-9_-]{18}(?![\w-])",
        r"xkeysib-[\w-]{20,128}",
        r"xsmtpsib-[\w-]{20,128}",
        r"y0_[\w-]{40,80}",
        r"t1\.[A-Z0-9a-z_-]{8,256}\.[\w-]{60,128}",
        r"live_(?:pub_)?[0-9a-f]{30,64}(?![0-9a-f])",
        r"[0-9a-f]{32}-us\d{1,2}(?!\w)",
        r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,80}",
        r"[\w~.-]{3}\dQ~[\w~.-]{31,40}",
        r"aio_[A-Za-z0-9]{28}",
        r"retool_\w{20,64}",
        r"polar_\w{3,12}_[A-Za-z0-9]{20,64}",
        r"signkey-\w{3,8}-[0-9a-f]{32,80}",
        r"tr_(?:dev|prod|stg|preview)_[A-Za-z0-9]{16,40}",
        r"ptr_\w{20,80}",
        r"doppler_[\w.]{20,80}",
        r"duffel_(?:test|live)_[\w-]{32,64}",
        r"A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}(?!\w)",
    ),
}


def _by_first_letter(keys: Iterable[str]) -> str:
    """Return one pattern for all `keys`, grouped by first letter.

    Few of them are tried at each place of a text.
    """
    groups: dict[str, list[str]] = {}
    for key in keys:
        first = key[0] if key[0].isalnum() else ""
        groups.setdefault(first, []).append(key[len(first) :])
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in groups.items())


_START: Final = r"(?<![A-Za-z0-9])"


@functools.cache
def _any_key() -> re.Pattern[str]:
    keys = (key for keys in _KEYS.values() for key in keys)
    return re.compile(f"{_START}(?:{_by_first_letter(keys)})")


# Words of prose that begin like this must have digits and capitals, too.
_MIXED: Final = r"(?<![\w-])sk-[\w-]{20,512}"


def prefixed_keys(text: Text) -> Iterator[Found]:
    """Yield keys known by their first characters."""
    whole = text.text
    if "\\" in whole:
        # Of the escaped line breaks of JSON the letter is no part of the word after it.
        whole = re.sub(r"\\[nrt]", r"\\ ", whole)
    for start, end in text.long_words:
        for match in _any_key().finditer(whole, start, end):
            if not _is_placeholder(match.group()):
                yield Found(match.start(), match.end(), _kind(match.group()))
        if whole.find("sk-", start, end) >= 0:
            for match in compiled(_MIXED).finditer(whole, start, end):
                if _is_mixed(match.group()) and not _is_placeholder(match.group()):
                    yield Found(match.start(), match.end(), "api_key")


def _kind(key: str) -> str:
    return next(kind for kind, keys in _KEYS.items() if re.match("|".join(keys), key))


def _is_placeholder(key: str) -> bool:
    return re.search(r"[xX]{8}|[-_](?:your|my)[-_]", key) is not None


def _is_mixed(key: str) -> bool:
    has_digit = any(map(str.isdigit, key))
    hexadecimal = sum(char in "0123456789abcdef" for char in key)
    return has_digit and (key.lower() != key or hexadecimal >= 32)  # noqa: PLR2004
