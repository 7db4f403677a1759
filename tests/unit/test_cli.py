import io
import os
import socket
import sys

import pandas as pd
import pytest

from workbench.cli import main
from workbench.ops import passwords


def test_simulate_prints_what_the_simulator_says(capsys):
    from simulators import Trading

    assert main(["simulate", "trading", "--duration", "5s", "--seed", "3"]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert len(printed) == len(Trading(seed=3).arrivals("5s"))
    assert "arrival_time" in printed.columns


def test_simulate_writes_the_truth_into_a_file(tmp_path):
    path = tmp_path / "truth.csv"
    arguments = ["simulate", "sensors", "--duration", "2min", "--what", "truth", "--to", str(path)]
    assert main(arguments) == 0
    assert {"event_id", "label", "true_time"} <= set(pd.read_csv(path).columns)


def test_simulate_takes_the_format_from_the_name_and_the_rate_from_us(tmp_path):
    path = tmp_path / "readings.jsonl"
    arguments = ["simulate", "sensors", "--rate", "500", "--duration", "1min", "--delivery", "ideal"]
    assert main([*arguments, "--to", str(path)]) == 0
    assert len(path.read_text().splitlines()) == pytest.approx(500 * 60, rel=0.05)


def test_simulate_replays_real_data(capsys):
    assert main(["simulate", "flights"]) == 0
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert len(printed) == 6759
    assert pd.to_datetime(printed["arrival_time"]).is_monotonic_increasing


def test_simulate_shows_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main(["simulate", "trading", "--duration", "25s"]) == 0
    assert "100%" in capsys.readouterr().err
    assert main(["simulate", "trading", "--duration", "25s", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sensors", "--duration", "soon"], "soon"),
        (["stocks"], "there is no simulator 'stocks'\nDetail: There are clickstream, shop"),
        (["sensors", "--to", "a.xlsx"], "the name 'a.xlsx' says no format"),
        (["flights", "--rate", "5"], "Replay has no rate"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_words(capsys, arguments, message):
    assert main(["simulate", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_serve_says_that_a_port_is_taken(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "is taken\nHint: another one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--address", "0.0.0.0"], "or --no-auth"),
        (["--auth", "nowhere"], "workbench password NAME --file nowhere"),
        (["--origin", "*"], "an origin cannot be '*'"),
        (["--port", "0", "nowhere.py"], "nothing to serve: nowhere.py"),
    ],
)
def test_what_cannot_be_served_is_said_in_words(capsys, arguments, message):
    assert main(["serve", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_password_is_kept_hashed(capsys, monkeypatch, tmp_path):
    file = tmp_path / "who"
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert main(["password", "ada", "--file", str(file)]) == 0
    assert "correct" not in file.read_text() + capsys.readouterr().out
    assert passwords.read(file).admits("ada", "correct horse")


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


def test_a_server_begins_anew_with_memory_that_it_can_hand_back(monkeypatch):
    class BegunAnewError(Exception):
        pass

    def execv(path, arguments):
        assert (path, arguments) == (sys.executable, sys.orig_argv)
        assert os.environ["PYTHONMALLOC"] == "malloc"
        assert os.environ["MALLOC_MMAP_THRESHOLD_"] == "131072"
        raise BegunAnewError

    for name in ("PYTHONMALLOC", "MALLOC_MMAP_THRESHOLD_"):
        monkeypatch.setenv(name, "as it was")
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(sys, "argv", ["workbench", "serve"])
    with pytest.raises(BegunAnewError):
        main()
    monkeypatch.setenv("PYTHONMALLOC", "pymalloc")
    monkeypatch.setattr(sys, "argv", ["workbench", "serve", "no-such-file.py"])
    assert main() == 2  # as somebody wants it


def test_what_is_after_the_dashes_is_for_jupyterlab(monkeypatch, tmp_path, capsys):
    called = []
    monkeypatch.setattr(os, "execv", lambda path, words: called.append(words))
    monkeypatch.chdir(tmp_path)
    main(["lab", "--", "--no-browser", "--port=0"])
    assert called[0][3:6] == [f"--ServerApp.root_dir={tmp_path}", "--no-browser", "--port=0"]
    assert main(["doctor", "--", "--no-browser"]) == 2
    assert "only workbench lab has options after --" in capsys.readouterr().err


def test_what_the_system_refuses_is_told_in_a_line(capsys):
    assert main(["simulate", "sensors", "--to", "/no/such/folder/x.csv"]) == 2
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "sensors", "--speed", "0"],
        ["simulate", "sensors", "--speed", "-1"],
        ["serve", "--port", "70000"],
    ],
)
def test_numbers_that_cannot_be_are_refused(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "_" not in capsys.readouterr().err.splitlines()[-1]  # no name of ours


def test_a_data_set_takes_the_way_that_is_asked_for(tmp_path):
    for delivery in ("ideal", "mobile"):
        main(["simulate", "temperatures", "--delivery", delivery, "--to", str(tmp_path / f"{delivery}.csv")])
    ideal, mobile = ((tmp_path / f"{name}.csv").read_text() for name in ("ideal", "mobile"))
    assert ideal != mobile
