"""The test kit: what the workbench is tested with, and users may test their pipelines with.

`ManualClock` makes processing time stand still; `run_oracle` answers row by row and `pandas_answer`
for a whole table at once; `replay` plays a table to an operator in any batches, and `final_panes`
and `pane_differences` compare what came out. `workbench.testing.strategies` has tables, windows and
batches for Hypothesis; ``python -m workbench.testing.conformance FOLDER`` runs cases kept as data.
"""
