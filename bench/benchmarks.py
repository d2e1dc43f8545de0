"""BENCHMARKS.md and its plots, from the rows of a full run."""
import statistics

import chart
import limits
import profiles
from markdown import table

# What criterion measures and the lane of a race that does the same.
RACED = {
    "decode": ("rust-row", "decode alone"),
    "rust-row": ("rust-row", "row"),
    "rust-row by all stages": ("rust-row", "row by all stages"),
    "component, one record": ("wasm-batch", "component, one record a call"),
    "component, batch of 500": ("wasm-batch", "component"),
}
# The inputs that JMH has, too.
USUAL = {"table", "defaults", "update of 12 columns"}


def columns(row):
    return int(row["input"].split("-")[1]) if row["input"].startswith("columns-") else 12 if row["input"] == "table" else None


def by_columns(plots, usual):
    for path in ("decode", "chain", "encode"):
        own = sorted((row for row in usual if row["path"] == path and columns(row)), key=columns)
        if own:
            chart.draw(plots / f"{path}-ratio.svg", f"{path}: ratio to Java by columns",
                       {"ratio": [(columns(r), r["ratio"]) for r in own]}, "columns", "times faster")
            chart.draw(plots / f"{path}-time.svg", f"{path}: CPU time by columns",
                       {name: [(columns(r), r["lanes"][name]["ns"]) for r in own] for name in ("java", "ours")},
                       "columns", "ns a record")


def cold(plots, costs):
    """By records since the start of a JVM: medians of the JVMs."""
    rows = []
    for path in ("cold-decode", "cold-chain"):
        lines = {}
        for lane in ("java", "ours"):
            own = [row["ns"] for row in costs if row["path"] == path and row["lane"] == lane]
            if own:
                lines[lane] = [(int(count), statistics.median(row[count] for row in own)) for count in own[0]]
        if len(lines) < 2:
            continue
        chart.draw(plots / f"{path}.svg", f"{path.removeprefix('cold-')}: CPU time of the process by records since its start",
                   {lane: [(count, ns / 1e6) for count, ns in line] for lane, line in lines.items()},
                   "records", "ms a record", log="xy")
        for (count, theirs), (_, ours) in zip(lines["java"], lines["ours"]):
            rows.append([path.removeprefix("cold-"), f"{count:,}",
                         f"{theirs * count / 1e6:,.0f}", f"{ours * count / 1e6:,.0f}", f"{theirs / ours:.2f}"])
    return table(["path", "records", "java, ms in all", "ours, ms in all", "ratio"], rows) if rows else ""


def batch_sizes(plots, costs):
    for row in costs:
        if row["path"] == "batch-sizes":
            lanes = {name: lane["ns"] for name, lane in row["lanes"].items()}
            native = lanes.pop("native")
            points = [(int(size), ns) for size, ns in lanes.items()]
            chart.draw(plots / "component-batch.svg", "decode in a component: CPU time by records a call",
                       {"component": points, "native": [(size, native) for size, _ in points]},
                       "records a call", "ns a record", log="x")
            return table(["records a call", "component, ns", "by native"],
                         [[str(size), f"{ns:.0f}", f"{ns / native:.2f}"] for size, ns in points])
    return ""


def headlines(heads, floors):
    rows = []
    for path, (_, wanted) in floors.items():
        row = heads[path]
        if not row:
            rows.append([path, "", "not measured", "", f"{wanted:g}"])
            continue
        unit = " M records/s" if path == "rust-row" else "x the time" if path == "wasm-batch" else "x"
        rows.append([path, row["peer"], f"**{row['ratio']:.2f}{unit}**", f"{row['p10']:.2f} - {row['p90']:.2f}", f"{wanted:g}"])
    return table(["path", "against", "ratio", "p10 - p90", "to reach"], rows)


