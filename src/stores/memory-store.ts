/**
 * A store in memory: for tests, demonstrations, and servers that may forget. Nothing outlives the process.
 * @module
 */
import type { Store } from '../index/store.ts';
import { TableStore } from '../index/table-store.ts';
import { TABLES, type Table, type TableName, type Tables } from '../index/tables.ts';

/** Makes an empty store. */
export function createMemoryStore(): Store {
  return new TableStore(new MemoryTables());
}

/** The tables of {@link createMemoryStore}. */
export class MemoryTables implements Tables {
  readonly readOnly = false;
  readonly table: Record<TableName, MemoryTable>;

  constructor() {
    this.table = Object.fromEntries(TABLES.map((name) => [name, new MemoryTable()])) as Record<TableName, MemoryTable>;
  }

  transaction(change: () => void): void {
    const tables = Object.values(this.table);
    for (const table of tables) table.begin();
    try {
      change();
    } catch (error) {
      for (const table of tables) table.rollback();
      throw error;
    } finally {
      for (const table of tables) table.end();
    }
  }

  read<T>(look: () => T): T {
    return look();
  }

  async close(): Promise<void> {
    for (const table of Object.values(this.table)) table.clear();
  }
}

/** Keys are strings with a character a byte: they compare as the bytes do. */
class MemoryTable implements Table {
  readonly #values = new Map<string, Uint8Array>();
  /** Keys in order, once somebody has asked for them. */
  #sorted: string[] | undefined;
  /** Inside a transaction, what stood where something has changed. */
  #undo: Map<string, Uint8Array | undefined> | undefined;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(textOf(key))?.slice();
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#set(textOf(key), value.slice());
  }

  remove(key: Uint8Array): void {
    this.#set(textOf(key), undefined);
  }

  clear(): void {
    this.#sorted = undefined;
    for (const text of [...this.#values.keys()]) this.#set(text, undefined);
  }

  keys(from: Uint8Array, limit: number): Uint8Array[] {
    const sorted = (this.#sorted ??= [...this.#values.keys()].sort());
    const start = place(sorted, textOf(from));
    return sorted.slice(start, start + limit).map((text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  }

  begin(): void {
    this.#undo = new Map();
  }

  rollback(): void {
    const undo = this.#undo!;
    this.#undo = undefined;
    for (const [text, value] of undo) this.#set(text, value);
  }

  end(): void {
    this.#undo = undefined;
  }

  #set(text: string, value: Uint8Array | undefined): void {
    const old = this.#values.get(text);
    if (this.#undo !== undefined && !this.#undo.has(text)) this.#undo.set(text, old);
    if (this.#sorted !== undefined && old === undefined && value !== undefined)
      this.#sorted.splice(place(this.#sorted, text), 0, text);
    if (this.#sorted !== undefined && old !== undefined && value === undefined)
      this.#sorted.splice(place(this.#sorted, text), 1);
    if (value === undefined) this.#values.delete(text);
    else this.#values.set(text, value);
  }
}

function textOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

/** Where a key stands among sorted ones, or would. */
function place(sorted: readonly string[], text: string): number {
  let low = 0;
  for (let high = sorted.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
