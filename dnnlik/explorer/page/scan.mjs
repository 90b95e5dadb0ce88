// Profiles: t of a parameter, the others fitted again or held. t = 2 (ln L at the best fit minus
// the profiled ln L), natural logarithms; arXiv:1007.1727, eq. 8.
import { hessianAt, maximise } from "./fit.mjs";
import { block, inverseDiagonal } from "./linear.mjs";

/**
 * ln L at each of the `values` of a parameter, maximised over the others that are `free` [d].
 *
 * From the best fit outwards, each fit from its neighbour, and once more inwards: the better one
 * counts. `stopped()` ends it early; `progress(fits)` is called after each fit. Gives `fits`, one a
 * value (null where it was stopped).
 */
export async function profile(model, column, values, { best, free, stopped, progress } = {}) {
  const floats = best.point.map((_, i) => i !== column && (!free || free[i]));
  const fits = values.map(() => null);
  const order = outwards(values, best.point[column]);
  for (const inwards of [false, true]) {
    for (const [i, neighbour] of inwards ? backwards(order) : order) {
      if (stopped?.()) return fits;
      const from = (neighbour === null ? null : fits[neighbour]) ?? (inwards ? null : best);
      if (from === null) continue;
      const start = from.point.map((v, k) => (k === column ? values[i] : v));
      const found = await attempt(model, start, floats, from.hessian);
      if (found && !(fits[i]?.value >= found.value)) fits[i] = found;
      await progress?.(fits);
    }
  }
  return fits;
}

async function attempt(model, start, free, hessian) {
  try {
    return await maximise(model, start, { free, hessian });
  } catch {
    return null; // impossible there: the other neighbour may be better
  }
}

/** Pairs of a value and the neighbour on the side of the centre, the innermost first. */
function outwards(values, centre) {
  const order = [...values.keys()].sort((a, b) => values[a] - values[b]);
  const above = order.filter((i) => values[i] >= centre);
  const below = order.filter((i) => values[i] < centre).reverse();
  return [above, below].flatMap((side) => side.map((i, k) => [i, k ? side[k - 1] : null]));
}

function backwards(order) {
  return order.map(([i, inner]) => [inner, i]).filter(([i]) => i !== null).reverse();
}

/** One standard deviation of each free parameter from the curvature at a fit; NaN at a bound. */
export async function errorsAt(model, fit, free) {
  const inside = fit.point.map(
    (v, i) => (!free || free[i]) && v > model.lower[i] && v < model.upper[i]);
  const columns = [...fit.point.keys()].filter((i) => inside[i]);
  const errors = new Array(fit.point.length).fill(NaN);
  const matrix = await hessianAt(model, fit, inside);
  const variances = columns.length ? inverseDiagonal(block(matrix, columns)) : [];
  columns.forEach((i, k) => (errors[i] = variances ? Math.sqrt(variances[k]) * model.scale[i] : NaN));
  return errors;
}

/** Where t crosses a height on both sides of its minimum, linear between the values; else null. */
export function crossings(values, t, height) {
  const lowest = t.indexOf(Math.min(...t.filter(Number.isFinite)));
  const cross = (from, step) => {
    for (let i = from; i + step >= 0 && i + step < t.length; i += step) {
      const [a, b] = [t[i], t[i + step]];
      if (a < height && b >= height) {
        // √t is straighter than t.
        const part = (Math.sqrt(height) - Math.sqrt(Math.max(a, 0))) / (Math.sqrt(b) - Math.sqrt(Math.max(a, 0)));
        return values[i] + part * (values[i + step] - values[i]);
      }
    }
    return null;
  };
  return [cross(lowest, -1), cross(lowest, 1)];
}
