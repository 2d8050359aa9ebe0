/** `blindsight verify`. @module */
import { repairLibrary, type RepairReport } from '../../client/repair-library.ts';
import { verifyLibrary, type Fault, type Verification } from '../../client/verify-library.ts';
import { withLibrary, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';
import { startProgress } from '../progress.ts';

interface Options extends OpenOptions {
  /** Takes the library as it is for the right one. */
  readonly accept?: boolean;
  readonly repair?: boolean;
}

export async function verify(folder: string, options: Options): Promise<void> {
  const repair = options.repair === true;
  await withLibrary(folder, { ...options, readOnly: !repair && options.accept !== true }, async ({ client }) => {
    const { images } = await client.info();
    const progress = startProgress('verify', images, 'images', options.json === true);
    const step = (): void => progress.step();
    const check = async (): Promise<[Verification, string]> => {
      if (!repair) {
        const checked = await verifyLibrary(client, step);
        return [checked, describe(checked)];
      }
      const report = await repairLibrary(client, step);
      return [report, describeRepair(report)];
    };
    const [checked, text] = await check().finally(() => progress.stop());
    answer(options, checked, text);
    if (checked.faults.length > 0) process.exitCode = 1;
  });
}

function describe({ images, records, faults }: Verification): string {
  return faults.length === 0
    ? `${images} images, ${records} records: all is well`
    : `${images} images, ${faults.length} faults:\n${list(faults)}\nblindsight verify --repair mends what can be mended.${hint(faults)}`;
}

function describeRepair({ images, records, faults, found, repaired, removed, rootMended }: RepairReport): string {
  if (found === 0) return `${images} images, ${records} records: all is well, nothing to repair`;
  const lines = [`${found} faults found, ${repaired.length} images mended:`];
  for (const { id, made, nameLost } of repaired)
    lines.push(`  ${id}: ${made.join(' and ')} made anew${nameLost ? '; its name is lost' : ''}`);
  if (removed > 0) lines.push(`${removed} leftovers of images that nobody can open any more removed`);
  if (rootMended) lines.push('the library root counted an image twice, and does no more');
  lines.push(
    faults.length === 0
      ? `${images} images, ${records} records: all is well now`
      : `${faults.length} faults are left:\n${list(faults)}\nAn image that is lost comes back by blindsight rm ID, then blindsight add of its file.${hint(faults)}`,
  );
  return lines.join('\n');
}

function hint(faults: readonly Fault[]): string {
  return faults.some(({ code }) => code === 'omitted' || code === 'rolled-back')
    ? `\nWhere images were left out or came back and that is as you want it (a backup that was restored, say), blindsight verify --accept
goes on from what is there.`
    : '';
}

function list(faults: readonly Fault[]): string {
  return faults
    .map(
      ({ id, code, message, path }) =>
        `  ${id === '' ? 'library' : id}: ${message} (${code})${path === undefined ? '' : `: ${path}`}`,
    )
    .join('\n');
}
