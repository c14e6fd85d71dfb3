"""What the MDN HTTP Observatory would say of an answer: its published table of modifiers and grades, reckoned here.

Rules of github.com/mdn/mdn-http-observatory (src/grader/charts.js), as of 2026. A bonus counts for those alone who have
90 points without any.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HALF_A_YEAR = 15768000
_GRADES = (
    (100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-"), (60, "C+"), (50, "C"), (45, "C-"),
    (40, "D+"), (30, "D"), (25, "D-"), (0, "F"),
)  # fmt: skip
_BROAD = {"ftp:", "http:", "https:", "*", "http://*", "https://*"}
_HASHED = ("'sha256-", "'sha384-", "'sha512-", "'nonce-")


@dataclass(frozen=True)
class Score:
    """Points and grade, and what was given or taken for each rule."""

    points: int
    grade: str
    why: dict[str, int]


def score(headers: Iterable[tuple[str, str]], page: str = "", redirect: tuple[str, str] | None = None) -> Score:
    """Judge the headers of an answer over https, its page, and the address asked by http with where that led to."""
    known: dict[str, list[str]] = {}
    for name, value in headers:
        known.setdefault(name.lower(), []).append(value)
    one = {name: values[-1] for name, values in known.items()}
    policy = _policy(known.get("content-security-policy", []))
    why = {
        "csp": _csp(policy),
        "cookies": _cookies(known.get("set-cookie", [])),
        "cors": -50 if "access-control-allow-credentials" in one else 0,
        "redirection": 0 if redirect is None else _redirection(*redirect),
        "referrer": _referrer(one.get("referrer-policy")),
        "hsts": _hsts(one.get("strict-transport-security")),
        "sri": _scripts(page),
        "nosniff": 0 if one.get("x-content-type-options", "").lower() == "nosniff" else -5,
        "framing": _framing(policy, one.get("x-frame-options")),
        "corp": _resource_policy(one.get("cross-origin-resource-policy")),
    }
    bare = 100 + sum(value for value in why.values() if value < 0)
    points = max(0, 100 + sum(why.values()) if bare >= 90 else bare)
    return Score(points, next(grade for least, grade in _GRADES if points >= least), why)


def _policy(policies: list[str]) -> dict[str, set[str]]:
    """Of several policies each holds: what all of them allow."""
    found: dict[str, set[str]] = {}
    for policy in (each for header in policies for each in header.split(",")):
        for directive in filter(None, map(str.strip, policy.split(";"))):
            name, *sources = directive.lower().split()
            allowed = set(sources)
            found[name] = found[name] & allowed or {"'none'"} if name in found else allowed
    return found


def _csp(policy: Mapping[str, set[str]]) -> int:
    if not policy:
        return -25
    default = policy.get("default-src", {"*"})
    script, style, objects = (policy.get(f"{kind}-src", default) for kind in ("script", "style", "object"))
    script, style = ({*each} - ({"'unsafe-inline'"} if _hashed(each) else set()) for each in (script, style))
    passive = policy.get("img-src", default) | policy.get("media-src", default)
    active = {source for name, sources in policy.items() if name not in ("img-src", "media-src") for source in sources}
    if script & (_BROAD | {"'unsafe-inline'", "data:"}) or objects & _BROAD:
        return -20
    if any(source.startswith(("http:", "ftp:")) for source in active):
        return -20
    if "'unsafe-eval'" in script | style or any(source.startswith(("http:", "ftp:")) for source in passive):
        return -10
    if style & (_BROAD | {"'unsafe-inline'", "data:"}):
        return 0
    return 10 if default == {"'none'"} else 5


def _hashed(sources: set[str]) -> bool:
    return any(source.startswith(_HASHED) for source in sources)


def _cookies(cookies: list[str]) -> int:
    worst = 5 if cookies else 0
    for cookie in cookies:
        name, *words = (word.strip().lower() for word in cookie.split(";"))
        session = any(word in name.partition("=")[0] for word in ("login", "sess"))
        site = [word.partition("=")[2] for word in words if word.startswith("samesite")]
        if session and "httponly" not in words:
            worst = min(worst, -30)
        if "secure" not in words:
            worst = min(worst, -10 if session else -5)
        if not site:
            worst = min(worst, -20 if "csrf" in name else 0)
        elif site[0] not in ("lax", "strict", "none"):
            worst = min(worst, -20)
    return worst


def _redirection(asked: str, led: str) -> int:
    if not led:
        return -20
    if not led.startswith("https://"):
        return -10
    return 0 if re.split("[/?#]", led)[2] == re.split("[/?#]", asked)[2] else -5


def _referrer(policy: str | None) -> int:
    if policy is None:
        return 0
    return 5 if policy in ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin") else -5


def _hsts(header: str | None) -> int:
    found = re.search(r"max-age=(\d+)", header or "")
    return -20 if not found else 0 if int(found[1]) >= HALF_A_YEAR else -10


def _scripts(page: str) -> int:
    outside = re.findall(r"<script[^>]*\ssrc=[\"']?((?:https?:)?//[^\"' >]+)", page, re.IGNORECASE)
    return 0 if not outside else -5 if all(address.startswith("https:") for address in outside) else -50


def _framing(policy: Mapping[str, set[str]], header: str | None) -> int:
    if "frame-ancestors" in policy and not policy["frame-ancestors"] & _BROAD:
        return 5
    return 0 if (header or "").lower() in ("deny", "sameorigin") else -20


def _resource_policy(header: str | None) -> int:
    if header is None or header == "cross-origin":
        return 0
    return 10 if header in ("same-origin", "same-site") else -5
