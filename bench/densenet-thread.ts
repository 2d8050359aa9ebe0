/** A worker thread that runs the deep model alone, on inputs that it was given: what `add` is measured against. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadModel } from '../src/adapters/package-files.ts';
import type { DeepInput } from '../src/features/deep.ts';

/** What the thread is started with. */
export interface DenseNetThread {
  readonly sha256: string;
  readonly inputs: readonly DeepInput[];
}

const { sha256, inputs } = workerData as DenseNetThread;
const model = await loadModel(sha256, 1);
parentPort!.on('message', (index: number | null) => {
  if (index === null) return void model.close().then(() => parentPort!.close());
  const { data, width, height } = inputs[index]!;
  void model.run(data, width, height).then((descriptor) => parentPort!.postMessage([index, descriptor]));
});
parentPort!.postMessage([-1]);
