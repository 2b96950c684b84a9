// Holds the kernel's nftables to what is wanted: applies batches, and reads the table back and repairs it.
import { OcicatError } from '../../base/errors.ts';
import type { FirewallConfig } from '../../firewall/config.ts';
import { computeBase, computeStaticPart } from '../../firewall/static.ts';
import { agentTable, encodeBatch } from '../../nftables/encode.ts';
import { computeExchange, removeStandIn, type TableStep } from '../../nftables/exchange.ts';
import { keepCounts } from '../../nftables/kept-counts.ts';
import { type Batch, familyOfObject, LAYOUT, type Ruleset, type Steps, TABLE } from '../../nftables/nft.ts';
import { computeRefusedObjects, type RefusedObject } from '../../nftables/refused.ts';
import { computeRepair, computeSetDifferences, type Finding, type RepairScope } from '../../nftables/repair.ts';
import { splitBatch } from '../../nftables/split.ts';
import { errnoName } from '../../sys/libc.ts';
import {
  adoptNetlink,
  createMessageWriter,
  drainNetlink,
  NETLINK_NETFILTER,
  type Netlink,
  observeSendRoom,
  openNetlink,
  type Refusal,
} from '../../sys/netlink.ts';
import { readCountedRules } from './counted-rules.ts';
import { type KernelTable, type Observation, observeFirewall, observeGeneration } from './observe.ts';
import { AGENT_HOLDER } from './table-holder.ts';

/** The kernel wants a batch in one piece; ten thousand endpoints with policies of their own are 9 MB. */
const SEND_BUFFER_BYTES = 64 << 20;
/** Any socket has room for so much (net.core.wmem_default is more than three times as large). */
const ALWAYS_TAKEN_BYTES = 1 << 16;
/** Each refused message of a batch is answered, in about 800 bytes of kernel memory. */
const RECEIVE_BUFFER_BYTES = 64 << 20;
/** The kernel's answer to a batch for a generation that is over (linux/errno.h). */
const ERESTART = 85;
/** How often others may change rulesets between our reading and our writing. */
const MAX_ATTEMPTS = 20;

type BaseOutcome =
  /** An agent with another layout of the table left it: it stays in force until the first resync. */
  | { readonly kind: 'kept'; readonly layout: string | undefined }
  | { readonly kind: 'loaded'; readonly findings: readonly Finding[] };

type ApplyOutcome =
  | { readonly kind: 'applied' }
  /** The kernel refused, because its table was not as expected; now it is. */
  | { readonly kind: 'repaired'; readonly cause: OcicatError; readonly findings: readonly Finding[] }
  | Refused;

/** The kernel will not have what is wanted, and has what it had. */
export interface Refused {
  readonly kind: 'refused';
  readonly cause: OcicatError;
  /** What the refused messages were about, as far as the kernel says. */
  readonly objects: readonly RefusedObject[];
}

/** Undefined when the kernel took it; `stale` when the generation is over. */
type CommitOutcome = Refused | 'stale' | undefined;

type RepairOutcome = { readonly kind: 'repaired'; readonly findings: readonly Finding[] } | Refused;

/** Works in the network namespace it was opened in. All calls are synchronous and throw `kernel`. */
export interface KernelFirewall {
  /** The socket that the table belongs to. */
  readonly fd: number;
  /** That socket's address in notifications; 0 before the first call. */
  readonly portId: number;
  /**
   * Makes the static part be there and right, in one step. Whatever else the table holds from an earlier run stays in
   * force, so that flows it allowed go on and those it denied stay denied.
   */
  loadBase(config: FirewallConfig): BaseOutcome;
  /** One batch for each step. `desired` is the state after the last one, to be reached in another way when the kernel refuses any. */
  apply(steps: Steps, desired: Ruleset): ApplyOutcome;
  /** Reads everything back, makes it as desired, and returns what was not; `take` gets the steps. */
  tryResync(desired: Ruleset, take?: (steps: Steps) => void): RepairOutcome;
  /** As tryResync; throws when the kernel refuses. */
  resync(desired: Ruleset, take?: (steps: Steps) => void): readonly Finding[];
  /** Whether nobody has changed any ruleset but this object, since the last resync. Costs one small question. */
  isUntouched(): boolean;
  close(): void;
}

