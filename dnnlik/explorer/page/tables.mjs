// The table of a fit, and that of a scan.
import { escaped, inOrder, named } from "./dom.mjs";
import { auxiliary } from "./likelihood.mjs";
import { decimals, shown } from "./numbers.mjs";

/** One row a parameter, in the order to show: value, error, and with an auxiliary measurement pull and constraint. */
export function fitRows(model, fit, errors, free) {
  return inOrder(model.parameters).map((i) => {
    const parameter = model.parameters[i];
    const measured = auxiliary(parameter);
    const row = {
      column: i, name: parameter.name, value: fit.point[i], error: free[i] ? errors[i] : NaN,
      held: !free[i], digits: decimals(model.scale[i]) };
    if (!measured) return row;
    const pull = (fit.point[i] - measured.centre) / measured.width;
    return { ...row, pull, constraint: row.error / measured.width };
  });
}

export function showFit(table, rows) {
  table.tBodies[0].innerHTML = rows.map((row) => `
    <tr data-column="${row.column}" data-value="${row.value}" data-error="${row.error}">
    <th scope="row">${named(row.name)}</th><td>${fixed(row.value, row.digits)}</td>
    <td>${row.held ? "held" : shown(row.error, 3)}</td><td>${fixed(row.pull, 3)}</td>
    <td>${fixed(row.constraint, 3)}</td><td class="drawing">${drawing(row)}</td></tr>`).join("");
}

/** Empty where a parameter has no such number, a dash where it could not be found. */
function fixed(value, digits) {
  if (value === undefined) return "";
  return Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "–";
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
