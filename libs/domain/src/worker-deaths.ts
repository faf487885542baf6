/**
 * Work that ends its worker's process, such as a picture on which a library crashes. Deaths are counted in a row: a
 * certified step, or a stored picture of a generation, in between ends the row.
 */

/** After these it has a worker for itself: what was beside it is no longer hit, nor suspected. */
const deathsUntilAlone = 3;
/** After these it is ended: the last two hit nothing else. */
const deathsUntilEnd = 5;

export const goesAlone = (deaths: number): boolean => deaths >= deathsUntilAlone;
export const endsWorkers = (deaths: number): boolean => deaths >= deathsUntilEnd;

/** What is said of an open run beside its phase. Undefined: nothing. */
export function aloneText({ worker_deaths: deaths }: { readonly worker_deaths: number }): string | undefined {
  return goesAlone(deaths) ? `goes on alone since its worker died ${deaths} times in a row` : undefined;
}
