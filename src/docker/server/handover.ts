// Links that Docker takes to containers after it has been told of them: each is completed as soon as it is up there, which the kernel
// tells, or has gone.
import { observeKernelEvents } from '../../kernel/event/events.ts';
import { completeTakenLink, type TakenLink } from '../../kernel/link/workload-link-handover.ts';
import type { Log } from '../../sys/log.ts';

export interface Handover {
  follow(link: TakenLink): void;
}

export function createHandover(log: Log, signal: AbortSignal): Handover {
  const waiting = new Map<string, TakenLink>();
  let isListening = false;

  /** One that cannot be completed is logged, and tried again by whoever follows it anew. */
  function attempt(link: TakenLink): void {
    try {
      if (completeTakenLink(link) === 'waiting') return;
    } catch (error) {
      log.error(`complete link "${link.hostName}" in its container`, error);
    }
    waiting.delete(link.hostName);
  }

  function attemptAll(): void {
    for (const link of waiting.values()) attempt(link);
  }

  /** Listens first and looks then: nothing is missed between the two. */
  async function listen(): Promise<void> {
    const done = new AbortController();
    const events = observeKernelEvents(AbortSignal.any([signal, done.signal]), ['link']);
    attemptAll();
    if (waiting.size === 0) done.abort();
    for await (const event of events) {
      const link = event.kind === 'link' ? waiting.get(event.link.name) : undefined;
      if (link !== undefined) attempt(link);
      else if (event.kind === 'overrun') attemptAll();
      if (waiting.size === 0) done.abort();
    }
  }

  async function run(): Promise<void> {
    isListening = true;
    try {
      while (waiting.size > 0 && !signal.aborted) await listen();
    } catch (error) {
      log.error('follow links of containers', error);
    } finally {
      isListening = false;
    }
  }

  return {
    follow(link) {
      waiting.set(link.hostName, link);
      if (isListening) attempt(link);
      else void run();
    },
  };
}
