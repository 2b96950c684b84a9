// One address of a registry or a mirror: asks it, and answers its challenge when it has one.
import { OcicatError } from '../../base/errors.ts';
import { computeAuthorization, type Login } from './authorize.ts';
import { type HttpPolicy, type HttpRequest, type HttpResponse, sendRequest } from './http.ts';

/** Remembers the authorization that worked. */
export interface Endpoint {
  /** Base URL without a slash at the end. */
  readonly base: string;
  /** Sends to `base` + `path`, or to a URL that the server itself named; credentials go to the host of `base` only. Throws `denied`, `not-found`, `unavailable`, `timeout` or `aborted` on all but 2xx and 416. */
  send(target: string | URL, request: Omit<HttpRequest, 'url' | 'authorization'>): Promise<HttpResponse>;
}

/** `login` is for this host; nothing is sent before the first call, and nothing has to be closed. */
export function openEndpoint(base: string, login: Login | undefined, policy: HttpPolicy): Endpoint {
  let authorization: string | undefined;
  return {
    base,
    async send(target, request) {
      const url = typeof target === 'string' ? new URL(base + target) : target;
      if (url.origin !== new URL(base).origin) return checkStatus(await sendRequest({ ...request, url }, policy));
      let response = await sendRequest({ ...request, url, authorization }, policy);
      if (response.status === 401) {
        response.cancel();
        authorization = await computeAuthorization(response, url, login, policy);
        response = await sendRequest({ ...request, url, authorization }, policy);
      }
      return checkStatus(response);
    },
  };
}

function checkStatus(response: HttpResponse): HttpResponse {
  const { status } = response;
  if ((status >= 200 && status < 300) || status === 416) return response;
  response.cancel();
  const message = `bad HTTP status code: ${status}`;
  if (status === 404) throw new OcicatError('not-found', message);
  if (status === 401 || status === 403) throw new OcicatError('denied', message);
  throw new OcicatError('unavailable', message);
}
