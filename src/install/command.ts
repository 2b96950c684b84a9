// The command table of `ocicat install`.
import { createSingle } from '../cli/single-command.ts';

export const installProgram = createSingle('ocicat install', {
  summary: 'put Ocicat on this host, or upgrade it',
  usage: '',
  flags: [],
  load: async () => (await import('./steps.ts')).install,
});
