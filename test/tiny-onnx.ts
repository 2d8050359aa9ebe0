/** A small network such as model zoos have: class scores come out, the pooled feature does not. */
import protobuf from 'protobufjs/minimal.js';
import { floats } from './support.ts';

/** Numbers of the pooled feature. */
export const TINY_DIMS = 64;
/** Side of the input; the shape is fixed. */
export const TINY_SIDE = 32;
const CLASSES = 512;

type Part = Uint8Array | string | number;

/** One field of a message: a varint for a number, else its length and its bytes. */
function field(number: number, value: Part): Uint8Array {
  const writer = protobuf.Writer.create();
  if (typeof value === 'number')
    return writer
      .uint32(number << 3)
      .uint32(value)
      .finish();
  writer.uint32((number << 3) | 2);
  return (typeof value === 'string' ? writer.string(value) : writer.bytes(value)).finish();
}

function message(...parts: readonly [number, Part][]): Uint8Array {
  return Buffer.concat(parts.map(([number, value]) => field(number, value)));
}

function node(operation: string, inputs: readonly string[], output: string): [number, Uint8Array] {
  return [1, message(...inputs.map((name): [number, Part] => [1, name]), [2, output], [4, operation])];
}

function weights(name: string, rows: number, columns: number, seed: number): [number, Uint8Array] {
  const data = new Uint8Array(floats(rows * columns, seed).buffer);
  return [5, message([1, rows], [1, columns], [1, 1], [1, 1], [2, 1], [8, name], [9, data])];
}

function value(name: string, shape: readonly (number | string)[]): Uint8Array {
  const dimensions = shape.map((d): [number, Part] => [1, typeof d === 'number' ? message([1, d]) : message([2, d])]);
  return message([1, name], [2, message([1, message([1, 1], [2, message(...dimensions)])])]);
}

/** The file: about 130 kB. `pooled` names the hidden feature; `sides` the input's height and width, or names that leave them open. */
export function tinyOnnx(
  pooled = 'pool5_1',
  sides: readonly [number | string, number | string] = [TINY_SIDE, TINY_SIDE],
): Uint8Array {
  const graph = message(
    node('Conv', ['data_0', 'w1'], 'conv1_1'),
    node('Relu', ['conv1_1'], 'relu1_1'),
    node('GlobalAveragePool', ['relu1_1'], pooled),
    node('Conv', [pooled, 'w2'], 'fc6_1'),
    [2, 'tiny'],
    weights('w1', TINY_DIMS, 3, 1),
    weights('w2', CLASSES, TINY_DIMS, 2),
    [11, value('data_0', [1, 3, ...sides])],
    // Older files list their weights among the inputs.
    [11, value('w1', [TINY_DIMS, 3, 1, 1])],
    [12, value('fc6_1', [1, CLASSES, 1, 1])],
  );
  return message([1, 8], [2, 'blindsight'], [7, graph], [8, message([1, ''], [2, 12])]);
}
