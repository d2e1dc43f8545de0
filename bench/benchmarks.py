"""BENCHMARKS.md and its plots, from the rows of a full run."""
import pathlib

import limits

SMALLER_IS_BETTER = {"wasm-batch"}


def plot(path, title, points, x_title, y_title):
    """One line chart as SVG: points is {name: [(x, y)]}."""
    width, height, left, bottom = 640, 320, 60, 40
    xs = [x for line in points.values() for x, _ in line]
    ys = [y for line in points.values() for _, y in line]
    low, high, top = min(xs), max(xs), 1.1 * max(ys)
    at = lambda x, y: (left + (x - low) / max(1e-9, high - low) * (width - left - 140), height - bottom - y / top * (height - bottom - 30))
    colours = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b9770e"]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>', f'<text x="{left}" y="18" font-size="14">{title}</text>',
             f'<line x1="{left}" y1="{height - bottom}" x2="{width - 140}" y2="{height - bottom}" stroke="black"/>',
             f'<line x1="{left}" y1="30" x2="{left}" y2="{height - bottom}" stroke="black"/>',
             f'<text x="{(left + width - 140) / 2}" y="{height - 6}" text-anchor="middle">{x_title}</text>',
             f'<text x="14" y="{height / 2}" transform="rotate(-90 14 {height / 2})" text-anchor="middle">{y_title}</text>']
    for x in sorted(set(xs)):
        parts.append(f'<text x="{at(x, 0)[0]:.0f}" y="{height - bottom + 15}" text-anchor="middle">{x:g}</text>')
    for y in (0, top / 2, top):
        parts.append(f'<text x="{left - 6}" y="{at(low, y)[1] + 4:.0f}" text-anchor="end">{y:.3g}</text>')
    for i, (name, line) in enumerate(points.items()):
        drawn = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in line)
        colour = colours[i % len(colours)]
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{width - 132}" y="{40 + 18 * i}" fill="{colour}">{name}</text>')
    path.write_text("\n".join(parts) + "\n</svg>\n")


def lanes(row):
    return ", ".join(f"{name} {lane['ns']:.0f} ns / {lane['bytes']:.0f} B" for name, lane in row["lanes"].items())


def columns(row):
    return int(row["input"].split("-")[1]) if row["input"].startswith("columns-") else 12 if row["input"] == "table" else None


def write(here, rows, costs, floors):
    plots = here / "plots"
    plots.mkdir(exist_ok=True)
    first = (rows[0]["jdk"], rows[0]["collector"])
    usual = [row for row in rows if (row["jdk"], row["collector"]) == first or row["jdk"] == "none"]
    for path in ("decode", "chain", "encode"):
        own = sorted((row for row in usual if row["path"] == path and columns(row)), key=columns)
        if own:
            plot(plots / f"{path}-ratio.svg", f"{path}: ratio to Java by columns", {"ratio": [(columns(r), r["ratio"]) for r in own]},
                 "columns", "times faster")
            plot(plots / f"{path}-time.svg", f"{path}: CPU time by columns",
                 {name: [(columns(r), r["lanes"][name]["ns"]) for r in own] for name in ("java", "ours")}, "columns", "ns a record")
    text = (here / "BENCHMARKS.head.md").read_text()
    table = ["| path | against | ratio | p10 - p90 | to reach |", "|---|---|---|---|---|"]
    for path, (_, wanted) in floors.items():
        own = [row for row in usual if row["path"] == path]
        if not own:
            table.append(f"| {path} | | not measured | | {wanted:g} |")
            continue
        row = min(own, key=lambda r: r["ratio"]) if path == "smt" else own[0]
        unit = " M records/s" if path == "rust-row" else "x the time" if path in SMALLER_IS_BETTER else "x"
        table.append(f"| {path} | {row['peer']} | **{row['ratio']:.2f}{unit}** | {row['p10']:.2f} - {row['p90']:.2f} | {wanted:g} |")
    every = ["| path | input | JDK | collector | ratio | p10 - p90 | CPU time and bytes allocated a record |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        every.append(f"| {row['path']} | {row['input']} | {row['jdk']} | {row['collector']} | {row['ratio']:.2f} | "
                     f"{row['p10']:.2f} - {row['p90']:.2f} | {lanes(row)} |")
    more = []
    for row in costs:
        if row["path"] == "threads":
            more.append("CPU time of a decoded record, best of five: " + ", ".join(f"{name} {lane['ns']:.0f} ns" for name, lane in row["lanes"].items()) + ".")
        else:
            more.append("Memory, bytes: " + "; ".join(f"{name}: " + ", ".join(f"{kind} {size:,}" for kind, size in sizes.items())
                                                      for name, sizes in row["bytes"].items()) + ".")
    figures = "\n".join(f"![{p.stem}](bench/plots/{p.name})" for p in sorted(plots.glob("*.svg")))
    machine = f"{rows[0]['machine']}; commit {rows[0]['commit']}."
    text = text.replace("<!-- machine -->", machine).replace("<!-- headline -->", "\n".join(table)).replace("<!-- floors -->", "\n".join(limits.table(usual, floors))).replace("<!-- costs -->", "\n\n".join(more))
    text = text.replace("<!-- plots -->", figures).replace("<!-- rows -->", "\n".join(every))
    (here.parent / "BENCHMARKS.md").write_text(text)
