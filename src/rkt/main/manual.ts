// rkt's pages of the manual.
import { describeProgram } from '../../cli/manual.ts';
import type { Manual } from '../../manual/page.ts';
import type { RktCommand } from '../command/command.ts';
import { rkt } from './commands.ts';

function describeNeeds(command: RktCommand): RktCommand {
  return command.needsRoot ? { ...command, description: 'It must be run as root.' } : command;
}

export const rktManual: Manual = describeProgram(
  { ...rkt, commands: rkt.commands.map(describeNeeds) },
  {
    section: 1,
    summary: 'run pods from docker:// images on CNI networks',
    usage: ['rkt COMMAND'],
    description: ['An on-off option takes `=false` too. `rkt help COMMAND` says what a page here says.'],
    lists: [
      {
        title: 'Files',
        entries: [
          { term: '/etc/rkt/net.d', doc: 'The networks, a CNI configuration each.' },
          { term: '/etc/rkt, /usr/lib/rkt', doc: 'Configuration of this host, and that of its distribution.' },
          { term: '/var/lib/rkt', doc: 'Pods and images.' },
        ],
      },
    ],
    examples: [
      [
        'A web server with a fixed address',
        'rkt run --net=network1:IP=192.168.0.0 docker://busybox --exec httpd -- -f -h /',
      ],
    ],
  },
);
