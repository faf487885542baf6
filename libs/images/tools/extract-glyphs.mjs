// Writes assets/inter-glyphs.json: outlines of Inter as relative SVG paths, in thousandths of an em, baseline at 0.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import opentype from 'opentype.js';

const require = createRequire(import.meta.url);
const WEIGHTS = [400, 600];
const SUBSETS = ['latin', 'latin-ext', 'cyrillic', 'greek'];
const RANGES = [
  [0x20, 0x7f],
  [0xa0, 0x180],
  [0x391, 0x3ca],
  [0x400, 0x460],
];
const characters = [
  ...RANGES.flatMap(([from, to]) =>
    Array.from({ length: to - from }, (_, index) => String.fromCodePoint(from + index)),
  ),
  ...'–—‘’“”…•↑↓×−µ€',
];

const fontFile = (subset, weight) => {
  const bytes = readFileSync(
    require.resolve(`@fontsource/inter/files/inter-${subset}-${weight}-normal.woff`),
  );
  return opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};

function toPath(commands, scale) {
  const units = (value) => Math.round(value * scale);
  let path = '';
  let [x, y, startX, startY] = [0, 0, 0, 0];
  for (const command of commands) {
    if (command.type === 'Z') {
      path += 'z';
      [x, y] = [startX, startY];
      continue;
    }
    const [toX, toY] = [units(command.x), -units(command.y)];
    const control = (cx, cy) => `${units(cx) - x} ${-units(cy) - y} `;
    if (command.type === 'M') [startX, startY] = [toX, toY];
    const controls =
      command.type === 'Q'
        ? control(command.x1, command.y1)
        : command.type === 'C'
          ? control(command.x1, command.y1) + control(command.x2, command.y2)
          : '';
    if (command.type !== 'L' || toX !== x || toY !== y)
      path += `${command.type.toLowerCase()}${controls}${toX - x} ${toY - y}`;
    [x, y] = [toX, toY];
  }
  return path.replaceAll(' -', '-');
}

const glyphsOf = (weight) => {
  const fonts = SUBSETS.map((subset) => fontFile(subset, weight));
  return [...new Set(characters)].flatMap((character) => {
    const font = fonts.find((candidate) => candidate.charToGlyphIndex(character) > 0);
    if (font === undefined) return [];
    const glyph = font.charToGlyph(character);
    const scale = 1000 / font.unitsPerEm;
    return [[character, [Math.round(glyph.advanceWidth * scale), toPath(glyph.path.commands, scale)]]];
  });
};

const objectText = (glyphs) =>
  `{\n${glyphs.map(([character, glyph]) => `    ${JSON.stringify(character)}: ${JSON.stringify(glyph)}`).join(',\n')}\n  }`;
const text = WEIGHTS.map((weight) => `  "${weight}": ${objectText(glyphsOf(weight))}`).join(',\n');
writeFileSync(new URL('../assets/inter-glyphs.json', import.meta.url), `{\n${text}\n}\n`);
