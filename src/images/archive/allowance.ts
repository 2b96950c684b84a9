// What one image may take of this machine while it is fetched: bytes, files, and how full it may make the file system.
import { statfsSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';

/** Of one image, all layers unpacked. The largest images in use, with whole machine learning frameworks, have half of it. */
export const DEFAULT_MAX_IMAGE_BYTES = 16 * 2 ** 30;
/** One file or directory for so many bytes of the limit; images have one for 20 KiB and more. */
const BYTES_PER_ENTRY = 16 * 2 ** 10;
/** What fetching leaves free: a share of the file system, but no more than anybody needs to clean up. */
const RESERVE_SHARE = 0.05;
const MAX_RESERVE_BYTES = 2 ** 30;
const RESERVE_INODES = 1000;
/** How often the file system is looked at: when half of what it had to give is used, between these. */
const MIN_BYTES_PER_LOOK = 2 ** 20;
const MAX_BYTES_PER_LOOK = 32 * 2 ** 20;
const ENTRIES_PER_LOOK = 1000;

/** Adds up; every call throws `exhausted`, naming the image, the limit and the way out. */
export interface Allowance {
  /** Before the first byte comes: what is going to be downloaded. */
  expect(compressedBytes: number): void;
  /** Of unpacked layers, padding and headers included, which cost time if not room. */
  addBytes(bytes: number): void;
  addEntry(): void;
}

/** What an allowance is for. */
export interface AllowanceRequest {
  /** As the user wrote it. */
  readonly image: string;
  readonly maxBytes: number;
  /** On the file system that fills up. */
  readonly directory: string;
}

/** Starts from nothing. */
export function openAllowance({ image, maxBytes, directory }: AllowanceRequest): Allowance {
  const maxEntries = Math.ceil(maxBytes / BYTES_PER_ENTRY);
  let bytes = 0;
  let entries = 0;
  let nextLookBytes = 0;
  let nextLookEntries = 0;

  function refuse(message: string): OcicatError {
    return new OcicatError('exhausted', `image "${image}": ${message}`);
  }

  function tooLarge(what: string): OcicatError {
    return refuse(
      `${what}, and its limit is ${formatSize(maxBytes)}; raise it by --max-image-size if you trust the image`,
    );
  }

  /** Returns what the file system has to give beyond the reserve. */
  function look(wantedBytes: number): number {
    const { bavail, blocks, bsize, files, ffree } = statfsSync(directory);
    const reserve = Math.min(blocks * bsize * RESERVE_SHARE, MAX_RESERVE_BYTES);
    const free = bavail * bsize;
    const place = `the file system of "${directory}"`;
    const wayOut = 'remove images and pods (rkt image rm, rkt gc), or choose another place by --dir';
    if (free < reserve + wantedBytes) {
      throw refuse(`${place} has ${formatSize(free)} free, wanted ${formatSize(reserve + wantedBytes)}; ${wayOut}`);
    }
    if (files > 0 && ffree < RESERVE_INODES) throw refuse(`${place} has no inodes to give; ${wayOut}`);
    return free - reserve;
  }

  return {
    expect(compressedBytes) {
      if (compressedBytes > maxBytes) throw tooLarge(`has ${formatSize(compressedBytes)} of compressed layers`);
      look(compressedBytes);
    },
    addBytes(more) {
      bytes += more;
      if (bytes > maxBytes) throw tooLarge('unpacks to more than it may');
      if (bytes < nextLookBytes) return;
      nextLookBytes = bytes + Math.min(Math.max(look(0) / 2, MIN_BYTES_PER_LOOK), MAX_BYTES_PER_LOOK);
    },
    addEntry() {
      if (++entries > maxEntries) throw tooLarge(`has more than ${maxEntries} files and directories`);
      if (entries < nextLookEntries) return;
      nextLookEntries = entries + ENTRIES_PER_LOOK;
      look(0);
    },
  };
}

function formatSize(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.floor(bytes)} bytes` : `${Math.floor(bytes / 2 ** 20)} MiB`;
}
