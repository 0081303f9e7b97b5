import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { jsonOf, prettyJson } from '../../../../../src/engine/shell/tools/ip/json.ts';
import { Lan } from '../../lan.ts';

describe('ip -j', () => {
  it('is read out of what ip prints, as iproute2 itself has it', () => {
    const routes = `default via 192.0.2.1 dev eth0 proto static metric 100 
10.1.1.0/24 dev br0 proto kernel scope link src 10.1.1.1 linkdown 
blackhole 10.8.0.0/16 
10.9.0.0/16 via 10.1.1.9 dev br0 onlink linkdown 
`;
    expect(jsonOf('route', routes)).toEqual([
      { dst: 'default', gateway: '192.0.2.1', dev: 'eth0', protocol: 'static', metric: 100, flags: [] },
      {
        dst: '10.1.1.0/24',
        dev: 'br0',
        protocol: 'kernel',
        scope: 'link',
        prefsrc: '10.1.1.1',
        flags: ['linkdown'],
      },
      { type: 'blackhole', dst: '10.8.0.0/16', flags: [] },
      { dst: '10.9.0.0/16', gateway: '10.1.1.9', dev: 'br0', flags: ['onlink', 'linkdown'] },
    ]);
  });

  it.each(['addr', 'link', 'route', 'neigh', 'rule'])('ip -j %s is JSON', (object) => {
    const { stdout, exitCode } = new Lan().run(`ip -j ${object}`);
    expect(exitCode).toBe(0);
    expect(Array.isArray(JSON.parse(stdout))).toBe(true);
  });

  it('says nothing where nothing is listed', () => {
    expect(new Lan().run('ip -j link set lo up').output).toBe('');
    expect(new Lan().run('ip -j route show 9.9.9.9').output).toBe('[]\n');
    expect(new Lan().run('ip -j link show nope')).toMatchObject({ stdout: '', exitCode: 1 });
  });

  it('is laid out with -p', () => {
    expect(prettyJson([{ dst: 'default', flags: [] }])).toBe(
      '[ {\n        "dst": "default",\n        "flags": [ ]\n    } ]',
    );
  });
});

const real = spawnSync('ip', ['-V'], { encoding: 'utf8' }).stdout?.includes('iproute2') === true;

describe.skipIf(!real)('beside iproute2', () => {
  // This machine's own lists, which are only read.
  it.each([
    ['route', ['route', 'show', 'table', 'local']],
    ['route', ['-4', 'route']],
    ['rule', ['rule']],
  ])('ip %s: what is read is what ip -j prints', (object, args) => {
    const run = (...more: string[]): string => execFileSync('ip', [...more, ...args], { encoding: 'utf8' });
    expect(jsonOf(object, run())).toEqual(JSON.parse(run('-j')));
  });
});
