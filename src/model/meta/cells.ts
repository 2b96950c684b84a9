// Texts of table cells that several kinds share.

/** `a=1,b=` sorted by name; empty text for no labels. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels?.[key] ?? ''}`)
    .join(',');
}

/** Items joined by commas and cut to `maxLength` characters, `...` included; 0 cuts nothing. */
export function joinItems(items: readonly (string | number)[] | undefined, maxLength = 0): string {
  const text = (items ?? []).join(',');
  return maxLength === 0 || text.length <= maxLength ? text : `${text.slice(0, maxLength - 3)}...`;
}

/** A number as Calico's tables print it: `1000`, `1e+06`, `2.5`. */
export function formatFloat(value: number): string {
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  const size = String(Math.abs(power)).padStart(2, '0');
  return `${digits}e${power < 0 ? '-' : '+'}${size}`;
}
