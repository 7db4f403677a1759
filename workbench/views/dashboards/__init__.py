"""The dashboards, one file each: what a pipeline computes, and how it is shown."""
