// The conditions that statuses carry, in Kubernetes' form.

import { choice, integer, text } from '../../schema/scalars.ts';
import { list, object, required, sparse } from '../../schema/schema.ts';
import { timestamp } from './resource.ts';

/** A qualified name, as Kubernetes wants it; its part after the prefix has no length of its own. */
const conditionType = text({
  wanted: 'a condition type: letters, digits, "-", "_", "." with an optional "prefix/"',
  pattern:
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/,
  maxLength: 316,
});

export const conditions = list(
  object({
    type: required(conditionType, 'What it says.'),
    status: required(choice('True', 'False', 'Unknown'), 'Whether it holds.'),
    observedGeneration: sparse(integer(0, Number.MAX_SAFE_INTEGER), 'The version of the resource that it is about.'),
    lastTransitionTime: required(timestamp, 'When it last changed.'),
    reason: required(
      text({
        wanted: 'a word of letters, digits, "_", "," and ":" that begins with a letter',
        pattern: /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/,
        maxLength: 1024,
      }),
      'Why, in a word.',
    ),
    message: required(text({ wanted: 'a text', maxLength: 32768 }), 'Why, for people.'),
  }),
);
