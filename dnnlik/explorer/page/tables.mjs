// The table of a fit, and that of a scan.
import { auxiliary } from "./likelihood.mjs";
import { shown } from "./numbers.mjs";
import { escaped } from "./plot.mjs";

/** One row a parameter: value, error, and with an auxiliary measurement pull and constraint. */
export function fitRows(model, fit, errors, free) {
  return model.parameters.map((parameter, i) => {
    const measured = auxiliary(parameter);
    const row = { name: parameter.name, value: fit.point[i], error: free[i] ? errors[i] : NaN, held: !free[i] };
    if (!measured) return row;
    const pull = (fit.point[i] - measured.centre) / measured.width;
    return { ...row, pull, constraint: row.error / measured.width };
  });
}

export function showFit(body, rows) {
  body.innerHTML = rows.map((row) => `<tr data-value="${row.value}" data-error="${row.error}">
    <th scope="row">${escaped(row.name)}</th><td>${shown(row.value, 4)}</td>
    <td>${row.held ? "held" : shown(row.error, 3)}</td><td>${"pull" in row ? shown(row.pull, 3) : ""}</td>
    <td>${"pull" in row ? shown(row.constraint, 3) : ""}</td><td class="drawing">${drawing(row)}</td></tr>`).join("");
}

/** Pull and constraint from -3 to 3; the band is one standard deviation before the fit. */
function drawing({ pull, constraint }) {
  if (pull === undefined) return "";
  const at = (value) => (100 * (Math.min(Math.max(value, -3), 3) + 3)) / 6;
  const error = Number.isFinite(constraint) ? constraint : 0;
  return `<svg viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
    <rect class="band" x="${at(-1)}" width="${at(1) - at(-1)}" y="0" height="16"/>
    <line class="zero" x1="50" x2="50" y1="0" y2="16" vector-effect="non-scaling-stroke"/>
    <line class="bar" x1="${at(pull - error)}" x2="${at(pull + error)}" y1="8" y2="8" vector-effect="non-scaling-stroke"/>
    <rect class="dot" x="${at(pull) - 1.5}" y="4" width="3" height="8"/></svg>`;
}

export function showScan(table, scan) {
  const exact = scan.exact ? new Map(scan.exact.values.map((v, i) => [v, scan.exact.t[i]])) : null;
  table.tHead.innerHTML = `<tr><th scope="col">${escaped(scan.name)}</th><th scope="col">t</th>${exact ? '<th scope="col">exact t</th>' : ""}<th scope="col">in domain</th></tr>`;
  table.tBodies[0].innerHTML = scan.values.map((v, i) => `<tr data-value="${v}" data-t="${scan.t[i]}">
    <th scope="row">${shown(v)}</th><td>${shown(scan.t[i])}</td>${exact ? `<td>${shown(exact.get(v) ?? NaN)}</td>` : ""}
    <td>${scan.inside[i] ? "yes" : "no"}</td></tr>`).join("");
}
