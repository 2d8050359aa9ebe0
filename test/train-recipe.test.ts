/** The whole training recipe of `models/train` on the sample photos, with a small student and the bundled network as teacher. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn, spawnSync } from 'node:child_process';
import { readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { loadOnnxModel, loadOnnxRuntime } from '../src/adapters/onnx-model.ts';
import { findModel, loadModel } from '../src/adapters/package-files.ts';
import { SAMPLES, temporaryFolder } from './command.ts';
import { floats } from './support.ts';
import { where } from './where.ts';

const test = suite('training recipe');
const RECIPE = join(import.meta.dirname, '..', '..', 'models', 'train');
const NAME = 'prepare, train, stop, go on, export';
const SIDE = 64;
const CROPS = 6;
const PHOTOS = 16;
const TRAINING = ['--epochs', '3', '--batch', '16', '--growth', '8', '--blocks', '2,2', '--sides', '32:0.5,64'];

/** A Python that has what the recipe needs; Debian's is not always the first in the path. */
const python = [process.env['PYTHON'] ?? 'python3', '/usr/bin/python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import torch, numpy, PIL'], { stdio: 'ignore' }).status === 0,
);
const folder = await temporaryFolder();
const pool = join(folder.path, 'pool');
const out = (name: string): string => join(folder.path, name);

