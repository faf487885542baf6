/** Address that logs a browser in and shows a page of the gallery. */
export function galleryLogin(galleryUrl: string, token: string | undefined, page = '/'): string {
  const base = galleryUrl.replace(/\/+$/, '');
  if (token === undefined) return `${base}${page}`;
  const to = page === '/' ? '' : `&to=${encodeURIComponent(page)}`;
  return `${base}/login?token=${encodeURIComponent(token)}${to}`;
}
