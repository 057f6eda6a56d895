"""An origin that trusts Sallyport's assertions: SITE=https://shop.example.com AUDIENCE=orders [PORT=8080] python origin.py"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import jwt

from key_set import KeySet, KeysUnavailable

SITE = os.environ["SITE"]
AUDIENCE = os.environ["AUDIENCE"]
if urlsplit(SITE).scheme != "https" and urlsplit(SITE).hostname not in ("localhost", "127.0.0.1"):
    raise SystemExit("SITE must be an https origin: https://shop.example.com")

key_set = KeySet(SITE)


def verify(assertion: str) -> dict:
    """The claims. Raises jwt.InvalidTokenError, or KeysUnavailable."""
    if len(assertion) > 16_384:
        raise jwt.InvalidTokenError("size")
    header = jwt.get_unverified_header(assertion)
    # PyJWT does not look at typ: without this, any token of the same key would do.
    if header.get("typ") != "sallyport+jwt" or header.get("alg") != "ES256":
        raise jwt.InvalidTokenError("type or algorithm")
    key = key_set.key(header["kid"]) if isinstance(header.get("kid"), str) else None
    if key is None:
        raise jwt.InvalidTokenError("unknown key")
    claims = jwt.decode(
        assertion,
        key,
        algorithms=["ES256"],
        issuer=SITE,
        audience=AUDIENCE,
        leeway=5,
        # strict_aud: one text that is equal, and no list that holds it
        options={"require": ["iss", "aud", "sub", "idp", "caller", "iat", "exp"], "strict_aud": True},
    )
    if not claims["sub"] or not claims["idp"]:
        raise jwt.InvalidTokenError("nobody")
    return claims


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        assertion = self.headers.get("Sallyport-Assertion") or (
            token.strip() if scheme.lower() == "bearer" else ""
        )
        try:
            claims = verify(assertion)
        except KeysUnavailable:
            return self.answer(503, {"reason": "keys_unavailable"}, ("Retry-After", "5"))
        except jwt.InvalidTokenError:
            return self.answer(401, {"reason": "assertion_refused"}, ("WWW-Authenticate", "Bearer"))
        return self.answer(200, {"identity_provider": claims["idp"], "subject": claims["sub"]})

    def answer(self, status: int, body: dict, *headers: tuple[str, str]):
        self.send_response(status)
        for name, value in (*headers, ("Content-Type", "application/json")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        """No header of a request in a log."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
