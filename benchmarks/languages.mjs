// Microseconds a point of a published likelihood in Node; called by languages.py, which says how.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const here = createRequire(new URL("../docs/examples/javascript/package.json", import.meta.url));
const ort = here("onnxruntime-node");
const [model, metadata, ...batches] = process.argv.slice(2);
const inits = JSON.parse(readFileSync(metadata, "utf8")).parameters.map((p) => p.init);
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });

async function microseconds(size, seconds = 0.3) {
  const data = Float64Array.from(Array(size).fill(inits).flat());
  const feeds = { parameters: new ort.Tensor("float64", data, [size, inits.length]) };
  await session.run(feeds);
  const start = performance.now();
  let calls = 0;
  do {
    await session.run(feeds);
    calls++;
  } while (performance.now() - start < 1000 * seconds);
  return (1000 * (performance.now() - start)) / (calls * size);
}

await session.run({ parameters: new ort.Tensor("float64", Float64Array.from(inits), [1, inits.length]) });
const found = {};
for (const size of batches) found[size] = await microseconds(Number(size));
console.log(JSON.stringify(found));
