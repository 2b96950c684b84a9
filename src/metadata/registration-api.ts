// What rkt tells the service, over a socket that only root may use: a pod that begins, its images, a pod that has ended.
import { isOcicatError } from '../base/errors.ts';
import { type HttpAnswer, type HttpRequest, textAnswer } from './http-message.ts';
import { hashToken, isAppName, isIp4, isUuid, type Registration } from './registration.ts';
import type { Registry } from './registry.ts';

/** Who names no address is on the host's network, as with `--net=host`. */
const LOOPBACK = '127.0.0.1';

function newPod(uuid: string, request: HttpRequest): Registration | string {
  const query = new URLSearchParams(request.query);
  const token = query.get('token') ?? '';
  const address = query.get('ip') ?? LOOPBACK;
  const podPath = query.get('path') ?? undefined;
  if (!/^[0-9a-f]{32,128}$/.test(token)) return 'token missing or malformed';
  if (!isIp4(address)) return 'ip malformed';
  if (podPath !== undefined && !podPath.startsWith('/')) return 'path malformed';
  return { uuid, tokenHash: hashToken(token), address, podPath, manifest: request.body.toString('utf8'), images: {} };
}

function putPod(registry: Registry, uuid: string, request: HttpRequest): HttpAnswer {
  const pod = newPod(uuid, request);
  if (typeof pod === 'string') return textAnswer(400, pod);
  registry.sweep();
  registry.put(pod);
  return textAnswer(200);
}

function putApp(registry: Registry, uuid: string, app: string, request: HttpRequest): HttpAnswer {
  const pod = registry.get(uuid);
  if (pod === undefined) return textAnswer(404, 'pod with given UUID not found');
  if (!isAppName(app)) return textAnswer(400, 'app missing or malformed');
  registry.put({ ...pod, images: { ...pod.images, [app]: request.body.toString('utf8') } });
  return textAnswer(200);
}

function route(registry: Registry, request: HttpRequest): HttpAnswer {
  const [collection, uuid = '', app, ...rest] = request.segments;
  if (collection !== 'pods' || rest.length > 0) return textAnswer(404);
  if (!isUuid(uuid)) return textAnswer(400, 'UUID is missing or malformed');
  if (request.method === 'PUT') {
    return app === undefined ? putPod(registry, uuid, request) : putApp(registry, uuid, app, request);
  }
  if (request.method !== 'DELETE' || app !== undefined) return textAnswer(405);
  return registry.forget(uuid) ? textAnswer(200) : textAnswer(404, 'pod not found');
}

export function answerRegistration(registry: Registry, request: HttpRequest): HttpAnswer {
  try {
    return route(registry, request);
  } catch (error) {
    if (isOcicatError(error, 'invalid')) return textAnswer(400, error.message);
    throw error;
  }
}