interface Plan {
  readonly findings: readonly Finding[];
  readonly differences: Steps;
  readonly steps: readonly TableStep[];
}

function openFirewallSocket(): Netlink {
  return openNetlink(NETLINK_NETFILTER, {
    sendBufferBytes: SEND_BUFFER_BYTES,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
  });
}

function describe(refusal: Refusal): OcicatError {
  const detail = refusal.extack === '' ? '' : ` (${refusal.extack})`;
  const message = `change table "${TABLE}": message ${refusal.index}: ${errnoName(refusal.errno)}${detail}`;
  return new OcicatError('kernel', message, { errno: refusal.errno });
}

/** The first refusal is the reason; the others may follow from it. */
function refuse(batch: Batch, starts: readonly number[], refusals: readonly Refusal[]): Refused {
  const [first] = refusals;
  const cause = first === undefined ? new OcicatError('kernel', `change table "${TABLE}": refused`) : describe(first);
  const messages = refusals.map(({ index }) => index);
  return { kind: 'refused', cause, objects: computeRefusedObjects(batch, starts, messages) };
}

/**
 * `owned`: the table belongs to this object, so that nobody else can change it while it is open, and stays when it is closed;
 * the kernel must offer that (see observeTableOwnership). What an earlier one has left is taken over as it is; a table that
 * cannot be owned stays in force until the first resync makes another one. `heldFd`: the socket that an earlier one had, which
 * the table may belong to; from here on it is this object's.
 */
