// The plot of a scan, as SVG in the pixels of its place.
import { escaped } from "./dom.mjs";
import { shown, ticks } from "./numbers.mjs";

const MARGIN = { left: 46, right: 28, top: 34, bottom: 40 };
const LEVELS = [[1, "1σ"], [4, "2σ"], [9, "3σ"]];

/** Draw a scan: `values`, `t` and `inside` of each, `exact` ({values, t} or null), `name`, `here`. */
export function drawScan(svg, scan) {
  const { clientWidth: width, clientHeight: height } = svg;
  const ends = [Math.min(...scan.values), Math.max(...scan.values)];
  const known = [...scan.t, ...(scan.exact?.t ?? [])].filter(Number.isFinite);
  const top = Math.max(1.2, 1.06 * Math.max(...known, 0));
  const x = linear(ends, [MARGIN.left, width - MARGIN.right]);
  const y = linear([0, top], [height - MARGIN.bottom, MARGIN.top]);
  const points = scan.values.map((v, i) => [x(v), y(scan.t[i]), scan.inside[i]]).filter(([, b]) => Number.isFinite(b));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", `t of ${scan.name} from ${shown(ends[0], 3)} to ${shown(ends[1], 3)}`);
  svg.innerHTML = [
    ...levels(x, y, ends, top),
    ...axes(x, y, ends, top, scan.name),
    here(x, y, ends, top, scan.here),
    `<polyline class="curve" points="${points.map(([a, b]) => `${a},${b}`).join(" ")}"/>`,
    ...points.map(([a, b, inside]) => `<circle class="value${inside ? "" : " outside"}" cx="${a}" cy="${b}" r="3"/>`),
    ...exactPoints(scan.exact, x, y, ends),
    ...legend(scan, width),
  ].join("");
}

function linear([a, b], [p, q]) {
  return (value) => p + ((value - a) / (b - a)) * (q - p);
}

function levels(x, y, ends, top) {
  return LEVELS.filter(([t]) => t < top).map(([t, name]) =>
    `<line class="grid" x1="${x(ends[0])}" x2="${x(ends[1])}" y1="${y(t)}" y2="${y(t)}"/>
     <text x="${x(ends[1]) + 7}" y="${y(t) + 4}">${name}</text>`);
}

function axes(x, y, ends, top, name) {
  const [left, bottom] = [x(ends[0]), y(0)];
  const along = ticks(...ends, Math.max(4, Math.min(8, (x(ends[1]) - left) / 60))).map((v) =>
    `<line class="axis" x1="${x(v)}" x2="${x(v)}" y1="${bottom}" y2="${bottom + 5}"/>
     <text x="${x(v)}" y="${bottom + 19}" text-anchor="middle">${plain(v)}</text>`);
  const up = ticks(0, top).map((v) =>
    `<line class="axis" x1="${left - 5}" x2="${left}" y1="${y(v)}" y2="${y(v)}"/>
     <text x="${left - 8}" y="${y(v) + 4}" text-anchor="end">${plain(v)}</text>`);
  return [`<path class="axis" d="M${left},${y(top)}V${bottom}H${x(ends[1])}"/>`, ...along, ...up,
    `<text x="${(left + x(ends[1])) / 2}" y="${bottom + 36}" text-anchor="middle">${escaped(name)}</text>`,
    `<text x="${left - 8}" y="${y(top) - 6}" text-anchor="end">t</text>`];
}

function here(x, y, ends, top, value) {
  if (!(value >= ends[0] && value <= ends[1])) return "";
  return `<line class="here" x1="${x(value)}" x2="${x(value)}" y1="${y(0)}" y2="${y(top)}"/>`;
}

function exactPoints(exact, x, y, ends) {
  if (!exact) return [];
  return exact.values.map((v, i) => [v, exact.t[i]])
    .filter(([v, t]) => v >= ends[0] && v <= ends[1] && Number.isFinite(t))
    .map(([v, t]) => `<circle class="exact" cx="${x(v)}" cy="${y(t)}" r="6"/>`);
}

function legend(scan, width) {
  const entries = [];
  if (scan.exact) entries.push(['class="exact" r="6"', "exact likelihood"]);
  if (scan.inside.some((inside, i) => !inside && Number.isFinite(scan.t[i]))) {
    entries.push(['class="value outside" r="3"', "outside of the domain"]);
  }
  return entries.map(([mark, text], k) => {
    const x = MARGIN.left + 8 + (k * (width - MARGIN.left)) / 2;
    return `<circle ${mark} cx="${x}" cy="12"/><text x="${x + 12}" y="16">${text}</text>`;
  });
}

function plain(value) {
  return String(value).replace("-", "−");
}
