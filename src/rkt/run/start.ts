// What the parts of starting a pod share.
import type { Undo } from '../../sys/undo.ts';
import type { Context } from '../cli/context.ts';
import type { RuntimeOptions } from '../options/run-flags.ts';
import type { PodManifest } from '../store/pod-manifest.ts';
import type { HeldPod } from '../store/pod-store.ts';
import type { StopRequests } from './stop-requests.ts';

/** A pod that is being started. */
export interface Start {
  readonly context: Context;
  /** Locked, in `run`. */
  readonly pod: HeldPod;
  readonly manifest: PodManifest;
  readonly options: RuntimeOptions;
  readonly stops: StopRequests;
  /** What is worth saying once the pod runs; a pod that cannot be started has one line, the reason. */
  readonly warnings: string[];
  /** Inverses of what a failed start must not leave. */
  readonly undo: Undo;
}

/** Says a line about the start of the pod. */
export function warnStart(start: Start, line: string): void {
  start.context.stdio.stderr(`stage1: ${line}\n`);
}

/** Source of the default: rkt v1.30.0, stage1/init/common/dns_config.go. */
export function hostnameOf(start: Start): string {
  return start.options.hostname ?? `rkt-${start.pod.uuid}`;
}

/** Whether the pod has an IPC namespace of its own: unless told to stay in the host's. */
export function hasOwnIpc(start: Start): boolean {
  return start.options.ownIpc ?? true;
}
