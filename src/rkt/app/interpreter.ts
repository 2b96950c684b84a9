// Which other program an executable needs to start: a script's interpreter, an ELF file's loader.

const decoder = new TextDecoder();

function scriptInterpreter(head: Uint8Array): string | undefined {
  const end = head.indexOf(0x0a);
  const line = decoder.decode(head.subarray(2, end < 0 ? head.length : end));
  return line.trim().split(/[ \t]/)[0] || undefined;
}

/** Offsets in the ELF header and its program headers, 32-bit and 64-bit. Source: elf(5). */
const layouts = {
  1: { phoff: 0x1c, phentsize: 0x2a, phnum: 0x2c, offset: 0x04, filesz: 0x10, wide: false },
  2: { phoff: 0x20, phentsize: 0x36, phnum: 0x38, offset: 0x08, filesz: 0x20, wide: true },
} as const;

const PT_INTERP = 3;

function elfLoader(head: Uint8Array): string | undefined {
  const layout = head[4] === 1 ? layouts[1] : head[4] === 2 ? layouts[2] : undefined;
  if (layout === undefined || head.length < 0x40) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const little = head[5] === 1;
  const word = (at: number): number =>
    layout.wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const start = word(layout.phoff);
  const size = view.getUint16(layout.phentsize, little);
  for (let index = 0; index < view.getUint16(layout.phnum, little); index++) {
    const at = start + index * size;
    if (at + layout.filesz + 8 > head.length) return undefined;
    if (view.getUint32(at, little) !== PT_INTERP) continue;
    const from = word(at + layout.offset);
    const path = head.subarray(from, from + word(at + layout.filesz));
    return decoder.decode(path).replace(/\0.*$/s, '') || undefined;
  }
  return undefined;
}

/** `head` is the beginning of a file. undefined if it names none, or beyond that beginning. */
export function findInterpreter(head: Uint8Array): string | undefined {
  if (head[0] === 0x23 && head[1] === 0x21) return scriptInterpreter(head);
  if (head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46) return elfLoader(head);
  return undefined;
}
