import pandas as pd

from workbench.errors import StepError, WorkbenchError


def test_an_error_has_up_to_three_parts():
    assert str(WorkbenchError("what")) == "what"
    assert str(WorkbenchError("what", detail="why", hint="how")) == "what\nDetail: why\nHint: how"


def test_a_step_error_names_the_step_and_shows_the_rows():
    cause = ZeroDivisionError("division by zero")
    error = StepError("ratio", pd.DataFrame({"x": [0]}, index=[17]), cause)
    assert str(error).startswith(
        "step 'ratio' raised ZeroDivisionError: division by zero\nDetail: 1 offending"
    )
    assert "17  0" in str(error)
    assert error.__cause__ is cause


def test_an_error_of_ours_in_a_step_keeps_its_parts():
    cause = WorkbenchError("no such column: 'x'", detail="there is y", hint="write y")
    error = StepError("match", pd.DataFrame({"y": [0]}, index=[17]), cause)
    assert str(error) == (
        "step 'match': no such column: 'x'\nDetail: there is y\n"
        "1 offending row(s):\n    y\n17  0\nHint: write y"
    )
    bare = StepError("match", pd.DataFrame(), WorkbenchError("nothing goes"), optional=True)
    assert (
        str(bare) == "step 'match': nothing goes\nHint: start with on_error='reject' to set such rows aside"
    )
