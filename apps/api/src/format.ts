/** Numbers and times as people read them; all times are UTC. */

/** About four significant digits: 0.0431, 12.3, 1,234. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(size < 1 ? 3 : 4)));
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, count > 0 ? Math.floor(Math.log2(count) / 10) : 0);
  return `${number(Number((count / 2 ** (10 * power)).toPrecision(3)))} ${units[power] ?? ''}`;
}

/** 42 s, 3 min 20 s, 2 h 5 min. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

export function ago(time: string, now: number): string {
  const milliseconds = now - Date.parse(time);
  return milliseconds < 2_000 ? 'just now' : `${duration(milliseconds)} ago`;
}

export function clock(time: string): string {
  return time.slice(11, 19);
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${Math.floor((100 * part) / whole)} %`;
}

/** `learning_rate_unit` as "learning rate unit". */
export function words(name: string): string {
  return name.replace(/_/g, ' ');
}

/** A trial's parameter. */
export function parameter(value: string | number | boolean | undefined): string {
  return typeof value === 'number' ? number(value) : String(value ?? '');
}
