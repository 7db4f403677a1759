"""The queries of Nexmark in DuckDB's SQL, over whole tables called `person`, `auction` and `bid`."""

from __future__ import annotations

VALID = """auction A JOIN bid B ON A.id = B.auction AND B.dateTime BETWEEN A.dateTime AND A.expires"""
WON = f"""
    SELECT A.*, B.bidder, B.price, B.channel, B.url, B.dateTime AS dateTime_right, B.extra AS extra_right,
        max(B.dateTime) OVER (PARTITION BY A.id) AS ended
    FROM {VALID}
    QUALIFY row_number() OVER (PARTITION BY A.id ORDER BY B.price DESC, B.dateTime) = 1"""
COUNTS = """
    SELECT window_end + k * INTERVAL 2 SECOND AS window_end, auction, sum(num)::BIGINT AS num
    FROM (
        SELECT time_bucket(INTERVAL 2 SECOND, dateTime) + INTERVAL 2 SECOND AS window_end,
            auction, count(*) AS num
        FROM bid GROUP BY ALL
    ), range(5) AS r(k)
    GROUP BY ALL"""
RANKS = {
    "total": "",
    "rank1": "FILTER (price < 10000)",
    "rank2": "FILTER (price >= 10000 AND price < 1000000)",
    "rank3": "FILTER (price >= 1000000)",
}
BIDS = ", ".join(f"count(*) {which} AS {rank}_bids" for rank, which in RANKS.items())
DISTINCT = ", ".join(
    f"count(DISTINCT {column}) {which} AS {rank}_{column}s"
    for column in ("bidder", "auction")
    for rank, which in RANKS.items()
)
DAY = "date_trunc('day', dateTime)"
TOLD = "auction, bidder, price, dateTime, extra"

SQL = {
    "q0": f"SELECT {TOLD} FROM bid",
    "q1": "SELECT auction, bidder, price * 0.908::DOUBLE AS price, dateTime, extra FROM bid",
    "q2": "SELECT auction, price FROM bid WHERE auction % 123 = 0",
    "q3": """
        SELECT name, city, state, A.id FROM person P JOIN auction A ON A.seller = P.id
        WHERE category = 10 AND state IN ('OR', 'ID', 'CA')""",
    "q4": f"""
        SELECT category, avg(final) AS mean
        FROM (SELECT max(B.price) AS final, A.category FROM {VALID} GROUP BY A.id, A.category)
        GROUP BY category""",
    "q5": f"SELECT * FROM ({COUNTS}) QUALIFY rank() OVER (PARTITION BY window_end ORDER BY num DESC) = 1",
    "q6": f"""
        SELECT seller, id AS auction, avg(price) OVER (
            PARTITION BY seller ORDER BY ended ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS mean
        FROM ({WON})""",
    "q7": f"""
        SELECT {TOLD} FROM bid QUALIFY rank() OVER (
            PARTITION BY time_bucket(INTERVAL 10 SECOND, dateTime) ORDER BY price DESC) = 1""",
    "q8": """
        SELECT time_bucket(INTERVAL 10 SECOND, P.dateTime) AS window_start, P.id AS seller, name
        FROM person P SEMI JOIN auction A ON P.id = A.seller
            AND time_bucket(INTERVAL 10 SECOND, P.dateTime) = time_bucket(INTERVAL 10 SECOND, A.dateTime)""",
    "q9": f"SELECT id AS auction, * EXCLUDE (id, ended) FROM ({WON})",
    "q11": """
        SELECT bidder, min(dateTime) AS window_start, max(dateTime) + INTERVAL 10 SECOND AS window_end,
            count(*) AS bids
        FROM (
            SELECT bidder, dateTime, sum(begins::INT) OVER (PARTITION BY bidder ORDER BY dateTime) AS session
            FROM (
                SELECT bidder, dateTime, coalesce(dateTime - lag(dateTime) OVER (
                    PARTITION BY bidder ORDER BY dateTime) > INTERVAL 10 SECOND, false) AS begins
                FROM bid))
        GROUP BY bidder, session""",
    "q12": """
        SELECT time_bucket(INTERVAL 10 SECOND, dateTime) AS window_start, bidder, count(*) AS bids
        FROM bid GROUP BY ALL""",
    "q15": f"SELECT {DAY} AS window_start, {BIDS}, {DISTINCT} FROM bid GROUP BY ALL",
    "q16": f"""
        SELECT channel, date_trunc('minute', max(dateTime)) AS minute, {BIDS}, {DISTINCT}
        FROM bid GROUP BY channel, {DAY}""",
    "q17": f"""
        SELECT auction, {BIDS}, min(price) AS min_price, max(price) AS max_price, avg(price) AS mean_price,
            sum(price)::BIGINT AS sum_price
        FROM bid GROUP BY auction, {DAY}""",
    "q18": """
        SELECT * FROM bid
        QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC) = 1""",
    "q19": """
        SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, dateTime) AS rank
        FROM bid QUALIFY rank <= 10""",
    "q20": """
        SELECT id AS auction, A.* EXCLUDE (id), bidder, price, channel, url, B.dateTime AS dateTime_right,
            B.extra AS extra_right
        FROM bid B JOIN auction A ON B.auction = A.id WHERE category = 10""",
}
