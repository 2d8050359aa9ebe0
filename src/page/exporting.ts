/**
 * Pictures as a zip file: opened in the worker one by one, written to the disk as they come where the browser can.
 * @module
 */
import type { Failure, Picture } from './calls.ts';
import { h } from './dom.ts';
import type { Keeper } from './keeper.ts';
import { save } from './saving.ts';
import { count, pictures } from './words.ts';

const NAME = 'blindsight.zip';

/** Where bytes go. */
interface Sink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

interface SavePicker {
  showSaveFilePicker?: (options: object) => Promise<{ createWritable(): Promise<Sink> }>;
}

/**
 * Exports pictures.
 * @param place - Where to show how far it is.
 * @returns Pictures that are missing from it; undefined when it was stopped.
 */
export async function exportPictures(
  keeper: Keeper,
  wanted: readonly Picture[],
  place: HTMLElement,
): Promise<readonly Failure[] | undefined> {
  const sink = await openSink();
  if (sink === undefined) return undefined;
  let stopped = false;
  const bar = h('progress', { 'aria-label': 'Pictures exported', max: wanted.length });
  const line = h('span', { class: 'quiet small' });
  const panel = h(
    'section',
    { class: 'panel card', 'aria-label': 'Exporting pictures' },
    h(
      'div',
      { class: 'panel-head' },
      h('strong', {}, `Exporting ${pictures(wanted.length)}`),
      h('button', { type: 'button', onclick: () => (stopped = true) }, 'Stop'),
    ),
    bar,
    line,
  );
  place.append(panel);
  try {
    await keeper.call(
      'startZip',
      wanted.map(({ id }) => id),
    );
    for (;;) {
      const { bytes, done, failures } = await keeper.call('nextOfZip');
      bar.value = done;
      line.textContent = `${count(done)} of ${count(wanted.length)}`;
      if (stopped) {
        await sink.abort();
        return undefined;
      }
      if (bytes === undefined) {
        await sink.close();
        return failures;
      }
      await sink.write(bytes as Uint8Array<ArrayBuffer>);
    }
  } catch (error) {
    await sink.abort();
    throw error;
  } finally {
    panel.remove();
  }
}

/** A file that the person chooses; or all in memory, and then a download. Undefined when they think better of it. */
async function openSink(): Promise<Sink | undefined> {
  const { showSaveFilePicker } = globalThis as SavePicker;
  if (showSaveFilePicker !== undefined)
    try {
      const types = [{ description: 'Zip file', accept: { 'application/zip': ['.zip'] } }];
      const handle = await showSaveFilePicker({ suggestedName: NAME, types });
      return await handle.createWritable();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return undefined;
      throw error;
    }
  const parts: Blob[] = [];
  return {
    // A blob may lie on the disk; an array does not.
    write: async (bytes) => void parts.push(new Blob([bytes])),
    close: async () => save(new Blob(parts, { type: 'application/zip' }), NAME),
    abort: async () => void parts.splice(0),
  };
}
