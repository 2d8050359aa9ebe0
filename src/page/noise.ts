/**
 * Ciphertext as a picture, and an encrypted vector as a line: what there is to see for one without the key.
 * @module
 */

/** Draws bytes as coloured pixels, three bytes each, as many as fill the canvas. */
export function drawNoise(canvas: HTMLCanvasElement, bytes: Uint8Array, width: number, height: number): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++)
      image.data[4 * i + channel] = bytes[(3 * i + channel) % bytes.length] ?? 0;
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** Draws numbers as bars about a middle line, in the canvas's own colour. */
export function drawVector(canvas: HTMLCanvasElement, vector: Float32Array): void {
  const scale = Math.min(2, globalThis.devicePixelRatio || 1);
  const { clientWidth = 320, clientHeight = 48 } = canvas;
  canvas.width = Math.max(1, Math.round(scale * (clientWidth || 320)));
  canvas.height = Math.max(1, Math.round(scale * (clientHeight || 48)));
  const context = canvas.getContext('2d')!;
  context.fillStyle = getComputedStyle(canvas).color;
  let most = 0;
  for (const value of vector) most = Math.max(most, Math.abs(value));
  const middle = canvas.height / 2;
  for (let x = 0; x < canvas.width; x++) {
    const value = vector[Math.floor((x * vector.length) / canvas.width)] ?? 0;
    const length = most === 0 ? 0 : (Math.abs(value) / most) * middle;
    context.fillRect(x, value > 0 ? middle - length : middle, 1, Math.max(1, length));
  }
}
