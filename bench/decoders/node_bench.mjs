// Prompt and answer speed of the llama.cpp inside the npm package node-llama-cpp; one JSON object on the last line.
//   cd FOLDER_WITH_node_modules && node node_bench.mjs MODEL.gguf THREADS PROMPT,PROMPT GEN REPEATS
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [file, threads, prompts, gen, repeats] = process.argv.slice(2);
const from = createRequire(join(process.cwd(), 'package.json'));
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(from.resolve('node-llama-cpp')));
const count = Number(threads);
const engine = await getLlama({
  gpu: false, build: 'never', skipDownload: true, maxThreads: count, logLevel: LlamaLogLevel.error,
});
const seconds = async (work) => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1e3;
};

let model, context;
const load = await seconds(async () => {
  model = await engine.loadModel({ modelPath: file, gpuLayers: 0 });
  context = await model.createContext({
    contextSize: 1024, batchSize: 512, sequences: 1, threads: { ideal: count, min: count },
  });
});
const sequence = context.getSequence();
const tokens = (n) => Array.from({ length: n }, () => 300 + Math.floor(Math.random() * 29000));
const prefill = {};
const decode = [];
for (const length of prompts.split(',').filter(Boolean).map(Number)) {
  prefill[length] = [];
  for (let i = 0; i < Number(repeats); i++) {
    await sequence.clearHistory();
    const prompt = tokens(length);
    prefill[length].push(length / await seconds(() => sequence.evaluateWithoutGeneratingNewTokens(prompt)));
  }
}
for (let i = 0; i < (Number(gen) ? Number(repeats) : 0); i++) {
  await sequence.clearHistory();
  let made = 0;
  let start = 0;
  // The first token carries the prompt; the clock starts when it is there.
  for await (const _ of sequence.evaluate(tokens(4), { temperature: 0, yieldEogToken: true })) {
    if (made === 0) start = performance.now();
    if (made++ === Number(gen)) break;
  }
  decode.push(Number(gen) / ((performance.now() - start) / 1e3));
}
console.log(JSON.stringify({ load_s: load, prefill, decode }));
process.exit(0);
