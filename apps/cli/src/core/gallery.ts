import type { Context } from './context.js';

/** Address that shows the gallery and lets a browser in, once and for two minutes. */
export async function galleryLogin(context: Context, galleryUrl: string): Promise<string> {
  const base = galleryUrl.replace(/\/+$/, '');
  // A server that asks for no token asks its pages' visitors for nothing, either.
  if (context.connection().token === undefined) return `${base}/`;
  const { code } = await context.client().createLogin();
  return `${base}/login?code=${encodeURIComponent(code)}`;
}
