// The first thing that an agent puts into the kernel: the table of rules, fail-closed before policy is known, and held so that
// nobody else changes it.
import { defaultFirewallConfig, type FirewallConfig } from '../firewall/config.ts';
import { type KernelFirewall, openKernelFirewall } from '../kernel/nftables/firewall.ts';
import { AGENT_HOLDER, endHolders, keepHolder, tryTakeHeldSocket } from '../kernel/nftables/table-holder.ts';
import { observeTableOwnership } from '../kernel/nftables/table-ownership.ts';
import type { Log } from '../sys/log.ts';
import { tryReadSysctl } from '../sys/sysctl.ts';
import type { AgentSettings } from './config/settings.ts';
import { chooseLogGroup } from './upkeep/packet-log.ts';

export interface BaseFirewall {
  readonly firewall: KernelFirewall;
  /** The rules where no setting of Felix says otherwise. */
  readonly base: FirewallConfig;
  /** The rules stay as they are. */
  close(): void;
}

/** Whether nobody but the agent can change its table; where the kernel does not offer that, it is put right afterwards. */
function ownsTables(log: Log): boolean {
  const offered = observeTableOwnership();
  if (!offered) log.warn('this kernel lets any process of root change the rules (it takes Linux 6.9 to keep them out)');
  return offered;
}

/** A quarter of what the machine remembers at most, whatever that is: one workload must leave room for others. */
function computeBaseConfig({ maxFlows }: AgentSettings): FirewallConfig {
  const all = Number(tryReadSysctl('net/netfilter/nf_conntrack_max') ?? Infinity);
  const usual = Math.max(1, Math.min(defaultFirewallConfig.maxFlows, Math.floor(all / 4)));
  const logGroup = chooseLogGroup();
  return { ...defaultFirewallConfig, maxFlows: maxFlows ?? usual, ...(logGroup === undefined ? {} : { logGroup }) };
}

function loadBase(firewall: KernelFirewall, config: FirewallConfig, log: Log): void {
  const base = firewall.loadBase(config);
  if (base.kind === 'kept') log.info('rules of another version stay in force until the datastore has been read');
}

/** The table goes from agent to agent with its socket: there is no moment in which somebody else could change it. Throws `kernel`. */
export function openBaseFirewall(settings: AgentSettings, log: Log): BaseFirewall {
  const owned = settings.ownTable && ownsTables(log);
  if (!owned) endHolders(AGENT_HOLDER);
  const firewall = openKernelFirewall(owned, owned ? tryTakeHeldSocket(AGENT_HOLDER) : undefined);
  const failed = (error: unknown) => log.error('hold the table of rules while no agent lives', error);
  const holder = owned ? keepHolder(firewall.fd, failed) : undefined;
  const base = computeBaseConfig(settings);
  loadBase(firewall, base, log);
  return {
    firewall,
    base,
    close() {
      holder?.release();
      firewall.close();
    },
  };
}
