/** How to start one process. */
export interface PartPlan {
  command: string;
  args: string[];
  cwd: string;
  /** What this part is told. */
  env: Record<string, string>;
  /** Whether the caller's environment lies under `env`. It is no part of the fingerprint: shells differ. */
  inheritsEnv: boolean;
  uid?: number | undefined;
  gid?: number | undefined;
  stopSignal: NodeJS.Signals;
  /** How long it may take to end after `stopSignal` before it is killed. */
  stopGraceMs: number;
  port?: number | undefined;
}

/** One supervised process: what it needs, how it is started, when it counts as ready. */
export interface Part {
  readonly name: string;
  /** Parts that must be ready before each start of this one. */
  readonly needs: readonly string[];
  /** Called before each start. `keepsPort`: its own process listens already. */
  plan(options: { keepsPort: boolean }): Promise<PartPlan>;
  /** Asked again and again until it says yes. May throw: that means not yet. */
  isReady(pid: number, signal: AbortSignal): Promise<boolean>;
  /** Asked each second once it is ready: one that says no for a minute hangs. Absent where it cannot be asked cheaply. */
  isAnswering?(): Promise<boolean>;
  /** What must happen each time it has become ready, before those that need it start. */
  afterReady?(): Promise<void>;
}
