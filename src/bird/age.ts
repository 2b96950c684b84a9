// Renews BIRD when many links have come and gone. BIRD 2 keeps an entry for each name of an interface that it has ever seen, and
// walks all of them for each link and route that comes or goes (nest/iface.c, if_update), so it slows with every workload.

import type { KernelEvent } from '../kernel/event/events.ts';
import type { Log } from '../sys/log.ts';
import type { BirdProtocol } from './protocols.ts';
import { bgpSessionsOf } from './sessions.ts';

/** With so many a workload that comes and goes costs BIRD 2.4 ms, with a thousand 0.7 ms. */
export const MOST_LINKS = 20_000;

export interface Renewable {
  observeProtocols(): Promise<readonly BirdProtocol[]>;
  renew(): Promise<void>;
}

/** The nodes of the cluster keep routes while BIRD comes again (RFC 4724); what other routers do is not known. */
function isSafe(protocols: readonly BirdProtocol[]): boolean {
  return bgpSessionsOf(protocols).every(({ origin, bgpState }) => origin === 'mesh' || bgpState !== 'Established');
}

/** Called with every event of the kernel. */
export function watchBirdAge(bird: Renewable, log: Log): (event: KernelEvent) => void {
  let highest = 0;
  let links = 0;

  async function renew(): Promise<void> {
    try {
      if (!isSafe(await bird.observeProtocols())) return;
      log.info(`BIRD is renewed: it has seen ${MOST_LINKS} links`);
      await bird.renew();
    } catch (error) {
      log.error('renew BIRD', error);
    }
  }

  return (event) => {
    if (event.kind !== 'link' || event.link.index <= highest) return;
    highest = event.link.index; // the kernel counts them upwards
    links += 1;
    if (links < MOST_LINKS) return;
    links = 0;
    void renew();
  };
}
