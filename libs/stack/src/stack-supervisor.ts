import { fileURLToPath } from 'node:url';
import {
  GuardKeeper,
  type GuardPlan,
  groupOf,
  identify,
  isAlive,
  Keeper,
  type Part,
  type PartRecord,
  type ProcessIdentity,
  stopProcess,
} from '@murnau/supervisor';
import { inheritedEnv } from './env.js';
import { findMarked, marksOf } from './marked.js';
import { advisorPart, claimAdvisorPort } from './parts/advisor.js';
import { apiPart, apiUrl, dispatcherPart, orchestratorPart, type AppContext } from './parts/apps.js';
import { postgresPart } from './parts/embedded-postgres.js';
import { temporalAddress, temporalPart, temporalUiUrl } from './parts/embedded-temporal.js';
import { claimWorkerPort, workerPart } from './parts/gpu-worker.js';
import { PortBook } from './parts/port-book.js';
import { temporalNamespace } from './parts/temporal-api.js';
import { logOf, type StackPaths } from './paths.js';
import { defaultPorts, readSettings, type Settings } from './settings.js';
import { readState, writeState, type StackState } from './state.js';

/** In dist/ also when this file runs from src/, as in tests. */
const guardProgram = fileURLToPath(new URL('../dist/guard.js', import.meta.url));

const guardPlan = ({ home }: StackPaths, { pid, started }: ProcessIdentity): GuardPlan => ({
  command: process.execPath,
  args: [guardProgram, home, String(pid), started],
  cwd: home,
  env: { ...inheritedEnv(), ...marksOf(home, 'guard') },
});

type Say = (event: string, details?: Record<string, unknown>) => void;

/** Starts, keeps and stops the parts of one stack. */
export class Supervisor {
  readonly #paths: StackPaths;
  readonly #token: string;
  readonly #say: Say;
  readonly #startedAt = performance.now();
  readonly #ports = new PortBook();
  readonly #postgres;
  #keepers = new Map<string, Keeper>();
  #settings: Settings;
  /** Of the settings that every part follows. */
  #generation: number;
  #identity: ProcessIdentity;
  #state: StackState['state'] = 'running';
  #writing: Promise<void> | undefined;
  #isWritePending = false;
  #reloading: Promise<void> = Promise.resolve();
  readonly #guard: GuardKeeper;

  private constructor(
    paths: StackPaths,
    setup: { settings: Settings; token: string; identity: ProcessIdentity; say: Say },
  ) {
    this.#paths = paths;
    this.#settings = setup.settings;
    this.#generation = setup.settings.generation;
    this.#token = setup.token;
    this.#identity = setup.identity;
    this.#say = setup.say;
    this.#postgres = postgresPart(paths);
    this.#guard = new GuardKeeper(guardPlan(paths, setup.identity), () => this.#changed());
  }

  static async start(paths: StackPaths, { token, say }: { token: string; say: Say }): Promise<Supervisor> {
    const [settings, identity, before] = await Promise.all([
      readSettings(paths),
      identify(process.pid),
      readState(paths),
    ]);
    if (!settings || !identity) throw new Error(`no settings in ${paths.home}`);
    const supervisor = new Supervisor(paths, { settings, token, identity, say });
    await supervisor.#begin(before);
    return supervisor;
  }

  async #begin(before: StackState | null): Promise<void> {
    const outlived = new Map<string, PartRecord>();
    for (const part of before?.parts ?? []) {
      if (part.pid === undefined || part.started === undefined) continue;
      if (await isAlive({ pid: part.pid, started: part.started })) outlived.set(part.name, part);
    }
    const parts = this.#parts();
    const wanted = new Set(parts.map((part) => part.name));
    for (const name of outlived.keys()) if (!wanted.has(name)) outlived.delete(name);
    await this.#sweep(new Set([...outlived.values()].map((part) => part.pid as number)));
    await this.#claimPorts(before, outlived);
    for (const part of parts) this.#keepers.set(part.name, this.#keeperOf(part));
    for (const [name, keeper] of this.#keepers) keeper.start(outlived.get(name));
    this.#guard.start();
    this.#changed();
  }

  /** Ends what carries this stack's mark and is no part that outlived its supervisor, nor of its group. */
  async #sweep(adopted: ReadonlySet<number>): Promise<void> {
    for (const { identity, part } of await findMarked(this.#paths.home)) {
      if (adopted.has(await groupOf(identity.pid))) continue;
      this.#say('orphan.swept', { pid: identity.pid, part });
      // Another supervisor, of a folder that was removed, would remove this one's files as it ends.
      const stopSignal = part === 'supervisor' ? 'SIGKILL' : 'SIGTERM';
      await stopProcess(identity, { stopSignal, graceMs: 3_000 });
    }
  }

