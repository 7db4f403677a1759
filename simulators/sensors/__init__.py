"""Sensors: the devices of a building, a city, a fleet of vehicles, and servers."""

from simulators.sensors.building import Sensors
from simulators.sensors.city import City
from simulators.sensors.fleet import Fleet
from simulators.sensors.servers import Servers

__all__ = ["City", "Fleet", "Sensors", "Servers"]
