// The page: what a person does, and what is shown for it.
import { maximise } from "./fit.mjs";
import { fetchJson, openModel } from "./session.mjs";
import { shown } from "./numbers.mjs";
import { drawScan, escaped } from "./plot.mjs";
import { crossings, errorsAt, profile } from "./scan.mjs";
import { buildSliders, showBest, showValue } from "./sliders.mjs";
import { fitRows, showFit, showScan } from "./tables.mjs";

const BASE = new URL("../", import.meta.url).href;
const RISEN = 1e-6; // a profiled ln L above the best fit by more than this is a better fit
const element = (id) => document.getElementById(id);
const page = { model: null, point: [], free: [], best: null, scan: null, exact: new Map(), rows: [], stop: false };

// While something is computed nothing else starts: the buttons wait.
async function busy(what, task) {
  if (document.documentElement.dataset.state === "busy") return;
  document.documentElement.dataset.state = "busy";
  const buttons = [...document.querySelectorAll("button:not(#scan-stop)")];
  buttons.forEach((button) => (button.disabled = true));
  try {
    await task();
  } catch (error) {
    element(what).textContent = `It did not work: ${error.message}`;
  } finally {
    buttons.forEach((button) => (button.disabled = false));
    document.documentElement.dataset.state = "ready";
  }
}

const breath = () => new Promise((resolve) => setTimeout(resolve));

// --- the point of the sliders

let evaluating = false;
let again = false;

async function showPoint() {
  if (evaluating) return void (again = true);
  evaluating = true;
  do {
    again = false;
    const { value, inside } = await page.model.evaluate([page.point]);
    element("value").textContent = shown(value[0], 6);
    element("value").dataset.value = value[0];
    showT(value[0]);
    showDomain(inside[0]);
  } while (again);
  evaluating = false;
}

function showT(value) {
  const t = page.best ? 2 * (page.best.value - value) : NaN;
  element("t").textContent = shown(Math.abs(t) < 1e-6 ? 0 : t, 4);
  element("t").dataset.value = t;
}

function showDomain(inside) {
  const learned = page.model.metadata.domain !== undefined;
  element("domain").className = inside ? "quiet inside" : "outside";
  element("domain").textContent = inside
    ? `inside ${learned ? "the training domain" : "the bounds"}`
    : learned ? "outside the training domain: the value means nothing here" : "outside the bounds";
}

function moveTo(point) {
  page.point = [...point];
  page.rows.forEach((row, i) => showValue(row, page.point[i]));
  return showPoint();
}

function changed(i, value) {
  if (!Number.isFinite(value)) return showValue(page.rows[i], page.point[i]);
  page.point[i] = value;
  showValue(page.rows[i], value);
  return showPoint();
}

// --- fits

/** The best fit over `free`, what is held being where the sliders are. */
async function bestOver(free) {
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
  return fits.reduce((a, b) => (b.value > a.value ? b : a));
}

async function fit() {
  element("fit-note").textContent = "Fitting …";
  await breath();
  page.best = await bestOver(page.free);
  await showBestFit(page.free);
}

async function showBestFit(free) {
  const { best, model } = page;
  const errors = await errorsAt(model, best, free);
  const { inside } = await model.evaluate([best.point]);
  best.errors = errors;
  best.key = keyOf(free);
  showFit(element("fit-table").tBodies[0], fitRows(model, best, errors, free));
  page.rows.forEach((row, i) => showBest(row, best.point[i]));
  element("fit-table").dataset.value = best.value;
  element("fit-note").textContent = `ln L = ${shown(best.value, 7)}, ${best.evaluations} evaluations; `
    + `${best.converged ? "converged" : "not converged"}${inside[0] ? "" : "; outside the domain"}`;
  await showPoint();
}

/** What a best fit belongs to: what is fitted, and where the rest is held. */
function keyOf(free) {
  return JSON.stringify(page.point.map((v, i) => (free[i] ? null : v)));
}

// --- scans

function scanRange() {
  const column = Number(element("scan-parameter").value);
  const known = page.exact.get(page.model.parameters[column].name);
  const error = page.best?.errors?.[column];
  const reach = 3.2 * (error > 0 ? error : 3 * page.model.scale[column]);
  const centre = page.best ? page.best.point[column] : page.point[column];
  const ends = known
    ? [Math.min(...known.values), Math.max(...known.values)]
    : [Math.max(page.model.lower[column], centre - reach), Math.min(page.model.upper[column], centre + reach)];
  element("scan-from").value = rounded(ends[0]);
  element("scan-to").value = rounded(ends[1]);
  if (known) element("scan-count").value = known.values.length;
}

function rounded(value) {
  return Number(value.toPrecision(5));
}

/** The values that the form asks for; where it is as it was filled, those of the exact points. */
function scanValues(column) {
  const [from, to, count] = ["scan-from", "scan-to", "scan-count"].map((id) => Number(element(id).value));
  if (!(to > from)) throw new Error("a scan goes from a smaller to a larger value");
  const known = page.exact.get(page.model.parameters[column].name)?.values ?? [];
  const same = known.length === count && rounded(known[0]) === from && rounded(known.at(-1)) === to;
  return same ? known : Array.from({ length: count }, (_, k) => from + (k / (count - 1)) * (to - from));
}

async function scan() {
  const column = Number(element("scan-parameter").value);
  const free = page.free.map((ticked, i) => ticked || i === column);
  const values = scanValues(column);
  page.stop = false;
  element("scan-stop").hidden = false;
  try {
    await profiled(column, free, values);
  } finally {
    element("scan-stop").hidden = true;
  }
}

