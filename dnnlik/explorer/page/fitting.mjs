// Best fits: over the ticked parameters, the others held where the sliders are.
import { breath, element } from "./dom.mjs";
import { maximise } from "./fit.mjs";
import { shown } from "./numbers.mjs";
import { showPoint } from "./point.mjs";
import { errorsAt } from "./scan.mjs";
import { showBest } from "./sliders.mjs";
import { fitRows, showFit } from "./tables.mjs";

/** The best fit over what is `free`, from the sliders and from the start; shown. */
export async function fit(page, free) {
  element("fit-note").textContent = "Fitting …";
  await breath();
  const starts = [page.point, page.point.map((v, i) => (free[i] ? page.model.parameters[i].init : v))];
  const fits = [];
  for (const start of starts) {
    try {
      fits.push(await maximise(page.model, start, { free }));
    } catch {
      // The sliders stand where the likelihood is impossible: the other start counts.
    }
  }
  if (!fits.length) throw new Error("the log-likelihood is not finite where the fit starts");
  await showBestFit(page, fits.reduce((a, b) => (b.value > a.value ? b : a)), free);
}

export async function showBestFit(page, best, free) {
  const errors = await errorsAt(page.model, best, free);
  const { inside } = await page.model.evaluate([best.point]);
  page.best = { ...best, errors, key: keyOf(page, free) };
  showFit(element("fit-table"), fitRows(page.model, best, errors, free));
  page.rows.forEach((row, i) => showBest(row, best.point[i]));
  element("fit-table").dataset.value = best.value;
  element("fit-note").textContent = `ln L = ${shown(best.value, 7)}, ${best.evaluations} evaluations; `
    + `${best.converged ? "converged" : "not converged"}${inside[0] ? "" : "; outside the domain"}`;
  await showPoint(page);
}

/** What a best fit belongs to: what is fitted, and where the rest is held. */
export function keyOf(page, free) {
  return JSON.stringify(page.point.map((v, i) => (free[i] ? null : v)));
}
