"""A fixed piece of HTML with live values in it, as a part of a page: see `workbench.views.wire`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from workbench.views.plainjson import spelled


class Values(dict[str, Any]):
    """Values that many sessions show, and nobody changes: written as JSON once for all."""

    @cached_property
    def text(self) -> str:
        """The JSON."""
        return spelled(self)


class Bound:
    """HTML whose marked places are filled with values, in the browser.

    Parameters
    ----------
    html : str
        The piece. ``data-text="rate"`` is filled with ``data["rate"]``; likewise ``data-class``, ``data-bar``
        (percent), ``data-spark`` (a list of numbers), ``data-show``, ``data-value``, ``data-label``,
        ``data-title`` and ``data-scene``. Values are text, and never read as HTML.
    data : mapping, optional
        The values at first, by name: numbers, words and lists of either.
    obey : callable, optional
        Is given name and value of what a button or a list with ``data-command`` in it says; else the page is.

    Attributes
    ----------
    version : int
        Goes up with each change.
    rewritten : bool
        Whether the piece is another one than that of which the page was made.

    Examples
    --------
    >>> rate = Bound(html='<b data-text="rate"></b>', data={"rate": "7 /s"})
    >>> rate.say(rate="7 /s"), rate.version, rate.say(rate="8 /s"), rate.version
    (None, 0, None, 1)
    """

    def __init__(
        self,
        *,
        html: str = "",
        data: Mapping[str, Any] | None = None,
        obey: Callable[[str, str], None] | None = None,
    ) -> None:
        self.html, self.data, self.obey = html, data or {}, obey
        self.version, self.rewritten = 0, False

    def say(self, **data: Any) -> None:
        """Show values; nothing changes if they are the same as before. What is not said any more is empty."""
        data = {name: _nothing(value) for name, value in self.data.items() if name not in data} | data
        if data != self.data:
            self.data = data
            self.version += 1

    def show(self, values: Values) -> None:
        """Show values that other sessions show as well; as `say`, and quicker."""
        if values is self.data:
            return
        if self.data.keys() - values.keys():
            self.say(**values)
            return
        self.version += values != self.data
        self.data = values

    @property
    def text(self) -> str:
        """The values as JSON."""
        return self.data.text if isinstance(self.data, Values) else spelled(self.data)

    def rewrite(self, html: str) -> None:
        """Let it be another piece from now on."""
        if html != self.html:
            self.html, self.rewritten = html, True
            self.version += 1


def _nothing(value: Any) -> Any:
    """Give what stands for a value that is not said any more: empty, and of its kind."""
    return type(value)() if isinstance(value, bool | int | float | list | dict) else ""
