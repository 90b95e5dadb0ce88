// The minimiser and the scan of the page against closed forms.
import assert from "node:assert/strict";
import test from "node:test";
import { maximise } from "../../dnnlik/explorer/page/fit.mjs";
import { cholesky, inverseDiagonal, shiftedCholesky, solve } from "../../dnnlik/explorer/page/linear.mjs";
import { auxiliary, modelOf } from "../../dnnlik/explorer/page/likelihood.mjs";
import { decimals, shown, ticks } from "../../dnnlik/explorer/page/numbers.mjs";
import { crossings, errorsAt, profile } from "../../dnnlik/explorer/page/scan.mjs";

/** A model of d parameters from (point) → [value, gradient]. */
function modelFrom(f, d, { lower = -Infinity, upper = Infinity, scale = 1 } = {}) {
  const all = (value) => (Array.isArray(value) ? value : Array(d).fill(value));
  return {
    lower: all(lower), upper: all(upper), scale: all(scale),
    evaluate: async (points) => ({ value: points.map((p) => f(p)[0]), gradient: points.map((p) => f(p)[1]) }),
  };
}

function close(found, wanted, tolerance) {
  [found].flat().forEach((a, i) => {
    const b = [wanted].flat()[i];
    assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b} to ${tolerance}`);
  });
}

const banana = ([x, y]) => [
  -100 * (y - x * x) ** 2 - (1 - x) ** 2, [400 * x * (y - x * x) + 2 * (1 - x), -200 * (y - x * x)]];
// Two correlated parameters, ρ = 0.8, unit widths, maximum at (1, 2).
const gauss = ([x, y]) => {
  const [a, b] = [x - 1, y - 2];
  return [-(a * a + b * b - 1.6 * a * b) / 0.72, [-(a - 0.8 * b) / 0.36, -(b - 0.8 * a) / 0.36]];
};
// n events of an expectation μ: n ln μ − μ, impossible at and below 0.
const counts = (n) => ([mu]) => (mu > 0 ? [n * Math.log(mu) - mu, [n / mu - 1]] : [-Infinity, [0]]);

test("a curved valley is followed to its end", async () => {
  const found = await maximise(modelFrom(banana, 2, { scale: 0.5 }), [-1.2, 1]);
  assert.ok(found.converged);
  close(found.point, [1, 1], 1e-4);
});

test("a bound in the valley holds the maximum where the slope along it vanishes", async () => {
  const found = await maximise(modelFrom(banana, 2, { lower: -2, upper: 0.5, scale: 0.5 }), [-1.2, 0.4]);
  assert.ok(found.converged);
  close(found.point, [0.5, 0.25], 1e-6);
  assert.equal(found.point[0], 0.5);
});

test("held parameters stay, the others take their conditional maximum", async () => {
  const found = await maximise(modelFrom(gauss, 2), [3, -5], { free: [false, true] });
  close(found.point, [3, 2 + 0.8 * 2], 1e-9);
  assert.equal(found.point[0], 3);
});

test("scales of very different size do not matter", async () => {
  const f = ([x, y]) => [-0.5 * ((x / 1e-6) ** 2 + (y / 1e5) ** 2), [-x / 1e-12, -y / 1e10]];
  const found = await maximise(modelFrom(f, 2, { scale: [1e-6, 1e5] }), [4e-6, -3e5]);
  close([found.point[0] / 1e-6, found.point[1] / 1e5], [0, 0], 1e-6);
});

test("a step into the impossible is taken back", async () => {
  const found = await maximise(modelFrom(counts(3), 1, { lower: -10, scale: 5 }), [40]);
  assert.ok(found.converged);
  close(found.point, [3], 1e-4);
});

test("no events: the maximum is at the bound", async () => {
  const found = await maximise(modelFrom(counts(0), 1, { lower: 1e-3, scale: 1 }), [7]);
  assert.ok(found.converged);
  assert.equal(found.point[0], 1e-3);
});

test("a saddle and a flat direction are no obstacles", async () => {
  // Two maxima at x = ±1, a saddle at 0; y has no influence.
  const f = ([x]) => [-((x * x - 1) ** 2), [-4 * x * (x * x - 1), 0]];
  const found = await maximise(modelFrom(f, 2, { scale: 0.5 }), [0.05, 3]);
  close([Math.abs(found.point[0]), found.point[1]], [1, 3], 1e-4);
});

test("a kink ends as converged where nothing is to be won, in few evaluations", async () => {
  const f = ([x]) => [-Math.abs(x - 0.3) - 0.5 * x * x, [-Math.sign(x - 0.3) - x]];
  const found = await maximise(modelFrom(f, 1), [2]);
  close(found.point, [0.3], 1e-3);
  assert.ok(found.evaluations < 2000);
});

test("a start that is impossible is an error", async () => {
  await assert.rejects(maximise(modelFrom(counts(3), 1), [-1]), /not finite/);
});

test("fifty correlated parameters, as many as it takes", async () => {
  const d = 50;
  const centre = Array.from({ length: d }, (_, i) => Math.sin(i));
  const f = (p) => {
    const a = p.map((v, i) => v - centre[i]);
    const sum = a.reduce((s, v) => s + v, 0);
    const quartic = a.reduce((s, v) => s + v ** 4, 0);
    const value = -0.5 * (sum * sum + a.reduce((s, v) => s + v * v, 0)) - 0.25 * quartic;
    return [value, a.map((v) => -sum - v - v ** 3)];
  };
  const found = await maximise(modelFrom(f, d), Array(d).fill(3));
  close(found.point, centre, 1e-5);
  assert.ok(found.converged);
});

test("t of a Gaussian is its squared distance, whatever is profiled", async () => {
  const model = modelFrom(gauss, 2, { lower: -20, upper: 20 });
  const best = await maximise(model, [5, 5]);
  const values = [-2, -1, 0, 1, 2, 3, 4];
  const fits = await profile(model, 0, values, { best });
  close(fits.map((f) => 2 * (best.value - f.value)), values.map((v) => (v - 1) ** 2), 1e-9);
  close(fits.map((f) => f.point[1]), values.map((v) => 2 + 0.8 * (v - 1)), 1e-4);
  const held = await profile(model, 0, values, { best, free: [true, false] });
  close(held.map((f) => 2 * (best.value - f.value)), values.map((v) => (v - 1) ** 2 / 0.36), 1e-8);
});

test("a scan that is stopped has no fits beyond", async () => {
  const model = modelFrom(gauss, 2);
  const best = await maximise(model, [0, 0]);
  let calls = 0;
  const fits = await profile(model, 0, [0, 1, 2, 3], { best, stopped: () => ++calls > 2 });
  assert.equal(fits.filter(Boolean).length, 2);
});

test("errors are those of the covariance; none at a bound", async () => {
  const model = modelFrom(gauss, 2, { lower: -9, upper: [9, 1.5] });
  const inside = await maximise(modelFrom(gauss, 2), [0, 0]);
  close(await errorsAt(modelFrom(gauss, 2), inside), [1, 1], 1e-6);
  close((await errorsAt(modelFrom(gauss, 2), inside, [true, false]))[0], 0.6, 1e-6);
  const [first, second] = await errorsAt(model, await maximise(model, [0, 0]));
  close(first, 0.6, 1e-6);
  assert.ok(Number.isNaN(second));
});

test("crossings of a parabola, and none on a side where it ends", () => {
  const values = [-2, -1.5, -1, -0.5, 0, 0.5];
  const t = values.map((v) => v * v);
  close(crossings(values, t, 2)[0], -Math.SQRT2, 1e-9);
  assert.equal(crossings(values, t, 2)[1], null);
});

test("linear algebra: a solution solves, an indefinite matrix has no factor but a shifted one", () => {
  const matrix = [[4, 1, 0], [1, 3, -1], [0, -1, 2]];
  const x = solve(cholesky(matrix), [1, 2, 3]);
  close(matrix.map((row) => row.reduce((s, v, i) => s + v * x[i], 0)), [1, 2, 3], 1e-12);
  close(inverseDiagonal([[2, 1], [1, 2]]), [2 / 3, 2 / 3], 1e-12);
  assert.equal(cholesky([[1, 2], [2, 1]]), null);
  assert.ok(shiftedCholesky([[1, 2], [2, 1]]));
  assert.throws(() => shiftedCholesky([[NaN]]), /not finite/);
});

test("scales come from the measurement, else the training, else the bounds", () => {
  const constraint = { type: "poisson", observed: 16, factor: 4 };
  assert.deepEqual(auxiliary({ constraint }), { centre: 4, width: 1 });
  assert.equal(auxiliary({ constraint: null }), null);
  const bounds = [0, 40];
  const parameters = [{ constraint, bounds }, { bounds }, { bounds }, { bounds: [null, null] }];
  const model = modelOf({ parameters, domain: { lower: [0, 5, null], upper: [1, 15, null] } }, null);
  assert.deepEqual(model.scale, [1, 1, 2, 1]);
  assert.deepEqual([model.lower[3], model.upper[3]], [-Infinity, Infinity]);
});

test("numbers are short and signs are signs", () => {
  assert.equal(shown(-1.234567), "−1.2346");
  assert.equal(shown(NaN), "–");
  assert.equal(shown(-Infinity), "−∞");
  assert.deepEqual([1, 0.02, 5000].map(decimals), [3, 5, 0]);
  assert.deepEqual(ticks(-0.95, 1.05, 5), [-0.5, 0, 0.5, 1]);
});
