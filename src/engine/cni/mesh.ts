import { familyOf, maskIp } from '../net/address.ts';
import type { Family, Ip, Prefix } from '../net/address.ts';
import type { Device } from '../net/device.ts';
import type { CniNode } from './cni.ts';

export interface Peer {
  readonly node: CniNode;
  /** What its ways to the others go through. */
  readonly devices: readonly Device[];
}

/** What a plugin's daemon writes on one node about a network of another, and takes away again. */
export interface Links<P extends Peer> {
  connect(from: P, to: P, network: Prefix): void;
  disconnect(from: P, to: P, network: Prefix): void;
}

interface Member<P extends Peer> {
  readonly peer: P;
  readonly order: number;
  readonly time: number;
  readonly announced: Announcement<P>[];
}

interface Announcement<P extends Peer> {
  readonly owner: Member<P>;
  readonly network: Prefix;
  readonly order: number;
  readonly time: number;
  /** Where it has been written down although not everything has. */
  readonly writtenTo: Set<Member<P>>;
}

/**
 * Every node knows the way to every other one's networks. With thousands of nodes that is millions of entries of which few
 * are ever used: a node's are written when a packet needs one of them, or all in the daemon's order when somebody looks.
 */
export class Mesh<P extends Peer> {
  readonly #links: Links<P>;
  readonly #members = new Map<string, Member<P>>();
  /** Nodes that have every entry, and get each new one at once. */
  readonly #complete = new Set<Member<P>>();
  /** Nodes that have looked for a way. */
  readonly #asked = new Set<Member<P>>();
  /** By length, in each family. */
  readonly #networks: Readonly<Record<Family, Map<number, Map<Ip, Announcement<P>>>>> = {
    4: new Map(),
    6: new Map(),
  };
  readonly #announced = new Set<Announcement<P>>();
  #order = 0;

  constructor(links: Links<P>) {
    this.#links = links;
  }

  join(peer: P): void {
    const { netns } = peer.node;
    const member: Member<P> = { peer, order: this.#order++, time: netns.world.now, announced: [] };
    this.#members.set(peer.node.name, member);
    const announced = this.#announced;
    netns.onDemand = {
      devices: peer.devices,
      get size() {
        return announced.size;
      },
      fill: (dst) => this.#fill(member, dst),
      fillAll: () => this.#fillAll(member),
    };
  }

  /** A network of the member's that all others shall find. */
  announce(name: string, network: Prefix): void {
    const owner = this.#members.get(name);
    if (owner === undefined) return;
    const { now: time } = owner.peer.node.netns.world;
    const order = this.#order++;
    const announcement: Announcement<P> = { owner, network, order, time, writtenTo: new Set() };
    owner.announced.push(announcement);
    this.#announced.add(announcement);
    const lengths = this.#networks[familyOf(network.ip)];
    let networks = lengths.get(network.length);
    if (networks === undefined) lengths.set(network.length, (networks = new Map()));
    networks.set(network.ip, announcement);
    for (const member of this.#complete) this.#write(member, announcement);
    // What was looked up before the network was there may not be remembered.
    for (const { peer } of this.#asked) peer.node.netns.routes.changed();
  }

  leave(name: string): P | undefined {
    const gone = this.#members.get(name);
    if (gone === undefined) return undefined;
    this.#members.delete(name);
    this.#complete.delete(gone);
    this.#asked.delete(gone);
    for (const announcement of gone.announced) {
      const { network, writtenTo } = announcement;
      this.#announced.delete(announcement);
      const networks = this.#networks[familyOf(network.ip)].get(network.length);
      if (networks?.get(network.ip) === announcement) networks.delete(network.ip);
      const readers = [...this.#complete, ...writtenTo].filter(({ peer }) => this.#isMember(peer));
      for (const { peer } of readers)
        peer.node.netns.amend(() => this.#links.disconnect(peer, gone.peer, network));
    }
    return gone.peer;
  }

  get(name: string): P | undefined {
    return this.#members.get(name)?.peer;
  }

  #isMember(peer: P): boolean {
    return this.#members.get(peer.node.name)?.peer === peer;
  }

  #fill(member: Member<P>, dst: Ip): void {
    this.#asked.add(member);
    for (const [length, networks] of this.#networks[familyOf(dst)]) {
      const announcement = networks.get(maskIp(dst, length));
      if (announcement === undefined || announcement.writtenTo.has(member)) continue;
      this.#write(member, announcement);
      announcement.writtenTo.add(member);
    }
  }

  /** As the daemon found the others when it came, and then as they came. */
  #fillAll(member: Member<P>): void {
    const all = [...this.#members.values()].flatMap(({ announced }) => announced);
    const before = all.filter(({ order }) => order < member.order);
    const after = all.filter(({ order }) => order > member.order).sort((a, b) => a.order - b.order);
    this.#complete.add(member);
    for (const announcement of [...before, ...after]) {
      announcement.writtenTo.delete(member);
      this.#write(member, announcement);
    }
  }

  #write(member: Member<P>, { owner, network, time }: Announcement<P>): void {
    const { netns } = member.peer.node;
    if (owner === member) return;
    netns.world.asOf(Math.max(time, member.time), () =>
      netns.amend(() => this.#links.connect(member.peer, owner.peer, network)),
    );
  }
}
