// CREATE: a network as its user asks podman for it, checked, and completed with what podman must know.

import { OcicatError } from '../../base/errors.ts';
import { describeJsonFault, isJsonObject, type Json, type JsonObject, parseJson, printJson } from '../../base/json.ts';
import { parseValue } from '../../schema/parse.ts';
import { filled, list, object, sparse } from '../../schema/schema.ts';
import { IPAM_DRIVER, type Network, networkFile, nothing, toNetwork } from './network.ts';

export interface NewNetwork {
  readonly network: Network;
  /** What podman keeps. */
  readonly completed: JsonObject;
}

/** Later podman fills it in by itself, and nothing follows from it. */
const asked = object({
  subnets: filled(list(object({ gateway: sparse(nothing('each container has its host for a gateway'), '') })), [], ''),
});

function parseObject(text: string): JsonObject {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new OcicatError('invalid', `create network: standard input ${describeJsonFault(error)}`);
  }
  if (isJsonObject(value)) return value;
  throw new OcicatError('invalid', 'create network: standard input is no object');
}

/**
 * podman gives addresses out by itself, on each host the same, where a network has subnets and does not name somebody else
 * for that (containers/container-libs, common/libnetwork/netavark/ipam.go). Throws `invalid` with every issue.
 */
export function parseCreate(text: string): NewNetwork {
  const value = parseObject(text);
  const what = `create network "${typeof value.name === 'string' ? value.name : ''}"`;
  const network = toNetwork(parseValue(what, value, networkFile, 'open'));
  parseValue(what, value, asked, 'open');
  return { network, completed: { ...value, ipam_options: { driver: IPAM_DRIVER } } };
}

export function printCreated({ completed }: NewNetwork): string {
  return `${printJson(completed)}\n`;
}
