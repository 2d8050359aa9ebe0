/**
 * The compiled kernels: loading, and laying out their memory.
 *
 * Kernels are pure functions over pointers. The host owns the memory: it lays regions
 * out once, grows once, and only then takes views, so no view ever goes stale.
 * @module
 */

/** Exports of `assembly/index.ts`. Pointers are byte offsets into `memory`. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
}

const PAGE = 65536;
const ALIGN = 16;

/** Compiles the kernels from bytes the caller has read or fetched. Pure: no file, no network. */
export function compileKernels(wasm: BufferSource): Promise<WebAssembly.Module> {
  return WebAssembly.compile(wasm);
}

/** Makes a fresh instance with its own memory. Takes tens of microseconds; share the module, not the instance. */
export function instantiateKernels(module: WebAssembly.Module): Kernels {
  return new WebAssembly.Instance(module).exports as unknown as Kernels;
}

/**
 * Places regions one after another from the heap base, each 16-byte aligned, and grows
 * memory to hold them all. Views taken before a call may be stale after it: take them anew.
 * @param sizes - Bytes per region, in order.
 * @returns Pointer per region.
 * @throws When 4 GiB do not hold them. {@link RangeError}
 */
export function layOut<Region extends string>(kernels: Kernels, sizes: Record<Region, number>): Record<Region, number> {
  let top = kernels.heapBase();
  const pointers = {} as Record<Region, number>;
  for (const region in sizes) {
    top = Math.ceil(top / ALIGN) * ALIGN;
    pointers[region] = top;
    top += sizes[region];
  }
  const missing = top - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / PAGE));
  return pointers;
}
