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
