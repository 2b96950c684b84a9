// `rkt list`

import { escapeLine } from '../../base/escape.ts';
import { VERSION } from '../../base/version.ts';
import { flagOn } from '../../cli/flags.ts';
import { formatTable } from '../../cli/table.ts';
import type { Context } from '../cli/context.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { formatAge, printTime } from '../cli/format.ts';
import { parseOutputFormat, printDocument } from '../cli/json-output.ts';
import { RKT_COLUMNS } from '../cli/output.ts';
import { formatNetworks } from '../network/net-info.ts';
import { nameable, observePods } from '../store/pod-store.ts';
import type { Handler } from './command.ts';
import { imageNameOf, type PodView, podObject, viewPod } from './pod-view.ts';

/** Characters of a UUID and of an image ID (`sha512-` and 12 digits) in tables. */
const SHORT_UUID = 8;
const SHORT_IMAGE_ID = 19;

const legend = ['UUID', 'APP', 'IMAGE NAME', 'STATE', 'CREATED', 'STARTED', 'NETWORKS'];
const fullLegend = ['UUID', 'APP', 'IMAGE NAME', 'IMAGE ID', 'STATE', 'CREATED', 'STARTED', 'NETWORKS'];

interface AppCells {
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
}

function appCells(view: PodView): readonly AppCells[] {
  const unknown = view.problems.length > 0 ? '--' : '-';
  const apps = view.manifest?.apps ?? [];
  if (apps.length === 0) return [{ name: '-', image: unknown, imageId: '-' }];
  return apps.map((app) => ({
    name: app.name,
    image: imageNameOf(app),
    imageId: app.image.id.slice(0, SHORT_IMAGE_ID),
  }));
}

/** A row for each app; what concerns the pod stands in the first one only. */
function podRows(view: PodView, full: boolean, nowMs: number): readonly (readonly string[])[] {
  const { pod, createdMs, startedMs, networks } = view;
  const time = (ms: number | undefined): string => (full ? printTime(ms) : formatAge(ms, nowMs));
  const started = startedMs === undefined ? '' : time(startedMs);
  const ofPod = [pod.state, time(createdMs), started, formatNetworks(networks)];
  return appCells(view).map(({ name, image, imageId }, index) => {
    const first = index === 0;
    const uuid = first ? (full ? pod.uuid : pod.uuid.slice(0, SHORT_UUID)) : '';
    return [uuid, name, image, ...(full ? [imageId] : []), ...(first ? ofPod : ['', '', '', ''])];
  });
}

/** The whole table. Without pods there is the legend, or an empty line. */
export function printPodTable(views: readonly PodView[], full: boolean, withLegend: boolean, nowMs: number): string {
  const head = withLegend ? [full ? fullLegend : legend] : [];
  const table = formatTable(RKT_COLUMNS, [...head, ...views.flatMap((view) => podRows(view, full, nowMs))]);
  return table === '' ? '\n' : table;
}

const RULER = '-'.repeat(40);

function reportProblems(context: Context, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const lines = [
    `list: ${problems.length} error(s) encountered when listing pods:`,
    RULER,
    ...problems.flatMap((problem) => [escapeLine(problem), RULER]),
    'misc:',
    `  rkt's appc version: ${VERSION}`,
    '',
  ];
  context.stdio.stderr(lines.map((line) => `${line}\n`).join(''));
}

/** Always succeeds; pods that cannot be read are reported on standard error. */
export const listPods: Handler = async (context, line) => {
  const format = parseOutputFormat(line);
  const views = observePods(chooseDataDir(context), nameable).map(viewPod);
  const problems = views.flatMap((view) => view.problems);
  if (format === 'table') {
    context.stdio.stdout(printPodTable(views, flagOn(line, 'full'), !flagOn(line, 'no-legend'), Date.now()));
  } else {
    context.stdio.stdout(printDocument(views.map(podObject), format));
  }
  reportProblems(context, problems);
  return 0;
};
