/** What an ONNX file says, and making a hidden tensor an output of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadOnnxModel, loadOnnxRuntime } from '../src/adapters/onnx-model.ts';
import { readOnnxGraph, withOutput } from '../src/adapters/onnx-graph.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { bytes, floats } from './support.ts';
import { TINY_DIMS, TINY_SIDE, tinyOnnx } from './tiny-onnx.ts';

const test = suite('onnx graph');
const MODELS = join(import.meta.dirname, '..', '..', 'models');

test('the bundled model: its output only reshapes the pooled feature', async () => {
  const graph = readOnnxGraph(await readFile(join(MODELS, 'densenet121-distilled.onnx')));
  assert.equal(graph.inputs, [{ name: 'input', shape: [undefined, 3, undefined, undefined] }]);
  assert.equal([graph.outputs, graph.feature], [['features'], 'features']);
});

test('a zoo model: weights are no inputs, and the feature is the pooled tensor', () => {
  const graph = readOnnxGraph(tinyOnnx());
  assert.equal(graph.inputs, [{ name: 'data_0', shape: [1, 3, TINY_SIDE, TINY_SIDE] }]);
  assert.equal([graph.outputs, graph.feature], [['fc6_1'], 'pool5_1']);
});

test('the runtime gives the tensor that was made an output: means of the convolution, computed by hand', async () => {
  const changed = withOutput(tinyOnnx(), 'pool5_1');
  assert.equal(readOnnxGraph(changed).outputs, ['fc6_1', 'pool5_1']);
  assert.equal(readOnnxGraph(changed).feature, 'pool5_1');
  const runtime = await loadOnnxRuntime();
  const input = floats(3 * TINY_SIDE ** 2, 3);
  const w1 = floats(TINY_DIMS * 3, 1);
  for (const channels of ['rgb', 'bgr'] as const) {
    const model = await loadOnnxModel({
      runtime,
      bytes: changed,
      id: 'tiny',
      inputSide: TINY_SIDE,
      inputFit: 'square',
      channels,
      outputName: 'pool5_1',
    });
    assert.is(model.dims, TINY_DIMS);
    const pooled = await model.run(input, TINY_SIDE, TINY_SIDE);
    const count = TINY_SIDE ** 2;
    for (let row = 0; row < TINY_DIMS; row++) {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        let dot = 0;
        for (let c = 0; c < 3; c++) dot += w1[3 * row + c]! * input[count * (channels === 'bgr' ? 2 - c : c) + i]!;
        sum += Math.max(0, dot);
      }
      assert.ok(Math.abs(pooled[row]! - sum / count) < 1e-5, `${channels} ${row}: ${pooled[row]} ${sum / count}`);
    }
    await model.close();
  }
});

test('what is no ONNX file is refused with a code, wherever it is cut', () => {
  const refused = (file: Uint8Array): void =>
    assert.throws(
      () => readOnnxGraph(file),
      (error: unknown) => error instanceof RetrievalError && error.code === 'model-unavailable',
    );
  const whole = tinyOnnx();
  // The last field, the operator set, may be missing; the graph may not be cut.
  for (let length = 0; length < whole.length - 20; length += 997) refused(whole.subarray(0, length));
  refused(bytes(1000, 7));
});

test.run();
