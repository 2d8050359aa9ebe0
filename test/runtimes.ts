/** Programs of the other runtimes, from npm packages, and how they run a file of the build. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const MODULES = join(import.meta.dirname, '..', '..', 'node_modules');
const WINDOWS = process.platform === 'win32';

// The npm package `deno` finds the binary for this platform among its optional dependencies.
export const DENO: string = join(MODULES, '.bin', WINDOWS ? 'deno.cmd' : 'deno');

/** The npm package `bun` takes the binary out of its optional dependency, unless install scripts are off: then it is still there. */
export const BUN: string =
  [
    join(MODULES, '@oven', `bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : 'x64'}`, 'bin', 'bun'),
    join(MODULES, 'bun', 'bin', 'bun.exe'),
  ].find((path) => existsSync(path)) ?? 'bun';

/** Debian's; another one by the environment. */
export const CHROMIUM: string = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Words before the name of a file: of one that only reads, and of one that uses native code and the disk. */
export const RUNTIMES: Readonly<Record<'Deno' | 'Bun', { readonly reading: Command; readonly native: Command }>> = {
  Deno: {
    reading: [DENO, 'run', '--quiet', '--no-lock', '--allow-read', '--allow-env', '--allow-sys'],
    native: [DENO, 'run', '--quiet', '--no-lock', '--allow-all'],
  },
  Bun: { reading: [BUN, 'run'], native: [BUN, 'run'] },
};

type Command = readonly [string, ...string[]];
