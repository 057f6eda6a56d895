"""The site's key set, followed as its answers say (RFC 9111): what PyJWT's own client does not do.

PyJWKClient keeps the set for a fixed time, does not read Cache-Control, and reads the set anew for each unknown kid.
"""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

import jwt

LONGEST_AGE = 300  # seconds, whatever the answer allows
COOL_DOWN = 10  # seconds between two reads for unknown keys
STALE_FOR = 300  # seconds for which a set serves on while the site cannot be asked
PAUSE = 5  # seconds for which a site that failed is left alone
LONGEST_SET = 262_144  # bytes


class KeysUnavailable(Exception):
    """Nothing is wrong with the assertion: answer 503."""


@dataclass
class Copy:
    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    etag: str | None = None
    fresh_until: float = 0
    usable_until: float = 0


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class KeySet:
    def __init__(self, site: str):
        self._url = f"{site}/.well-known/jwks.json"
        self._open = urllib.request.build_opener(NoRedirects).open
        self._lock = threading.Lock()
        self._copy = Copy()
        self._asked_at = self._quiet_until = float("-inf")

    def key(self, kid: str) -> jwt.PyJWK | None:
        """None for a key that the site does not publish. One thread reads the set, the others wait for it."""
        with self._lock:
            now = time.monotonic()
            is_fresh = now < self._copy.fresh_until
            may_ask = now >= self._quiet_until
            if not is_fresh or kid not in self._copy.keys:
                if may_ask and not (is_fresh and now < self._asked_at + COOL_DOWN):
                    self._read(now)
            if now >= self._copy.usable_until:
                raise KeysUnavailable
            return self._copy.keys.get(kid)

    def _read(self, now: float) -> None:
        self._asked_at = now
        headers = {"If-None-Match": self._copy.etag} if self._copy.etag else {}
        request = urllib.request.Request(self._url, headers=headers)
        try:
            with self._open(request, timeout=5) as answer:
                body = answer.read(LONGEST_SET + 1)
                if answer.status != 200 or len(body) > LONGEST_SET:
                    raise ValueError("no key set")
                keys = self._parse(body)
                answered = answer.headers
        except urllib.error.HTTPError as error:
            if error.code != 304 or not self._copy.etag:
                self._quiet_until = now + PAUSE
                return
            keys, answered = self._copy.keys, error.headers
        except (OSError, ValueError, jwt.PyJWTError):
            self._quiet_until = now + PAUSE
            return
        age = self._age(answered.get("Cache-Control", ""), answered.get("Age", "0"))
        self._copy = Copy(keys, answered.get("ETag"), now + age, now + age + STALE_FOR)

    @staticmethod
    def _parse(body: bytes) -> dict[str, jwt.PyJWK]:
        """Only keys for signatures with a name; an empty set says that every key was withdrawn."""
        document = json.loads(body)
        if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
            raise ValueError("no key set")
        fit = [
            key
            for key in document["keys"]
            if isinstance(key, dict) and key.get("kty") == "EC" and key.get("crv") == "P-256"
            and key.get("use", "sig") == "sig" and key.get("alg", "ES256") == "ES256"
            and isinstance(key.get("kid"), str) and "d" not in key
        ]
        names = [key["kid"] for key in fit]
        return {key["kid"]: jwt.PyJWK(key, "ES256") for key in fit if names.count(key["kid"]) == 1}

    @staticmethod
    def _age(cache_control: str, held: str) -> float:
        if re.search(r"\bno-(store|cache)\b", cache_control, re.IGNORECASE):
            return 1
        found = re.search(r"(?:^|[\s,])max-age=(\d{1,9})", cache_control, re.IGNORECASE)
        age = int(found[1]) if found else 0
        return max(1, min(age - (int(held) if held.isdecimal() else 0), LONGEST_AGE))
