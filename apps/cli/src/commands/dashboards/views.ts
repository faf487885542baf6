import type { ServerInfo } from '@murnau/domain';

interface DashboardView {
  readonly name: string;
  readonly shows: string;
  /** Temporal's list filter; it has no ORDER BY. */
  readonly query: string;
  readonly url: string;
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** Ready-made views of the Temporal UI. @param now local midnight is taken from it. */
export function dashboardViews(info: ServerInfo, now: Date): DashboardView[] {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).toISOString();
  const hourAgo = new Date(now.getTime() - 3_600_000).toISOString();
  const views: [string, string, string][] = [
    ['my runs', 'runs that you started', `MurnauKind="run" AND MurnauOwner=${quoted(info.owner)}`],
    [
      'failed today',
      'runs and sweeps that failed since midnight',
      `(ExecutionStatus="Failed" OR MurnauPhase="failed") AND StartTime>="${midnight}"`,
    ],
    ['sweep board', 'every sweep', 'MurnauKind="sweep"'],
    [
      'waiting for somebody',
      'sweeps at a gate, and paused ones',
      'MurnauKind="sweep" AND MurnauPhase IN ("waiting", "paused")',
    ],
    [
      'slowest',
      'runs that have been going on for more than an hour',
      `MurnauKind="run" AND ExecutionStatus="Running" AND StartTime<"${hourAgo}"`,
    ],
  ];
  const base = `${info.temporal_ui_url.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(info.namespace)}/workflows`;
  return views.map(([name, shows, query]) => ({
    name,
    shows,
    query,
    url: `${base}?query=${encodeURIComponent(query)}`,
  }));
}
