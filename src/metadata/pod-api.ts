// What a pod may ask about itself. Source: appc specification 0.8.11, "App Container Metadata Service"; statuses as rkt 1.30.
import { printJson } from '../base/json.ts';
import { type HttpAnswer, type HttpRequest, jsonAnswer, parseForm, textAnswer } from './http-message.ts';
import { sign, verify } from './identity.ts';
import { type Annotation, isUuid, type RegisteredPod } from './registration.ts';

const NOT_FOUND = textAnswer(404);

function annotationsAnswer(annotations: readonly Annotation[], name: readonly string[]): HttpAnswer {
  if (name.length === 0) return jsonAnswer(printJson(annotations));
  const match = annotations.find((annotation) => annotation.name === name.join('/'));
  return match === undefined ? NOT_FOUND : textAnswer(200, match.value);
}

/** Names of later ones win. */
function merge(...lists: readonly (readonly Annotation[] | undefined)[]): readonly Annotation[] {
  const merged = new Map(lists.flatMap((list) => list ?? []).map(({ name, value }) => [name, value]));
  return [...merged].map(([name, value]) => ({ name, value }));
}

function appAnswer(pod: RegisteredPod, name: string, asked: readonly string[]): HttpAnswer {
  const app = pod.fields.apps.find((each) => each.name === name);
  const image = Object.hasOwn(pod.images, name) ? pod.images[name] : undefined;
  if (app === undefined || image === undefined) return NOT_FOUND;
  const [what, ...rest] = asked;
  if (what === 'annotations') {
    return annotationsAnswer(merge(pod.imageAnnotations.get(name), app.annotations), rest);
  }
  if (asked.join('/') === 'image/manifest') return jsonAnswer(image);
  return asked.join('/') === 'image/id' ? textAnswer(200, app.image.id) : NOT_FOUND;
}

function getAnswer(pod: RegisteredPod, path: readonly string[]): HttpAnswer | undefined {
  const [whose, what = '', ...rest] = path;
  if (whose === 'apps') return appAnswer(pod, what, rest);
  if (whose !== 'pod') return undefined;
  if (what === 'annotations') return annotationsAnswer(pod.fields.annotations ?? [], rest);
  if (rest.length > 0) return undefined;
  if (what === 'manifest') return jsonAnswer(pod.manifest);
  return what === 'uuid' ? textAnswer(200, pod.uuid) : undefined;
}

function readForm(request: HttpRequest): ReadonlyMap<string, Buffer> | undefined {
  return request.contentType === 'application/x-www-form-urlencoded' ? parseForm(request.body) : undefined;
}

function isBase64(text: string): boolean {
  return text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

function verifyAnswer(key: Uint8Array, form: ReadonlyMap<string, Buffer>, content: Buffer): HttpAnswer {
  const uuid = form.get('uuid')?.toString('latin1').toLowerCase() ?? '';
  const signature = form.get('signature')?.toString('latin1') ?? '';
  if (!isUuid(uuid)) return textAnswer(400, 'uuid field missing or malformed');
  if (!isBase64(signature)) return textAnswer(400, 'signature field missing or corrupt');
  return textAnswer(verify(key, uuid, content, Buffer.from(signature, 'base64')) ? 200 : 403);
}

function hmacAnswer(pod: RegisteredPod, key: Uint8Array, what: string, request: HttpRequest): HttpAnswer {
  const form = readForm(request);
  if (form === undefined) return textAnswer(400, 'wanted a form of the type application/x-www-form-urlencoded');
  const content = form.get('content');
  if (content === undefined || content.length === 0) return textAnswer(400, 'content field missing');
  return what === 'sign' ? textAnswer(200, sign(key, pod.uuid, content)) : verifyAnswer(key, form, content);
}

/** `path` is what follows `acMetadata/v1/`. An empty last part, from a slash at the end, does not count. */
export function answerPod(
  pod: RegisteredPod,
  key: Uint8Array,
  path: readonly string[],
  request: HttpRequest,
): HttpAnswer {
  const asked = path.at(-1) === '' ? path.slice(0, -1) : path;
  const isHmac = ['pod/hmac/sign', 'pod/hmac/verify'].includes(asked.join('/'));
  if (request.method !== (isHmac ? 'POST' : 'GET')) return textAnswer(405);
  return isHmac ? hmacAnswer(pod, key, asked[2] ?? '', request) : (getAnswer(pod, asked) ?? NOT_FOUND);
}
