// A bounded maximum of a log-likelihood: projected BFGS with a Hessian of finite differences of
// the gradient to start from (Bertsekas, SIAM J. Control Optim. 20 (1982) 221: a step along the
// projected arc, with the second derivatives of the parameters that no bound holds).
//
// A model has `lower`, `upper` (possibly infinite), `scale` (how far a parameter moves), arrays of
// d numbers, and `evaluate(points)`, which gives for n points `value` [n] and `gradient` [n][d] of
// the log-likelihood: natural logarithms, no factor 2. Inside, everything is in units of `scale`.
import { block, dot, shiftedCholesky, solve } from "./linear.mjs";

const DECREASE = 1e-10; // of ln L, which a further step would win at most: the fit is done
const FORGIVEN = 1e-6; // the same where no step wins anything: rounding, or a kink
const STEP = 1e-3; // of the finite differences
const LONGEST = 5; // step of a parameter
const FRESH = 8; // steps until second derivatives are computed anew

/**
 * The maximum over the parameters that are `free` [d], from `start` [d].
 *
 * Gives `point`, `value`, `gradient`, `hessian` (of -ln L, in units of scale), `converged` and
 * `evaluations`. A `hessian` of a neighbouring fit saves computing one.
 */
export async function maximise(model, start, { free, hessian = null, most = 200 } = {}) {
  const floats = start.map((_, i) => !free || free[i]);
  const fitted = { evaluations: 0, converged: false };
  let at = await evaluated(model, project(model, start), fitted);
  if (!Number.isFinite(at.value)) throw new Error("the log-likelihood is not finite where the fit starts");
  let curvature = hessian ?? (await hessianAt(model, at, floats, fitted));
  let age = hessian ? 1 : 0;
  for (let k = 0; k < most; k++) {
    const step = newtonStep(model, at, curvature, floats);
    if (step.gain < DECREASE) {
      fitted.converged = true;
      break;
    }
    const next = await search(model, at, step, fitted);
    if (next === null && age === 0) {
      fitted.converged = step.gain < FORGIVEN;
      break;
    }
    if (next !== null) curvature = updated(curvature, model, at, next);
    at = next ?? at;
    age = next === null || next.shortened ? FRESH : age + 1;
    if (age >= FRESH) {
      curvature = await hessianAt(model, at, floats, fitted);
      age = 0;
    }
  }
  return { ...fitted, ...at, hessian: curvature };
}

/** Minus the second derivatives of ln L in units of scale; the unit matrix for what is held. */
export async function hessianAt(model, at, floats, counted = { evaluations: 0 }) {
  const columns = [...at.point.keys()].filter((i) => floats[i]);
  const moved = columns.flatMap((i) => [-STEP, STEP].map((step) => shifted(model, at.point, i, step)));
  const found = moved.length ? await model.evaluate(moved) : { value: [], gradient: [] };
  counted.evaluations += moved.length;
  const matrix = at.point.map((_, i) => Array.from(at.point, (_, j) => (i === j ? 1 : 0)));
  columns.forEach((i, k) => {
    // A side where the likelihood is impossible has no slope: the point itself stands in.
    const [low, high] = [2 * k, 2 * k + 1].map((n) =>
      Number.isFinite(found.value[n]) ? [moved[n], found.gradient[n]] : [at.point, at.gradient]);
    const width = (high[0][i] - low[0][i]) / model.scale[i];
    if (!(width > 0)) return;
    for (const j of columns) matrix[i][j] = -((high[1][j] - low[1][j]) * model.scale[j]) / width;
  });
  return matrix.map((row, i) => Float64Array.from(row, (v, j) => 0.5 * (v + matrix[j][i])));
}

/** Parameters that are free and not pushed against a bound. */
function movable(model, at, floats) {
  return [...at.point.keys()].filter((i) => {
    const held = at.gradient[i] > 0 ? at.point[i] >= model.upper[i] : at.point[i] <= model.lower[i];
    return floats[i] && !held;
  });
}

function newtonStep(model, at, curvature, floats) {
  const columns = movable(model, at, floats);
  const slope = columns.map((i) => at.gradient[i] * model.scale[i]);
  const along = columns.length ? solve(shiftedCholesky(block(curvature, columns)), slope) : [];
  const length = Math.max(...Array.from(along, Math.abs), 0);
  const shorter = Math.min(1, LONGEST / length);
  const direction = new Float64Array(at.point.length);
  columns.forEach((i, k) => (direction[i] = shorter * along[k]));
  return { direction, gain: 0.5 * dot(slope, along) };
}

/** The first point of the projected arc that rises enough, or null. */
async function search(model, at, { direction }, counted) {
  for (let length = 1, k = 0; k < 30; k++, length /= 2) {
    const point = project(model, at.point.map((v, i) => v + length * direction[i] * model.scale[i]));
    const next = await evaluated(model, point, counted);
    const promised = dot(at.gradient, point.map((v, i) => v - at.point[i]));
    const noise = 1e-14 * Math.abs(at.value);
    if (next.value > at.value && next.value >= at.value + 1e-4 * promised - noise) {
      return { ...next, shortened: k > 3 };
    }
  }
  return null;
}

/** BFGS with Powell's damping, which keeps the matrix positive definite. */
function updated(curvature, model, at, next) {
  const step = next.point.map((v, i) => (v - at.point[i]) / model.scale[i]);
  const change = next.gradient.map((v, i) => (at.gradient[i] - v) * model.scale[i]);
  const pulled = curvature.map((row) => dot(row, step));
  const bent = dot(step, pulled);
  if (!(bent > 0)) return curvature;
  const risen = dot(step, change);
  const damp = risen >= 0.2 * bent ? 1 : (0.8 * bent) / (bent - risen);
  const mixed = change.map((v, i) => damp * v + (1 - damp) * pulled[i]);
  const scale = dot(step, mixed);
  return curvature.map((row, i) =>
    row.map((v, j) => v - (pulled[i] * pulled[j]) / bent + (mixed[i] * mixed[j]) / scale));
}

async function evaluated(model, point, counted) {
  const { value, gradient } = await model.evaluate([point]);
  counted.evaluations += 1;
  return { point, value: value[0], gradient: Array.from(gradient[0]) };
}

function project(model, point) {
  return Array.from(point, (v, i) => Math.min(Math.max(v, model.lower[i]), model.upper[i]));
}

function shifted(model, point, column, step) {
  const moved = [...point];
  moved[column] += step * model.scale[column];
  return project(model, moved);
}
