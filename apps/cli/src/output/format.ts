import { inspect } from 'node:util';

/** `4 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** How long ago, for lists: `now`, `40 s ago`, `3 min ago`, `2 h ago`, `5 d ago`. */
export function ago(iso: string, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - Date.parse(iso)) / 1000);
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** Three significant digits, without trailing zeros: a hyper-parameter. */
export function parameter(value: string | number | boolean): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : String(value);
}

/** A score: three decimals with a sign where it is a gain. */
export function metric(name: string, value: number | undefined): string {
  if (value === undefined) return '–';
  const text = Math.abs(value) > 0 && Math.abs(value) < 0.0005 ? value.toExponential(1) : value.toFixed(3);
  return name.endsWith('_gain') && value > 0 ? `+${text}` : text;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** One-line text of any value of an event or a spec. */
export function compact(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return parameter(value);
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 });
}
