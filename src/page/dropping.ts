/**
 * Files that are dropped anywhere on the page: to be searched with, or to be added.
 * @module
 */
import { ICONS, h, icon } from './dom.ts';

/** A file, and where it lay below what was dropped. */
export interface Dropped {
  readonly file: File;
  readonly path: string;
}

/** What a file system entry is, as far as it is used. */
interface Entry {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly fullPath: string;
  file(then: (file: File) => void, failed: (error: unknown) => void): void;
  createReader(): { readEntries(then: (entries: Entry[]) => void, failed: (error: unknown) => void): void };
}

/**
 * Shows two places to drop files at while files are dragged over the page.
 * @returns The element; put it into the page.
 */
export function dropping(search: (file: File) => void, add: (files: readonly Dropped[]) => void): HTMLElement {
  const zone = (kind: string, path: string, title: string, text: string): HTMLElement =>
    h('div', { class: 'zone', 'data-zone': kind }, icon(path), h('strong', {}, title), h('span', {}, text));
  const element = h(
    'div',
    { class: 'dropping', hidden: true, 'aria-hidden': 'true' },
    zone('search', ICONS.search, 'Find pictures like it', 'It stays in this browser.'),
    zone('add', ICONS.plus, 'Add to the library', 'Encrypted here, then uploaded.'),
  );
  let depth = 0;
  const show = (visible: boolean): void => {
    element.hidden = !visible;
    if (!visible) depth = 0;
  };
  const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
  document.addEventListener('dragenter', (event) => {
    // Not while the library is locked.
    if (!carriesFiles(event) || !element.isConnected) return;
    event.preventDefault();
    depth++;
    show(true);
  });
  document.addEventListener('dragleave', () => {
    if (--depth <= 0) show(false);
  });
  document.addEventListener('dragover', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    for (const each of element.children) each.classList.toggle('over', each.contains(event.target as Node));
  });
  document.addEventListener('drop', (event) => {
    if (!carriesFiles(event) || event.dataTransfer === null) return;
    event.preventDefault();
    if (!element.isConnected) return;
    show(false);
    const kind = (event.target as Element).closest?.('[data-zone]')?.getAttribute('data-zone');
    void collect(event.dataTransfer).then((files) => {
      const [first] = files;
      if (first === undefined) return;
      // Several files, or a folder, can only be meant to be added.
      if (kind === 'add' || files.length > 1) add(files);
      else search(first.file);
    });
  });
  return element;
}

/** All files of a drop, those in folders too. Entries must be taken before anything is waited for. */
async function collect(transfer: DataTransfer): Promise<Dropped[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() as unknown as Entry | null);
  const plain = [...transfer.files];
  if (entries.every((entry) => entry === null)) return plain.map((file) => ({ file, path: file.name }));
  const files: Dropped[] = [];
  const walk = async (entry: Entry): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
      if (isPicture(file)) files.push({ file, path: entry.fullPath.replace(/^\//, '') });
    } else if (entry.isDirectory) {
      const reader = entry.createReader();
      // Some at a time.
      for (;;) {
        const part = await new Promise<Entry[]>((resolve, reject) => reader.readEntries(resolve, reject));
        if (part.length === 0) break;
        for (const each of part) await walk(each);
      }
    }
  };
  for (const entry of entries) if (entry !== null) await walk(entry);
  return files;
}

/** Of a folder, only what may be a picture: the rest is not worth a line among the failures. */
export function isPicture(file: File): boolean {
  return (
    !file.name.startsWith('.') &&
    (file.type.startsWith('image/') || /\.(jpe?g|png|gif|bmp|webp|avif|heic|heif|tiff?)$/i.test(file.name))
  );
}
