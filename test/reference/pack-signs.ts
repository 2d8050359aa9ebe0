/** The definition: as text, one digit a number, eight digits a byte read from right to left. */
export function packSigns(values: ArrayLike<number>): number[] {
  const digits = Array.from(values, (value) => (value >= 0 ? '1' : '0'));
  while (digits.length % 8 !== 0) digits.push('0');
  const bytes = [];
  for (let i = 0; i < digits.length; i += 8)
    bytes.push(
      parseInt(
        digits
          .slice(i, i + 8)
          .reverse()
          .join(''),
        2,
      ),
    );
  return bytes;
}
