// The resources that calicoctl is timed with.

function policy(index: number): string {
  return `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: policy-${index}
spec:
  order: ${index}
  selector: role == 'r${index % 100}'
  ingress:
    - action: Allow
      protocol: TCP
      source:
        nets:
          - 10.${index % 256}.0.0/16
        selector: app == 'a${index}'
      destination:
        ports: [80, 443, "8000:8010"]
  egress:
    - action: Allow
`;
}

function profile(index: number): string {
  return `apiVersion: projectcalico.org/v3
kind: Profile
metadata:
  name: network${index}
spec:
  ingress:
    - action: Allow
      source:
        selector: has(network${index})
  egress:
    - action: Allow
  labelsToApply:
    network${index}: ""
`;
}

function printMany(count: number, print: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => print(index)).join('---\n');
}

/** One file of many policies. */
export function printPolicies(count: number): string {
  return printMany(count, policy);
}

/** One file of many profiles, as the network plugin makes them. */
export function printProfiles(count: number): string {
  return printMany(count, profile);
}

/** One list of policies, each with a mistake if `wrong`. */
export function printPolicyList(count: number, wrong: boolean): string {
  const items = Array.from({ length: count }, (_, index) => {
    const text = wrong ? policy(index).replace('Allow', 'allow') : policy(index);
    return text.replace(/^(?=.)/gm, '    ').replace('    ', '  - ');
  });
  return `apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicyList\nitems:\n${items.join('')}`;
}

/** One profile of so many labels, whose values are multiples of `step`: others have most of them on other lines. */
export function printLabels(count: number, step: number): string {
  const labels = Array.from({ length: count }, (_, index) => `    label${index}: v${index * step}\n`);
  return `apiVersion: projectcalico.org/v3\nkind: Profile\nmetadata:\n  name: labels\nspec:\n  labelsToApply:\n${labels.join('')}`;
}