  /** All ports before any part starts: parts are told each other's. An unhappy claim is repeated by its part. */
  async #claimPorts(before: StackState | null, outlived: ReadonlyMap<string, PartRecord>): Promise<void> {
    for (const [name, { port }] of outlived) if (port !== undefined) this.#ports.keep(name, port);
    if (outlived.has('temporal') && before) {
      this.#ports.keep('temporal_ui', Number(new URL(before.temporal_ui_url).port));
    }
    const { ports } = this.#settings;
    const claim = (listener: 'temporal' | 'temporal_ui' | 'api', part: string) =>
      this.#ports.claim(listener, {
        asked: ports[listener],
        preferred: defaultPorts[listener],
        isOwn: outlived.has(part),
        isWeb: listener !== 'temporal',
      });
    const claims = [
      () => claim('temporal', 'temporal'),
      () => claim('temporal_ui', 'temporal'),
      () => claim('api', 'api'),
      () => claimAdvisorPort(this.#settings, this.#ports, outlived.has('advisor')),
    ];
    for (let index = 0; index < this.#settings.workers; index += 1) {
      const isOwn = outlived.has(`worker-${index}`);
      claims.push(() => claimWorkerPort(this.#settings, this.#ports, { index, isOwn }));
    }
    for (const next of claims)
      await next().catch((error: unknown) => this.#say('port.taken', { error: String(error) }));
  }

  /** In the order of starting: what takes longest comes first, all that can at once. */
  #parts(): Part[] {
    const settings = this.#settings;
    const context: AppContext = {
      paths: this.#paths,
      settings,
      ports: this.#ports,
      postgres: this.#postgres,
      token: this.#token,
    };
    const indices = Array.from({ length: settings.workers }, (_, index) => index);
    return [
      ...indices.map((index) => workerPart(settings, this.#paths, this.#ports, index)),
      this.#postgres,
      temporalPart(this.#paths, settings, this.#ports),
      advisorPart(settings, this.#paths, this.#ports),
      orchestratorPart(context),
      ...indices.map((index) => dispatcherPart(context, index)),
      apiPart(context),
    ];
  }

  #keeperOf(part: Part): Keeper {
    return new Keeper(part, {
      log: logOf(this.#paths, part.name),
      envOf: ({ inheritsEnv, env }) => ({
        ...(inheritsEnv && inheritedEnv()),
        ...env,
        ...marksOf(this.#paths.home, part.name),
      }),
      startedAt: this.#startedAt,
      needs: (name) => this.#keepers.get(name),
      changed: () => this.#changed(),
      moved: () => void this.reload(),
      say: this.#say,
    });
  }

  /** Follows settings that changed: stops parts that are too many, starts new ones, replaces changed ones. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#followSettings());
    return this.#reloading;
  }

  async #followSettings(): Promise<void> {
    const settings = await readSettings(this.#paths);
    if (!settings || this.#state === 'stopping') return;
    this.#settings = settings;
    const parts = this.#parts();
    const wanted = new Map(parts.map((part) => [part.name, part]));
    const surplus = [...this.#keepers.values()].filter((keeper) => !wanted.has(keeper.name));
    await Promise.all(surplus.map((keeper) => keeper.stop()));
    for (const keeper of surplus) this.#keepers.delete(keeper.name);
    for (const part of parts) if (!this.#keepers.has(part.name)) await this.#add(part);
    await Promise.all([...wanted.values()].map((part) => this.#keepers.get(part.name)?.follow(part)));
    // In the order of starting again.
    this.#keepers = new Map(parts.map((part) => [part.name, this.#keepers.get(part.name) as Keeper]));
    this.#generation = settings.generation;
    this.#say('settings.followed', { generation: settings.generation });
    this.#changed();
  }

  async #add(part: Part): Promise<void> {
    const index = Number(/^worker-(\d+)$/.exec(part.name)?.[1] ?? NaN);
    if (!Number.isNaN(index)) await claimWorkerPort(this.#settings, this.#ports, { index, isOwn: false });
    const keeper = this.#keeperOf(part);
    this.#keepers.set(part.name, keeper);
    keeper.start(undefined);
  }

  /** Against the order of starting: first what hands out and takes work, then the server and workers, then the database. */
  async stop(): Promise<void> {
    if (this.#state === 'stopping') return;
    this.#state = 'stopping';
    this.#guard.stop();
    this.#changed();
    const keepers = [...this.#keepers.values()];
    const tiers = [
      keepers.filter((keeper) => keeper.needs.length > 0),
      keepers.filter((keeper) => keeper.needs.length === 0 && keeper.name !== 'postgres'),
      keepers.filter((keeper) => keeper.name === 'postgres'),
    ];
    for (const tier of tiers) await Promise.all(tier.map((keeper) => keeper.stop()));
    await this.#writing;
    this.#say('stack.stopped');
  }

  state(): StackState {
    return {
      version: 1,
      supervisor: this.#identity,
      ...(this.#guard.identity && { guard: this.#guard.identity }),
      settings_generation: this.#generation,
      state: this.#state,
      api_url: apiUrl(this.#ports),
      token: this.#token,
      temporal_address: temporalAddress(this.#ports),
      temporal_ui_url: temporalUiUrl(this.#ports),
      namespace: temporalNamespace,
      database_url: this.#postgres.databaseUrl(),
      parts: [...this.#keepers.values()].map((keeper) => keeper.record()),
    };
  }

  /** Writes stack.json: one write at a time, and a last one after the last change. */
  #changed(): void {
    this.#isWritePending = true;
    this.#writing ??= this.#writeWhilePending().finally(() => {
      this.#writing = undefined;
      if (this.#isWritePending) this.#changed();
    });
  }

  async #writeWhilePending(): Promise<void> {
    while (this.#isWritePending) {
      this.#isWritePending = false;
      try {
        await writeState(this.#paths, this.state());
      } catch (error) {
        // A full disk must not end the supervisor: the parts live on and the next change is written.
        this.#say('state.not_written', { error: String(error) });
      }
    }
  }
}
