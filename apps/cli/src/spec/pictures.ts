import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { MurnauError } from '@murnau/domain';

export interface Picture {
  readonly path: string;
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
}

export const mostPictures = 256;
const largestPictureBytes = 64 * 1024 * 1024;
const extensions = [
  '.png',
  '.jpg',
  '.jpeg',
  '.jfif',
  '.jpe',
  '.webp',
  '.gif',
  '.bmp',
  '.tif',
  '.tiff',
  '.heic',
  '.heif',
  '.avif',
];
const accepted: Readonly<Record<string, string>> = {
  PNG: 'image/png',
  JPEG: 'image/jpeg',
  WebP: 'image/webp',
};

/** Format by the first bytes, whatever the file is called; undefined: not a picture that we know. */
export function pictureFormat(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, 16)).toString('latin1');
  if (text.startsWith('\u0089PNG\r\n\u001a\n')) return 'PNG';
  if (text.startsWith('\u00ff\u00d8\u00ff')) return 'JPEG';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'WebP';
  if (text.startsWith('GIF8')) return 'GIF';
  if (text.startsWith('BM')) return 'BMP';
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return 'TIFF';
  if (text.slice(4, 8) === 'ftyp') return text.slice(8, 12) === 'avif' ? 'AVIF' : 'HEIC';
  return undefined;
}

/** Why the system does not give a file's content, in a person's words. */
export function whyUnread(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'is a link to nothing',
    ELOOP: 'is a link to itself',
    EISDIR: 'is a folder',
    EACCES: 'may not be read by this user',
    EPERM: 'may not be read by this user',
  };
  return reasons[code ?? ''] ?? `cannot be read: ${message}`;
}

const unreadable = (message: string, details: { given?: string; cause?: unknown } = {}): MurnauError =>
  new MurnauError('image.unreadable', message, { allowed: 'PNG, JPEG or WebP', ...details });

/** By the first bytes: format and size of the file. @throws MurnauError `image.unreadable`, `image.too_large` */
export async function pictureAtPath(folder: string, name: string): Promise<Picture> {
  const path = join(folder, name);
  const file = await open(path).catch((cause: unknown) => {
    throw unreadable(`${path} ${whyUnread(cause)}`, { cause });
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw unreadable(`${path} is a folder`);
    const { size } = info;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    const format = pictureFormat(buffer.subarray(0, bytesRead));
    const mediaType = accepted[format ?? ''];
    if (mediaType === undefined) {
      const what =
        bytesRead === 0
          ? 'is empty'
          : format === undefined
            ? 'is not a picture'
            : `is ${format}, which is not read`;
      throw unreadable(`${path} ${what}`, {
        given: format ?? describeHead(buffer.subarray(0, bytesRead)),
      });
    }
    if (size > largestPictureBytes) {
      throw new MurnauError('image.too_large', `${path} has ${size} bytes`, {
        given: `${size} bytes`,
        allowed: `at most ${largestPictureBytes} bytes`,
      });
    }
    return { path, name, mediaType, sizeBytes: size };
  } finally {
    await file.close();
  }
}

function describeHead(head: Uint8Array): string {
  const text = Buffer.from(head).toString('latin1');
  return /^[\x20-\x7e\s]*$/.test(text)
    ? `text that starts with "${text.trim().slice(0, 12)}"`
    : 'unknown bytes';
}

/**
 * Names of a folder's pictures and texts (not of folders in it), in the order that a person counts.
 * @param shown the folder as it was given, for messages
 * @throws MurnauError `dataset.folder_missing`
 */
export async function filesOf(
  full: string,
  shown: string,
): Promise<{ readonly pictures: string[]; readonly texts: string[] }> {
  const info = await stat(full).catch(() => undefined);
  if (info === undefined || !info.isDirectory()) {
    const what = info === undefined ? 'there is no such folder' : 'this is a file, not a folder';
    throw new MurnauError('dataset.folder_missing', `${shown}: ${what}`, {
      field: 'dataset',
      given: shown,
    });
  }
  const names = (await readdir(full, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const ending = (name: string): string => extname(name).toLowerCase();
  return {
    pictures: names.filter((name) => extensions.includes(ending(name))),
    texts: names.filter((name) => ending(name) === '.txt'),
  };
}

/**
 * One picture by its path.
 * @param flag what named it, for messages
 * @throws MurnauError `usage.invalid` when there is no such file; `image.unreadable`, `image.too_large`
 */
export async function pictureAt(path: string, flag: string): Promise<Picture> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile() === true) return pictureAtPath(dirname(path), basename(path));
  const what = info === undefined ? 'there is no such file' : 'this is not a file';
  throw new MurnauError('usage.invalid', `${flag} ${path}: ${what}`, {
    field: flag,
    given: path,
    allowed: 'a PNG, JPEG or WebP file',
  });
}

export const folderName = (folder: string): string => basename(resolve(folder)).slice(0, 80) || 'pictures';

export const readPicture = (picture: Picture): Promise<Uint8Array> => readFile(picture.path);
