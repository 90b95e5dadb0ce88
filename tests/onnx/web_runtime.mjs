// Runs models in the WebAssembly of ONNX Runtime Web: node web_runtime.mjs PACKAGE JOBS.json
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, jobs] = process.argv.slice(2);
const ort = await import(pathToFileURL(`${folder}/dist/ort.node.min.mjs`));
ort.env.wasm.numThreads = 1;
const found = {};
for (const { name, file, points } of JSON.parse(readFileSync(jobs, "utf8"))) {
  const session = await ort.InferenceSession.create(readFileSync(file), { executionProviders: ["wasm"] });
  const input = new ort.Tensor("float64", Float64Array.from(points.flat()), [points.length, points[0].length]);
  const outputs = Object.entries(await session.run({ parameters: input }));
  // JSON has no infinity: as text.
  found[name] = Object.fromEntries(outputs.map(([key, tensor]) => [key, Array.from(tensor.data, String)]));
}
console.log(JSON.stringify(found));
