// The form and the plot of a scan.
import { breath, element } from "./dom.mjs";
import { maximise } from "./fit.mjs";
import { fit, keyOf, showBestFit } from "./fitting.mjs";
import { shown } from "./numbers.mjs";
import { drawScan } from "./plot.mjs";
import { crossings, profile } from "./scan.mjs";
import { showScan } from "./tables.mjs";

const RISEN = 1e-6; // a profiled ln L above the best fit by more than this is a better fit
const HEIGHT = 9; // of t, as far as a scan goes unless it is told

/** Fill the form: the values of exact points where there are any, else up to t = 9. */
export async function fillForm(page) {
  const column = Number(element("scan-parameter").value);
  const known = page.exact.get(page.model.parameters[column].name);
  const ends = known
    ? [Math.min(...known.values), Math.max(...known.values)]
    : [await endOf(page, column, -1), await endOf(page, column, 1)];
  element("scan-from").value = rounded(ends[0]);
  element("scan-to").value = rounded(ends[1]);
  if (known) element("scan-count").value = known.values.length;
}

/** Where t is 9 on one side of the best fit, to a tenth; the bound where it is not. */
async function endOf(page, column, side) {
  const { model, best } = page;
  const bound = side < 0 ? model.lower[column] : model.upper[column];
  const free = best.point.map((_, i) => i !== column && page.free[i]);
  const [start, error] = [best.point[column], best.errors[column]];
  let reach = 3 * (error > 0 ? error : model.scale[column]);
  let from = best;
  for (let k = 0; k < 12; k++) {
    const value = side * Math.min(side * bound, side * (start + side * reach));
    const point = from.point.map((v, i) => (i === column ? value : v));
    from = await maximise(model, point, { free, hessian: from.hessian }).catch(() => null);
    if (from === null) return start + (side * reach) / 2;
    const t = 2 * (best.value - from.value);
    if (value === bound && t < 1.2 * HEIGHT) return bound;
    if (t > 0.8 * HEIGHT && t < 1.2 * HEIGHT) return value;
    reach *= Math.min(4, Math.max(0.2, Math.sqrt(HEIGHT / Math.max(t, 0.1))));
  }
  return side * Math.min(side * bound, side * (start + side * reach));
}

function rounded(value) {
  return Number(value.toPrecision(5));
}

/** The values that the form asks for; where it is as it was filled, those of the exact points. */
function scanValues(page, column) {
  const [from, to, count] = ["scan-from", "scan-to", "scan-count"].map((id) => Number(element(id).value));
  if (!(to > from)) throw new Error("a scan goes from a smaller to a larger value");
  const known = page.exact.get(page.model.parameters[column].name)?.values ?? [];
  const same = known.length === count && rounded(known[0]) === from && rounded(known.at(-1)) === to;
  return same ? known : Array.from({ length: count }, (_, k) => from + (k / (count - 1)) * (to - from));
}

/** Scan what the form says, over the ticked parameters. */
export async function scan(page) {
  const column = Number(element("scan-parameter").value);
  const free = page.free.map((ticked, i) => ticked || i === column);
  const values = scanValues(page, column);
  page.stop = false;
  element("scan-stop").hidden = false;
  try {
    const fits = await profiled(page, column, free, values);
    element("scan-note").textContent = noteOf(page, free, fits);
  } finally {
    element("scan-stop").hidden = true;
  }
}

async function profiled(page, column, free, values) {
  if (page.best?.key !== keyOf(page, free)) await fit(page, free);
  let fits = [];
  for (let restart = 0; restart < 5; restart++) {
    let done = 0;
    fits = await profile(page.model, column, values, {
      best: page.best, free, stopped: () => page.stop,
      progress: async (found) => {
        element("scan-note").textContent = `${++done} fits …`;
        await showProfile(page, column, free, values, found);
        await breath();
      },
    });
    const top = fits.reduce((a, b) => (b && !(a?.value >= b.value) ? b : a), null);
    if (!top || top.value <= page.best.value + RISEN) break;
    // The scan found a better maximum than the fit: everything starts again from there.
    await showBestFit(page, await maximise(page.model, top.point, { free }), free);
  }
  await showProfile(page, column, free, values, fits);
  return fits;
}

async function showProfile(page, column, free, values, fits) {
  const found = fits.filter(Boolean);
  const { inside } = found.length ? await page.model.evaluate(found.map((f) => f.point)) : { inside: [] };
  const name = page.model.parameters[column].name;
  page.scan = {
    name, column, values,
    t: fits.map((f) => (f ? Math.max(0, 2 * (page.best.value - f.value)) : NaN)),
    inside: fits.map((f) => Boolean(f && inside[found.indexOf(f)])),
    exact: free.every(Boolean) ? page.exact.get(name) ?? null : null,
  };
  draw(page);
}

/** Draw the scan that there is, in the size that there is. */
export function draw(page) {
  if (!page.scan) return;
  const { values, t, name, column } = page.scan;
  const best = page.best.point[column];
  drawScan(element("scan-plot"), { ...page.scan, here: best });
  showScan(element("scan-table"), page.scan);
  const parts = [1, 4].map((height) => {
    const [low, high] = crossings(values, t, height);
    return low === null && high === null ? "" : `t = ${height}: ${shown(low ?? NaN, 4)} to ${shown(high ?? NaN, 4)}`;
  });
  element("scan-result").textContent = [`Best ${name} = ${shown(best, 4)}`, ...parts].filter(Boolean).join(" · ");
}

function noteOf(page, free, fits) {
  const held = free.filter((f) => !f).length;
  const left = fits.filter((f) => f && !f.converged).length;
  const missing = fits.filter((f) => !f).length;
  return [
    held ? `profiled over ${free.length - held - 1} parameters, ${held} held at the sliders` : "all other parameters profiled",
    left ? `${left} fits did not converge` : "",
    missing && !page.stop ? `${missing} values are impossible` : "",
    page.stop ? "stopped" : "",
  ].filter(Boolean).join("; ");
}
