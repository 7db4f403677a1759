"""What holds for all tests: Hypothesis takes the same examples each time, however slow the machine is."""

from hypothesis import settings

settings.register_profile("workbench", deadline=None, derandomize=True)
settings.load_profile("workbench")
