// What metadata.json says of a likelihood, as fits and sliders need it.

/** Bounds, domain and scales beside the function that evaluates points. */
export function modelOf(metadata, evaluate) {
  const parameters = metadata.parameters;
  const domain = parameters.map((_, i) => [
    metadata.domain?.lower?.[i] ?? -Infinity, metadata.domain?.upper?.[i] ?? Infinity]);
  const bounds = parameters.map((p) => [p.bounds[0] ?? -Infinity, p.bounds[1] ?? Infinity]);
  return {
    parameters, metadata, evaluate, domain,
    lower: bounds.map(([low]) => low),
    upper: bounds.map(([, high]) => high),
    scale: parameters.map((p, i) => scaleOf(p, bounds[i], domain[i])),
  };
}

/** What an auxiliary measurement alone gives a parameter, and its width; null for none. */
export function auxiliary(parameter) {
  const c = parameter.constraint;
  if (!c) return null;
  if (c.type === "normal") return { centre: c.mean, width: c.sigma };
  return { centre: c.observed / c.factor, width: Math.sqrt(Math.max(c.observed, 1)) / c.factor };
}

function scaleOf(parameter, bounds, domain) {
  const widths = [auxiliary(parameter)?.width, (domain[1] - domain[0]) / 10, (bounds[1] - bounds[0]) / 20];
  return widths.find((width) => width > 0 && Number.isFinite(width)) ?? 1;
}
