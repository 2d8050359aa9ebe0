/**
 * The server role in a worker at the edge: reads an edition from a bucket, searches in memory, streams encrypted images from the bucket.
 *
 *     blindsight publish /srv/photos edition     # then put the files of the folder into the bucket, under their names
 *
 * Bindings: LIBRARY, an R2 bucket (or a KV namespace, with `get(key, 'arrayBuffer')` below); CREDENTIALS, the text of users.json, as a
 * secret. The kernels are imported statically: a worker may not compile. It answers readers; changes are made where the store is.
 */
import { createEditionStore, createHandler, createServer, parseCredentials, toHex } from 'blindsight/server';
import kernels from 'blindsight/kernels.wasm';

let handler; // made by the first request, and kept by the isolate

async function start({ LIBRARY, CREDENTIALS }) {
  // Piece by piece into its place: a worker has no memory for an edition and its pieces at once.
  const read = async (key, range) => {
    const object = await LIBRARY.get(key, range && { range });
    if (object === null) return undefined;
    const bytes = new Uint8Array(range ? range.length : object.size);
    let at = 0;
    for await (const piece of object.body) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes.subarray(0, at);
  };
  const edition = await read('edition');
  if (edition === undefined) throw new Error('there is no edition in the bucket');
  const blob = (id, offset, length) => read(`blobs/${toHex(id)}`, { offset, length });
  const credentials = parseCredentials(CREDENTIALS);
  return createHandler(createServer({ store: createEditionStore({ edition, blob }), kernels }), {
    credentials: () => credentials,
    log: (entry) => console.log(JSON.stringify(entry)),
    limits: { messageBytes: 4 << 20, heldBytes: 16 << 20 },
  });
}

export default {
  async fetch(request, env) {
    // A bucket that failed is asked again by the next request.
    handler ??= start(env).catch((error) => {
      handler = undefined;
      throw error;
    });
    return (await handler).fetch(request);
  },
};
