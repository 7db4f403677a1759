"""Clickstreams: the visits to a shop, of videos, a social network, a feed, a game."""

from simulators.clickstream.clickstream import Clickstream

__all__ = ["Clickstream"]
