// Everything that selectors can match: endpoints of all nodes and network sets, with their labels and what they give.
import { sameContent } from '../../base/equal.ts';
import type { Cidr } from '../../net/cidr.ts';
import { bitsOf, familyOf, type Ip } from '../../net/ip.ts';
import { createInheritance, type InheritedLabels } from '../index/inheritance.ts';
import { createLabelIndex } from '../index/label-index.ts';
import { createInterner, type PackedLabels, packLabels, samePacked } from '../index/labels.ts';
import type { LocalEndpoint } from '../index/local-endpoint.ts';
import { type Contributor, contribute, type MemberSet, withdraw } from '../index/member-set.ts';
import type { EndpointInput, LabelMap, NetworkSetInput } from '../types/input.ts';
import type { MemberFeed } from './active-rules.ts';

/** One endpoint or network set. */
export interface Item extends Contributor {
  readonly labels: PackedLabels;
  readonly inherited: InheritedLabels<Item>;
  /** The endpoint's other side, on its own node. */
  local: LocalEndpoint | undefined;
}

/** Told of what happens to items. */
export interface PopulationObserver {
  /** A member of an open set came or went. */
  touchSet(set: MemberSet): void;
  /** The inherited labels of an item are about to change, and have changed. */
  beforeRelabel(item: Item): void;
  afterRelabel(item: Item): void;
}

export interface Population extends MemberFeed {
  /** Sets or removes an endpoint; returns its item, the same one as before if nothing of it has changed. */
  setEndpoint(id: string, input: EndpointInput | undefined): Item | undefined;
  setNetworkSet(id: string, input: NetworkSetInput | undefined): void;
  /** Sets the labels that a profile applies; none when it is gone, undefined when they are not known. */
  setProfileLabels(name: string, labels: LabelMap | undefined): void;
}

/** What an item is made of, before it has joined its profiles. */
interface ItemParts extends Contributor {
  readonly labels: PackedLabels;
  readonly profiles: readonly string[];
}

const NONE: readonly never[] = [];

function orNone<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list;
}

function isSingle(range: Cidr): boolean {
  return range.prefixLength === bitsOf(familyOf(range.address));
}

function sameParts(item: Item, parts: ItemParts): boolean {
  return (
    samePacked(item.labels, parts.labels) &&
    sameContent(item.inherited.profiles, parts.profiles) &&
    sameContent(item.addresses, parts.addresses) &&
    sameContent(item.ranges, parts.ranges) &&
    sameContent(item.ports, parts.ports) &&
    item.partial === parts.partial
  );
}

export function createPopulation(observer: PopulationObserver): Population {
  const items = new Map<string, Item>();
  const inheritance = createInheritance<Item>();
  const intern = createInterner();
  const index = createLabelIndex<Item, MemberSet>(
    () => items.values(),
    (set, item, certain) => {
      contribute(set, item, certain);
      observer.touchSet(set);
    },
    (set, item, certain) => {
      withdraw(set, item, certain);
      observer.touchSet(set);
    },
  );

  function remove(key: string): void {
    const item = items.get(key);
    if (item === undefined) return;
    index.removeItem(item);
    items.delete(key);
    inheritance.leave(item.inherited, item);
  }

  function set(key: string, parts: ItemParts): Item {
    const known = items.get(key);
    if (known !== undefined && sameParts(known, parts)) return known;
    remove(key);
    const { profiles, labels, addresses, ranges, ports, partial } = parts;
    const item = inheritance.join(
      profiles,
      (inherited): Item => ({ labels, inherited, addresses, ranges, ports, partial, local: undefined }),
    );
    items.set(key, item);
    index.addItem(item);
    return item;
  }

  function endpointParts(input: EndpointInput): ItemParts {
    return {
      labels: packLabels(input.labels, intern),
      profiles: orNone(input.profiles),
      addresses: orNone(input.addresses),
      ranges: NONE,
      ports: orNone(input.ports),
      partial: input.partial,
    };
  }

  function networkSetParts(input: NetworkSetInput): ItemParts {
    const addresses: readonly Ip[] = input.nets.filter(isSingle).map((range) => range.address);
    return {
      labels: packLabels(input.labels, intern),
      profiles: orNone(input.profiles),
      addresses: orNone(addresses),
      ranges: orNone(input.nets.filter((range) => !isSingle(range))),
      ports: NONE,
      partial: input.partial,
    };
  }

  return {
    setEndpoint(id, input) {
      if (input !== undefined) return set(id, endpointParts(input));
      remove(id);
      return undefined;
    },
    setNetworkSet(id, input) {
      if (input === undefined) remove(id);
      else set(id, networkSetParts(input));
    },
    setProfileLabels(name, labels) {
      inheritance.setLabels(
        name,
        labels && packLabels(labels, intern),
        (item) => {
          observer.beforeRelabel(item);
          index.removeItem(item);
        },
        (item) => {
          index.addItem(item);
          observer.afterRelabel(item);
        },
      );
    },
    open: (sets) => index.addSelectors(sets),
    close: (memberSet) => index.removeSelector(memberSet),
  };
}
