// The point where the sliders are, and what the likelihood is there.
import { element } from "./dom.mjs";
import { shown } from "./numbers.mjs";
import { showValue } from "./sliders.mjs";

/** Evaluate where the sliders are; moves that come meanwhile are one more evaluation at the end. */
export async function showPoint(page) {
  if (page.evaluating) {
    page.again = true;
    return;
  }
  page.evaluating = true;
  do {
    page.again = false;
    const { value, inside } = await page.model.evaluate([page.point]);
    element("value").textContent = shown(value[0], 6);
    element("value").dataset.value = value[0];
    showT(page, value[0]);
    showDomain(page, inside[0]);
  } while (page.again);
  page.evaluating = false;
}

function showT(page, value) {
  const t = page.best ? 2 * (page.best.value - value) : NaN;
  element("t").textContent = shown(Math.abs(t) < 1e-6 ? 0 : t, 4);
  element("t").dataset.value = t;
}

function showDomain(page, inside) {
  const learned = page.model.metadata.kind !== "exact";
  element("domain").className = inside ? "quiet inside" : "outside";
  element("domain").textContent = inside
    ? `inside ${learned ? "the training domain" : "the bounds"}`
    : learned ? "outside the training domain: the value means nothing here" : "outside the bounds";
}

export function moveTo(page, point) {
  page.point = [...point];
  page.rows.forEach((row, i) => showValue(row, page.point[i]));
  return showPoint(page);
}

export function changed(page, i, value) {
  if (Number.isFinite(value)) page.point[i] = value;
  showValue(page.rows[i], page.point[i]);
  return showPoint(page);
}
