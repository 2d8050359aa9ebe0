/**
 * A network's file as a manifest describes it: input, descriptor and shape, read off its graph.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { readOnnxGraph, withOutput } from './onnx-graph.ts';
import type { ModelEntry } from './package-files.ts';

/** What is known of a network besides its file. */
export interface ModelFileFacts {
  readonly id: string;
  /** For a network that takes any size. */
  readonly inputSide: number;
  /** Undefined: by the graph. */
  readonly inputFit: ModelEntry['inputFit'] | undefined;
  /** Undefined: whatever it gives. */
  readonly dims?: number;
  readonly url?: string;
  readonly channels?: 'rgb' | 'bgr';
  readonly licence: string;
  readonly origin: string;
}

/**
 * Reads a network's file. Where its descriptor is a tensor of the graph that is no output, it is made one.
 * @param wanted - The tensor that is the descriptor. Default: found in the graph.
 * @returns The entry, whose `dims` is 0 when they are not known before the first run, and the bytes that it describes.
 * @throws `model-unavailable` when it is no such network, `parameter-mismatch` when its graph does not decide. {@link RetrievalError}
 */
export function readModelFile(
  bytes: Uint8Array,
  facts: ModelFileFacts,
  wanted?: string,
): { readonly entry: ModelEntry; readonly bytes: Uint8Array } {
  const { id, dims, url, channels, licence, origin } = facts;
  const graph = readOnnxGraph(bytes);
  const output = wanted ?? graph.feature;
  if (output === undefined)
    throw new RetrievalError(
      'parameter-mismatch',
      'the file does not have one GlobalAveragePool: name the descriptor, a tensor of the graph',
    );
  if (!graph.tensors.has(output)) throw new RetrievalError('parameter-mismatch', `the graph makes no tensor ${output}`);
  const input = graph.inputs[0];
  const [, channelCount, height, width] = input?.shape ?? [];
  if (input === undefined || graph.inputs.length > 1 || input.shape.length !== 4 || (channelCount ?? 3) !== 3)
    throw new RetrievalError(
      'parameter-mismatch',
      'expected a network with one input of the shape [N, 3, height, width]',
    );
  if (height !== undefined && height !== width)
    throw new RetrievalError('parameter-mismatch', `expected a square input, got ${width} x ${height}`);
  const kept = graph.outputs.includes(output) ? bytes : withOutput(bytes, output);
  const entry: ModelEntry = {
    id,
    file: `${id}.onnx`,
    sha256: hashOf(kept),
    input: input.name,
    output,
    inputSide: height ?? facts.inputSide,
    inputFit: facts.inputFit ?? (height === undefined ? 'area' : 'square'),
    ...(channels === undefined ? {} : { channels }),
    dims: dims ?? 0,
    licence,
    origin,
    source: { ...(url === undefined ? {} : { url }), bytes: bytes.length, sha256: hashOf(bytes) },
  };
  return { entry, bytes: kept };
}

function hashOf(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}
