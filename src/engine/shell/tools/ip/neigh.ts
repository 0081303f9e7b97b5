import { parseMac, type Ip, type Mac } from '../../../net/address.ts';
import type { Device } from '../../../net/device.ts';
import { formatNeighbour, type Neighbour, type NeighbourState } from '../../../net/neighbour.ts';
import { answer, Refusal, type Words } from './words.ts';

const STATES: Readonly<Record<string, NeighbourState>> = {
  permanent: 'PERMANENT',
  noarp: 'NOARP',
  reachable: 'REACHABLE',
  stale: 'STALE',
  delay: 'DELAY',
  probe: 'PROBE',
  failed: 'FAILED',
  incomplete: 'INCOMPLETE',
  none: 'NONE',
};

export function ipNeigh(words: Words): void {
  const command = words.subcommand(
    ['add', 'change', 'replace', 'delete', 'show', 'list', 'lst', 'flush', 'get', 'help'],
    'show',
  );
  switch (command) {
    case 'show':
    case 'list':
    case 'lst': {
      const { dev, accepts } = select(words);
      for (const entry of words.ctx.netns.neighbours.list(words.options.family))
        if (accepts(entry)) words.ctx.out(`${line(words, entry, dev)}\n`);
      return;
    }
    case 'flush': {
      if (!words.more) throw new Refusal('Flush requires arguments.', 255);
      const { accepts } = select(words);
      const { netns } = words.ctx;
      netns.fillAll();
      for (const device of netns.links())
        netns.neighbours.flush(
          device,
          (entry) => !accepts(entry) || entry.state === 'PERMANENT' || entry.state === 'NOARP',
        );
      return;
    }
    case 'add':
    case 'change':
    case 'replace':
    case 'delete':
      return modify(words, command);
    default:
      throw new Refusal(`Command "${words.previous()}" is unknown, try "ip neigh help".`, 255);
  }
}

function line(words: Words, entry: Neighbour, dev: Device | undefined): string {
  let text = formatNeighbour(entry);
  if (dev !== undefined) text = text.replace(` dev ${dev.name}`, '');
  if (words.options.statistics > 0) {
    const seconds = (at: number): number => Math.max(0, Math.floor((words.ctx.world.now - at) / 1e6));
    const numbers = ` used ${seconds(entry.used)}/${seconds(entry.confirmed)}/${seconds(entry.updated)}probes ${entry.probes} `;
    text = text.replace(/ (\S+) $/, `${numbers}$1 `);
  }
  return text;
}

function select(words: Words): { readonly dev: Device | undefined; accepts(entry: Neighbour): boolean } {
  let dev: Device | undefined;
  const tests: ((entry: Neighbour) => boolean)[] = [];
  while (words.more) {
    const word = words.value();
    if (word === 'dev') {
      const wanted = words.device();
      dev = wanted;
      tests.push((entry) => entry.dev === wanted);
    } else if (word === 'nud') {
      const text = words.value();
      const state = STATES[text];
      if (state === undefined && text !== 'all')
        throw new Refusal(`Error: argument "${text}" is wrong: nud state is bad\n`, 255);
      if (state !== undefined) tests.push((entry) => entry.state === state);
    } else if (word !== 'proxy' && word !== 'unused') {
      const prefix = words.prefix(word === 'to' ? undefined : word);
      if (prefix.length > 0) tests.push((entry) => entry.ip === prefix.ip);
    }
  }
  return { dev, accepts: (entry) => tests.every((test) => test(entry)) };
}

function modify(words: Words, command: 'add' | 'change' | 'replace' | 'delete'): void {
  const { neighbours } = words.ctx.netns;
  let ip: Ip | undefined;
  let mac: Mac | undefined;
  let dev: Device | undefined;
  let state: NeighbourState = 'PERMANENT';
  let proxy = false;
  while (words.more) {
    const word = words.value();
    if (word === 'lladdr') {
      const text = words.value();
      mac = parseMac(text);
      if (mac === undefined) throw new Refusal(`"${text}" is invalid lladdr.`);
    } else if (word === 'nud') {
      const text = words.value();
      const found = STATES[text];
      if (found === undefined)
        throw new Refusal(`Error: argument "${text}" is wrong: nud state is bad\n`, 255);
      state = found;
    } else if (word === 'dev') dev = words.device();
    else if (word === 'proxy') proxy = true;
    else if (word !== 'router' && word !== 'extern_learn' && word !== 'use')
      ip = words.prefix(word === 'to' ? undefined : word).ip;
  }
  if (dev === undefined || ip === undefined)
    throw new Refusal('Device and destination are required arguments.');
  if (proxy) throw new Refusal('RTNETLINK answers: Operation not supported', 2);
  if (command === 'delete') return answer(neighbours.delete(dev, ip));
  const exists = dev.neighbours?.has(ip) === true;
  if (command === 'change' && !exists) return answer('ENOENT');
  if (mac === undefined && state === 'PERMANENT' && (command === 'add' || !exists))
    throw new Refusal('Error: No link layer address given.', 2);
  answer(command === 'add' ? neighbours.add(dev, ip, mac, state) : neighbours.replace(dev, ip, mac, state));
}
