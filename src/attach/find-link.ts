// The link of an attachment that no endpoint names any more: it still says whose it is.
import { DEFAULT_NAMESPACE, type EndpointId, tryNameEndpoint } from './endpoint/endpoint.ts';
import type { Operation } from './operation.ts';

/** The id of the endpoint that the request's own interface has, if its namespace is the usual one; undefined when it can have none. */
export function expectedId({ context, request: { attachment } }: Operation): EndpointId | undefined {
  const name = tryNameEndpoint(context.nodeName, attachment.containerId, attachment.interfaceName);
  return name === undefined ? undefined : `${DEFAULT_NAMESPACE}/${name}`;
}

export function findLink(operation: Operation): { readonly hostName: string; readonly id: EndpointId } | undefined {
  const id = expectedId(operation);
  const link = operation.context.links.observe().find(({ endpoint }) => endpoint === id);
  return id === undefined || link === undefined ? undefined : { hostName: link.name, id };
}
