"""The template of a page: its parts are put into a document together, not one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import panel as pn
from bokeh.document import Document


class Whole(pn.Template):
    """A template of many parts that is made in a quarter of the time.

    Bokeh looks at all models of a document whenever a part is added to it, and Panel describes all parts in
    words whenever one is added to a template.

    Parameters
    ----------
    template : str
        HTML with ``embed(roots.name)`` where a part is.
    figures : mapping of str to bokeh figure
        Further parts, by name, which Panel need not know.
    """

    def __init__(self, template: str, figures: Mapping[str, Any]) -> None:
        super().__init__(template)
        self._figures = dict(figures)

    def __repr__(self) -> str:
        return type(self).__name__

    def _init_doc(self, doc: Document | None = None, *args: Any, **options: Any) -> Document:
        document = doc or pn.state.curdoc or Document()
        with document.models.freeze():
            super()._init_doc(document, *args, **options)
            for name, figure in self._figures.items():
                figure.name = name
                document.add_root(figure)
        return document
