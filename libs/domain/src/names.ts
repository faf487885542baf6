import { z } from 'zod';

/** Bytes in UTF-8 of a name: names go into texts and identifiers of other systems, which count bytes. */
const longestNameBytes = 240;
const longestFileNameBytes = 255;

const utf8 = new TextEncoder();

const named = (longest: number, longestBytes: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/\S/, 'must not be blank')
    .refine((name) => utf8.encode(name).length <= longestBytes, {
      error: `must have at most ${longestBytes} bytes in UTF-8`,
    });

/** Of a dataset, a run or a sweep. */
export const nameSchema = named(80, longestNameBytes);
/** Of a file, without folders. */
export const fileNameSchema = named(255, longestFileNameBytes);
