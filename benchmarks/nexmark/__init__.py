"""Nexmark: auctions, those who sell and those who bid; its queries here, in plain pandas, DuckDB and Polars.

    python -m benchmarks.nexmark [events]

The benchmark is of Tucker, Tufte, Papadimos and Maier (2002); the streams and most of the queries are as Beam and
nexmark-flink have them today. What is not asked:

- q6 takes the last ten auctions in the order of their last valid bids, not of the winning ones: a stream's rows keep
  their event time here.
- q10 writes files by partition: there are no sinks yet.
- q12 counts in windows of processing time; here it is asked of event time, since there are no windows whose content
  depends on when rows were read.
- q13, q14, q21 and q22 are q0 and q1 again, with a table beside them and with functions of text.
- Where Flink updates an answer with each row for ever (q4, q15 to q19), the answer at the end is asked for.
"""
