"""What stands between ours and the floor: programs for one input, in the same run."""
from markdown import table as markdown

# Of a row: what the lane of ours and that of the floor are called.
LANES = {# The other floor of these calls our own library: no limit.
         **{path: [(path, "ours", "straight floor")] for path in ("decode", "chain", "encode")},
         # What is native there is ours: no limit.
         "wasm-record": [],
         "rust-row": [("rust-row", "row", "floor")],
         "wasm-batch": [("wasm-batch", "component", "floor"),
                        ("wasm-record, the call alone", "component, one record a call", "floor, one record a call"),
                        ("decode, what is native", "native", "floor native")]}
USUAL = ("ours", "floor")
PEERS = {"java", "before"}
# A limit counts where ours is as near as this.
NEAR = 1.10


def table(rows, wanted):
    """Of each path ours and the floor, what the floor itself would reach, and the steps alone."""
    lines = []
    for row in rows:
        for name, ours, floor in LANES.get(row["path"], [(row["path"],) + USUAL]):
            if ours in row["lanes"] and floor in row["lanes"]:
                lines.append(line(name, row, ours, floor, wanted.get(row["path"], (0, 0))[1]))
    return markdown(["path", "ours, ns", "floor, ns", "ours / floor", "within a tenth", "the floor's ratio", "to reach",
                     "alone, ns"], lines)


def line(name, row, ours, floor, wanted):
    ns = {lane: values["ns"] for lane, values in row["lanes"].items()}
    by = ns[ours] / ns[floor]
    steps = ", ".join(f"{lane} {time:.0f}" for lane, time in ns.items() if lane not in PEERS | {ours, floor})
    if name == "smt":
        name = f"smt {row['input']}"
    reached = f"{ns['java'] / ns[floor]:.1f}" if "java" in ns else f"{1e3 / ns[floor]:.1f} M records/s" if row["path"] == "rust-row" \
        else f"{ns[floor] / ns['floor native']:.2f}x the time of the native floor" if name == "wasm-batch" else ""
    goal = f"{wanted:g}" if reached else ""
    near = "no" if by > NEAR else "**yes**"
    return [name, f"{ns[ours]:.0f}", f"{ns[floor]:.0f}", f"{by:.2f}", near, reached, goal, steps]
