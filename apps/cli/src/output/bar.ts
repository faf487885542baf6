const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `width` characters; `fraction` is cut to 0..1. */
export function bar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0)) * width * 8);
  const whole = Math.floor(filled / 8);
  return `${'█'.repeat(whole)}${eighths[filled % 8] ?? ''}`.padEnd(width, '░').slice(0, width);
}
