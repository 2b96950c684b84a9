// The name of a workload's link on the host (Calico v3.33, cni-plugin/pkg/plugin/plugin.go).
import { createHash } from 'node:crypto';
import { OcicatError } from '../../base/errors.ts';
import type { WorkloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import type { EndpointReader } from './endpoint-index.ts';

const LINK_PREFIX = 'cali';
/** What an interface name has room for after the prefix. */
const LINK_SUFFIX_LENGTH = 11;

function* candidateNames({ containerId, interfaceName }: Attachment): Generator<string> {
  yield containerId.slice(0, LINK_SUFFIX_LENGTH);
  for (let turn = 0; ; turn++) {
    const hash = createHash('sha256').update(`${containerId}/${interfaceName}/${turn}`).digest('hex');
    yield hash.slice(0, LINK_SUFFIX_LENGTH);
  }
}

/**
 * Calico's name, `cali` and the first 11 characters of the container's ID, as long as nothing else has it, such as another
 * interface of the container; else 11 hexadecimal digits of a hash of both. (Calico lets two containers with the same
 * beginning fight for the link.)
 */
export function chooseLinkName(
  cache: Pick<EndpointReader, 'endpointsAtLink'>,
  attachment: Attachment,
  isTakenElsewhere: (name: string) => boolean,
): string {
  const { containerId, interfaceName } = attachment;
  const isOwn = ({ containerID, endpoint }: WorkloadEndpoint['spec']) =>
    containerID === containerId && endpoint === interfaceName;
  const isTaken = (name: string) => cache.endpointsAtLink(name).some(({ endpoint }) => !isOwn(endpoint.spec));
  for (const suffix of candidateNames(attachment)) {
    const name = `${LINK_PREFIX}${suffix}`;
    if (!isTaken(name) && !isTakenElsewhere(name)) return name;
  }
  throw new OcicatError('internal', `name link of container "${containerId}": names have run out`);
}
