import { inflateSync } from 'node:zlib';
import { MurnauError, parse, recipeSchema, type Recipe } from '@murnau/domain';
import { encodeChunk, PngDamage, readChunks } from './png-chunks.js';

/** International text (PNG, 11.3.4.5): keyword, compression flag and method, language, translated keyword, text. */
const chunkType = 'iTXt';
const keyword = 'murnau';
/** A recipe is kilobytes; a compressed one that claims more is no recipe. */
const longestTextBytes = 4 * 1024 * 1024;

/**
 * A copy of a PNG with its recipe, in place of any that it had; its pixels stay as they are.
 * @throws `image.unreadable`
 */
export function writeRecipe(png: Uint8Array, recipe: Recipe): Buffer {
  const prefix = Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1');
  // The schema puts the keys into its own order: equal recipes are equal bytes.
  const text = JSON.stringify(recipeSchema.parse(recipe));
  const chunk = encodeChunk(chunkType, Buffer.concat([prefix, Buffer.from(text)]));
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const { type, data, end } of chunksOf(png, 'the picture')) {
    const isOlder = type === chunkType && keywordOf(data) === keyword;
    if (!isOlder) pieces.push(png.subarray(from, end));
    if (type === 'IHDR') pieces.push(chunk);
    from = end;
  }
  return Buffer.concat([...pieces, png.subarray(from)]);
}

/**
 * The recipe that a PNG carries.
 * @param name the file's name, for messages
 * @throws `image.unreadable` for what is no whole PNG; `recipe.missing`, `recipe.unreadable`
 */
export function readRecipe(png: Uint8Array, { name }: { name: string }): Recipe {
  for (const { type, data } of chunksOf(png, name)) {
    if (type === chunkType && keywordOf(data) === keyword) return recipeOf(data, name);
  }
  throw new MurnauError('recipe.missing', `${name} says nothing of how it was made.`, {
    given: name,
    allowed: 'a PNG with the recipe that every picture of ours carries; other programs may drop it',
  });
}

function* chunksOf(png: Uint8Array, name: string): ReturnType<typeof readChunks> {
  try {
    yield* readChunks(png);
  } catch (cause) {
    if (!(cause instanceof PngDamage)) throw cause;
    throw new MurnauError('image.unreadable', `${name} is no whole PNG: ${cause.message}.`, {
      given: name,
      allowed: 'a whole PNG file',
      cause,
    });
  }
}

const keywordOf = (data: Buffer): string => data.toString('latin1', 0, Math.max(0, data.indexOf(0)));

function recipeOf(data: Buffer, name: string): Recipe {
  try {
    return parse(recipeSchema, JSON.parse(textOf(data)), 'recipe');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MurnauError('recipe.unreadable', `The recipe in ${name} cannot be read: ${reason}`, {
      given: name,
      cause,
    });
  }
}

/** Programs that squeeze PNGs may have compressed it. */
function textOf(data: Buffer): string {
  const flags = data.indexOf(0) + 1;
  const language = data.indexOf(0, flags + 2);
  const translated = data.indexOf(0, language + 1);
  if (language < 0 || translated < 0) throw new Error('its chunk is cut short');
  const text = data.subarray(translated + 1);
  return (data[flags] === 1 ? inflateSync(text, { maxOutputLength: longestTextBytes }) : text).toString(
    'utf8',
  );
}
