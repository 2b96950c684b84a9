// Labels that Mesos hands to the network in `args`, made fit to be labels of an endpoint (Calico v3.33,
// cni-plugin/pkg/plugin/plugin.go).

/** The label that is not stored but names the endpoint's namespace. */
const NAMESPACE_LABEL = 'projectcalico.org/namespace';

export interface MesosLabels {
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** `/` becomes `.`; runs of what a label may not have become `-`; runs with a dot become one dot; ends are trimmed. */
export function sanitiseLabel(text: string): string {
  return text
    .replaceAll('/', '.')
    .replaceAll(/[^-_.a-zA-Z0-9]+/g, '-')
    .replaceAll(/[.-]*\.[.-]*/g, '.')
    .replaceAll(/^[.-]+|[.-]+$/g, '');
}

export function computeMesosLabels(pairs: readonly { readonly key: string; readonly value: string }[]): MesosLabels {
  const namespace = pairs.find(({ key }) => key === NAMESPACE_LABEL)?.value;
  const kept = pairs.filter(({ key }) => key !== NAMESPACE_LABEL);
  const labels = kept.map(({ key, value }) => [sanitiseLabel(key), sanitiseLabel(value)] as const);
  return { namespace, labels: Object.fromEntries(labels.filter(([key]) => key !== '')) };
}
