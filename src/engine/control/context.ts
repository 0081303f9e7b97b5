import type { Clock } from '../api/clock.ts';
import type { ApiServer } from '../api/server.ts';
import type { Store } from '../api/store.ts';
import type { EventRecorder } from './events.ts';
import type { Activity } from './queue.ts';

/** What every controller gets. */
export interface ControlContext {
  readonly server: ApiServer;
  readonly store: Store;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly events: EventRecorder;
}
