// `rkt image list`

import { OcicatError } from '../../base/errors.ts';
import { flagOn, flagValue, type WithFlags } from '../../cli/flags.ts';
import { formatTable } from '../../cli/table.ts';
import { formatImageName, type ImageRecord } from '../../images/store/record.ts';
import { openImageStore } from '../../images/store/store.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { formatAge, formatSize, printTime } from '../cli/format.ts';
import { parseOutputFormat, printDocument } from '../cli/json-output.ts';
import { RKT_COLUMNS } from '../cli/output.ts';
import type { Handler } from './command.ts';

const SHORT_ID = 'sha512-'.length + 12;
const NS_PER_MS = 1e6;

interface Field {
  readonly title: string;
  readonly short: (image: ImageRecord, nowMs: number) => string;
  readonly full: (image: ImageRecord) => string;
}

const fields: Readonly<Record<string, Field>> = {
  id: { title: 'ID', short: (image) => image.id.slice(0, SHORT_ID), full: (image) => image.id },
  name: { title: 'NAME', short: formatImageName, full: formatImageName },
  size: { title: 'SIZE', short: (image) => formatSize(image.sizeBytes), full: (image) => String(image.sizeBytes) },
  importtime: {
    title: 'IMPORT TIME',
    short: (image, nowMs) => formatAge(image.importedAtMs, nowMs),
    full: (image) => printTime(image.importedAtMs),
  },
  lastused: {
    title: 'LAST USED',
    short: (image, nowMs) => formatAge(image.lastUsedMs, nowMs),
    full: (image) => printTime(image.lastUsedMs),
  },
};

function parseFields(line: WithFlags): readonly Field[] {
  return (flagValue(line, 'fields') ?? Object.keys(fields).join(',')).split(',').map((name) => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field !== undefined) return field;
    throw new OcicatError('invalid', `--fields "${name}": wanted ${Object.keys(fields).join(', ')}`);
  });
}

const sortKeys: Readonly<Record<string, (image: ImageRecord) => string | number>> = {
  name: formatImageName,
  importtime: (image) => image.importedAtMs,
  lastused: (image) => image.lastUsedMs,
  size: (image) => image.sizeBytes,
};

function sortImages(images: readonly ImageRecord[], line: WithFlags): readonly ImageRecord[] {
  const name = flagValue(line, 'sort') ?? 'importtime';
  const order = flagValue(line, 'order') ?? 'asc';
  const key = Object.hasOwn(sortKeys, name) ? sortKeys[name] : undefined;
  if (key === undefined)
    throw new OcicatError('invalid', `--sort "${name}": wanted ${Object.keys(sortKeys).join(', ')}`);
  if (order !== 'asc' && order !== 'desc') throw new OcicatError('invalid', `--order "${order}": wanted asc or desc`);
  const sign = order === 'asc' ? 1 : -1;
  return images.toSorted((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0));
}

function imageObject(image: ImageRecord): unknown {
  return {
    id: image.id,
    name: formatImageName(image),
    import_time: Math.round(image.importedAtMs) * NS_PER_MS,
    last_used_time: Math.round(image.lastUsedMs) * NS_PER_MS,
    size: image.sizeBytes,
  };
}

function readImages(dataDir: string): readonly ImageRecord[] {
  const store = openImageStore(dataDir);
  try {
    return store.list();
  } finally {
    store.close();
  }
}

/** A table, or JSON with times in nanoseconds. */
export const listImages: Handler = async (context, line) => {
  const format = parseOutputFormat(line);
  const columns = parseFields(line);
  const images = sortImages(readImages(chooseDataDir(context)), line);
  if (format !== 'table') {
    context.stdio.stdout(printDocument(images.map(imageObject), format));
    return 0;
  }
  const full = flagOn(line, 'full');
  const nowMs = Date.now();
  const rows = images.map((image) => columns.map((field) => (full ? field.full(image) : field.short(image, nowMs))));
  const head = flagOn(line, 'no-legend') ? [] : [columns.map((field) => field.title)];
  context.stdio.stdout(formatTable(RKT_COLUMNS, [...head, ...rows]));
  return 0;
};
