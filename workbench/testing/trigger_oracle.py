"""The oracle's triggers: one small machine a trigger and window, as the Beam model describes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.model.triggers import (
    AfterAll,
    AfterAny,
    AfterCount,
    AfterEach,
    AfterProcessingTime,
    AfterWatermark,
    AtExpiry,
    ContinuousEventTime,
    Repeatedly,
    Trigger,
)
from workbench.time import NO_WATERMARK


@dataclass(frozen=True)
class Now:
    """How far time is for a window: watermark, whether it has passed the end, and processing time."""

    watermark: int
    passed: bool
    processing: int = NO_WATERMARK


class Machine(ABC):
    """A trigger of one window."""

    def __init__(self, *parts: Machine) -> None:
        self.parts = parts
        self.done = False
        self.clear()

    def arrive(self, time: int, now: Now) -> None:
        """Take note of a row."""
        for part in self.parts:
            part.arrive(time, now)

    @abstractmethod
    def ready(self, now: Now) -> bool:
        """Say whether to fire."""

    def fire(self, now: Now) -> None:
        """Take note that it fires."""
        self.done = True

    def insists(self, now: Now) -> bool:
        """Say whether to put out a pane even without new rows."""
        return any(part.insists(now) for part in self.parts)

    def clear(self) -> None:
        """Begin anew."""
        self.done = False
        for part in self.parts:
            part.clear()

    def merge(self, others: Sequence[Machine], now: Now) -> None:
        """Take over the state of the machines of merged windows."""
        self.done = any(other.done for other in others)
        self.merge_parts(others, now)

    def merge_parts(self, others: Sequence[Machine], now: Now) -> None:
        """Take over the states of the parts."""
        for at, part in enumerate(self.parts):
            part.merge([other.parts[at] for other in others], now)


class CountMachine(Machine):
    """Waits for so many rows."""

    count: int

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def arrive(self, time: int, now: Now) -> None:
        """Count."""
        self.count += 1

    def ready(self, now: Now) -> bool:
        """Say whether there are enough."""
        return not self.done and self.count >= self.n

    def fire(self, now: Now) -> None:
        """Finish."""
        super().fire(now)
        self.count = 0

    def clear(self) -> None:
        """Begin anew."""
        super().clear()
        self.count = 0

    def merge(self, others: Sequence[Machine], now: Now) -> None:
        """Add up."""
        super().merge(others, now)
        self.count = sum(other.count for other in others if isinstance(other, CountMachine))


class TimerMachine(Machine):
    """Waits for processing time, or for the watermark to pass multiples of a duration."""

    due: int | None

    def clear(self) -> None:
        """Begin anew."""
        super().clear()
        self.due = None

    def merge(self, others: Sequence[Machine], now: Now) -> None:
        """Take the earliest."""
        super().merge(others, now)
        dues = [other.due for other in others if isinstance(other, TimerMachine) and other.due is not None]
        self.due = min(dues, default=None)


class ProcessingTimeMachine(TimerMachine):
    """Waits for a delay after the first row, or the next aligned moment."""

    def __init__(self, trigger: AfterProcessingTime) -> None:
        super().__init__()
        self.trigger = trigger

    def arrive(self, time: int, now: Now) -> None:
        """Set the timer, if it is not set."""
        if self.due is None:
            align = self.trigger.align
            aligned = (now.processing // align + 1) * align if align else 0
            self.due = aligned or now.processing + self.trigger.delay

    def ready(self, now: Now) -> bool:
        """Say whether it is time."""
        return not self.done and self.due is not None and self.due <= now.processing

    def fire(self, now: Now) -> None:
        """Finish."""
        super().fire(now)
        self.due = None


class ContinuousMachine(TimerMachine):
    """Fires at multiples of a duration of event time."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every = every

    def arrive(self, time: int, now: Now) -> None:
        """Set the timer, if it is not set."""
        if self.due is None:
            self.due = (time // self.every + 1) * self.every

    def ready(self, now: Now) -> bool:
        """Say whether a multiple, or the end, has been passed."""
        return now.passed or self.insists(now)

    def insists(self, now: Now) -> bool:
        """Say whether a multiple has been passed."""
        return not now.passed and self.due is not None and self.due <= now.watermark

    def fire(self, now: Now) -> None:
        """Set the timer anew."""
        if not now.passed:
            self.due = (now.watermark // self.every + 1) * self.every


class NeverMachine(Machine):
    """Leaves all to the closing pane."""

    def ready(self, now: Now) -> bool:
        """Never."""
        return False


class RepeatedMachine(Machine):
    """Lets another fire again and again."""

    def ready(self, now: Now) -> bool:
        """Say whether the other is ready."""
        return self.parts[0].ready(now)

    def fire(self, now: Now) -> None:
        """Let the other fire, and begin anew if it has finished."""
        self.parts[0].fire(now)
        self.renew()

    def merge(self, others: Sequence[Machine], now: Now) -> None:
        """Merge the other."""
        self.merge_parts(others, now)
        self.renew()

    def renew(self) -> None:
        """Let the other begin anew if it has finished."""
        if self.parts[0].done:
            self.parts[0].clear()


class WatermarkMachine(Machine):
    """One trigger before the end of the window, another after it."""

    beyond: bool

    def __init__(self, trigger: AfterWatermark) -> None:
        self.early = None if trigger.early is None else RepeatedMachine(machine_of(trigger.early))
        self.late = None if trigger.late is None else RepeatedMachine(machine_of(trigger.late))
        super().__init__(*(part for part in (self.early, self.late) if part is not None))

    def phase(self) -> Machine | None:
        """Give the trigger whose time it is."""
        return self.late if self.beyond else self.early

    def arrive(self, time: int, now: Now) -> None:
        """Tell the trigger whose time it is."""
        phase = self.phase()
        if phase is not None:
            phase.arrive(time, now)

    def ready(self, now: Now) -> bool:
        """Say whether the end has come, or that trigger is ready."""
        phase = self.phase()
        return (not self.beyond and now.passed) or (phase is not None and phase.ready(now))

    def fire(self, now: Now) -> None:
        """Pass the end, or let that trigger fire."""
        phase = self.phase()
        if phase is not None and (self.beyond or not now.passed):
            phase.fire(now)
        self.beyond = self.beyond or now.passed
        self.done = self.beyond and self.late is None

    def clear(self) -> None:
        """Begin anew."""
        super().clear()
        self.beyond = False

    def merge(self, others: Sequence[Machine], now: Now) -> None:
        """Stay beyond the end only if all were, and it is."""
        self.merge_parts(others, now)
        past = [other.beyond for other in others if isinstance(other, WatermarkMachine)]
        self.beyond = now.passed and all(past)
        if self.late is not None and not self.beyond:
            self.late.clear()
        self.done = self.beyond and self.late is None


class AnyMachine(Machine):
    """Fires when one of several does, until one has finished."""

    def ready(self, now: Now) -> bool:
        """Say whether one is ready."""
        return not self.done and any(part.ready(now) for part in self.parts)

    def fire(self, now: Now) -> None:
        """Let those fire that are ready."""
        for part in self.parts:
            if part.ready(now):
                part.fire(now)
        self.done = self.finished()

    def merge(self, others: Sequence[Machine], now: Now) -> None:
        """Merge the parts."""
        self.merge_parts(others, now)
        self.done = self.finished()

    def finished(self) -> bool:
        """Say whether one has finished."""
        return any(part.done for part in self.parts)


class AllMachine(AnyMachine):
    """Fires when all of several would, until all have finished."""

    def ready(self, now: Now) -> bool:
        """Say whether all are ready."""
        return not self.done and all(part.done or part.ready(now) for part in self.parts)

    def finished(self) -> bool:
        """Say whether all have finished."""
        return all(part.done for part in self.parts)


class EachMachine(Machine):
    """Fires as one after the other."""

    at: int

    def turn(self) -> Machine:
        """Give the one whose turn it is."""
        return self.parts[self.at]

    def arrive(self, time: int, now: Now) -> None:
        """Tell the one whose turn it is."""
        if not self.done:
            self.turn().arrive(time, now)

    def ready(self, now: Now) -> bool:
        """Say whether that is ready."""
        return not self.done and self.turn().ready(now)

    def fire(self, now: Now) -> None:
        """Go on to the next if it has finished."""
        self.turn().fire(now)
        self.at += self.turn().done
        self.done = self.at == len(self.parts)

    def clear(self) -> None:
        """Begin anew."""
        super().clear()
        self.at = 0

    def merge(self, others: Sequence[Machine], now: Now) -> None:
        """Go on from the first that has not finished; those after it begin anew."""
        self.merge_parts(others, now)
        finished = [part.done for part in self.parts]
        self.at = (*finished, False).index(False)
        for part in self.parts[self.at + 1 :]:
            part.clear()
        self.done = self.at == len(self.parts)


def machine_of(trigger: Trigger) -> Machine:
    """Make the machine of a trigger.

    Examples
    --------
    >>> machine, now = machine_of(AfterCount(2)), Now(0, passed=False)
    >>> machine.arrive(5, now)
    >>> machine.ready(now)
    False
    """
    match trigger:
        case AfterCount(n=n):
            return CountMachine(n)
        case AfterProcessingTime():
            return ProcessingTimeMachine(trigger)
        case ContinuousEventTime(every=every):
            return ContinuousMachine(every)
        case AtExpiry():
            return NeverMachine()
        case AfterWatermark():
            return WatermarkMachine(trigger)
        case Repeatedly(of=of):
            return RepeatedMachine(machine_of(of))
        case AfterAny(of=of):
            return AnyMachine(*map(machine_of, of))
        case AfterAll(of=of):
            return AllMachine(*map(machine_of, of))
        case AfterEach(of=of):
            return EachMachine(*map(machine_of, of))
