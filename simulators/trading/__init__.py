"""Trading: the tape of a market, its order book, and payments by card."""

from simulators.trading.book import OrderBook
from simulators.trading.payments import Payments
from simulators.trading.tape import Trading

__all__ = ["OrderBook", "Payments", "Trading"]
