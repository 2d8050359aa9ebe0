/**
 * What an ONNX file says about itself, as far as feature extraction needs it: inputs, outputs, and the pooled feature;
 * and how another tensor is made an output, by appending a few bytes. Field numbers are those of `onnx.proto3`.
 * @module
 */
import protobuf from 'protobufjs/minimal.js';
import { RetrievalError } from '../base/errors.ts';

const MODEL = { graph: 7 };
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 };
const NODE = { input: 1, output: 2, operation: 4 };
const TENSOR = { name: 8 };
const VALUE = { name: 1, type: 2 };
const TYPE = { tensor: 1 };
const TENSOR_TYPE = { shape: 2 };
const SHAPE = { dimension: 1 };
const DIMENSION = { value: 1 };

const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** What may follow the pooled feature and leave its numbers as they are. */
const RESHAPES = new Set(['Flatten', 'Identity', 'Reshape', 'Squeeze']);

/** An input of the network. */
export interface OnnxInput {
  readonly name: string;
  /** Undefined where the file leaves a length open. */
  readonly shape: readonly (number | undefined)[];
}

/** A network, seen from outside. */
export interface OnnxGraph {
  /** Those that a caller must give: initialisers are left out. */
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly string[];
  /** Every tensor that some node makes. */
  readonly tensors: ReadonlySet<string>;
  /**
   * The descriptor: what the one GlobalAveragePool gives, or the output that only reshapes it. Without such a pool, the
   * only output. Undefined when the file does not decide.
   */
  readonly feature: string | undefined;
}

interface Node {
  readonly operation: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Reads an ONNX file.
 * @throws `model-unavailable` when it is none. {@link RetrievalError}
 */
export function readOnnxGraph(bytes: Uint8Array): OnnxGraph {
  const nodes: Node[] = [];
  const declared: OnnxInput[] = [];
  const outputs: string[] = [];
  const initializers = new Set<string>();
  try {
    // A message that is given in parts is merged: there may be several graph fields.
    for (const graph of messages(bytes, MODEL.graph)) {
      for (const node of messages(graph, GRAPH.node))
        nodes.push({
          operation: texts(node, NODE.operation)[0] ?? '',
          inputs: texts(node, NODE.input),
          outputs: texts(node, NODE.output),
        });
      for (const tensor of messages(graph, GRAPH.initializer)) initializers.add(texts(tensor, TENSOR.name)[0] ?? '');
      for (const value of messages(graph, GRAPH.input))
        declared.push({ name: texts(value, VALUE.name)[0] ?? '', shape: shapeOf(value) });
      for (const value of messages(graph, GRAPH.output)) outputs.push(texts(value, VALUE.name)[0] ?? '');
    }
  } catch (error) {
    throw new RetrievalError('model-unavailable', 'expected an ONNX file, and these bytes are none', { cause: error });
  }
  if (nodes.length === 0) throw new RetrievalError('model-unavailable', 'expected an ONNX file with a graph');
  return {
    inputs: declared.filter(({ name }) => !initializers.has(name)),
    outputs,
    tensors: new Set(nodes.flatMap((node) => node.outputs)),
    feature: featureOf(nodes, outputs),
  };
}

/**
 * The file with one more output: a tensor of the graph that was not one.
 * @returns New bytes: the old ones, and a second `graph` field, which readers merge with the first.
 */
export function withOutput(bytes: Uint8Array, tensor: string): Uint8Array<ArrayBuffer> {
  const graph = protobuf.Writer.create()
    .uint32(tag(MODEL.graph))
    .fork()
    .uint32(tag(GRAPH.output))
    .fork()
    .uint32(tag(VALUE.name))
    .string(tensor)
    .ldelim()
    .ldelim()
    .finish();
  const out = new Uint8Array(bytes.length + graph.length);
  out.set(bytes);
  out.set(graph, bytes.length);
  return out;
}

function featureOf(nodes: readonly Node[], outputs: readonly string[]): string | undefined {
  const pools = nodes.filter(({ operation }) => operation === 'GlobalAveragePool');
  if (pools.length !== 1) return outputs.length === 1 ? outputs[0] : undefined;
  const pooled = pools[0]?.outputs[0];
  const same = new Set([pooled]);
  for (const { operation, inputs, outputs: made } of nodes)
    if (RESHAPES.has(operation) && same.has(inputs[0]) && made[0] !== undefined) same.add(made[0]);
  return outputs.find((name) => same.has(name)) ?? pooled;
}

function shapeOf(value: Uint8Array): (number | undefined)[] {
  const [type] = messages(value, VALUE.type);
  const [tensor] = type === undefined ? [] : messages(type, TYPE.tensor);
  const [shape] = tensor === undefined ? [] : messages(tensor, TENSOR_TYPE.shape);
  return shape === undefined ? [] : messages(shape, SHAPE.dimension).map(lengthOf);
}

function lengthOf(dimension: Uint8Array): number | undefined {
  const reader = protobuf.Reader.create(dimension);
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    if (key === ((DIMENSION.value << 3) | VARINT)) return Number(reader.int64().toString()) || undefined;
    reader.skipType(key & 7);
  }
  return undefined;
}

/** The embedded messages (or strings, as bytes) of one field. Views. */
function messages(bytes: Uint8Array, field: number): Uint8Array[] {
  const reader = protobuf.Reader.create(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    if (key === tag(field)) {
      // `bytes()` would do, but returns a copy or a view depending on the type of array.
      const length = reader.uint32();
      if (length > reader.len - reader.pos) throw new RangeError('a field ends after the file');
      found.push(bytes.subarray(reader.pos, reader.pos + length));
      reader.pos += length;
    } else reader.skipType(key & 7);
  }
  return found;
}

function texts(bytes: Uint8Array, field: number): string[] {
  return messages(bytes, field).map((text) => new TextDecoder().decode(text));
}

function tag(field: number): number {
  return (field << 3) | LENGTH_DELIMITED;
}
