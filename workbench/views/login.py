"""Who looks: a page to log in, which asks nobody outside; passwords are compared with their hashes.

Panel's own keeps passwords as they are and compares them in the open, and its page loads a style sheet from
the internet; so only its place in the server is used.
"""

from __future__ import annotations

import html
from typing import ClassVar

from panel.auth import BasicAuthProvider
from panel.io.state import state
from tornado.web import RequestHandler

from workbench.ops.endpoints import Gate
from workbench.views import theme

DAYS = 7
"""How long somebody stays logged in."""


class PasswordAuth(BasicAuthProvider):
    """Lets those in who know their password.

    Parameters
    ----------
    gate : Gate
        Who knows them.
    """

    def __init__(self, gate: Gate) -> None:
        self._handler = type("LoginPage", (LoginPage,), {"gate": gate})
        super().__init__()

    @property
    def login_handler(self) -> type[RequestHandler]:
        """The handler of ``/login``."""
        return self._handler

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """The handler of ``/logout``."""
        return LogoutPage


class LoginPage(RequestHandler):
    """A form for name and password."""

    gate: ClassVar[Gate]

    def get(self) -> None:
        """Show the form."""
        self._show(200)

    async def post(self) -> None:
        """Let somebody in, or show the form again."""
        name, password = self.get_argument("username", ""), self.get_argument("password", "", strip=False)
        if not await self.gate.admits(name, password):
            self._show(403, "That name and password do not belong together.")
            return
        secure = self.request.protocol == "https"
        self.set_secure_cookie(
            "user", name, expires_days=DAYS, httponly=True, samesite="Lax", secure=secure, path="/"
        )
        self.redirect(inside(self.get_argument("next", "/")))

    def data_received(self, chunk: bytes) -> None:
        """Take no bodies piece by piece."""

    def _show(self, status: int, trouble: str = "") -> None:
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", "frame-ancestors 'none'")
        token = self.xsrf_form_html() if self.settings.get("xsrf_cookies") else ""
        self.finish(form(inside(self.get_argument("next", "/")), trouble, token))


class LogoutPage(RequestHandler):
    """Forgets who somebody is."""

    def get(self) -> None:
        """Forget it."""
        self.clear_cookie("user", path="/")
        self.redirect("./login")

    def data_received(self, chunk: bytes) -> None:
        """Take no bodies piece by piece."""


def inside(place: str) -> str:
    r"""Give an address to go on to, if it is one of this server; else the home page.

    Examples
    --------
    >>> inside("/trading?symbol=ALBA"), inside("//elsewhere.org/"), inside("/\\elsewhere.org")
    ('/trading?symbol=ALBA', '/', '/')
    """
    apart = place[1:2] in ("/", "\\") or any(ord(letter) < 32 for letter in place)
    return place if place.startswith("/") and not apart else "/"


def form(going_on: str, trouble: str, token: str) -> str:
    """Give the page to log in as HTML."""
    alarm = f'<p class="trouble" role="alert">{html.escape(trouble)}</p>' if trouble else ""
    return _page(
        "Log in",
        f"""{alarm}<form method="post" action="{html.escape(state.base_url or "/")}login">{token}
<input type="hidden" name="next" value="{html.escape(going_on)}">
<label>Name<input name="username" autocomplete="username" required autofocus></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form>""",
    )


def notice(title: str, words: str, *, again: int) -> str:
    """Give a page that says one thing, and looks again after some seconds, as HTML."""
    refresh = f'<meta http-equiv="refresh" content="{again}">'
    return _page(title, f"<p>{html.escape(words)}</p>", refresh)


def _page(title: str, body: str, head: str = "") -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>{html.escape(title)} · streaming workbench</title>{head}
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{theme.stylesheet()}{_STYLE}</style></head>
<body><main class="gate"><h1>{html.escape(title)}</h1>{body}</main></body></html>"""


_STYLE = """
main.gate { max-width: 400px; margin: 14vh auto; padding: 26px 30px 28px; background: var(--paper);
  border: 1px solid var(--line); border-radius: 10px; }
.gate h1 { font-size: 19px; margin: 0 0 16px; } .gate p { margin: 0 0 14px; color: var(--muted); }
.gate label { display: block; margin: 0 0 14px; font-weight: 550; }
.gate input:not([type=hidden]) { display: block; width: 100%; margin-top: 4px; padding: 8px 10px;
  font: inherit; color: inherit; background: var(--paper); border: 1px solid #8b97a5; border-radius: 6px; }
.gate button { padding: 9px 18px; font: 600 14px/1 var(--font); color: #fff; background: #0072B2;
  border: 0; border-radius: 6px; cursor: pointer; }
.gate .trouble { color: var(--bad); font-weight: 550; }
"""
