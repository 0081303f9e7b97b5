import { microsecondsOf } from '../api/clock.ts';
import type { ApiServer } from '../api/server.ts';
import type { Event, KubeObject } from '../api/types.ts';

const maxEvents = 4_000;
/** The API server forgets events after an hour. */
const timeToLive = 3_600_000_000;
/** Microseconds from 1970 to the beginning of virtual time. */
const sinceEpoch = -(microsecondsOf('1970-01-01T00:00:00Z') ?? 0);

/** Writes Events as client-go's recorder does: equal ones are counted, and there is no end of memory for them. */
export class EventRecorder {
  private readonly server: ApiServer;
  /** By what makes events equal, the longest ago first. */
  private readonly recent = new Map<
    string,
    { readonly namespace: string; readonly name: string; readonly last: number }
  >();
  /** The time that the last event was named after, in nanoseconds. */
  private named = 0n;

  constructor(server: ApiServer) {
    this.server = server;
  }

  /** Whether an event of the type would not be written: in a burst normal ones are not. */
  drops(type: Event['type']): boolean {
    return (
      type === 'Normal' && this.recent.size >= maxEvents && !this.forgetOldest(this.server.clock.now(), type)
    );
  }

  record(
    about: KubeObject,
    type: Event['type'],
    reason: string,
    message: string,
    component: string,
    host?: string,
    fieldPath?: string,
  ): void {
    const { server } = this;
    const now = server.clock.now();
    const { metadata } = about;
    this.expire(now);
    if (this.drops(type)) return;
    const namespace = metadata.namespace ?? 'default';
    const id = `${metadata.uid} ${reason} ${component} ${fieldPath ?? ''} ${message}`;
    const known = this.recent.get(id);
    const timestamp = server.now();
    if (known) {
      const counted = server.modify('Event', known.namespace, known.name, (event) => ({
        ...event,
        count: event.count + 1,
        lastTimestamp: timestamp,
      }));
      this.recent.delete(id);
      if (counted) {
        this.recent.set(id, { ...known, last: now });
        return;
      }
    }
    if (this.recent.size >= maxEvents && !this.forgetOldest(now, type)) return;
    // As client-go names them, by the time in nanoseconds: `kubectl get events` lists an object's in order.
    const clock = BigInt(now + sinceEpoch) * 1000n;
    this.named = clock > this.named ? clock : this.named + 1n;
    const name = `${metadata.name}.${this.named.toString(16)}`;
    const made = server.createTrusted('Event', {
      metadata: { namespace, name },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name: metadata.name,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type,
      reason,
      message,
      source: host === undefined ? { component } : { component, host },
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? '',
    });
    if (made.ok) this.recent.set(id, { namespace, name: made.value.metadata.name, last: now });
  }

  /** False when there is no room: in a burst, warnings push out the oldest and normal events are not written. */
  private forgetOldest(now: number, type: Event['type']): boolean {
    for (const [id, { namespace, name, last }] of this.recent) {
      if (type === 'Normal' && now - last < timeToLive / 60) return false;
      this.recent.delete(id);
      this.server.store.remove('Event', namespace, name);
      return true;
    }
    return true;
  }

  /** Drops what has not happened for an hour. */
  private expire(now: number): void {
    for (const [id, { namespace, name, last }] of this.recent) {
      if (now - last < timeToLive) return;
      this.recent.delete(id);
      this.server.store.remove('Event', namespace, name);
    }
  }
}
