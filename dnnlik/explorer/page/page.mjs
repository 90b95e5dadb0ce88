// The page: opens the bundle, builds what is shown, and listens.
import { busy, element, escaped, inOrder } from "./dom.mjs";
import { fit } from "./fitting.mjs";
import { changed, moveTo } from "./point.mjs";
import { draw, fillForm, scan } from "./scanning.mjs";
import { fetchJson, openModel } from "./session.mjs";
import { buildSliders } from "./sliders.mjs";

const BASE = new URL("../", import.meta.url).href;

/** Exact values of t by the name of the parameter; none where a bundle has no validation. */
async function readExact() {
  try {
    const { scans } = await fetchJson(`${BASE}validation.json`);
    return new Map(scans.map((s) => [s.name, { values: s.values, t: s.t_exact.map((t) => t ?? NaN) }]));
  } catch {
    return new Map();
  }
}

async function showTitle(parameters) {
  const card = await fetch(`${BASE}README.md`).then((r) => (r.ok ? r.text() : ""));
  const title = /^# (.+)$/m.exec(card)?.[1];
  if (title) element("title").textContent = document.title = title;
  const pois = parameters.filter((p) => p.poi).map((p) => p.name).join(", ");
  element("about").textContent = `${parameters.length} parameters${pois ? `; of interest: ${pois}` : ""}`;
}

function build(page) {
  const { parameters } = page.model;
  page.rows = buildSliders(element("parameters"), page.model, {
    changed: (i, value) => changed(page, i, value),
    freed: (i, ticked) => (page.free[i] = ticked),
  });
  element("scan-parameter").innerHTML = inOrder(parameters).map((i) =>
    `<option value="${i}">${escaped(parameters[i].name)}</option>`).join("");
}

async function fitAndGo(page) {
  await fit(page, page.free);
  await moveTo(page, page.best.point);
}

function freeAll(page, ticked) {
  page.free = page.free.map(() => ticked);
  page.rows.forEach((row) => (row.tick.checked = ticked));
}

function find(page) {
  const text = element("filter").value.toLowerCase();
  page.rows.forEach((row) => (row.item.hidden = !row.name.toLowerCase().includes(text)));
}

function listen(page) {
  const on = (id, event, task) => element(id).addEventListener(event, task);
  on("fit-button", "click", () => busy("fit-note", () => fitAndGo(page)));
  on("best-button", "click", () => page.best && moveTo(page, page.best.point));
  on("start-button", "click", () => moveTo(page, page.model.parameters.map((p) => p.init)));
  on("free-all", "click", () => freeAll(page, true));
  on("free-none", "click", () => freeAll(page, false));
  on("filter", "input", () => find(page));
  on("scan-parameter", "change", () => busy("scan-note", () => fillForm(page)));
  on("scan-stop", "click", () => (page.stop = true));
  on("scan-form", "submit", (event) => {
    event.preventDefault();
    busy("scan-note", () => scan(page));
  });
  new ResizeObserver(() => draw(page)).observe(element("scan-plot"));
}

async function start() {
  const model = await openModel(BASE);
  const [exact] = await Promise.all([readExact(), showTitle(model.parameters)]);
  const page = { model, exact, free: model.parameters.map(() => true), rows: [], best: null, scan: null };
  build(page);
  listen(page);
  await moveTo(page, model.parameters.map((p) => p.init));
  await busy("fit-note", async () => {
    await fitAndGo(page);
    await fillForm(page);
    await scan(page);
  });
}

start().catch((error) => {
  document.documentElement.dataset.state = "failed";
  element("domain").className = "outside";
  element("domain").textContent = `This bundle could not be opened: ${error.message}`;
});
