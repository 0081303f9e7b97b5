import type { Container, ContainerState, ContainerStatus } from '../api/types.ts';
import type { ContainerExit } from './runtime.ts';

/** One container of a pod as the kubelet keeps it. */
export interface ContainerRecord {
  spec: Container;
  readonly role: 'init' | 'sidecar' | 'main';
  state: ContainerState;
  lastState: ContainerState | undefined;
  restartCount: number;
  imageID: string;
  containerID: string | undefined;
  /** The startup probe, if any, has succeeded. */
  started: boolean;
  /** The readiness probe, if any, says so. */
  passing: boolean;
  /** Seconds to wait before the next restart; 0 for the first. */
  backOff: number;
  pullBackOff: number;
  /** Told apart from earlier runs, whose callbacks may still come. */
  run: number;
  startedAt: number;
}

export function containerRecord(
  spec: Container,
  role: ContainerRecord['role'],
  waiting: string,
): ContainerRecord {
  return {
    spec,
    role,
    state: { waiting: { reason: waiting } },
    lastState: undefined,
    restartCount: 0,
    imageID: '',
    containerID: undefined,
    started: false,
    passing: false,
    backOff: 0,
    pullBackOff: 10,
    run: 0,
    startedAt: 0,
  };
}

export function isRunning(record: ContainerRecord): boolean {
  return record.state.running !== undefined;
}

export function isContainerReady(record: ContainerRecord): boolean {
  if (record.role === 'init') return record.state.terminated?.exitCode === 0;
  return isRunning(record) && record.started && record.passing;
}

export function terminatedState(
  record: ContainerRecord,
  exit: ContainerExit,
  finishedAt: string,
): ContainerState {
  return {
    terminated: {
      exitCode: exit.exitCode,
      reason: exit.reason,
      ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      ...(exit.message === undefined ? {} : { message: exit.message }),
      startedAt: record.state.running?.startedAt ?? finishedAt,
      finishedAt,
      ...(record.containerID === undefined ? {} : { containerID: record.containerID }),
    },
  };
}

export function containerStatus(record: ContainerRecord): ContainerStatus {
  const { spec, state, lastState, restartCount, imageID, containerID } = record;
  return {
    name: spec.name,
    image: imageID ? fullImageName(spec.image ?? '') : (spec.image ?? ''),
    imageID,
    ...(containerID === undefined ? {} : { containerID }),
    ready: isContainerReady(record),
    started: isRunning(record) && record.started,
    restartCount,
    state,
    lastState: lastState ?? {},
  };
}

let lastImage = '';
let lastName = '';

/** As containerd names it: `nginx` is `docker.io/library/nginx:latest`. Pods of one template ask one after the other. */
function fullImageName(image: string): string {
  if (image !== lastImage) [lastImage, lastName] = [image, containerdName(image)];
  return lastName;
}

function containerdName(image: string): string {
  const digest = image.indexOf('@');
  const name = digest < 0 ? image : image.slice(0, digest);
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const withRegistry =
    slash < 0 ? `docker.io/library/${name}` : /[.:]|^localhost$/.test(first) ? name : `docker.io/${name}`;
  if (digest >= 0) return withRegistry + image.slice(digest);
  return /:[^/]+$/.test(withRegistry) ? withRegistry : `${withRegistry}:latest`;
}
