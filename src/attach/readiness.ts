// Readiness gates: URLs that must answer well before a workload is attached (Calico v3.33,
// cni-plugin/pkg/plugin/plugin.go).
import { OcicatError } from '../base/errors.ts';

const INTERVAL_MS = 5_000;
/** Calico's limit for one gate; it asks for the first time after five seconds, we ask at once. */
const GATE_TIMEOUT_MS = 30_000;

async function isReady(gate: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(gate, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(INTERVAL_MS)]),
    });
    return answer.status >= 200 && answer.status < 400;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Throws `not-ready` naming the gate that has not answered. */
export async function awaitReadiness(gates: readonly string[], signal: AbortSignal): Promise<void> {
  for (const gate of gates) {
    const deadlineMs = Date.now() + GATE_TIMEOUT_MS;
    while (!(await isReady(gate, signal))) {
      if (Date.now() + INTERVAL_MS > deadlineMs)
        throw new OcicatError(
          'not-ready',
          `pass readiness gate "${gate}": no answer of 200 to 399 in ${GATE_TIMEOUT_MS / 1000} s`,
        );
      await Bun.sleep(INTERVAL_MS);
    }
  }
}
