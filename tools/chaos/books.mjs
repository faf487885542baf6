// The store as the chaos run sees it: asked again and again, over a database that comes and goes.
import pg from 'pg';

const askEveryMs = 40;

/** @typedef {{ run_id: string, sweep_id: string, phase: string, epoch: number, step: number, certified_step: number, claimed_by: string }} RunSight */

export class Books {
  /** @param {string} databaseUrl */
  constructor(databaseUrl) {
    this.databaseUrl = databaseUrl;
    /** @type {pg.Client | undefined} */
    this.client = undefined;
    /** @type {Map<string, RunSight>} */
    this.runs = new Map();
    /** When something was newly stored, in order: a checkpoint is what a run resumes from. @type {{ atMs: number, run_id: string, epoch: number, step: number }[]} */
    this.stored = [];
    /** When a moment was last seen: a claim, a rung reached. @type {Map<string, number>} */
    this.seen = new Map();
    this.rungs = 0;
    this.isOut = false;
    this.isStopped = false;
  }

  /** @param {string} text @param {unknown[]} [values] @returns {Promise<any[]>} */
  async ask(text, values = []) {
    if (this.client === undefined) {
      const client = new pg.Client({
        connectionString: this.databaseUrl,
        connectionTimeoutMillis: 2_000,
        query_timeout: 30_000,
      });
      client.on('error', () => this.#forget(client));
      await client.connect();
      this.client = client;
    }
    const client = this.client;
    try {
      return (await client.query(text, values)).rows;
    } catch (error) {
      this.#forget(client);
      throw error;
    }
  }

  /** @param {pg.Client} client */
  #forget(client) {
    if (this.client === client) this.client = undefined;
    void client.end().catch(() => undefined);
  }

  /** Follows the runs until told to stop. */
  async follow() {
    while (!this.isStopped) {
      await this.#look().catch(() => (this.isOut = true));
      await new Promise((resolve) => setTimeout(resolve, askEveryMs));
    }
  }

  async #look() {
    const rows = await this.ask(
      'select id as run_id, sweep_id, phase, epoch::int, step, certified_step, claimed_by from runs',
    );
    const [{ count }] = await this.ask('select count(*)::int from rung_results');
    const atMs = performance.now();
    // What was stored before the database went is seen when it is back: that is no recovery.
    const isAfterOutage = this.isOut;
    this.isOut = false;
    if (count > this.rungs) this.seen.set('promotion', atMs);
    this.rungs = count;
    for (const row of rows) {
      const before = this.runs.get(row.run_id);
      if (before === undefined || row.epoch > before.epoch) this.seen.set('start', atMs);
      // A new step of the same epoch, or a checkpoint that is newer than any.
      const isNew =
        row.certified_step > (before?.certified_step ?? -1) ||
        (row.step > (before?.step ?? 0) && row.epoch === before?.epoch);
      if (isNew && !isAfterOutage) {
        this.stored.push({ atMs, run_id: row.run_id, epoch: row.epoch, step: row.step });
      }
      this.runs.set(row.run_id, row);
    }
  }

  /** Runs that this worker trains now. @param {string} worker */
  of(worker) {
    return [...this.runs.values()].filter((run) => run.phase === 'running' && run.claimed_by === worker);
  }

  get running() {
    return [...this.runs.values()].filter((run) => run.phase === 'running');
  }

  async close() {
    this.isStopped = true;
    await this.client?.end().catch(() => undefined);
  }
}
