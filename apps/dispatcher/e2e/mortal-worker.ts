import { startFakeWorker } from '@murnau/gpu-client';
import type { FakeWorker, FakeWorkerOptions } from '@murnau/gpu-client';
import { pause } from './harness.js';

/** A worker whose process ends when certain work begins, and that is started again, as a supervisor does. */
export class MortalWorker {
  /** Runs and generations that end it. */
  readonly poison = new Set<string>();
  deaths = 0;
  private isStopped = false;
  private reviving: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: FakeWorkerOptions,
    private worker: FakeWorker,
  ) {}

  static async start(options: FakeWorkerOptions = {}): Promise<MortalWorker> {
    const begun: { by?: MortalWorker } = {};
    const mortal = { ...options, onBegun: (id: string) => begun.by?.hasBegun(id) };
    const worker = await startFakeWorker(mortal);
    begun.by = new MortalWorker({ ...mortal, port: Number(worker.address.split(':')[1]) }, worker);
    return begun.by;
  }

  get address(): string {
    return this.worker.address;
  }

  /** It ends and comes back as another process. @param change what it is then */
  die(change: FakeWorkerOptions = {}): Promise<void> {
    this.reviving = this.reviving.then(async () => {
      if (this.isStopped) return;
      this.deaths += 1;
      await this.worker.kill();
      await pause(200);
      this.worker = await startFakeWorker({ ...this.options, ...change });
    });
    return this.reviving;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.reviving;
    await this.worker.kill();
  }

  private hasBegun(id: string): void {
    if (this.poison.has(id)) void this.die();
  }
}
