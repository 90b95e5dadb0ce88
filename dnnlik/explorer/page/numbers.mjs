// Numbers as people read them, and ticks of axes.

/** Some five digits; a proper minus sign; a dash for what there is not. */
export function shown(value, digits = 5) {
  if (!Number.isFinite(value)) return value === -Infinity ? "−∞" : "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e7)
    ? value.toExponential(digits - 1)
    : value.toFixed(Math.max(0, Math.min(8, digits - 1 - Math.floor(Math.log10(size || 1)))));
  return text.replace("-", "−");
}

/** Decimals that tell a ten-thousandth of a scale. */
export function decimals(scale) {
  return Math.max(0, Math.min(12, 3 - Math.floor(Math.log10(scale) + 1e-9)));
}

/** A few round numbers between two ends. */
export function ticks(low, high, most = 6) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}