export function openKernelFirewall(owned: boolean, heldFd?: number): KernelFirewall {
  const netlink = heldFd === undefined ? openFirewallSocket() : adoptNetlink(heldFd);
  if (heldFd !== undefined) drainNetlink(heldFd);
  const writer = createMessageWriter(1 << 16);
  /** The generation after our last change or look; undefined before. */
  let generation: number | undefined;
  let touched = true;

  function encode({ table, batch }: TableStep, expected: number): readonly number[] {
    writer.reset();
    return encodeBatch(writer, batch, agentTable(table, owned), expected);
  }

  /** In parts, where it may be; `roomBytes`: what the socket takes at once. */
  function commitParts({ table, batch }: TableStep, expected: number, roomBytes: number): CommitOutcome | 'whole' {
    const parts = splitBatch(batch, (part) => {
      encode({ table, batch: part }, expected);
      return writer.length <= roomBytes;
    });
    if (parts.length === 1) return 'whole';
    return commitAll(
      parts.map((part) => ({ table, batch: part })),
      expected,
    );
  }

  /** Rules of chains that are rendered anew go on with what they have counted. */
  function withCounts({ table, batch }: TableStep): TableStep {
    const read = (chain: string) => readCountedRules({ netlink, writer, family: familyOfObject(chain), table }, chain);
    return { table, batch: keepCounts(batch, read) };
  }

  /** Undefined when the kernel took it; `stale` when the generation is over. */
  function commit(wanted: TableStep, expected: number): CommitOutcome {
    const step = withCounts(wanted);
    let starts = encode(step, expected);
    const roomBytes = writer.length <= ALWAYS_TAKEN_BYTES ? ALWAYS_TAKEN_BYTES : observeSendRoom(netlink.fd);
    if (writer.length > roomBytes) {
      const outcome = commitParts(step, expected, roomBytes);
      if (outcome !== 'whole') return outcome;
      starts = encode(step, expected);
    }
    const { batch } = step;
    const refusals = netlink.tryRequest(writer, 1);
    const [refusal] = refusals;
    if (refusal?.errno === ERESTART) return 'stale';
    if (refusal !== undefined) return refuse(batch, starts, refusals);
    generation = observeGeneration(netlink, writer);
    // the kernel counts one for a batch, or none if nothing came of it; wrapping, it leaves out 0
    if (generation !== expected && generation !== expected + 1 && generation !== 1) touched = true;
    return undefined;
  }

  /** Whatever others did meanwhile, they did to their own tables or a resync will see it. */
  function commitNow(batch: Batch): Refused | undefined {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const step = { table: TABLE, batch } as const;
      const outcome = commit(step, generation ?? observeGeneration(netlink, writer));
      if (outcome !== 'stale') return outcome;
      touched = true;
      generation = undefined;
    }
    const message = `change table "${TABLE}": others changed theirs ${MAX_ATTEMPTS} times meanwhile`;
    return { kind: 'refused', cause: new OcicatError('kernel', message), objects: [] };
  }

  function commitAll(steps: readonly TableStep[], expected: number): CommitOutcome {
    let outcome: CommitOutcome;
    generation = expected;
    for (const step of steps) outcome ??= commit(step, generation ?? expected);
    return outcome;
  }

  /** Whether the table belongs to this object, if it is to. */
  function isHeld({ owner }: KernelTable): boolean {
    return !owned || owner.kind === 'socket';
  }

  function mustBeFree(table: KernelTable | undefined): void {
    if (table?.owner.kind === 'socket' && table.owner.portId !== netlink.portId)
      throw new OcicatError(
        'kernel',
        `take over table "${TABLE}": it belongs to another process, an agent's or its "${AGENT_HOLDER}"; end that`,
      );
  }

  /** Takes over what a closed socket has left. Throws `kernel`, also for what belongs to another process. */
  function observeOwn(): Observation {
    const observation = observeFirewall(netlink, writer);
    mustBeFree(observation.table);
    mustBeFree(observation.standIn);
    if (!owned || observation.table?.owner.kind !== 'orphan') return observation;
    const refused = commitNow([{ kind: 'add-table' }]);
    if (refused !== undefined) throw refused.cause;
    return observeFirewall(netlink, writer);
  }

  /** Piece by piece if that will do, otherwise the table as a whole. */
  function plan(
    { table, standIn }: Observation,
    desired: Ruleset,
    scope: RepairScope | undefined,
    isWhole: boolean,
  ): Plan {
    const { findings, steps } = computeRepair(table, desired, scope);
    const isOurs = scope !== undefined || (table !== undefined && isHeld(table));
    if (steps === undefined || !isOurs || isWhole) {
      const differences = steps ?? computeSetDifferences(table, desired);
      return { findings, differences, steps: computeExchange(table, standIn, desired) };
    }
    const pieces = steps.map((batch): TableStep => ({ table: TABLE, batch }));
    const standInRemoval = scope === undefined ? removeStandIn(standIn) : [];
    return { findings, differences: steps, steps: [...pieces, ...standInRemoval] };
  }

  function tryRepair(
    desired: Ruleset,
    scope?: RepairScope,
    take: (steps: Steps) => void = () => undefined,
  ): RepairOutcome {
    let isWhole = false;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const observation = observeOwn();
      const { findings, differences, steps } = plan(observation, desired, scope, isWhole);
      touched = false;
      if (findings.length > 0) take(differences);
      const refused = commitAll(steps, observation.generation);
      if (refused === undefined) return { kind: 'repaired', findings };
      if (refused === 'stale') continue;
      touched = true;
      if (isWhole) return refused;
      isWhole = true;
    }
    throw new OcicatError('kernel', `repair table "${TABLE}": others changed theirs ${MAX_ATTEMPTS} times meanwhile`);
  }

  function repair(...how: Parameters<typeof tryRepair>): readonly Finding[] {
    const outcome = tryRepair(...how);
    if (outcome.kind === 'refused') throw outcome.cause;
    return outcome.findings;
  }

  return {
    fd: netlink.fd,
    get portId() {
      return netlink.portId;
    },
    loadBase(config) {
      const { table, standIn } = observeOwn();
      if (standIn !== undefined || (table !== undefined && table.layout !== LAYOUT))
        return { kind: 'kept', layout: table?.layout };
      const openSets = new Set(computeStaticPart(config).openSets.map(({ spec }) => spec.name));
      const findings = repair(computeBase(config), { keepOthers: true, openSets });
      touched = true; // the rest has not been looked at
      return { kind: 'loaded', findings };
    },
    apply(steps, desired) {
      for (const step of steps) {
        const refused = commitNow(step);
        if (refused === undefined) continue;
        const outcome = tryRepair(desired);
        return outcome.kind === 'refused' ? outcome : { ...outcome, cause: refused.cause };
      }
      return { kind: 'applied' };
    },
    tryResync: (desired, take) => tryRepair(desired, undefined, take),
    resync: (desired, take) => repair(desired, undefined, take),
    isUntouched: () => !touched && generation === observeGeneration(netlink, writer),
    close: () => netlink.close(),
  };
}
