// What is read of a configuration before all else: that it is a JSON object, and of a version that is spoken here.
import { describeJsonFault, isJsonObject, type Json, type JsonObject, parseJson } from '../../base/json.ts';
import { describeValue } from '../../schema/document.ts';
import { CNI_CODE, type CniError } from './error.ts';
import { type CniVersion, DEFAULT_VERSION, SUPPORTED_VERSIONS, tryParseVersion } from './version.ts';

export type Refused = { readonly kind: 'refused'; readonly error: CniError };

export function refuse(code: number, msg: string, details?: string, cniVersion?: string): Refused {
  return { kind: 'refused', error: { cniVersion, code, msg, details } };
}

export type HeaderResult =
  | { readonly kind: 'header'; readonly value: JsonObject; readonly version: CniVersion }
  | Refused;

function undecodable(why: string): Refused {
  return refuse(CNI_CODE.undecodable, `error unmarshall network config: ${why}`);
}

function incompatible(wanted: Json): Refused {
  const supported = SUPPORTED_VERSIONS.map((one) => `"${one}"`).join(' ');
  const details = `config is ${describeValue(wanted)}, plugin supports [${supported}]`;
  return refuse(CNI_CODE.incompatibleVersion, 'incompatible CNI versions', details);
}

/** Refuses with code 6 what is no JSON object, and with code 1 another version. */
export function parseHeader(text: string): HeaderResult {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    return undecodable(describeJsonFault(error));
  }
  if (!isJsonObject(value)) return undecodable('not an object');
  const wanted = value.cniVersion ?? DEFAULT_VERSION;
  const version = typeof wanted === 'string' ? tryParseVersion(wanted === '' ? DEFAULT_VERSION : wanted) : undefined;
  return version === undefined ? incompatible(wanted) : { kind: 'header', value, version };
}