/** Runs a script; kills it as soon as it has printed `killAt`. */
async function run(script: string, args: readonly string[], killAt?: string): Promise<string> {
  const child = spawn(python!, [join(RECIPE, script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    if (killAt !== undefined && stdout.includes(killAt)) child.kill('SIGKILL');
  });
  const code = await new Promise((resolve) => child.on('close', (status, signal) => resolve(signal ?? status)));
  assert.is(code, killAt === undefined ? 0 : 'SIGKILL', stderr);
  return stdout;
}

/** Steps of an epoch: 96 crops, less those held out, in batches of 16. */
const STEPS = 5;

/** The held-out cosine after an epoch. */
const cosine = (output: string, epoch: number): number =>
  Number(new RegExp(`^step ${epoch * STEPS} .*cosine (-?[\\d.]+)`, 'm').exec(output)?.[1]);

/** Cosine of two descriptors. */
function angleOf(a: Float32Array, b: Float32Array): number {
  const product = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

test.after(() => folder.remove());

const withTorch = where(python !== undefined, test, 'no python3 with torch, numpy and PIL is here');
withTorch(NAME, async () => {
  const teacher = await findModel('densenet121-distilled');
  const sides = ['--side', `${SIDE}`, '--teacher-side', `${SIDE}`];
  const preparing = [SAMPLES, teacher.path, pool, '--crops', `${CROPS}`, ...sides];
  await run('prepare.py', preparing);
  const crops = await readFile(join(pool, '0.crops'));
  const targets = await readFile(join(pool, '0.targets'));
  assert.is(crops.length, PHOTOS * CROPS * SIDE * SIDE * 3);
  assert.is(targets.length, PHOTOS * CROPS * 1024 * 4);

  // The answers are the teacher's to the very crops that the student will see.
  const model = await loadModel(teacher.entry.sha256);
  for (const row of [0, 41, PHOTOS * CROPS - 1]) {
    const count = SIDE * SIDE;
    const input = new Float32Array(3 * count);
    for (let i = 0; i < 3 * count; i++) {
      const [channel, mean, deviation] = [i % 3, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]] as const;
      const value = crops[3 * count * row + i]! / 255;
      input[channel * count + Math.floor(i / 3)] = (value - mean[channel]!) / deviation[channel]!;
    }
    const wanted = await model.run(input, SIDE, SIDE);
    for (const [j, value] of wanted.entries())
      assert.ok(Math.abs(value - targets.readFloatLE(4 * (1024 * row + j))) < 1e-4, `row ${row}, ${j}`);
  }
  await model.close();

  // A preparation that was stopped half way goes on, and gives the same bytes.
  await truncate(join(pool, '0.crops'), 100_000);
  await run('prepare.py', preparing);
  assert.ok(crops.equals(await readFile(join(pool, '0.crops'))));
  assert.ok(targets.equals(await readFile(join(pool, '0.targets'))));

  const whole = await run('train.py', [pool, out('whole'), ...TRAINING, '--precision', 'f32']);
  assert.ok(cosine(whole, 3) > cosine(whole, 0) + 0.005, whole);
  // Training that was killed goes on, and ends where it would have ended.
  const cut = [pool, out('cut'), ...TRAINING, '--precision', 'f32', '--save-every', '2'];
  await run('train.py', cut, `step ${STEPS} `);
  const rest = await run('train.py', cut);
  assert.match(rest, /^going on at step \d+$/m);
  assert.ok(Math.abs(cosine(rest, 3) - cosine(whole, 3)) < 1e-3, `${whole}\n${rest}`);
  // From a checkpoint: the first figure is the last one of the run that made it, but for f16.
  const next = await run('train.py', [pool, out('next'), '--epochs', '1', '--init', join(out('whole'), 'weights.npz')]);
  assert.ok(Math.abs(cosine(next, 0) - cosine(whole, 3)) < 0.01, next);

  const input = floats(3 * 48 * 40, 5);
  const expected = await torchFeatures(join(out('whole'), 'weights.npz'), input, 48, 40);
  const runtime = await loadOnnxRuntime();
  const sizes: Record<string, number> = {};
  const weights = join(out('whole'), 'weights.npz');
  await run('calibrate.py', [weights, SAMPLES, out('ranges.npz'), '--photos', '8', '--side', `${SIDE}`]);
  // The checkpoint's convolutions are f16 already, so that storing them so loses nothing; folding makes new numbers,
  // which are rounded again. 8 bits a weight, and then 8 bits an activation, cost what a cosine shows best.
  for (const [flags, tolerance, angle] of [
    [[], 1e-4, 1],
    [['--half'], 1e-4, 1],
    [['--fold'], 1e-4, 1],
    [['--half', '--fold'], 0.01, 1],
    [['--int8-weights'], Infinity, 0.999],
    [['--fp16'], Infinity, 0.999],
    [['--int8', out('ranges.npz')], Infinity, 0.99],
  ] as const) {
    const name = flags.map((flag) => flag.replace(/.*[/]/, '')).join('');
    const file = out(`student${name}.onnx`);
    await run('export.py', [weights, file, ...flags]);
    sizes[name] = (await stat(file)).size;
    const student = await loadOnnxModel({ runtime, file, id: 'student', inputSide: 64, inputFit: 'area' });
    assert.is(student.dims, expected.length);
    const given = await student.run(input, 48, 40);
    for (const [j, value] of expected.entries())
      assert.ok(Math.abs(value - given[j]!) < tolerance, `${flags}: ${value} ${given[j]}`);
    assert.ok(angleOf(expected, given) >= angle - 1e-6, `${flags}: ${angleOf(expected, given)}`);
    await student.close();
  }
  assert.ok(sizes['--half']! < 0.75 * sizes['']!, JSON.stringify(sizes));
  assert.ok(sizes['--int8-weights']! < sizes['--half']!, JSON.stringify(sizes));
});

/** What PyTorch makes of a checkpoint and an input. */
async function torchFeatures(
  weights: string,
  input: Float32Array,
  width: number,
  height: number,
): Promise<Float32Array> {
  const program = `
import sys, numpy as np, torch
sys.path.insert(0, ${JSON.stringify(RECIPE)})
from densenet import DenseNet, shape_of
weights = np.load(${JSON.stringify(weights)})
net = DenseNet(**shape_of(weights)).eval()
net.load_state_dict({n: torch.from_numpy(weights[n].astype(np.float32)) for n in weights if n.startswith('features.')}, strict=False)
x = torch.from_numpy(np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(1, 3, ${height}, ${width}).copy())
sys.stdout.buffer.write(net(x).detach().numpy().tobytes())`;
  const { stdout, status, stderr } = spawnSync(python!, ['-c', program], { input: new Uint8Array(input.buffer) });
  assert.is(status, 0, stderr.toString());
  return new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.byteLength));
}

test.run();
