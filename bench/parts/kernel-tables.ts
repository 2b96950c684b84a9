// Two namespaces with the same rules: what changes in one by nfnetlink, changes in the other by a process of nft for each step.
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { computeContent } from '../../src/nftables/changes.ts';
import type { Batch, Steps } from '../../src/nftables/nft.ts';
import { printBatch } from '../../src/nftables/print.ts';
import type { PolicyChange } from '../../src/policy/types/types.ts';
import { addNetns, openFirewallIn, removeAllNetns } from '../../test/support/firewall/firewall-net.ts';

export interface Times {
  readonly ours: readonly number[];
  readonly nft: readonly number[];
}

export interface Tables {
  /** From an empty table to all of it: once by us, once by nft. */
  readonly start: { readonly ours: number; readonly nft: number };
  /** All of them by us, then all by nft. Milliseconds. */
  measure(steps: readonly (readonly PolicyChange[])[]): Times;
  /** Read back and compared, so many times; by us alone. */
  measureResync(times: number): readonly number[];
  close(): void;
}

function timeMs(work: () => void): number {
  const from = performance.now();
  work();
  return performance.now() - from;
}

function runNft(netns: string, text: string): void {
  const command = ['ip', 'netns', 'exec', netns, 'nft', '-f', '-'];
  const { exitCode, stderr } = Bun.spawnSync(command, { stdin: Buffer.from(text), timeout: 600_000 });
  if (exitCode !== 0) throw new Error(`nft: ${exitCode} ${stderr.toString().slice(0, 500)}`);
}

export function openTables(content: readonly PolicyChange[]): Tables {
  const [ownNetns, nftNetns] = [addNetns(), addNetns()];
  const kernel: KernelFirewall = openFirewallIn(ownNetns);
  const firewall = createFirewall(defaultFirewallConfig);
  kernel.loadBase(defaultFirewallConfig);
  const ours = timeMs(() => {
    firewall.apply(content);
    kernel.resync(firewall.ruleset);
  });
  const whole: Batch = [{ kind: 'add-table' }, ...computeContent(firewall.ruleset).flat()];
  const text = printBatch(whole);
  const nft = timeMs(() => runNft(nftNetns, text));

  function apply(changes: readonly PolicyChange[]): Steps {
    const steps = firewall.apply(changes);
    const outcome = kernel.apply(steps, firewall.ruleset);
    if (outcome.kind !== 'applied') throw outcome.cause;
    return steps;
  }

  return {
    start: { ours, nft },
    measure(all) {
      const steps: Steps[] = [];
      const ours = all.map((changes) => timeMs(() => void steps.push(apply(changes))));
      const texts = steps.map((each) => each.map(printBatch).join('\n'));
      return { ours, nft: texts.map((each) => timeMs(() => runNft(nftNetns, each))) };
    },
    measureResync: (times) =>
      Array.from({ length: times }, () =>
        timeMs(() => {
          const findings = kernel.resync(firewall.ruleset);
          if (findings.length > 0) throw new Error(`the kernel has something else: ${JSON.stringify(findings[0])}`);
        }),
      ),
    close() {
      kernel.close();
      removeAllNetns();
    },
  };
}
