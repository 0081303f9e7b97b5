import type { Pod } from '../api/types.ts';
import type { ContainerRecord } from './container.ts';
import type { KubeletContext } from './kubelet-context.ts';
import { latency } from './latency.ts';

/** kubelet: MaxContainerBackOff, in seconds. */
export const longestBackOff = 300;

/** The pod that wants an image. */
export interface ImageHost {
  readonly node: string;
  /** Undefined once it is ending. */
  readonly live: Pod | undefined;
  event(type: 'Normal' | 'Warning', reason: string, message: string, record: ContainerRecord): void;
  sync(): void;
  later(delay: number, run: () => void): void;
  start(record: ContainerRecord): void;
}

/** Sees to the container's image, then starts the container; backs off when there is no such image. */
export function prepareImage(kubelet: KubeletContext, host: ImageHost, record: ContainerRecord): void {
  const { image = '', imagePullPolicy } = record.spec;
  const key = `${host.node} ${image}`;
  const { run } = record;
  const present = kubelet.images.get(key);
  if (present !== undefined && imagePullPolicy !== 'Always') {
    record.imageID = present;
    host.event('Normal', 'Pulled', `Container image "${image}" already present on machine`, record);
    startSoon(kubelet, host, record);
    return;
  }
  if (imagePullPolicy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    host.event('Warning', 'ErrImageNeverPull', message, record);
    host.event('Warning', 'Failed', 'Error: ErrImageNeverPull', record);
    record.state = { waiting: { reason: 'ErrImageNeverPull', message } };
    host.sync();
    return;
  }
  host.event('Normal', 'Pulling', `Pulling image "${image}"`, record);
  // Asking the registry whether a tag still means the same image is quick.
  const line = present === undefined ? kubelet.lines.imagePull : kubelet.lines.containerStart;
  line.push(() => {
    if (host.live && record.run === run) pulled(kubelet, host, record, key, image, present === undefined);
  });
}

function pulled(
  kubelet: KubeletContext,
  host: ImageHost,
  record: ContainerRecord,
  key: string,
  image: string,
  first: boolean,
): void {
  const { run } = record;
  const result = kubelet.runtime.pullImage(image);
  if (result.ok) {
    kubelet.images.set(key, result.imageID);
    record.imageID = result.imageID;
    record.pullBackOff = 10;
    const took = `${(first ? latency.imagePull : latency.containerStart) / 1000}ms`;
    const size = `Image size: ${result.size} bytes.`;
    host.event(
      'Normal',
      'Pulled',
      `Successfully pulled image "${image}" in ${took} (${took} including waiting). ${size}`,
      record,
    );
    startSoon(kubelet, host, record);
    return;
  }
  const { reason, message } = result;
  if (reason === 'InvalidImageName') {
    host.event(
      'Warning',
      'InspectFailed',
      `Failed to apply default image tag "${image}": ${message}`,
      record,
    );
    host.event('Warning', 'Failed', 'Error: InvalidImageName', record);
    record.state = {
      waiting: { reason, message: `Failed to apply default image tag "${image}": ${message}` },
    };
    host.sync();
    return;
  }
  host.event('Warning', 'Failed', `Failed to pull image "${image}": ${message}`, record);
  host.event('Warning', 'Failed', 'Error: ErrImagePull', record);
  record.state = { waiting: { reason: 'ErrImagePull', message } };
  host.sync();
  kubelet.lines.second.push(() => {
    if (!host.live || record.run !== run) return;
    const backOff = `Back-off pulling image "${image}"`;
    host.event('Normal', 'BackOff', backOff, record);
    host.event('Warning', 'Failed', 'Error: ImagePullBackOff', record);
    record.state = {
      waiting: { reason: 'ImagePullBackOff', message: `${backOff}: ErrImagePull: ${message}` },
    };
    host.sync();
    host.later(record.pullBackOff * latency.second, () => {
      if (host.live && record.run === run) prepareImage(kubelet, host, record);
    });
    record.pullBackOff = Math.min(longestBackOff, record.pullBackOff * 2);
  });
}

function startSoon(kubelet: KubeletContext, host: ImageHost, record: ContainerRecord): void {
  const { run } = record;
  kubelet.lines.containerStart.push(() => {
    if (host.live && record.run === run) host.start(record);
  });
}
