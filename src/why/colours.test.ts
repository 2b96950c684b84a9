import { expect, test } from 'bun:test';
import { paintLine } from './colours.ts';

test.each([
  ['denied: TCP 10.0.0.1 to 10.0.0.2 port 80', '<bad denied>: TCP 10.0.0.1 to 10.0.0.2 port 80'],
  ['now allowed: TCP port 1', '<good now allowed>: TCP port 1'],
  ['  kernel: agrees: accept in', '  kernel: <good agrees>: accept in'],
  ['  kernel: DISAGREES: drop in', '  kernel: <bad DISAGREES>: drop in'],
  [
    'ingress of the destination fd00::1: denied by the end',
    'ingress of the destination fd00::1: <bad denied> by the end',
  ],
  ['ingress  p   would Deny   1', 'ingress  p   <note would Deny>   1'],
  ['  annotation kernel: agrees', '  annotation kernel: agrees'],
])('%s', (line, painted) => {
  expect(paintLine(line, (tone, text) => `<${tone} ${text}>`)).toBe(painted);
});
