"""A Bokeh document in a notebook that is open in several pages."""

from bokeh.document import Document

from workbench.views.bokehwidget import BokehWidget


def test_a_view_that_is_closed_in_one_page_leaves_those_of_others():
    widget = BokehWidget(Document())

    def page(name, views):
        widget._heard(widget, {"views": views, "page": name}, [])

    assert not widget.ready
    page("one", 2)
    page("other", 1)
    page("other", 0)
    assert widget.ready
    page("one", 1)
    assert widget.ready
    page("one", 0)
    assert not widget.ready
    widget.close()
