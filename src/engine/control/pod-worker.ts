import { microsecondsOf } from '../api/clock.ts';
import type { Container, Pod } from '../api/types.ts';
import { missingEnvironment, missingVolume } from './configuration.ts';
import type { ContainerRecord } from './container.ts';
import { containerRecord, isRunning, terminatedState } from './container.ts';
import type { ImageHost } from './image-pull.ts';
import { longestBackOff, prepareImage } from './image-pull.ts';
import type { KubeletContext } from './kubelet-context.ts';
import { latency } from './latency.ts';
import { podStatusOf } from './pod-status.ts';
import { Prober } from './prober.ts';
import type { ContainerExit } from './runtime.ts';

/** The life of one pod on its node, from the binding to the end of its deletion: kubelet's pod worker. */
export class PodWorker implements ImageHost {
  readonly uid: string;
  private readonly kubelet: KubeletContext;
  private current: Pod;
  readonly node: string;
  private readonly init: ContainerRecord[];
  private readonly main: ContainerRecord[];
  private probers: Map<ContainerRecord, Prober> | undefined;
  private timers: Set<{ cancel(): void }> | undefined;
  private readonly startTime: string;
  private readonly hostIPs: readonly string[];
  private ips: readonly string[] = [];
  private sandboxed = false;
  private sandboxBackOff = 1;
  private stage: 'starting' | 'running' | 'terminating' | 'gone' = 'starting';
  private killAt: number | undefined;

  constructor(kubelet: KubeletContext, pod: Pod, hostIPs: readonly string[]) {
    this.kubelet = kubelet;
    this.uid = pod.metadata.uid;
    this.current = pod;
    this.node = pod.spec.nodeName ?? '';
    this.hostIPs = hostIPs;
    this.startTime = kubelet.server.now();
    const init = pod.spec.initContainers ?? [];
    const waiting = init.length > 0 ? 'PodInitializing' : 'ContainerCreating';
    this.init = init.map((spec) =>
      containerRecord(spec, spec.restartPolicy === 'Always' ? 'sidecar' : 'init', waiting),
    );
    this.main = pod.spec.containers.map((spec) => containerRecord(spec, 'main', waiting));
    kubelet.lines.kubelet.push(() => this.admit());
  }

  /** The pod as the API server was last heard to have it. */
  private get pod(): Pod | undefined {
    return this.stage === 'gone' ? undefined : this.current;
  }

  /** As the kubelet's messages name it. */
  private get fullName(): string {
    const { name, namespace = '' } = this.current.metadata;
    return `${name}_${namespace}`;
  }

  /** The pod, while it is to be kept running. */
  get live(): Pod | undefined {
    return this.stage === 'terminating' || this.stage === 'gone' ? undefined : this.pod;
  }

