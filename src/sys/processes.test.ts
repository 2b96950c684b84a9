import { expect, test } from 'bun:test';
import { hasEnded } from './processes.ts';

test('a process has ended when it is a zombie or gone, and not before', async () => {
  const child = Bun.spawn(['sleep', '10']);
  expect(hasEnded(child.pid)).toBe(false);
  child.kill('SIGKILL');
  await child.exited;
  expect(hasEnded(child.pid)).toBe(true);
  const parent = Bun.spawn(['sh', '-c', 'sleep 0 & echo $!; exec sleep 10'], { stdout: 'pipe' });
  const { value } = await parent.stdout.getReader().read();
  await Bun.sleep(200); // nobody waits for it
  expect(hasEnded(Number(new TextDecoder().decode(value)))).toBe(true);
  parent.kill('SIGKILL');
});
