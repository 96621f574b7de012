// Compiles WGSL with Tint, on Dawn's null back end: no GPU is needed, and nothing runs. Reads the output of
// `wgrad lab all --emit wgsl --json`, one module per line, from standard input.
//
// usage: node compile.mjs FOLDER   where FOLDER/node_modules has the package webgpu
//
// Creates every module and each of its pipelines under WebGPU's default limits, and reports each rejected kernel with
// the line and the reason. Exit status: 0 all are accepted, 1 some are rejected or there were none.
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { create, globals } = await import(pathToFileURL(resolve(process.argv[2], 'node_modules/webgpu/index.js')));
Object.assign(globalThis, globals);
const gpu = create(['backend=null']);

async function open(features) {
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("Dawn has no null back end here");
  return adapter.requestDevice({ requiredFeatures: features });
}

// A device for each set of features, so that a shader cannot use a feature that it does not declare.
const devices = new Map();
async function device(features) {
  const key = [...features].sort().join();
  if (!devices.has(key)) devices.set(key, await open(features));
  return devices.get(key);
}

// Returns the errors of a module, in words; none if Tint accepts it.
async function complaints({ text, features, pipelines }) {
  const on = await device(features);
  on.pushErrorScope('validation');
  const module = on.createShaderModule({ code: text });
  const { messages } = await module.getCompilationInfo();
  const refused = await on.popErrorScope();
  const lines = text.split('\n');
  const told = messages.filter((message) => message.type === 'error').map(({ lineNum, linePos, message }) => {
    return `line ${lineNum}, column ${linePos}: ${message}\n    ${(lines[lineNum - 1] ?? '').trim()}`;
  });
  if (refused && told.length === 0) told.push(refused.message || 'refused without a reason');
  if (told.length > 0) return told;
  for (const constants of pipelines) {
    try {
      await on.createComputePipelineAsync({ layout: 'auto', compute: { module, constants } });
    } catch (error) {
      told.push(`with ${JSON.stringify(constants)}: ${error.message}`);
    }
  }
  return told;
}

// Check that the compiler rejects an invalid shader: otherwise it would let everything pass.
const barrier = (condition) => ({
  text: `@group(0) @binding(0) var<storage, read_write> y: array<f32>; override K: u32;
    @compute @workgroup_size(4) fn f(@builtin(local_invocation_index) i: u32) {
      if (${condition}) { workgroupBarrier(); } y[i] = f32(K);
    }`,
  features: [],
  pipelines: [{ K: 1 }],
});
const taken = await complaints(barrier('K > 0u'));
const refusal = await complaints(barrier('y[i] > 0.0'));
if (taken.length > 0 || !refusal.some((words) => words.includes('uniform'))) {
  console.error('this Tint cannot be relied on:', taken, refusal);
  process.exit(1);
}

const start = performance.now();
let [modules, pipelines, refused] = [0, 0, 0];
// Errors of each kernel, with the activations concerned: most errors occur with all of them.
const said = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  if (line === '') continue;
  const module = JSON.parse(line);
  const told = await complaints(module);
  for (const words of told) {
    const key = `${module.op}/${module.variant}, ${words}`;
    said.set(key, [...(said.get(key) ?? []), module.activation]);
  }
  modules += 1;
  pipelines += module.pipelines.length;
  refused += Number(told.length > 0);
}
for (const [words, [first, ...others]] of said) {
  console.error(`${words}\n    with ${first}${others.length > 0 ? ` and ${others.length} other activations` : ''}`);
}
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`Tint: ${modules} modules and their ${pipelines} pipelines, ${refused} refused, in ${seconds} s`);
if (modules === 0 || pipelines === 0) console.error('there was nothing to compile');
// Open devices would keep node from exiting.
process.exit(modules === 0 || pipelines === 0 || refused > 0 ? 1 : 0);
