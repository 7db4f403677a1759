import io
import socket

import pandas as pd
import pytest

from workbench.cli import main


def test_simulate_prints_what_the_simulator_says(capsys):
    from simulators import Trading

    assert main(["simulate", "trading", "--duration", "5s", "--seed", "3"]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert len(printed) == len(Trading(seed=3).arrivals("5s"))
    assert "arrival_time" in printed.columns


def test_simulate_writes_the_truth_into_a_file(tmp_path):
    path = tmp_path / "truth.csv"
    arguments = ["simulate", "sensors", "--duration", "2min", "--what", "truth", "--output", str(path)]
    assert main(arguments) == 0
    assert {"event_id", "label"} <= set(pd.read_csv(path).columns)


def test_a_wrong_duration_is_said_in_words(capsys):
    assert main(["simulate", "sensors", "--duration", "soon"]) == 2
    assert "soon" in capsys.readouterr().err


def test_serve_says_that_a_port_is_taken(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "is taken\nHint: another one" in capsys.readouterr().err


def test_lab_wants_a_folder(capsys):
    assert main(["lab", "no/such/folder"]) == 2
    assert "no such folder: no/such/folder" in capsys.readouterr().err


def test_doctor_runs_a_pipeline(capsys):
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "simulated rows" in printed
    assert "all is well" in printed


def test_version_and_help(capsys):
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as left:
            main([option])
        assert left.value.code == 0
    assert "serve" in capsys.readouterr().out
