/**
 * The copy attacks: what happens to a photo on its way through other people's hands. Severities were fixed before anything
 * was measured on them.
 *
 * What an attack draws at random it draws from the generator it is given. All results are PNG unless the attack is a codec.
 */
import sharp, { type Sharp } from 'sharp';

/** Raw pixels, three channels. */
interface Raw {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What an attack may use besides the photo. */
export interface AttackContext {
  /** Uniform in 0 ..< 1. */
  readonly random: () => number;
  /** Three photos that are nowhere in the library. */
  readonly others: readonly [Uint8Array, Uint8Array, Uint8Array];
}

/** A photo file to another photo file. */
export type Attack = (photo: Uint8Array, context: AttackContext) => Promise<Uint8Array>;

const WHITE = { r: 255, g: 255, b: 255 };
const BLACK = { r: 0, g: 0, b: 0 };

/** One attack per name, in the order of the table. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  'jpeg q30': (photo) => sharp(photo).jpeg({ quality: 30 }).toBuffer(),
  'jpeg q10': (photo) => sharp(photo).jpeg({ quality: 10 }).toBuffer(),
  'webp q10': (photo) => sharp(photo).webp({ quality: 10 }).toBuffer(),
  'scale 50 %': (photo) => scale(photo, 0.5, 0.5),
  'scale 25 %': (photo) => scale(photo, 0.25, 0.25),
  'stretch 130 %': (photo) => scale(photo, 1.3, 1),
  'crop to 80 %': (photo, { random }) => crop(photo, 0.8, random),
  'crop to 50 %': (photo, { random }) => crop(photo, 0.5, random),
  'crop to 25 %': (photo, { random }) => crop(photo, 0.25, random),
  'rotate 5': (photo) => png(sharp(photo).rotate(5, { background: WHITE })),
  'rotate 15': (photo) => png(sharp(photo).rotate(15, { background: WHITE })),
  'rotate 90': (photo) => png(sharp(photo).rotate(90)),
  flip: (photo) => png(sharp(photo).flop()),
  greyscale: (photo) => mapPixels(photo, ([r, g, b]) => alike(0.299 * r + 0.587 * g + 0.114 * b)),
  'hue 90': (photo) => png(sharp(photo).modulate({ hue: 90 })),
  'brightness + 40 %': (photo) => mapValues(photo, (v) => 1.4 * v),
  'brightness - 50 %': (photo) => mapValues(photo, (v) => 0.5 * v),
  'contrast + 60 %': (photo) => mapValues(photo, (v) => 128 + 1.6 * (v - 128)),
  'contrast - 60 %': (photo) => mapValues(photo, (v) => 128 + 0.4 * (v - 128)),
  'gamma 2': (photo) => mapValues(photo, (v) => 255 * (v / 255) ** 2),
  posterise: (photo) => mapValues(photo, (v) => 85 * Math.round(v / 85)),
  'blur 2 px': (photo) => png(sharp(photo).blur(2)),
  'median 7 px': (photo) => png(sharp(photo).median(7)),
  pixelate: async (photo) => {
    const { width, height } = await sizeOf(photo);
    const small = await sharp(photo)
      .resize(Math.ceil(width / 6), Math.ceil(height / 6), { fit: 'fill' })
      .toBuffer();
    return png(sharp(small).resize(width, height, { fit: 'fill', kernel: 'nearest' }));
  },
  'noise 25': (photo, { random }) => mapValues(photo, (v) => v + 25 * normal(random)),
  text: (photo) => overlay(photo, captionOf),
  logo: (photo) => overlay(photo, logoOf),
  border: async (photo) => {
    const { width, height } = await sizeOf(photo);
    const side = Math.round(0.1 * Math.max(width, height));
    return png(sharp(photo).extend({ top: side, bottom: side, left: side, right: side, background: BLACK }));
  },
  letterbox: async (photo) => {
    const { width, height } = await sizeOf(photo);
    const bar = Math.round(0.25 * height);
    return png(
      sharp(photo).extend({ top: bar, bottom: bar, left: 0, right: Math.round(width / 50), background: BLACK }),
    );
  },
  screenshot,
  'photo of screen': photoOfScreen,
  collage,
  inset,
  'crop, text, jpeg': async (photo, context) => {
    const cropped = await crop(photo, 0.8, context.random);
    const written = await overlay(cropped, captionOf);
    return sharp(await scale(written, 0.5, 0.5))
      .jpeg({ quality: 30 })
      .toBuffer();
  },
};

function png(image: Sharp): Promise<Uint8Array> {
  return image.flatten({ background: WHITE }).toColourspace('srgb').png({ compressionLevel: 1 }).toBuffer();
}

async function sizeOf(photo: Uint8Array): Promise<{ width: number; height: number }> {
  const { width, height } = await sharp(photo).metadata();
  return { width, height };
}

async function rawOf(photo: Uint8Array): Promise<Raw> {
  const flat = sharp(photo).flatten({ background: WHITE }).toColourspace('srgb').removeAlpha().raw();
  const { data, info } = await flat.toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

function fromRaw({ data, width, height }: Raw): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

async function scale(photo: Uint8Array, across: number, down: number): Promise<Uint8Array> {
  const { width, height } = await sizeOf(photo);
  const shape = [Math.max(16, Math.round(across * width)), Math.max(16, Math.round(down * height))] as const;
  return png(sharp(photo).resize(...shape, { fit: 'fill' }));
}

/** A window of `share` of the area, its proportions kept, anywhere in the photo. */
async function crop(photo: Uint8Array, share: number, random: () => number): Promise<Uint8Array> {
  const size = await sizeOf(photo);
  const [width, height] = [size.width, size.height].map((side) => Math.round(side * Math.sqrt(share))) as [
    number,
    number,
  ];
  const left = Math.floor(random() * (size.width - width + 1));
  const top = Math.floor(random() * (size.height - height + 1));
  return png(sharp(photo).extract({ left, top, width, height }));
}

function alike(value: number): [number, number, number] {
  return [value, value, value];
}

async function mapPixels(
  photo: Uint8Array,
  change: (pixel: [number, number, number]) => [number, number, number],
): Promise<Uint8Array> {
  const raw = await rawOf(photo);
  const data = new Uint8ClampedArray(raw.data.length);
  for (let at = 0; at < data.length; at += 3)
    data.set(change([raw.data[at]!, raw.data[at + 1]!, raw.data[at + 2]!]), at);
  return png(fromRaw({ ...raw, data: new Uint8Array(data.buffer) }));
}

function mapValues(photo: Uint8Array, change: (value: number) => number): Promise<Uint8Array> {
  return mapPixels(photo, ([r, g, b]) => [change(r), change(g), change(b)]);
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

async function overlay(photo: Uint8Array, svgOf: (width: number, height: number) => string): Promise<Uint8Array> {
  const { width, height } = await sizeOf(photo);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${svgOf(width, height)}</svg>`;
  return png(sharp(photo).composite([{ input: Buffer.from(svg) }]));
}

/** A caption over the lower quarter. Letters are strokes: fonts differ from machine to machine. */
function captionOf(width: number, height: number): string {
  const letters =
    'M3 0H0V4H3 M5 0H8V4H5Z M10 4V0H13V2H10 M15 0L16.5 2L18 0M16.5 2V4 M20 4V0L22 4V0 M24 0H27M25.5 0V4M24 4H27';
  return `<rect y="${0.74 * height}" width="${width}" height="${0.26 * height}" fill="black" opacity="0.55"/>
    <g transform="translate(${0.06 * width} ${0.79 * height}) scale(${width / 31} ${height / 25})">
      <path d="${letters}" fill="none" stroke="white" stroke-width="0.8"/></g>`;
}

/** A badge over a fifth of the photo. */
function logoOf(width: number, height: number): string {
  const radius = Math.sqrt((0.2 * width * height) / Math.PI);
  const [x, y] = [width - 0.9 * radius, 0.9 * radius];
  return `<circle cx="${x}" cy="${y}" r="${radius}" fill="#d02030"/>
    <circle cx="${x}" cy="${y}" r="${0.7 * radius}" fill="white"/>
    <rect x="${x - 0.4 * radius}" y="${y - 0.15 * radius}" width="${0.8 * radius}" height="${0.3 * radius}" fill="#2030a0"/>`;
}

/** The photo in the window of a viewer, with a title bar, a side bar and some desktop. It covers 45 % of the picture. */
async function screenshot(photo: Uint8Array): Promise<Uint8Array> {
  const { width, height } = await sizeOf(photo);
  const [w, h] = [Math.round(width / 0.67), Math.round(height / 0.67)];
  const [left, top] = [Math.round(0.2 * w), Math.round(0.2 * h)];
  const lines = Array.from(
    { length: 6 },
    (_, i) => `<rect x="${0.05 * w}" y="${(0.2 + 0.1 * i) * h}" width="${0.1 * w}" height="${0.03 * h}" fill="#777"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}">
    <rect width="${w}" height="${h}" fill="#2a5d84"/>
    <rect x="${0.03 * w}" y="${0.06 * h}" width="${0.94 * w}" height="${0.88 * h}" fill="#eeeeee"/>
    <rect x="${0.03 * w}" y="${0.06 * h}" width="${0.94 * w}" height="${0.08 * h}" fill="#555555"/>
    <circle cx="${0.9 * w}" cy="${0.1 * h}" r="${0.02 * h}" fill="#e04040"/>
    <circle cx="${0.94 * w}" cy="${0.1 * h}" r="${0.02 * h}" fill="#40c040"/>${lines.join('')}</svg>`;
  return png(sharp(Buffer.from(svg)).composite([{ input: Buffer.from(photo), left, top }]));
}

/** The photo on a screen, photographed from the side: a perspective, lines of the screen, uneven light, a dark rim, some blur. */
async function photoOfScreen(photo: Uint8Array): Promise<Uint8Array> {
  const raw = await rawOf(photo);
  const { width, height, data } = raw;
  const out = new Uint8ClampedArray(data.length).fill(30);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / width, y / height];
      // Inverse of the view: the right edge is farther away than the left one.
      const depth = 1 + 0.35 * u;
      const sourceX = (1.42 * (u - 0.04)) / depth;
      const sourceY = 0.5 + (1.3 * (v - 0.5) * depth) / 1.15;
      const [px, py] = [sourceX * (width - 1), sourceY * (height - 1)];
      if (px < 0 || py < 0 || px > width - 1 || py > height - 1) continue;
      const light = (0.75 + 0.4 * u) * (y % 3 === 0 ? 0.85 : 1);
      for (let c = 0; c < 3; c++) out[3 * (y * width + x) + c] = light * sample(raw, px, py, c) + 12 * (1 - v);
    }
  return png(fromRaw({ ...raw, data: new Uint8Array(out.buffer) }).blur(0.8));
}

/** Bilinear. */
function sample({ data, width, height }: Raw, x: number, y: number, channel: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
  const [a, b] = [x - left, y - top];
  const at = (px: number, py: number): number => data[3 * (py * width + px) + channel]!;
  return (
    (1 - b) * ((1 - a) * at(left, top) + a * at(right, top)) + b * ((1 - a) * at(left, bottom) + a * at(right, bottom))
  );
}

/** One of four photos, the first. */
async function collage(photo: Uint8Array, { others }: AttackContext): Promise<Uint8Array> {
  const { width, height } = await sizeOf(photo);
  const tiles = await Promise.all(
    [photo, ...others].map((tile) => sharp(tile).resize(width, height, { fit: 'cover' }).png().toBuffer()),
  );
  const places = tiles.map((input, i) => ({ input, left: (i % 2) * width, top: i < 2 ? 0 : height }));
  return png(
    sharp({ create: { width: 2 * width, height: 2 * height, channels: 3, background: WHITE } }).composite(places),
  );
}

/** Over another photo, 60 % of its width and height: 36 % of what is seen. */
async function inset(photo: Uint8Array, { others, random }: AttackContext): Promise<Uint8Array> {
  const { width, height } = await sizeOf(photo);
  const [w, h] = [Math.round(width / 0.6), Math.round(height / 0.6)];
  const ground = await sharp(others[0]).resize(w, h, { fit: 'cover' }).png().toBuffer();
  const [left, top] = [Math.floor(random() * (w - width)), Math.floor(random() * (h - height))];
  return png(sharp(ground).composite([{ input: Buffer.from(photo), left, top }]));
}
