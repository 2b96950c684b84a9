import { expect, test } from 'bun:test';
import type { NetInfo } from '../network/net-info.ts';
import type { PodApp } from '../store/pod-manifest.ts';
import { printPodTable } from './list.ts';
import type { PodView } from './pod-view.ts';

const nowMs = 1_800_000_000_000;

function app(name: string, image: string, version: string): PodApp {
  return {
    name,
    image: { name: image, id: `sha512-${'0123456789abcdef'.repeat(4)}`, labels: [{ name: 'version', value: version }] },
    app: {
      exec: ['/x'],
      user: '0',
      group: '0',
      supplementaryGIDs: undefined,
      workingDirectory: '/',
      environment: [],
      mountPoints: [],
      isolators: [],
    },
    readOnlyRootFS: undefined,
    mounts: [],
    annotations: undefined,
  };
}

function net(netName: string, ip: string): NetInfo {
  return { netName, netConf: 'net/x.conf', pluginPath: '/p', ifName: 'eth0', ip, args: '', mask: '' };
}

function view(uuid: string, ageS: number, apps: readonly PodApp[], networks: readonly NetInfo[]): PodView {
  return {
    pod: { uuid, phase: 'run', path: '/p', state: 'running' },
    manifest: { apps, volumes: [] },
    createdMs: nowMs - ageS * 1000,
    startedMs: nowMs - ageS * 1000,
    networks,
    problems: [],
  };
}

const views = [
  view(
    '6876aae5-1111-4222-8333-444444444444',
    11,
    [app('busybox', 'registry-1.docker.io/library/busybox', 'latest'), app('other', 'example.com/other', 'v1')],
    [net('network1', '192.168.0.0'), net('default-restricted', '172.16.28.2')],
  ),
  view('b52bba11-1111-4222-8333-444444444444', 125, [app('node', 'quay.io/calico/node', 'v0.1.0')], []),
];

test('the worked example’s table: pods by row, further apps without what is the pod’s', () => {
  expect(printPodTable(views, false, true, nowMs)).toBe(
    [
      'UUID\t\tAPP\tIMAGE NAME\t\t\t\t\tSTATE\tCREATED\t\tSTARTED\t\tNETWORKS',
      '6876aae5\tbusybox\tregistry-1.docker.io/library/busybox:latest\trunning\t11 seconds ago\t11 seconds ago\tnetwork1:ip4=192.168.0.0, default-restricted:ip4=172.16.28.2',
      '\t\tother\texample.com/other:v1\t\t\t\t\t\t\t\t\t',
      'b52bba11\tnode\tquay.io/calico/node:v0.1.0\t\t\trunning\t2 minutes ago\t2 minutes ago\t',
      '',
    ].join('\n'),
  );
});

test('in full: whole UUIDs, image IDs of twelve digits, times for programs', () => {
  const [head = '', row = ''] = printPodTable(views, true, true, nowMs).split('\n');
  expect(head.split(/\t+/)).toEqual([
    'UUID',
    'APP',
    'IMAGE NAME',
    'IMAGE ID',
    'STATE',
    'CREATED',
    'STARTED',
    'NETWORKS',
  ]);
  const cells = row.split(/\t+/);
  expect([cells[0], cells[3]]).toEqual(['6876aae5-1111-4222-8333-444444444444', 'sha512-0123456789ab']);
  expect(cells[5]).toMatch(/^2027-01-15 /);
});

test('without pods', () => {
  expect(printPodTable([], false, true, nowMs)).toBe('UUID\tAPP\tIMAGE NAME\tSTATE\tCREATED\tSTARTED\tNETWORKS\n');
  expect(printPodTable([], false, false, nowMs)).toBe('\n');
});
