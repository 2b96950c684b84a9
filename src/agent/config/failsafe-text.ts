// Failsafe ports as variables and files say them (Calico's documentation, "Felix configuration"): `tcp:22`,
// `udp:10.0.0.0/8:68`, `tcp:[fd00::/8]:22` or the port alone, with commas between; `none` for none.

/** One of the list in FelixConfiguration. */
interface FailsafeField {
  readonly protocol: string;
  readonly port: number;
  readonly net?: string;
}

const ITEM = /^(?:(tcp|udp):)?(?:(\[[^\]]+\]|[\d./]+):)?(\d{1,5})$/i;

function tryParseItem(text: string): FailsafeField | undefined {
  const [all, protocol = 'tcp', net, port] = ITEM.exec(text.trim()) ?? [];
  if (all === undefined) return undefined;
  const range = net === undefined ? {} : { net: net.replace(/^\[|\]$/g, '') };
  return { protocol: protocol.toUpperCase(), port: Number(port), ...range };
}

/** Undefined for a text that is no such list. */
export function tryParseFailsafes(text: string): readonly FailsafeField[] | undefined {
  if (/^none$/i.test(text.trim())) return [];
  const items = text.split(',').map(tryParseItem);
  return items.every((item) => item !== undefined) ? items : undefined;
}
