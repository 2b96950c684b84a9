// Names: of resources, namespaces, labels, annotations, interfaces and ports (Calico v3.33,
// libcalico-go/lib/validator/v3/validator.go).
import { parsedText, text } from '../../schema/scalars.ts';
import type { Scalar } from '../../schema/schema.ts';

const MAX_NAME_LENGTH = 253;
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label = new RegExp(`^${LABEL}$`);
const subdomain = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const qualified = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** Whether a text is an RFC 1123 label: lower case, at most 63 characters. */
export function isDnsLabel(value: string): boolean {
  return value.length <= 63 && label.test(value);
}

/** Whether a text is an RFC 1123 subdomain: labels joined by dots, at most 253 characters. */
export function isDnsSubdomain(value: string): boolean {
  return value.length <= MAX_NAME_LENGTH && subdomain.test(value);
}

/** Whether a text is a Kubernetes qualified name: `name` of at most 63 characters, or `prefix/name`. */
export function isQualifiedName(value: string): boolean {
  const slash = value.indexOf('/');
  const name = value.slice(slash + 1);
  return name.length <= 63 && qualified.test(name) && (slash < 0 || isDnsSubdomain(value.slice(0, slash)));
}

/** Whether a text can be a label's value: empty, or a qualified name without prefix. */
export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && qualified.test(value));
}

/** Any text as a resource's name; undefined when nothing of it can stand in one. */
export function toResourceName(text: string): string | undefined {
  const parts = text.toLowerCase().slice(0, MAX_NAME_LENGTH).split('.');
  const clean = parts.map((part) => part.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, ''));
  return clean.filter((part) => part !== '').join('.') || undefined;
}

function accepts(wanted: string, holds: (value: string) => boolean): Scalar<string> {
  return parsedText(wanted, (value) => (holds(value) ? value : undefined));
}

export const resourceName = accepts(
  'lower-case letters, digits, "-" and "." that start and end with a letter or digit, at most 253 characters',
  isDnsSubdomain,
);
export const dnsLabel = accepts(
  'lower-case letters, digits and "-" that start and end with a letter or digit, at most 63 characters',
  isDnsLabel,
);
/** Of a network: it becomes a profile and a label of that name, whose rules are stricter than those of clients. */
export const networkName = accepts(
  'a name that can be a profile and a label: at most 63 lower-case letters, digits, "-" and ".", a letter or digit at both ends',
  (value) => isDnsSubdomain(value) && value.length <= 63,
);
const POLICY_NAME = 'a name of lower-case letters, digits and "-", with at most one dot after a tier';

/** `name` or `tier.name`; unlike labels elsewhere, each as long as a name may be. */
function isPolicyName(value: string): boolean {
  return isDnsSubdomain(value) && value.split('.').length <= 2;
}

export const globalPolicyName = accepts(POLICY_NAME, isPolicyName);
/** In a namespace also with Kubernetes' reserved prefixes, in which the rest is a subdomain. */
export const policyName = accepts(
  POLICY_NAME,
  (value) => isPolicyName(value) || (/^(knp|ossg)\.default\./.test(value) && isDnsSubdomain(value)),
);
export const labelKey = accepts(
  'a label name: letters, digits, "-", "_", "." with an optional "prefix/"',
  isQualifiedName,
);
export const labelValue = accepts('a label value: at most 63 letters, digits, "-", "_" and "."', isLabelValue);
export const annotationKey = accepts(
  'an annotation name: letters, digits, "-", "_", "." with an optional "prefix/"',
  (value) => isQualifiedName(value.toLowerCase()),
);

export const interfaceName = text({
  wanted: 'an interface name: 1 to 15 letters, digits, "_", "." and "-"',
  pattern: /^[a-zA-Z0-9_.-]{1,15}$/,
});
export const containerId = text({
  wanted: 'letters, digits and "-" that start and end with a letter or digit',
  pattern: /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/,
});
/** RFC 6335 service name. */
export const endpointPortName = accepts(
  'a port name: at most 15 lower-case letters, digits and single "-", with a letter among them',
  (value) => value.length <= 15 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value) && /[a-z]/.test(value),
);
