// A published likelihood in the browser: metadata.json and likelihood.onnx of the bundle.
//
// float64 throughout: ONNX Runtime's WebAssembly has every operator of these graphs in double. One
// thread, so that a server needs no special headers.
import { modelOf } from "./likelihood.mjs";
import * as ort from "./runtime/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { wasm: new URL("./runtime/ort-wasm-simd-threaded.wasm", import.meta.url).href };

const BLOCK = 256; // points at once: bounded memory, and the page stays awake

export async function fetchJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response.json();
}

/** The likelihood of a bundle whose folder is `base`. */
export async function openModel(base) {
  const [metadata, response] = await Promise.all([
    fetchJson(`${base}metadata.json`), fetch(`${base}likelihood.onnx`)]);
  if (!response.ok) throw new Error(`likelihood.onnx: ${response.status} ${response.statusText}`);
  const session = await ort.InferenceSession.create(await response.arrayBuffer(), {
    executionProviders: ["wasm"], logSeverityLevel: 3 });
  return modelOf(metadata, (points) => run(session, points));
}

async function run(session, points) {
  const parts = [];
  for (let i = 0; i < points.length; i += BLOCK) parts.push(await runBlock(session, points.slice(i, i + BLOCK)));
  const joined = (name) => parts.flatMap((part) => part[name]);
  return { value: joined("value"), constraint: joined("constraint"), gradient: joined("gradient"), inside: joined("inside") };
}

async function runBlock(session, points) {
  const [n, d] = [points.length, points[0].length];
  const data = Float64Array.from({ length: n * d }, (_, k) => points[Math.floor(k / d)][k % d]);
  const output = await session.run({ parameters: new ort.Tensor("float64", data, [n, d]) });
  const slopes = output.gradient.data;
  return {
    value: Array.from(output.log_likelihood.data),
    constraint: Array.from(output.log_constraint.data),
    gradient: points.map((_, i) => slopes.slice(i * d, (i + 1) * d)),
    inside: Array.from(output.in_domain.data, Boolean),
  };
}
