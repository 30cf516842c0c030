"""Access tokens as an attacker would write them, some even with the installation's own key."""

import base64
import hashlib
import hmac
import json
from uuid import uuid4

from holdfast.kernel.crypto import encode


def part(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def twice(claims: dict, name: str, first: object) -> str:
    """Return the claims as a text that says one of them twice."""
    return f'{{"{name}":{json.dumps(first)},' + json.dumps(claims, separators=(",", ":"))[1:]


def opened(token: str) -> tuple[dict, dict]:
    header, claims, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(each + "==")) for each in (header, claims))


def signed(header: dict, claims: object, key: bytes) -> str:
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{encode(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


FORGERIES = {
    "alg none": lambda h, c, k: f"{part({**h, 'alg': 'none'})}.{part(c)}.",
    "alg None with our signature": lambda h, c, k: signed({**h, "alg": "None"}, c, k),
    "alg HS512": lambda h, c, k: signed({**h, "alg": "HS512"}, c, k),
    "alg RS256": lambda h, c, k: signed({**h, "alg": "RS256"}, c, k),
    "no alg": lambda h, c, k: signed({n: v for n, v in h.items() if n != "alg"}, c, k),
    "another key": lambda h, c, k: signed(h, c, b"x" * 32),
    "an empty key": lambda h, c, k: signed(h, c, b""),
    "typ JWT": lambda h, c, k: signed({**h, "typ": "JWT"}, c, k),
    "no typ": lambda h, c, k: signed({n: v for n, v in h.items() if n != "typ"}, c, k),
    "another kid": lambda h, c, k: signed({**h, "kid": "other"}, c, k),
    "a path as kid": lambda h, c, k: signed({**h, "kid": "../../dev/null"}, c, b""),
    "no kid": lambda h, c, k: signed({n: v for n, v in h.items() if n != "kid"}, c, k),
    "a key of the caller's": lambda h, c, k: signed({**h, "jwk": {"kty": "oct", "k": encode(b"x" * 32)}}, c, b"x" * 32),
    "an address of keys": lambda h, c, k: signed({**h, "jku": "https://evil.test/keys"}, c, k),
    "an address of a certificate": lambda h, c, k: signed({**h, "x5u": "https://evil.test/key"}, c, k),
    "a key beside our signature": lambda h, c, k: signed({**h, "jwk": {"kty": "oct", "k": encode(k)}}, c, k),
    "something critical": lambda h, c, k: signed({**h, "crit": ["b64"], "b64": True}, c, k),
    "not good yet": lambda h, c, k: signed(h, {**c, "nbf": c["exp"]}, k),
    "two ends": lambda h, c, k: signed(h, twice(c, "exp", c["exp"] + 900), k),
    "two sessions": lambda h, c, k: signed(h, twice(c, "sid", str(uuid4())), k),
    "another audience": lambda h, c, k: signed(h, {**c, "aud": "other"}, k),
    "no audience": lambda h, c, k: signed(h, {n: v for n, v in c.items() if n != "aud"}, k),
    "another issuer": lambda h, c, k: signed(h, {**c, "iss": "other"}, k),
    "expired": lambda h, c, k: signed(h, {**c, "exp": c["iat"] - 1}, k),
    "no end": lambda h, c, k: signed(h, {n: v for n, v in c.items() if n != "exp"}, k),
    "a text as the end": lambda h, c, k: signed(h, {**c, "exp": "9999999999"}, k),
    "true as the end": lambda h, c, k: signed(h, {**c, "exp": True}, k),
    "an unknown session": lambda h, c, k: signed(h, {**c, "sid": str(uuid4())}, k),
    "another organisation": lambda h, c, k: signed(h, {**c, "tid": str(uuid4())}, k),
    "no session": lambda h, c, k: signed(h, {n: v for n, v in c.items() if n != "sid"}, k),
    "a list as claims": lambda h, c, k: signed(h, [c], k),
    "a changed signature": lambda h, c, k: signed(h, c, k)[:-4] + "AAAA",
    "no signature": lambda h, c, k: signed(h, c, k).rpartition(".")[0] + ".",
    "two parts": lambda h, c, k: signed(h, c, k).rpartition(".")[0],
    "five parts": lambda h, c, k: signed(h, c, k) + ".a.b",
}