def jmh(usual, runs):
    """The same bodies, each in a JVM of its own, by the wall clock."""
    times = {(run["benchmark"], run["path"]): run for run in runs}
    rows = []
    for run in runs:
        if run["benchmark"] != "Pairs.peer" or ("Pairs.ours", run["path"]) not in times:
            continue
        ours = times["Pairs.ours", run["path"]]
        raced = next((row["ratio"] for row in usual if row["path"] == run["path"] and row["input"] in USUAL), None)
        rows.append([run["path"], spread(run), spread(ours), f"{run['ns'] / ours['ns']:.2f}", f"{raced:.2f}" if raced else ""])
    parts = [table(["path", "java, ns", "ours, ns", "ratio by JMH", "ratio of the race"], rows)] if rows else []
    crossing = [f"{words} {spread(times[name, None])} ns" for name, words in
                (("Crossing.address", "a call that only asks where a buffer is"),
                 ("Crossing.copies", "a payload copied in and an image out, without a call"),
                 ("Crossing.image", "both with the image made")) if (name, None) in times]
    if crossing:
        parts.append("Crossing to the native library and back: " + ", ".join(crossing) + ".")
    return "\n\n".join(parts)


def spread(run):
    return f"{run['ns']:.0f}" + (f" ± {run['error']:.0f}" if run["error"] else "")


def criterion(usual, runs):
    rows = []
    for run in runs:
        path, lane = RACED.get(run["name"], (None, None))
        raced = next((row["lanes"][lane]["ns"] for row in usual if row["path"] == path and lane in row["lanes"]), None)
        rows.append([run["name"], f"{run['ns']:.0f}", f"{run['low']:.0f} - {run['high']:.0f}", f"{raced:.0f}" if raced else ""])
    return table(["without a JVM", "criterion, ns", "95 %", "race, ns"], rows) if rows else ""


def expenses(costs):
    text = []
    for row in costs:
        if row["path"] == "threads":
            text.append("CPU time of a decoded record, best of five: "
                        + ", ".join(f"{name} {lane['ns']:.0f} ns" for name, lane in row["lanes"].items()) + ".")
    sizes = {name: size for row in costs if "bytes" in row for name, size in row["bytes"].items()}
    kinds = ["heap", "direct", "linear", "resident", "reserved addresses"]
    if sizes:
        text.append(table(["bytes of one more", *kinds],
                          [[name, *(f"{size[kind]:,}" if kind in size else "" for kind in kinds)]
                           for name, size in sizes.items()]))
    return "\n\n".join(text)


def every(rows):
    def lanes(row):
        return ", ".join(f"{name} {lane['ns']:.0f} ns / {lane['bytes']:.0f} B" for name, lane in row["lanes"].items())
    return table(["path", "input", "JDK", "collector", "ratio", "p10 - p90", "CPU time and bytes allocated a record"],
                 [[row["path"], row["input"], row["jdk"], row["collector"], f"{row['ratio']:.2f}",
                   f"{row['p10']:.2f} - {row['p90']:.2f}", lanes(row)] for row in rows])


def write(here, rows, heads, costs, checks, floors):
    plots = here / "plots"
    plots.mkdir(exist_ok=True)
    for old in plots.glob("*.svg"):
        old.unlink()
    first = (rows[0]["jdk"], rows[0]["collector"])
    usual = [row for row in rows if (row["jdk"], row["collector"]) == first or row["jdk"] == "none"]
    by_columns(plots, usual)
    places = {
        "machine": f"{rows[0]['machine']}; commit {rows[0]['commit']}.",
        "headline": headlines(heads, floors),
        "floors": limits.table(usual, floors),
        "profiles": profiles.table(checks["profiles"]),
        "jmh": jmh(usual, checks["jmh"]),
        "criterion": criterion(usual, checks["criterion"]),
        "cold": cold(plots, costs),
        "batches": batch_sizes(plots, costs),
        "costs": expenses(costs),
        "plots": "\n".join(f"![{p.stem}](bench/plots/{p.name})" for p in sorted(plots.glob("*.svg"))),
        "rows": every(rows),
    }
    text = (here / "BENCHMARKS.head.md").read_text()
    for place, content in places.items():
        # A part that was not measured leaves no mark.
        text = text.replace(f"<!-- {place} -->", content)
    (here.parent / "BENCHMARKS.md").write_text(text)
