// Which endpoints the selectors of a policy mean, by the namespace of the policy (Calico v3.33,
// libcalico-go/lib/backend/syncersv1/updateprocessors/rules.go).
import { prefixLabels, replaceUniversal } from '../../selector/rewrite.ts';
import { conjunction, type Selector, sortedValues } from '../../selector/selector.ts';

export const NAMESPACE_LABEL = 'projectcalico.org/namespace';
export const ORCHESTRATOR_LABEL = 'projectcalico.org/orchestrator';
export const SERVICE_ACCOUNT_LABEL = 'projectcalico.org/serviceaccount';

/** Before labels of namespaces and service accounts, which only profiles may apply. */
export const NAMESPACE_PREFIX = 'pcns.';
export const SERVICE_ACCOUNT_PREFIX = 'pcsa.';

const HAS_NAMESPACE: Selector = { kind: 'has', label: NAMESPACE_LABEL };

function inNamespace(namespace: string): Selector {
  return { kind: 'equals', label: NAMESPACE_LABEL, value: namespace };
}

/** Endpoints by the labels of their namespace: `all()` is every namespace, `global()` what has none. */
function scopeNamespaces(selector: Selector): Selector {
  const none: Selector = { kind: 'not', operand: HAS_NAMESPACE };
  return replaceUniversal(prefixLabels(selector, NAMESPACE_PREFIX), { all: HAS_NAMESPACE, global: none });
}

/** What a policy or one side of a rule says about endpoints; undefined where it says nothing. */
export interface EndpointScope {
  /** The namespace of the policy; undefined for a global one and for profiles. */
  readonly namespace: string | undefined;
  readonly selector: Selector | undefined;
  readonly namespaceSelector: Selector | undefined;
  readonly serviceAccountSelector: Selector | undefined;
}

/**
 * The endpoints that a policy applies to; undefined for all. A policy with a namespace stays in it, whatever its
 * namespace selector. In a global one, `all()` service accounts are those that there are.
 */
export function scopePolicy(scope: EndpointScope): Selector | undefined {
  const { namespace, selector, namespaceSelector, serviceAccountSelector } = scope;
  const account = serviceAccountSelector && prefixLabels(serviceAccountSelector, SERVICE_ACCOUNT_PREFIX);
  if (namespace !== undefined) return conjunction(selector, inNamespace(namespace), account);
  return conjunction(
    selector,
    namespaceSelector && scopeNamespaces(namespaceSelector),
    account && replaceUniversal(account, { all: { kind: 'has', label: SERVICE_ACCOUNT_LABEL } }),
  );
}

export interface EntityScope extends EndpointScope {
  readonly serviceAccountNames: readonly string[];
  readonly hasNotSelector: boolean;
}

/** The endpoints that one side of a rule means; undefined when it is not about endpoints. */
export function scopeEntity(scope: EntityScope): Selector | undefined {
  const { namespace, serviceAccountSelector, serviceAccountNames: names } = scope;
  const account = conjunction(
    serviceAccountSelector && prefixLabels(serviceAccountSelector, SERVICE_ACCOUNT_PREFIX),
    names.length === 0 ? undefined : { kind: 'in', label: SERVICE_ACCOUNT_LABEL, values: sortedValues(names) },
  );
  const selector = conjunction(account, scope.selector);
  if (scope.namespaceSelector !== undefined) return conjunction(scopeNamespaces(scope.namespaceSelector), selector);
  if (namespace === undefined || (selector === undefined && !scope.hasNotSelector)) return selector;
  return conjunction(inNamespace(namespace), selector);
}
