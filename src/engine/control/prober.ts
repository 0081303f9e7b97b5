import type { Pod, Probe } from '../api/types.ts';
import type { ContainerRecord } from './container.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import type { Runtime } from './runtime.ts';

/** An initial delay beyond this does not keep the cluster from counting as settled. */
const longestAwaited = 60 * latency.second;

type ProbeKind = 'startup' | 'readiness' | 'liveness';

export interface ProbeEvents {
  /** Startup or readiness changed: the status is to be written. */
  changed(record: ContainerRecord): void;
  /** Liveness or startup failed too often. */
  kill(record: ContainerRecord, message: string): void;
  /** The pod as it is now; undefined when it is gone or ending. */
  pod(): Pod | undefined;
}

interface Series {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  streak: number;
  lastOk: boolean | undefined;
  awaited: boolean;
  timer: { cancel(): void } | undefined;
  attempt: { cancel(): void } | undefined;
}

/** The probes of one run of a container: prober_manager and its workers. */
export class Prober {
  private readonly context: ControlContext;
  private readonly runtime: Runtime;
  private readonly record: ContainerRecord;
  private readonly events: ProbeEvents;
  private readonly node: string;
  private series: Series[] = [];
  private stopped = false;

  constructor(
    context: ControlContext,
    runtime: Runtime,
    record: ContainerRecord,
    node: string,
    events: ProbeEvents,
  ) {
    this.context = context;
    this.runtime = runtime;
    this.record = record;
    this.events = events;
    this.node = node;
  }

  start(): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.record.spec;
    this.record.started = startupProbe === undefined;
    this.record.passing = readinessProbe === undefined;
    if (startupProbe) this.begin('startup', startupProbe);
    // The others wait for the startup probe; their delay counts from the container's start.
    if (startupProbe) return;
    if (readinessProbe) this.begin('readiness', readinessProbe);
    if (livenessProbe) this.begin('liveness', livenessProbe);
  }

  stop(): void {
    this.stopped = true;
    for (const series of this.series) {
      series.timer?.cancel();
      series.attempt?.cancel();
      this.settle(series);
    }
    this.series = [];
  }

  private begin(kind: ProbeKind, probe: Probe): void {
    const elapsed = this.context.clock.now() - this.record.startedAt;
    const delay = (probe.initialDelaySeconds ?? 0) * latency.second - elapsed;
    // The first answer decides what the cluster looks like, so it is waited for, within reason; later ones are not.
    const awaited = kind !== 'liveness' && delay <= longestAwaited;
    const series: Series = {
      kind,
      probe,
      streak: 0,
      lastOk: undefined,
      awaited,
      timer: undefined,
      attempt: undefined,
    };
    if (awaited) this.context.activity.begin();
    this.series.push(series);
    this.schedule(series, Math.max(0, delay));
  }

  private settle(series: Series): void {
    if (!series.awaited) return;
    series.awaited = false;
    this.context.activity.end();
  }

  private schedule(series: Series, delay: number): void {
    series.timer = this.context.clock.schedule(delay, () => this.attempt(series));
  }

  private attempt(series: Series): void {
    const pod = this.events.pod();
    if (this.stopped || !pod) return;
    series.attempt = this.runtime.probe(pod, this.record.spec.name, series.probe, (result) => {
      series.attempt = undefined;
      if (this.stopped) return;
      this.answer(series, result.ok, result.ok ? '' : result.message);
      this.settle(series);
      if (!this.stopped && this.series.includes(series))
        this.schedule(series, (series.probe.periodSeconds ?? 10) * latency.second);
    });
  }

  private answer(series: Series, ok: boolean, message: string): void {
    const { kind, probe } = series;
    const pod = this.events.pod();
    if (!pod) return;
    series.streak = series.lastOk === ok ? series.streak + 1 : 1;
    series.lastOk = ok;
    if (!ok) {
      const title = kind === 'startup' ? 'Startup' : kind === 'readiness' ? 'Readiness' : 'Liveness';
      const field = `spec.containers{${this.record.spec.name}}`;
      this.context.events.record(
        pod,
        'Warning',
        'Unhealthy',
        `${title} probe failed: ${message}`,
        'kubelet',
        this.node,
        field,
      );
    }
    if (series.streak < (ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3))) return;
    if (kind === 'readiness') {
      if (this.record.passing === ok) return;
      this.record.passing = ok;
      this.events.changed(this.record);
    } else if (!ok) {
      this.events.kill(
        this.record,
        `Container ${this.record.spec.name} failed ${kind} probe, will be restarted`,
      );
    } else if (kind === 'startup' && !this.record.started) {
      this.record.started = true;
      this.series = this.series.filter((other) => other !== series);
      const { readinessProbe, livenessProbe } = this.record.spec;
      if (readinessProbe) this.begin('readiness', readinessProbe);
      if (livenessProbe) this.begin('liveness', livenessProbe);
      this.events.changed(this.record);
    }
  }
}
