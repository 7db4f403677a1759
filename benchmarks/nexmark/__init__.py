"""Nexmark: auctions, those who sell and those who bid; its queries here, in plain pandas, DuckDB and Polars.

    python -m benchmarks.nexmark [events] [query ...]

The benchmark is of Tucker, Tufte, Papadimos and Maier (2002); the streams and most of the queries are as Beam
and nexmark-flink have them today. What is asked otherwise, or not at all:

- q3 and q20 join without a bound in time. So they do here, on one side: ids are told a second early at most.
- q4, q6 and q9 put all bids for an auction into one session. q6 takes a seller's last ten auctions in the
  order of their last valid bids; by expiry it cannot be asked, since rows keep their event time.
- q12 counts in windows of processing time. It is asked of event time, since there are no windows here whose
  content depends on when rows were read.
- Where Flink updates an answer with each row (q4, q15 to q19), the answer at the end is asked for.
- q10 writes files by partition: there are no sinks yet. q13, q14, q21 and q22 are q0 and q1 again, with a
  table beside them and with functions of text.
"""
