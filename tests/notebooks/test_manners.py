"""A cell that is run again and again, in a real kernel: its run and its displays are replaced, and nothing grows."""

import json
import queue

import pytest
from jupyter_client.manager import start_new_kernel

SECONDS = 120

DESCRIBED = """
import workbench as wb
from simulators import Clickstream
clicks = wb.stream(Clickstream(seed=7), watermark="2s")
traffic = clicks.groupby("action").window("10s", lateness="5s").agg(events=("event_id", "size"))
"""

SHOWN = """
run = traffic.start(speed=20, name="traffic")
display(run, run.graph(), traffic.timeplane(last="1min"))
traffic.plot.line("window_end", "events", by="action")
"""

COUNTED = """
import asyncio, gc, json, threading
from streamz import Stream
await asyncio.sleep(1)  # what ends, ends
gc.collect()
counted = {
    "runs": len(wb.runs()),
    "streams": sum(isinstance(each, Stream) for each in gc.get_objects()),
    "tasks": len(asyncio.all_tasks()),
    "threads": threading.active_count(),
    "frames": sum(type(each).__name__ == "DataFrame" for each in gc.get_objects()),
    "memory": int(open("/proc/self/statm").read().split()[1]) * 4096,
}
print("counted", json.dumps(counted))
"""


@pytest.fixture
def kernel(tmp_path):
    """A kernel, as a function that executes a cell by its id and gives what it prints."""
    manager, client = start_new_kernel(cwd=str(tmp_path))

    def execute(code, cell):
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
        }
        message = client.session.msg("execute_request", content, metadata={"cellId": cell})
        client.shell_channel.send(message)
        printed = ""
        while True:
            try:
                said = client.get_iopub_msg(timeout=SECONDS)
            except queue.Empty:
                pytest.fail(f"the cell {cell} has not come to its end")
            if said["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            match said["msg_type"], said["content"]:
                case "stream", {"name": "stdout", "text": text}:
                    printed += text
                case "stream", {"text": text}:
                    pytest.fail(text)
                case "error", {"traceback": lines}:
                    pytest.fail("\n".join(lines))
                case "status", {"execution_state": "idle"}:
                    return printed

    yield execute
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_after_twenty_times_streams_tasks_threads_and_memory_are_flat(kernel):
    kernel(DESCRIBED, "described")
    counted = []
    for _ in range(4):
        for _ in range(5):
            kernel(SHOWN, "shown")
        printed = kernel(COUNTED, "counted")
        counted.append(json.loads(printed.partition("counted ")[2]))
    one = counted[0]["streams"]  # what is there of a run, and perhaps of the one before it
    for each in counted:
        assert each["runs"] == 1
        assert each["streams"] <= 2 * one, f"streams: {[every['streams'] for every in counted]}"
        for what in ("tasks", "threads"):
            assert each[what] <= counted[0][what], f"{what}: {[every[what] for every in counted]}"
    print(counted)
    grown = (counted[-1]["memory"] - counted[0]["memory"]) / 15
    assert grown < 1_000_000, f"each run leaves {grown:,.0f} bytes: {counted}"
