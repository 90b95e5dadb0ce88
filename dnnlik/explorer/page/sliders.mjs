// A row for each parameter: whether it is fitted, a slider over its auxiliary measurement, a number.
import { escaped, inOrder, named } from "./dom.mjs";
import { auxiliary } from "./likelihood.mjs";
import { decimals } from "./numbers.mjs";

/** The range of a slider: the bounds, or what is worth looking at where they are far away. */
export function rangeOf(model, i) {
  const measured = auxiliary(model.parameters[i]);
  const [low, high] = model.domain[i];
  const around = Number.isFinite(high - low)
    ? [low - 0.3 * (high - low), high + 0.3 * (high - low)]
    : measured ? [measured.centre - 5 * measured.width, measured.centre + 5 * measured.width]
      : [-Infinity, Infinity];
  const start = model.parameters[i].init;
  const ends = [Math.max(model.lower[i], around[0]), Math.min(model.upper[i], around[1])];
  return ends.map((end, k) => (Number.isFinite(end) ? end : start + (k ? 10 : -10) * model.scale[i]));
}

/** Build the list; `changed(i, value)` and `freed(i, ticked)` are called for what a person does. */
export function buildSliders(list, model, { changed, freed }) {
  const rows = [];
  list.replaceChildren(...inOrder(model.parameters).map((i) => {
    rows[i] = row(model, i);
    rows[i].slider.addEventListener("input", () => changed(i, Number(rows[i].slider.value)));
    rows[i].number.addEventListener("change", () => changed(i, Number(rows[i].number.value)));
    rows[i].tick.addEventListener("change", () => freed(i, rows[i].tick.checked));
    return rows[i].item;
  }));
  return rows;
}

function row(model, i) {
  const { name, poi } = model.parameters[i];
  const [low, high] = rangeOf(model, i);
  const label = escaped(name);
  const item = document.createElement("li");
  item.innerHTML = `
    <input type="checkbox" checked aria-label="fit ${label}" title="fit it, or hold it where it is">
    <span class="name${poi ? " poi" : ""}">${named(name)}</span>
    <span class="track">${strip(model, i, low, high)}
      <input type="range" min="${low}" max="${high}" step="${(high - low) / 400}" aria-label="${label}"></span>
    <input type="number" step="any" aria-label="value of ${label}">`;
  const [tick, slider, number] = item.querySelectorAll("input");
  return { item, tick, slider, number, best: item.querySelector(".best"), name, range: [low, high],
    digits: decimals(model.scale[i]) };
}

/** The auxiliary measurement as a curve, the range of the training as a bar, the best fit. */
function strip(model, i, low, high) {
  const at = (value) => (100 * (Math.min(Math.max(value, low), high) - low)) / (high - low);
  const trained = model.domain[i].map((end) => at(end));
  const bar = model.domain[i].some(Number.isFinite)
    ? `<line class="trained" x1="${trained[0]}" x2="${trained[1]}" y1="99" y2="99" vector-effect="non-scaling-stroke"/>` : "";
  return `<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">${curve(model.parameters[i], low, high)}${bar}
    <line class="best" x1="-9" x2="-9" y1="15" y2="85" vector-effect="non-scaling-stroke"/></svg>`;
}

function curve(parameter, low, high) {
  const measured = auxiliary(parameter);
  if (!measured) return "";
  const points = Array.from({ length: 81 }, (_, k) => {
    const pull = (low + (k / 80) * (high - low) - measured.centre) / measured.width;
    return `${(100 * k) / 80},${100 - 95 * Math.exp(-0.5 * pull * pull)}`;
  });
  return `<polygon class="constraint" points="0,100 ${points.join(" ")} 100,100"/>`;
}

/** Show a value in its row, to a ten-thousandth of what the parameter moves. */
export function showValue(row, value) {
  row.slider.value = value;
  row.number.value = Number(value.toFixed(row.digits));
}

/** Move the tick of the best fit. */
export function showBest(row, value) {
  const [low, high] = row.range;
  const x = (100 * (value - low)) / (high - low);
  for (const end of ["x1", "x2"]) row.best.setAttribute(end, x);
}