  update(pod: Pod, previous: Pod): void {
    this.current = pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.terminate(pod);
      return;
    }
    if (pod.spec !== previous.spec) this.redefine(pod);
    if (this.sandboxed && (pod.metadata !== previous.metadata || pod.status !== previous.status)) {
      this.kubelet.runtime.updatePod(pod, previous);
    }
  }

  /** A changed image, all that may change of a container, means a restart with it. */
  private redefine(pod: Pod): void {
    const specs = new Map(
      [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((spec) => [spec.name, spec]),
    );
    for (const record of [...this.init, ...this.main]) {
      const spec = specs.get(record.spec.name);
      if (!spec || spec.image === record.spec.image) continue;
      record.spec = spec;
      if (isRunning(record))
        this.restart(record, `Container ${spec.name} definition changed, will be restarted`);
      else if (record.state.waiting && record.run > 0) {
        record.pullBackOff = 10;
        this.prepare(record);
      }
    }
  }

  /** The object is gone from the API: everything ends at once. */
  destroy(pod: Pod): void {
    if (this.stage === 'gone') return;
    this.stage = 'gone';
    this.cancelAll();
    if (this.sandboxed) {
      for (const record of [...this.main, ...this.init]) {
        if (isRunning(record)) this.kubelet.runtime.signalContainer(pod, record.spec.name, 'SIGKILL');
      }
      this.kubelet.runtime.removeSandbox(pod);
      this.sandboxed = false;
    }
    this.kubelet.finished(this.uid);
  }

  private cancelAll(): void {
    for (const timer of this.timers ?? []) timer.cancel();
    this.timers = undefined;
    this.stopProbing();
  }

  /** Waits without counting as activity: back-offs and periods. */
  later(delay: number, run: () => void): void {
    const timer = this.kubelet.clock.schedule(delay, () => {
      this.timers?.delete(timer);
      run();
    });
    (this.timers ??= new Set()).add(timer);
  }

  event(type: 'Normal' | 'Warning', reason: string, message: string, record?: ContainerRecord): void {
    const pod = this.pod;
    if (!pod || this.kubelet.events.drops(type)) return;
    const list = record?.role === 'main' ? 'containers' : 'initContainers';
    const field = record && `spec.${list}{${record.spec.name}}`;
    this.kubelet.events.record(pod, type, reason, message, 'kubelet', this.node, field);
  }

  sync(): void {
    const pod = this.pod;
    if (!pod) return;
    const { init, main, ips, hostIPs, startTime } = this;
    this.current = this.kubelet.server.updateStatus(
      pod,
      podStatusOf({ pod, init, main, ips, hostIPs, startTime, now: this.kubelet.server.now() }),
    );
  }

  private admit(): void {
    const pod = this.live;
    if (!pod) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.terminate(pod);
      return;
    }
    this.sync();
    const missing = missingVolume(this.kubelet.store, pod);
    if (missing) {
      this.event(
        'Warning',
        'FailedMount',
        `MountVolume.SetUp failed for volume "${missing.volume}" : ${missing.message}`,
      );
      this.later(2 * latency.second, () => this.admit());
      return;
    }
    this.kubelet.lines.sandbox.push(() => this.createSandbox());
  }

  private createSandbox(): void {
    const pod = this.live;
    if (!pod) return;
    const result = this.kubelet.runtime.createSandbox(pod);
    if (!result.ok) {
      this.event('Warning', 'FailedCreatePodSandBox', result.message);
      this.later(this.sandboxBackOff * latency.second, () => this.createSandbox());
      this.sandboxBackOff = Math.min(longestBackOff, this.sandboxBackOff * 2);
      return;
    }
    this.sandboxed = true;
    this.ips = result.ips;
    this.stage = 'running';
    this.advance();
  }

  /** Starts what comes next: init containers one by one, then all the others. */
  private advance(): void {
    for (const record of this.init) {
      if (record.role === 'init' && record.state.terminated?.exitCode === 0) continue;
      if (record.role === 'sidecar' && isRunning(record) && record.started) continue;
      if (record.run === 0) this.prepare(record);
      return;
    }
    for (const record of this.main) if (record.run === 0) this.prepare(record);
  }

  private prepare(record: ContainerRecord): void {
    if (!this.live) return;
    record.run++;
    prepareImage(this.kubelet, this, record);
  }

  /** The image is there. */
  start(record: ContainerRecord): void {
    const pod = this.live;
    if (!pod) return;
    const { name } = record.spec;
    const missing = missingEnvironment(this.kubelet.store, pod, record.spec);
    if (missing) {
      record.state = { waiting: { reason: 'CreateContainerConfigError', message: missing } };
      this.event('Warning', 'Failed', `Error: ${missing}`, record);
      this.sync();
      const { run } = record;
      this.later(10 * latency.second, () => {
        if (record.run === run) this.start(record);
      });
      return;
    }
    this.event('Normal', 'Created', `Created container: ${name}`, record);
    const result = this.kubelet.runtime.startContainer(pod, name, record.restartCount, this.listener(record));
    const now = this.kubelet.server.now();
    if (!result.ok) {
      this.event('Warning', 'Failed', `Error: ${result.message}`, record);
      this.ended(record, { exitCode: result.exitCode, reason: 'StartError', message: result.message }, now);
      return;
    }
    record.containerID = result.containerID;
    record.state = { running: { startedAt: now } };
    record.startedAt = this.kubelet.clock.now();
    this.kubelet.lines.firstMoments.push(() => {});
    this.event('Normal', 'Started', `Started container ${name}`, record);
    if (hasProbe(record.spec)) {
      const prober = new Prober(this.kubelet, this.kubelet.runtime, record, this.node, {
        changed: () => {
          this.sync();
          if (record.role === 'sidecar') this.advance();
        },
        kill: (failed, message) => this.restart(failed, message),
        pod: () => this.live,
      });
      (this.probers ??= new Map()).set(record, prober);
      prober.start();
    } else {
      record.started = true;
      record.passing = true;
    }
    this.sync();
    if (record.role === 'sidecar') this.advance();
  }

  private restart(record: ContainerRecord, message: string): void {
    const pod = this.live;
    if (!pod || !isRunning(record)) return;
    this.event('Normal', 'Killing', message, record);
    this.probers?.get(record)?.stop();
    this.probers?.delete(record);
    const { name, livenessProbe } = record.spec;
    const grace =
      livenessProbe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    const run = record.run;
    this.kubelet.runtime.signalContainer(pod, name, 'SIGTERM');
    this.later(grace * latency.second, () => {
      if (this.live && record.run === run && isRunning(record))
        this.kubelet.runtime.signalContainer(pod, name, 'SIGKILL');
    });
  }

  /** Hears of the end of the container's present run. Apart, so that it keeps nothing else in memory. */
  private listener(record: ContainerRecord): (exit: ContainerExit) => void {
    const { run } = record;
    return (exit) => {
      if (record.run === run) this.exited(record, exit);
    };
  }

  private exited(record: ContainerRecord, exit: ContainerExit): void {
    if (this.stage === 'gone' || !isRunning(record)) return;
    this.ended(record, exit, this.kubelet.server.now());
  }

  private ended(record: ContainerRecord, exit: ContainerExit, now: string): void {
    this.probers?.get(record)?.stop();
    this.probers?.delete(record);
    record.state = terminatedState(record, exit, now);
    record.started = false;
    record.passing = false;
    if (this.stage === 'terminating') {
      this.finishIfStopped();
      return;
    }
    this.sync();
    const pod = this.live;
    if (!pod) return;
    const policy = record.role === 'sidecar' ? 'Always' : (pod.spec.restartPolicy ?? 'Always');
    const again =
      record.role === 'init'
        ? exit.exitCode !== 0 && policy !== 'Never'
        : policy === 'Always' || (policy === 'OnFailure' && exit.exitCode !== 0);
    if (again) this.backOff(record);
    else if (record.role === 'init' && exit.exitCode === 0) this.advance();
    else if (this.main.every(({ state }) => state.terminated)) this.stopProbing();
  }

  private stopProbing(): void {
    for (const prober of this.probers?.values() ?? []) prober.stop();
    this.probers = undefined;
  }

  /** The first restart comes at once; each further one waits twice as long as the one before. */
  private backOff(record: ContainerRecord): void {
    // Ten minutes of running forgive what was before (2 * MaxContainerBackOff).
    if (this.kubelet.clock.now() - record.startedAt > 2 * longestBackOff * latency.second) record.backOff = 0;
    const seconds = record.backOff;
    record.backOff = seconds === 0 ? 10 : Math.min(longestBackOff, seconds * 2);
    const ended = record.state;
    this.kubelet.lines.second.push(() => {
      if (!this.live) return;
      const again = (): void => {
        if (!this.live) return;
        record.lastState = ended;
        record.restartCount++;
        this.prepare(record);
      };
      if (seconds === 0) {
        again();
        return;
      }
      const { name } = record.spec;
      record.lastState = ended;
      const message = `back-off ${duration(seconds)} restarting failed container=${name} pod=${this.fullName}(${this.uid})`;
      record.state = { waiting: { reason: 'CrashLoopBackOff', message } };
      this.event(
        'Warning',
        'BackOff',
        `Back-off restarting failed container ${name} in pod ${this.fullName}(${this.uid})`,
        record,
      );
      this.sync();
      this.later((seconds - 1) * latency.second, again);
    });
  }

  private terminate(pod: Pod): void {
    if (this.stage === 'gone') return;
    const deadline = microsecondsOf(pod.metadata.deletionTimestamp ?? '') ?? this.kubelet.clock.now();
    if (this.stage === 'terminating') {
      if (this.killAt === undefined || deadline < this.killAt) this.armKill(deadline);
      return;
    }
    const running = [...this.main, ...this.init].filter(isRunning);
    this.stage = 'terminating';
    // Readiness probes go on while a pod ends; here the last answer stands, as they seldom change within the grace period.
    this.cancelAll();
    for (const record of running) {
      this.event('Normal', 'Killing', `Stopping container ${record.spec.name}`, record);
      const hook = record.spec.lifecycle?.preStop?.sleep?.seconds ?? 0;
      const signal = (): void => {
        const now = this.pod;
        if (now && isRunning(record)) this.kubelet.runtime.signalContainer(now, record.spec.name, 'SIGTERM');
      };
      if (hook > 0) this.later(hook * latency.second, signal);
      else signal();
    }
    if (running.length > 0) this.kubelet.lines.gracefulStop.push(() => {});
    this.armKill(deadline);
    this.finishIfStopped();
  }

  private armKill(deadline: number): void {
    this.killAt = deadline;
    this.later(Math.max(0, deadline - this.kubelet.clock.now()), () => {
      const pod = this.pod;
      if (!pod || this.killAt !== deadline) return;
      for (const record of [...this.main, ...this.init]) {
        if (isRunning(record)) this.kubelet.runtime.signalContainer(pod, record.spec.name, 'SIGKILL');
      }
    });
  }

  private finishIfStopped(): void {
    if ([...this.main, ...this.init].some(isRunning)) return;
    this.kubelet.lines.teardown.push(() => {
      const pod = this.pod;
      if (this.stage === 'gone' || !pod) return;
      this.stage = 'gone';
      this.cancelAll();
      if (this.sandboxed) this.kubelet.runtime.removeSandbox(pod);
      this.sandboxed = false;
      this.kubelet.finished(this.uid);
      this.kubelet.server.removeNow(pod);
    });
  }
}

function hasProbe(spec: Container): boolean {
  return (
    spec.startupProbe !== undefined || spec.readinessProbe !== undefined || spec.livenessProbe !== undefined
  );
}

/** As Go prints durations of whole seconds: `10s`, `1m20s`, `5m0s`. */
function duration(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
