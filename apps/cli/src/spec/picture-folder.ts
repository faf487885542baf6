import { readFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { longestWordedText, MurnauError } from '@murnau/domain';
import type { PictureFacts } from '@murnau/domain';
import { filesOf, mostPictures, pictureAtPath, whyUnread } from './pictures.js';
import type { Picture } from './pictures.js';

/** A picture to learn from, with what lies beside it: `1.mask.png` and `1.txt` beside `1.png`. */
export interface TrainingPicture extends Picture {
  readonly is_transparent: boolean;
  readonly mask: Picture | null;
  /** With `{placeholder}` in it. */
  readonly caption: string | null;
}

export interface PictureFolder {
  readonly folder: string;
  readonly pictures: readonly TrainingPicture[];
  /** What is wrong with the pictures that were left out. */
  readonly skipped: readonly string[];
}

/** What a bad picture does: all of them are named, or the others are taken without them. */
export const badPictureRules = ['refuse', 'skip'] as const;
export type BadPictureRule = (typeof badPictureRules)[number];

const readAtOnce = 4;
const maskName = /\.mask$/i;

const stemOf = (name: string): string => name.slice(0, name.length - extname(name).length);

/**
 * Reads every picture of a folder whole, with its mask and its caption, before anything is sent.
 * @throws MurnauError `dataset.folder_missing`, `dataset.empty`, `dataset.too_large`; and where bad pictures are
 *   refused the first one's code with all of them named: `image.*`, `mask.*`, `caption.invalid`
 */
export async function readPictureFolder(
  folder: string,
  onBadPicture: BadPictureRule = 'refuse',
): Promise<PictureFolder> {
  const full = resolve(folder);
  const files = await filesOf(full, folder);
  const [masks, names] = [true, false].map((isMask) =>
    files.pictures.filter((name) => maskName.test(stemOf(name)) === isMask),
  ) as [string[], string[]];
  refuseCount(folder, names.length);
  const problems: MurnauError[] = masks
    .filter((mask) => !names.some((name) => maskOf(name, [mask]) !== undefined))
    .map((mask) => orphan(full, mask));
  const pictures: TrainingPicture[] = [];
  for (let start = 0; start < names.length; start += readAtOnce) {
    const batch = names.slice(start, start + readAtOnce).map((name) =>
      readTrainingPicture(full, name, maskOf(name, masks), textOf(name, files.texts)).catch(
        (error: unknown) => {
          if (!(error instanceof MurnauError)) throw error;
          return error;
        },
      ),
    );
    for (const read of await Promise.all(batch)) {
      if (read instanceof MurnauError) problems.push(read);
      else pictures.push(read);
    }
  }
  if (problems.length > 0 && onBadPicture === 'refuse') throw together(problems, files.pictures.length);
  if (pictures.length === 0) refuseCount(folder, 0);
  return { folder, pictures, skipped: problems.map(({ message }) => message) };
}

/** For `checkDatasetFits`. */
export const factsOf = ({ pictures }: Pick<PictureFolder, 'pictures'>): PictureFacts[] =>
  pictures.map(({ name, mask, caption, is_transparent }) => ({
    name,
    has_mask: mask !== null,
    has_caption: caption !== null,
    is_transparent,
  }));

function refuseCount(folder: string, count: number): void {
  if (count === 0) {
    throw new MurnauError('dataset.empty', `${folder}: the folder has no pictures`, {
      field: 'dataset',
      given: folder,
      allowed: 'files that end in .png, .jpg, .jpeg, .jfif or .webp',
    });
  }
  if (count > mostPictures) {
    throw new MurnauError('dataset.too_large', `${folder}: the folder has ${count} pictures`, {
      field: 'dataset',
      given: String(count),
      allowed: `at most ${mostPictures}`,
    });
  }
}

const maskOf = (name: string, masks: readonly string[]): string | undefined =>
  masks.find((mask) => stemOf(mask).toLowerCase() === `${stemOf(name)}.mask`.toLowerCase());

const textOf = (name: string, texts: readonly string[]): string | undefined =>
  texts.find((text) => stemOf(text).toLowerCase() === stemOf(name).toLowerCase());

async function readTrainingPicture(
  folder: string,
  name: string,
  maskFile: string | undefined,
  textFile: string | undefined,
): Promise<TrainingPicture> {
  const { checkPicture, checkProportions, ingestLossMask, isTransparent } = await import('@murnau/images');
  const picture = await pictureAtPath(folder, name);
  const bytes = await readFile(picture.path);
  const size = await checkPicture(bytes, { name: picture.path });
  const mask = maskFile === undefined ? null : await pictureAtPath(folder, maskFile);
  if (mask !== null) {
    const read = await ingestLossMask(await readFile(mask.path), { name: mask.path });
    checkProportions(read, size, { mask: mask.path, picture: name });
  }
  const caption = textFile === undefined ? null : await readCaption(join(folder, textFile));
  return { ...picture, is_transparent: await isTransparent(bytes), mask, caption };
}

/** Lines are joined: a caption is one. */
async function readCaption(path: string): Promise<string> {
  const refusal = (what: string, given: string): MurnauError =>
    new MurnauError('caption.invalid', `${path} ${what}`, {
      field: path,
      given: given.slice(0, 120),
      allowed: `1 to ${longestWordedText} characters with {placeholder} in them`,
    });
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw refusal(whyUnread(cause), 'nothing');
  });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim().replace(/\s+/g, ' ');
  } catch {
    throw refusal('is not UTF-8 text', `${bytes.byteLength} bytes`);
  }
  if (text === '') throw refusal('is empty', 'no text');
  if (!text.includes('{placeholder}')) throw refusal('has no {placeholder} in it', text);
  if (text.length > longestWordedText) throw refusal(`has ${text.length} characters`, text);
  return text;
}

const orphan = (folder: string, mask: string): MurnauError =>
  new MurnauError('mask.missing', `${join(folder, mask)} is a mask with no picture beside it`, {
    field: mask,
    given: mask,
    allowed: `a picture called ${stemOf(mask).replace(maskName, '')}, with any ending`,
  });

function together(problems: readonly MurnauError[], files: number): MurnauError {
  const [first] = problems;
  if (first === undefined || problems.length === 1) return first ?? new MurnauError('internal', 'no problem');
  const { code, field, allowed } = first;
  const list = problems.map(({ message }) => `\n  ${message}`).join('');
  return new MurnauError(
    code,
    `${problems.length} of ${files} files cannot be used; --on-bad-picture skip goes on without them:${list}`,
    { field, given: `${problems.length} files`, allowed },
  );
}
