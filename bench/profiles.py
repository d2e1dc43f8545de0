"""Where the time of our lanes goes, from stacks that were sampled while one ran alone."""
import collections
import re

from markdown import table as markdown

# What a frame on top of a stack belongs to: the first that fits.
PLACES = [
    ("texts", r"java/lang/String|jbyte_\w*arraycopy|java/util/Arrays\.copyOfRange"),
    ("our Java", r"io/bucatini/connect"),
    ("Connect's own classes", r"org/apache/kafka"),
    ("the benchmark", r"io/bucatini/bench"),
    ("the crossing", r"connect_jni|^Java_|^__tls|^__mem|^mem(cpy|move|set)|^\[unknown_Java\]"),
    ("the core", r"avro_converter|wal2json|extract_new_record_state|connect_data|schema_registry"),
    ("wasmtime", r"wasmtime|component_host|bucatini_sdk"),
    ("the JVM and its library", r"^java/|^jdk/|^j\w+_arraycopy|^oop_|G1|Allocat|TLAB|Klass|OptoRuntime|Memory"),
]
BODY = "io/bucatini/bench/Paths.lambda$"
MOST = 6


def place(frame, stack):
    for name, pattern in PLACES:
        if re.search(pattern, frame):
            return name
    # What the engine has compiled has no name.
    return "the component" if any("wasm" in f.lower() for f in stack) else "other native code"


def read(file):
    """{samples, places: {name: part}, frames: {name: part}} of the lane's own thread; None if nothing was sampled."""
    places, frames, samples = collections.Counter(), collections.Counter(), 0
    for line in file.open():
        stack, count = line.rsplit(" ", 1)
        stack = stack.split(";")
        if not any(frame.startswith(BODY) for frame in stack):
            continue
        places[place(stack[-1], stack)] += int(count)
        frames[stack[-1]] += int(count)
        samples += int(count)
    if not samples:
        return None
    part = lambda counts, most: {name: count / samples for name, count in counts.most_common(most)}
    return {"samples": samples, "places": part(places, None), "frames": part(frames, MOST)}


def of(folder):
    """One row a path."""
    read_all = ((file.stem.removeprefix("profile-"), read(file)) for file in sorted(folder.glob("profile-*.txt")))
    return [{"path": path, **found} for path, found in read_all if found]


def short(frame):
    frame = re.sub(r"0x\w+", "", frame).replace("<", "").replace(">", "")
    return "::".join(frame.split("::")[-2:]) if "::" in frame else frame.split("/")[-1]


def table(rows):
    """Nothing if nothing was sampled."""
    names = [name for name in dict.fromkeys([p for p, _ in PLACES] + ["the component", "other native code"])
             if any(name in row["places"] for row in rows)]
    lines = []
    for row in rows:
        parts = [f"{100 * row['places'].get(name, 0):.0f} %" for name in names]
        top = ", ".join(f"`{short(frame)}` {100 * part:.0f} %" for frame, part in row["frames"].items())
        lines.append([row["path"], *parts, top])
    return markdown(["path", *names, "most of it on top"], lines) if rows else ""
