// The label index of everything that selectors can match: endpoints of all nodes and network sets, with their labels and
// what they give to sets.
import { sameContent } from '../../base/equal.ts';
import type { Cidr } from '../../net/cidr.ts';
import { bitsOf, familyOf, type Ip } from '../../net/ip.ts';
import { createInheritance, type InheritedLabels } from '../index/inheritance.ts';
import { createLabelIndex } from '../index/label-index.ts';
import { createNameInterner, type PackedLabels, packLabels, samePacked } from '../index/labels.ts';
import type { LocalEndpoint } from '../index/local-endpoint.ts';
import { type Contributor, contribute, type MemberSet, withdraw } from '../index/member-set.ts';
import { createStringMap, deleteString, getString, setString } from '../index/string-map.ts';
import type { EndpointInput, LabelMap, NetworkSetInput } from '../types/input.ts';
import type { MemberSource } from './needed-sets.ts';

/** One endpoint or network set. */
export interface LabelledResource extends Contributor {
  readonly labels: PackedLabels;
  readonly inherited: InheritedLabels<LabelledResource>;
  /** The endpoint's other side, on its own node. */
  local: LocalEndpoint | undefined;
}

/** Called as resources change. */
export interface ResourceObserver {
  /** A member of an open set came or went. */
  touchSet(set: MemberSet): void;
  /** The inherited labels of a resource are about to change, and have changed. */
  beforeRelabel(resource: LabelledResource): void;
  afterRelabel(resource: LabelledResource): void;
}

export interface LabelledResources extends MemberSource {
  /** Sets or removes an endpoint; returns its resource, the same one as before if nothing of it has changed. */
  setEndpoint(id: string, input: EndpointInput | undefined): LabelledResource | undefined;
  setNetworkSet(id: string, input: NetworkSetInput | undefined): void;
  /** Sets the labels that a profile applies; none when it is gone, undefined when they are not known. */
  setProfileLabels(name: string, labels: LabelMap | undefined): void;
}

/** What a resource is made of, before it has joined its profiles. */
interface ResourceParts extends Contributor {
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

function sameParts(resource: LabelledResource, parts: ResourceParts): boolean {
  return (
    samePacked(resource.labels, parts.labels) &&
    sameContent(resource.inherited.profiles, parts.profiles) &&
    sameContent(resource.addresses, parts.addresses) &&
    sameContent(resource.ranges, parts.ranges) &&
    sameContent(resource.ports, parts.ports) &&
    resource.partial === parts.partial
  );
}

export function createLabelledResources(observer: ResourceObserver): LabelledResources {
  const resources = createStringMap<LabelledResource>();
  const intern = createNameInterner();
  const inheritance = createInheritance<LabelledResource>(intern);
  const index = createLabelIndex<LabelledResource, MemberSet>(
    () => resources.values,
    (set, resource, certain) => {
      contribute(set, resource, certain);
      observer.touchSet(set);
    },
    (set, resource, certain) => {
      withdraw(set, resource, certain);
      observer.touchSet(set);
    },
  );

  function remove(key: string, resource = getString(resources, key)): void {
    if (resource === undefined) return;
    index.removeItem(resource);
    deleteString(resources, key);
    inheritance.leave(resource.inherited, resource);
  }

  function set(key: string, parts: ResourceParts): LabelledResource {
    const known = getString(resources, key);
    if (known !== undefined && sameParts(known, parts)) return known;
    if (known !== undefined) remove(key, known);
    const { profiles, labels, addresses, ranges, ports, partial } = parts;
    const resource = inheritance.join(
      profiles,
      (inherited): LabelledResource => ({ labels, inherited, addresses, ranges, ports, partial, local: undefined }),
    );
    setString(resources, key, resource);
    index.addItem(resource);
    return resource;
  }

  function endpointParts(input: EndpointInput): ResourceParts {
    return {
      labels: packLabels(input.labels, intern),
      profiles: orNone(input.profiles),
      addresses: orNone(input.addresses),
      ranges: NONE,
      ports: orNone(input.ports),
      partial: input.partial,
    };
  }

  function networkSetParts(input: NetworkSetInput): ResourceParts {
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
        (resource) => {
          observer.beforeRelabel(resource);
          index.removeItem(resource);
        },
        (resource) => {
          index.addItem(resource);
          observer.afterRelabel(resource);
        },
      );
    },
    open: (sets) => index.addSelectors(sets),
    close: (memberSet) => index.removeSelector(memberSet),
  };
}
