"""A line chart as SVG."""
import math

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 640, 320, 70, 140, 40, 30
COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b9770e"]


def draw(path, title, points, x_title, y_title, log=""):
    """points is {name: [(x, y)]}; log names the axes that are logarithmic."""
    xs = sorted({x for line in points.values() for x, _ in line})
    ys = [y for line in points.values() for _, y in line]
    across = math.log10 if "x" in log else float
    low, high = across(xs[0]), across(xs[-1])
    if "y" in log:
        marks = [10.0 ** e for e in range(math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys))) + 1)]
        bottom, up = math.log10(marks[0]), math.log10
    else:
        marks, bottom, up = [0, 0.55 * max(ys), 1.1 * max(ys)], 0.0, float
    top = up(marks[-1])

    def at(x, y):
        return (LEFT + (across(x) - low) / max(1e-9, high - low) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - (up(y) - bottom) / max(1e-9, top - bottom) * (HEIGHT - BOTTOM - TOP))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>', f'<text x="{LEFT}" y="18" font-size="14">{title}</text>',
             f'<line x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - RIGHT}" y2="{HEIGHT - BOTTOM}" stroke="black"/>',
             f'<line x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{HEIGHT - BOTTOM}" stroke="black"/>',
             f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{x_title}</text>',
             f'<text x="14" y="{HEIGHT / 2}" transform="rotate(-90 14 {HEIGHT / 2})" text-anchor="middle">{y_title}</text>']
    written = -math.inf
    for x in xs:
        place = at(x, marks[-1])[0]
        if place - written > 20:
            parts.append(f'<text x="{place:.0f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{x:,g}</text>')
            written = place
    for y in marks:
        parts.append(f'<text x="{LEFT - 6}" y="{at(xs[0], y)[1] + 4:.0f}" text-anchor="end">{y:,.3g}</text>'
                     if y < 1000 else f'<text x="{LEFT - 6}" y="{at(xs[0], y)[1] + 4:.0f}" text-anchor="end">{y:,.0f}</text>')
    for i, (name, line) in enumerate(points.items()):
        drawn = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in line)
        colour = COLOURS[i % len(COLOURS)]
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{40 + 18 * i}" fill="{colour}">{name}</text>')
    path.write_text("\n".join(parts) + "\n</svg>\n")
