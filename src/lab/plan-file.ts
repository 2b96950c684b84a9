// The plan of a lab as a file among the lab's own: what its processes know of it.
import { readFileSync } from 'node:fs';
import { parseDocument } from '../schema/parse.ts';
import { choice, integer, text } from '../schema/scalars.ts';
import { list, object, type Schema } from '../schema/schema.ts';
import type { LabPlan } from './plan.ts';

/** Inside the lab's mount namespace: a tmpfs with everything the lab writes. It vanishes with the namespace. */
export const LAB_FILES = '/run/ocicat';
export const PLAN_FILE = `${LAB_FILES}/plan.json`;

const family = choice('ipv4', 'ipv6');
const segment = object({
  number: integer(1, 99),
  bridge: text(),
  subnets: list(object({ family, range: text(), gateway: text() })),
});

export const labPlan: Schema<LabPlan> = object({
  name: text(),
  families: list(family),
  segments: list(segment),
  nodes: list(object({ name: text(), segment: integer(1, 99), addresses: list(text()) })),
});

/** Of the lab in whose mount namespace this process is. */
export function readPlanFile(): LabPlan {
  return parseDocument(`lab plan "${PLAN_FILE}"`, readFileSync(PLAN_FILE, 'utf8'), labPlan, 'closed');
}
