// Evaluate a published likelihood in Node, and compare it with the test vectors of its bundle.
//
//     node evaluate.mjs BUNDLE [likelihood.onnx]
//
// Prints one JSON object. Exit code 1 where the values are not those of the test vectors.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";

const [folder, file = "likelihood.onnx"] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));

// JavaScript runtimes do not show the metadata inside of the file: metadata.json repeats them.
const names = read("metadata.json").parameters.map((parameter) => parameter.name);
const session = await ort.InferenceSession.create(join(folder, file), { logSeverityLevel: 3 });

/** Points [n][d], physical values in the order of `names`; natural logarithms, no factor 2. */
async function evaluate(points) {
  const input = new ort.Tensor("float64", Float64Array.from(points.flat()), [points.length, names.length]);
  const output = await session.run({ parameters: input });
  return {
    log_likelihood: [...output.log_likelihood.data],
    log_constraint: [...output.log_constraint.data],
    gradient: points.map((_, i) => [...output.gradient.data.slice(i * names.length, (i + 1) * names.length)]),
    in_domain: [...output.in_domain.data].map(Boolean),
  };
}

/** The largest |a - b| / max(1, |b|) over the points, of numbers or of vectors. */
function difference(found, wanted) {
  const distances = found.map((a, i) => {
    const [x, y] = [[a].flat(), [wanted[i]].flat()];
    return Math.hypot(...x.map((v, k) => v - y[k])) / Math.max(1, Math.hypot(...y));
  });
  return distances.every(Number.isFinite) ? Math.max(...distances) : Infinity;
}

const vectors = read("test_vectors.json");
const found = await evaluate(vectors.points);
const numbers = ["log_likelihood", "log_constraint", "gradient"];
const largest = Math.max(...numbers.map((name) => difference(found[name], vectors[name])));
const sameDomain = found.in_domain.every((inside, i) => inside === vectors.in_domain[i]);
const passed = largest <= vectors.tolerance[file] && sameDomain && names.join() === vectors.parameters.join();
console.log(JSON.stringify({ file, parameters: names, ...found, largest_difference: largest, passed }));
process.exitCode = passed ? 0 : 1;
