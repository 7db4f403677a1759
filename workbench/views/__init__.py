"""What people see; the only home of holoviews, panel, bokeh and ipywidgets."""
