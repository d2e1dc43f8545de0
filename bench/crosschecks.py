"""What JMH and criterion have left, as rows: the same work by the wall clock, one thing at a time."""
import json


def jmh(folder):
    """{benchmark, path, ns, error}: the error is half of the interval of 99.9 %."""
    rows = []
    for run in [run for file in sorted(folder.glob("jmh-*.json"), reverse=True) for run in json.loads(file.read_text())]:
        metric = run["primaryMetric"]
        error = metric["scoreError"]
        rows.append({"benchmark": run["benchmark"].rsplit(".", 2)[-2] + "." + run["benchmark"].rsplit(".", 1)[-1],
                     "path": (run.get("params") or {}).get("path"), "ns": metric["score"],
                     "error": None if error == "NaN" else error})
    return rows


def criterion(folder):
    """{name, ns, low, high}: the median of a record and its interval of 95 %."""
    rows = []
    for file in sorted(folder.glob("*/*/new/estimates.json")):
        about = json.loads((file.parent / "benchmark.json").read_text())
        records = (about.get("throughput") or {}).get("Elements", 1)
        median = json.loads(file.read_text())["median"]
        interval = median["confidence_interval"]
        rows.append({"name": about["function_id"] or about["value_str"], "ns": median["point_estimate"] / records,
                     "low": interval["lower_bound"] / records, "high": interval["upper_bound"] / records})
    return rows
