// What the agent knows and does about it: follows the store from an empty picture on, until told to stop.
import { printJson } from '../base/json.ts';
import { AFFINITIES_PREFIX, BLOCKS_PREFIX, printKey, RESOURCES_PREFIX } from '../datastore/keys.ts';
import type { Datastore } from '../datastore/port.ts';
import { openSync } from '../datastore/sync.ts';
import type { StoreUpdate } from '../ipam/commit.ts';
import type { KernelFirewall } from '../kernel/firewall.ts';
import type { FelixConfigurationSpec } from '../model/felix-configuration.ts';
import type { Ip } from '../net/ip.ts';
import type { RoutingInput } from '../routing/input.ts';
import type { CniMemory } from './cni-memory.ts';
import { createDataplane, type Dataplane } from './dataplane.ts';
import { createFeed, type Feed } from './feed.ts';
import type { Log } from './log.ts';
import { type Concern, createPicture, type Picture } from './picture.ts';
import { createWorkloads, type Workloads } from './workloads.ts';

const FOLLOWED = [RESOURCES_PREFIX, BLOCKS_PREFIX, AFFINITIES_PREFIX, printKey({ kind: 'ipam-config' })];

export interface SessionContext {
  readonly nodeName: string;
  readonly routerId: RoutingInput['routerId'];
  readonly felix: FelixConfigurationSpec;
  readonly datastore: Datastore;
  readonly firewall: KernelFirewall;
  readonly memory: CniMemory;
  /** Ends the flows of addresses that have come to stand for somebody else. */
  readonly forgetFlows: (addresses: readonly Ip[]) => void;
  /** Something that BIRD's configuration follows from may have changed. */
  readonly touchRouting: () => void;
  /** Something has happened: this is no time to tidy up. */
  readonly touchQuiet: () => void;
  readonly log: Log;
}

export interface Session {
  readonly dataplane: Dataplane;
  readonly workloads: Workloads;
  readonly picture: Picture;
  /** Takes in what this agent itself has just written, so that it need not wait for the watch. */
  takeOwn(update: StoreUpdate): void;
  /** Runs until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export function createSession(context: SessionContext): Session {
  const { nodeName, memory, log } = context;
  const dataplane = createDataplane(context.firewall, log, context.forgetFlows);
  const picture = createPicture(context);
  const workloads = createWorkloads(log);
  const feed: Feed = createFeed({ nodeName, dataplane, picture, workloads, log });
  /** The configuration of the rules in the kernel, printed; undefined before the first ones are there. */
  let configuration: string | undefined;

  function takeConfiguration(): void {
    const config = picture.firewallConfig();
    const printed = printJson(config);
    if (configuration === undefined || configuration === printed) return;
    configuration = printed;
    dataplane.setConfig(config);
    log.info('the configuration has changed; the rules are built by it');
  }

  function act(concerns: ReadonlySet<Concern>): void {
    if (concerns.has('felix')) takeConfiguration();
    if (concerns.has('pools')) dataplane.setPools(picture.natPools());
    if (concerns.has('routing') || concerns.has('pools')) context.touchRouting();
  }

  /** The first listing is through: from here on the kernel follows. */
  function start(): void {
    const config = picture.firewallConfig();
    act(feed.takeConcerns());
    dataplane.start(config);
    configuration = printJson(config);
    workloads.restoreSettings();
    workloads.restoreRoutes();
  }

  function takeBatch(updates: readonly StoreUpdate[]): void {
    context.touchQuiet();
    for (const update of updates) {
      memory.apply(update);
      feed.take(update);
    }
    if (configuration === undefined) return;
    act(feed.takeConcerns());
    dataplane.flush();
    workloads.followSettings();
  }

  return {
    dataplane,
    workloads,
    picture,
    takeOwn(update) {
      context.touchQuiet();
      feed.take(update);
      act(feed.takeConcerns());
    },
    async run(signal) {
      for await (const event of openSync(context.datastore, FOLLOWED, signal)) {
        switch (event.kind) {
          case 'updates':
            takeBatch(event.updates);
            break;
          case 'in-sync':
            if (configuration === undefined) start();
            memory.setInSync(true);
            log.info('in step with the datastore');
            break;
          case 'disconnected':
            log.warn('the datastore does not answer; everything stays as it is until it does', event.error);
            break;
        }
      }
    },
  };
}
