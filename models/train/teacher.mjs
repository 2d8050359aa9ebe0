// The teacher: an ONNX network, run by onnxruntime-node, which this project has; Debian has no Python one.
//   node teacher.mjs TEACHER.onnx SIDE
// Reads crops u8[SIDE * SIDE * 3] from standard input; for each one, writes f32[features + probs] to standard output.
// Says first, in a line of JSON, how many of each there are. `probs`, class probabilities, need not be an output of it.
import ort from 'onnxruntime-node';

const [, , file, sideText] = process.argv;
const side = Number(sideText);
const count = side * side;
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 });
const [inputName] = session.inputNames;
const featureName = session.outputNames.find((name) => name !== 'probs');
const outputs = session.outputNames.includes('probs') ? [featureName, 'probs'] : [featureName];

async function answer(crop) {
  const input = new Float32Array(3 * count);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) input[c * count + i] = (crop[3 * i + c] / 255 - MEAN[c]) / DEVIATION[c];
  const made = await session.run({ [inputName]: new ort.Tensor('float32', input, [1, 3, side, side]) });
  return outputs.map((name) => made[name].data);
}

const lengths = (await answer(new Uint8Array(3 * count))).map((data) => data.length);
process.stdout.write(`${JSON.stringify({ features: lengths[0], probs: lengths[1] ?? 0 })}\n`);

let waiting = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  waiting = Buffer.concat([waiting, chunk]);
  for (; waiting.length >= 3 * count; waiting = waiting.subarray(3 * count))
    for (const { buffer, byteOffset, byteLength } of await answer(waiting))
      process.stdout.write(Buffer.from(buffer, byteOffset, byteLength));
}
