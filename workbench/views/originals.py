"""Pictures that are drawn once in a process, and copied to each session that looks.

HoloViews takes half a second to draw a picture with many parts, too long to do it for everybody who comes.
A copy is made of the drawn Bokeh models, with their identifiers; what changes in the original is told to it,
and rows go by the wire of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt
import param
from bokeh.document import Document
from bokeh.io.doc import patch_curdoc
from bokeh.models import ColumnDataSource, Plot
from bokeh.util.serialization import transform_array

from workbench.errors import WorkbenchError
from workbench.views.drawing import KEY, Drawing
from workbench.views.live import Tables
from workbench.views.rows import Rows
from workbench.views.service import Feed

Changes = dict[tuple[str, str], int]
"""By the identifier of a model and the name of a property: in which version it was changed last."""


REST = 0.18
"""Seconds from one change of what all sessions share to the next, at least: a little less than of a page."""
PAUSE = 5.0
"""Seconds until what could not be drawn is drawn anew."""


class Original:
    """A HoloViews object with our streams in it, drawn, and kept up to date.

    Parameters
    ----------
    shown : holoviews object
        What is drawn.
    results : mapping of Rows to str
        The rows in it, and the result of the run that each shows.
    feed : Feed
        Whose results.

    Attributes
    ----------
    version : int
        Goes up with each update that found something new.
    changes : dict
        What has changed since it was drawn, but for rows.
    tables : Tables
        The rows of its sources, by their identifiers.
    """

    def __init__(self, shown: Any, results: Mapping[Rows, str], feed: Feed) -> None:
        self.shown, self.results, self._feed = shown, dict(results), feed
        self.version = 0
        self.changes: Changes = {}
        self.tables = Tables({})
        self.drawing: Drawing | None = None
        self._versions: dict[Rows, int] = {}
        self._copied: Any = None
        self._failed: list[Exception] = []
        note_failures(shown, self._failed)

    def update(self) -> None:
        """Show what is new, some times a second for all; it is drawn when there are rows.

        Raises
        ------
        WorkbenchError
            If it cannot be drawn, as where a function of somebody's raises.
        """
        self._feed.once(("original", id(self)), self._try, every=PAUSE if self._failed else REST)
        if self._failed:
            error = self._failed[0]
            told = error.what if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
            raise WorkbenchError(told, detail="raised while a picture was drawn") from error

    def _try(self) -> None:
        """Show what is new; what HoloViews has drawn in part is of no use any more."""
        self._failed.clear()
        try:
            self._refresh()
        except Exception as error:
            self._failed.append(error)
        if self._failed:
            self.drawing, self._versions = None, {}

    def _refresh(self) -> None:
        for rows, result in self.results.items():
            rows.bring(self._feed.run, result)
        changed = [rows for rows in self.results if rows.version != self._versions.get(rows)]
        self._versions = {rows: rows.version for rows in self.results}
        if not any(rows.form()[0] for rows in self.results) or (self.drawing is not None and not changed):
            return
        self.version += 1
        if self.drawing is None or self.drawing.outgrown:
            drawing = self._draw()
        else:
            drawing = self.drawing
            drawing.update(changed)
        sources = drawing.document.select({"type": ColumnDataSource})
        self.tables = Tables({source.id: _columns(source) for source in sources}, key=KEY)

    def copy(self) -> Copy | None:
        """Give a copy; None as long as there is no row to be drawn."""
        if self.drawing is None:
            return None
        if self._copied is None:
            self._copied = self.version, self.drawing.document.to_json(deferred=False)
        version, models = self._copied
        return Copy(self, self.drawing, Document.from_json(models), version)

    def _draw(self) -> Drawing:
        if self.drawing is not None:
            self.drawing.close()
        nobody = Document()
        drawing: Drawing | Exception
        with patch_curdoc(nobody):  # or the rows would follow their runs by themselves
            try:
                drawing = Drawing(self.shown)
            except Exception as error:  # Bokeh would not take the document off again
                drawing = error
        if isinstance(drawing, Exception):
            raise drawing
        self.drawing = drawing
        self.changes, self._copied = {}, None
        drawing.document.on_change(self._note)
        return drawing

    def _note(self, event: Any) -> None:
        model, name = getattr(event, "model", None), getattr(event, "attr", "")
        if model is not None and not isinstance(model, ColumnDataSource):
            self.changes[model.id, name] = self.version
            if not _is_plain(getattr(model, name)):
                self._copied = None


class Copy:
    """The models of an original once more, for one session; its rows are those of when it was first copied.

    Parameters
    ----------
    original : Original
        Whose changes it follows.
    drawing : Drawing
        That it is of; when there is another, it cannot follow any more.
    document : bokeh.document.Document
        With the copied models.
    version : int
        Of the original when it was copied.
    """

    def __init__(self, original: Original, drawing: Drawing, document: Document, version: int) -> None:
        self._original, self._drawing, self._version = original, drawing, version
        self.root = document.roots[0]
        document.remove_root(self.root)
        self._models = {model.id: model for model in self.root.references()}

    @property
    def figures(self) -> list[Any]:
        """The Bokeh figures in it."""
        return [model for model in self._models.values() if isinstance(model, Plot)]

    @property
    def sources(self) -> dict[str, ColumnDataSource]:
        """The sources in it, by their identifiers."""
        return {name: model for name, model in self._models.items() if isinstance(model, ColumnDataSource)}

    def follow(self) -> bool:
        """Take over what has changed, but for rows; False if it must be copied anew."""
        if self._original.drawing is not self._drawing:
            return False
        for (name, what), version in self._original.changes.items():
            if version > self._version and name in self._models:
                value = getattr(self._drawing.document.models[name], what)
                if not _is_plain(value):
                    return False
                setattr(self._models[name], what, list(value) if isinstance(value, list) else value)
        self._version = self._original.version
        return True


def note_failures(shown: Any, failed: list[Exception]) -> None:
    """Let a list take what functions in a picture raise: HoloViews prints it, and keeps what was drawn."""

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any, **named: Any) -> Any:
            try:
                return function(*given, **named)
            except Exception as error:
                failed.append(error)
                raise

        return noted

    for each in shown.traverse(lambda part: part, [hv.DynamicMap]):
        with param.edit_constant(each.callback):
            each.callback.callable = noting(each.callback.callable)
        for given in each.callback.inputs:
            note_failures(given, failed)


def _is_plain(value: Any) -> bool:
    """Tell whether a value refers to no model, so that a copy can have it too."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(map(_is_plain, value))
    return isinstance(value, int | float | str | None)


def _columns(source: ColumnDataSource) -> dict[str, npt.NDArray[Any]]:
    """Give the columns as a browser has them, times as milliseconds; copied, for Bokeh patches its own."""
    return {name: transform_array(np.array(column)) for name, column in source.data.items()}