async function profiled(column, free, values) {
  if (page.best?.key !== keyOf(free)) await renewBest(free);
  let fits = [];
  for (let restart = 0; restart < 5; restart++) {
    let done = 0;
    fits = await profile(page.model, column, values, {
      best: page.best, free, stopped: () => page.stop,
      progress: async (found) => {
        element("scan-note").textContent = `${++done} fits …`;
        await showProfile(column, free, values, found);
        await breath();
      },
    });
    const top = fits.reduce((a, b) => (b && !(a?.value >= b.value) ? b : a), null);
    if (!top || top.value <= page.best.value + RISEN) break;
    // The scan found a better maximum than the fit: everything starts again from there.
    page.best = await maximise(page.model, top.point, { free });
    await showBestFit(free);
  }
  await showProfile(column, free, values, fits);
  element("scan-note").textContent = noteOf(column, free, fits);
}

async function renewBest(free) {
  page.best = await bestOver(free);
  await showBestFit(free);
}

async function showProfile(column, free, values, fits) {
  const found = fits.filter(Boolean);
  const { inside } = found.length ? await page.model.evaluate(found.map((f) => f.point)) : { inside: [] };
  const name = page.model.parameters[column].name;
  page.scan = {
    name, column, values,
    t: fits.map((f) => (f ? Math.max(0, 2 * (page.best.value - f.value)) : NaN)),
    inside: fits.map((f) => Boolean(f && inside[found.indexOf(f)])),
    exact: free.every(Boolean) ? page.exact.get(name) ?? null : null,
  };
  draw();
}

function draw() {
  if (!page.scan) return;
  drawScan(element("scan-plot"), { ...page.scan, here: page.point[page.scan.column] });
  showScan(element("scan-table"), page.scan);
  const best = page.best.point[page.scan.column];
  const parts = [[1, "t = 1"], [4, "t = 4"]].map(([height, name]) => {
    const [low, high] = crossings(page.scan.values, page.scan.t, height);
    return low === null && high === null ? "" : `${name}: ${shown(low ?? NaN, 4)} to ${shown(high ?? NaN, 4)}`;
  });
  element("scan-result").textContent = [`Best ${page.scan.name} = ${shown(best, 4)}`, ...parts].filter(Boolean).join(" · ");
}

function noteOf(column, free, fits) {
  const held = free.filter((f) => !f).length;
  const left = fits.filter((f) => !f?.converged).length;
  return [
    held ? `profiled over ${free.length - held - 1} parameters, ${held} held at the sliders` : "all other parameters profiled",
    left && !page.stop ? `${left} fits did not converge` : "", page.stop ? "stopped" : "",
  ].filter(Boolean).join("; ");
}

// --- the rest

function freeAll(ticked) {
  page.free = page.free.map(() => ticked);
  page.rows.forEach((row) => (row.tick.checked = ticked));
}

function find() {
  const text = element("filter").value.toLowerCase();
  page.rows.forEach((row) => (row.item.hidden = !row.name.toLowerCase().includes(text)));
}

function listen() {
  element("fit-button").addEventListener("click", () => busy("fit-note", async () => {
    await fit();
    await moveTo(page.best.point);
  }));
  element("best-button").addEventListener("click", () => page.best && moveTo(page.best.point));
  element("start-button").addEventListener("click", () => moveTo(page.model.parameters.map((p) => p.init)));
  element("free-all").addEventListener("click", () => freeAll(true));
  element("free-none").addEventListener("click", () => freeAll(false));
  element("filter").addEventListener("input", find);
  element("scan-parameter").addEventListener("change", scanRange);
  element("scan-stop").addEventListener("click", () => (page.stop = true));
  element("scan-form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy("scan-note", scan);
  });
  new ResizeObserver(draw).observe(element("scan-plot"));
}

async function readExact() {
  try {
    const validation = await fetchJson(`${BASE}validation.json`);
    return new Map(validation.scans.map((s) => [s.name, { values: s.values, t: s.t_exact.map((t) => t ?? NaN) }]));
  } catch {
    return new Map(); // a bundle of the exact likelihood has no validation
  }
}

async function showTitle(parameters) {
  const card = await fetch(`${BASE}README.md`).then((r) => (r.ok ? r.text() : ""));
  const title = /^# (.+)$/m.exec(card)?.[1];
  if (title) element("title").textContent = document.title = title;
  const pois = parameters.filter((p) => p.poi).map((p) => p.name).join(", ");
  element("about").textContent = `${parameters.length} parameters${pois ? `; of interest: ${pois}` : ""}`;
}

async function start() {
  page.model = await openModel(BASE);
  const { parameters } = page.model;
  [page.exact] = await Promise.all([readExact(), showTitle(parameters)]);
  page.free = parameters.map(() => true);
  page.rows = buildSliders(element("parameters"), page.model, {
    changed, freed: (i, ticked) => (page.free[i] = ticked) });
  const order = [...parameters.keys()].sort((a, b) => Number(parameters[b].poi) - Number(parameters[a].poi) || a - b);
  element("scan-parameter").innerHTML = order.map((i) => `<option value="${i}">${escaped(parameters[i].name)}</option>`).join("");
  listen();
  await moveTo(parameters.map((p) => p.init));
  await busy("fit-note", async () => {
    await fit();
    await moveTo(page.best.point);
    scanRange();
    await scan();
  });
}

start().catch((error) => {
  document.documentElement.dataset.state = "failed";
  element("domain").className = "outside";
  element("domain").textContent = `This bundle could not be opened: ${error.message}`;
});
